"""Stopping and going on: the same bits, the same metrics, and only with the same settings."""

import json
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import sparring
from sparring.errors import UsageError
from sparring.runs.run import Run
from sparring.training.display import Display
from sparring.training.loop import Interrupted
from sparring.training.state import read_checkpoint

QUIET = {"device": "cpu", "display": Display(quiet=True)}


@pytest.mark.parametrize(
    "changes",
    [{"signals_every": 20}, {"pretrain": 7, "ema": 0.5}, {"k": 2, "schedule_generator": "cosine", "clip": 0.5}],
)
def test_going_on_gives_the_same_bits(rows, same, tiny, training, changes) -> None:
    """From every checkpoint of the run, not only the last: those after it are taken away."""
    whole = training(tiny(**changes), "whole")
    assert [file.stem for file in whole.directory.numbered()] == ["000015", "000020"]
    part = training(tiny(**changes), "part")
    part.directory.checkpoint(20).unlink()
    part.directory.append("metrics.jsonl", '{"step": 20, "d_l')
    again = training(tiny(**changes), "part")
    assert same(again, whole)
    assert same(again, whole, "best")
    assert rows(again) == rows(whole)


def test_a_kill_between_the_checkpoint_and_its_mark(tiny, training) -> None:
    """The best one's second name is given again when the run goes on."""
    run = training(tiny())
    facts, _ = read_checkpoint(run.checkpoint("last"))
    if facts["best"][0] != 20:
        run = training(tiny(steps=facts["best"][0]), "shorter")
    best = run.directory.best.read_bytes()
    run.directory.best.unlink()
    training(run.recipe, run.path.name)
    assert run.directory.best.read_bytes() == best


SETTINGS = {"recipe": "gan-1d", "K": 1, "M": 16, "log_every": 2}


def test_a_stop_at_the_last_step_ends_what_would_come_next(same, stopping_at, tmp_path: Path) -> None:
    """The training is complete, and the caller still hears of the stop."""
    whole = sparring.train("gaussian", out=tmp_path / "whole", **QUIET, **SETTINGS, steps=4)
    with pytest.raises(Interrupted, match=r"after the last step: the training in .* is complete"):
        sparring.train("gaussian", out=tmp_path / "run", display=stopping_at(4), device="cpu", **SETTINGS, steps=4)
    assert same(sparring.load(tmp_path / "run"), whole)
    assert "best at step 4" in (tmp_path / "run" / "log.txt").read_text()


def test_more_steps_go_on_and_a_finished_run_says_so(heard, same, tmp_path: Path) -> None:
    out = tmp_path / "run"
    sparring.train("gaussian", out=out, **QUIET, **SETTINGS, steps=4)
    display, text = heard()
    before = (out / "checkpoints" / "000004.safetensors").stat().st_mtime_ns
    done = sparring.train("gaussian", out=out, device="cpu", display=display, **SETTINGS, steps=4)
    assert "is finished: all 4 steps are done" in text.getvalue()
    assert (out / "checkpoints" / "000004.safetensors").stat().st_mtime_ns == before
    assert done.step("last") == 4
    display, text = heard()
    more = sparring.train("gaussian", out=out, device="cpu", display=display, **SETTINGS, steps=8)
    assert "going on from step 4" in text.getvalue()
    assert (more.step("last"), more.recipe.steps) == (8, 8)
    assert json.loads((out / "recipe.json").read_text())["settings"]["general"]["steps"] == 8
    whole = sparring.train("gaussian", out=tmp_path / "whole", **QUIET, **SETTINGS, steps=8)
    assert same(more, whole)
    with pytest.raises(UsageError, match="steps is 8 already, not 4"):
        sparring.train("gaussian", out=out, **QUIET, **SETTINGS, steps=4)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"seed": 1}, "(seed is 0, not 1)"),
        ({"seed": 1, "lr_generator": 0.5}, "(lr_generator is 0.01, not 0.5; seed is 0, not 1)"),
        ({"M": 17}, "(batch is 16, not 17; M is 16, not 17)"),
        ({"mu": 3.0}, "(mu is unset, not 3.0)"),
        ({"recipe": "gan-mnist"}, "(recipe is gan-1d, not gan-mnist)"),
        ({"data": "mixture"}, "(data is gaussian, not mixture)"),
        ({"data": "mixture", "seed": 1}, "(data is gaussian, not mixture)"),
    ],
)
def test_another_run_is_refused_by_name(tmp_path: Path, change: dict, says: str) -> None:
    out = tmp_path / "run"
    sparring.train("gaussian", out=out, **QUIET, **SETTINGS, steps=2)
    kept = {file: file.read_bytes() for file in out.rglob("*") if file.is_file()}
    wanted = {"data": "gaussian"} | SETTINGS | change
    if wanted["recipe"] == "gan-mnist":
        wanted = {"data": "gaussian", "recipe": "gan-mnist"}
    with pytest.raises(UsageError, match=re.escape(says)) as caught:
        sparring.train(wanted.pop("data"), out=out, **QUIET, **wanted, steps=2)
    assert "--fresh" in str(caught.value)
    assert {file: file.read_bytes() for file in out.rglob("*") if file.is_file()} == kept


def test_a_run_from_before_there_was_a_setting_goes_on(tmp_path: Path) -> None:
    file = sparring.train("gaussian", out=tmp_path / "run", **QUIET, **SETTINGS, steps=2).path / "recipe.json"
    identity = json.loads(file.read_text())
    del identity["settings"]["general"]["balance"]
    file.write_text(json.dumps(identity))
    with pytest.raises(UsageError, match=re.escape("(balance is 0.0, not 0.7)")):
        sparring.train("gaussian", out=tmp_path / "run", **QUIET, **SETTINGS, steps=3, balance=0.7)
    assert sparring.train("gaussian", out=tmp_path / "run", **QUIET, **SETTINGS, steps=3).step("last") == 3


def test_a_run_from_before_its_recipe_had_a_setting_goes_on(rewritten, tmp_path: Path) -> None:
    settings = {"recipe": "gan-mnist", "batch": 8}
    run = sparring.train("ring", out=tmp_path / "run", **QUIET, **settings, steps=2)
    rewritten(run, lambda own: own.pop("augment"))
    with pytest.raises(UsageError, match=re.escape("(augment is unset, not noise)")):
        sparring.train("ring", out=run.path, **QUIET, **settings, steps=3, augment="noise")
    assert sparring.train("ring", out=run.path, **QUIET, **settings, steps=3).step("last") == 3


def test_a_run_keeps_the_defaults_that_it_began_with(rewritten, tmp_path: Path) -> None:
    """As if ``clip_weights`` had been .5 when it began: that is not changed in its midst, nor is it a mistake."""
    settings = {"recipe": "wgan", "batch": 8}
    run = sparring.train("ring", out=tmp_path / "run", **QUIET, **settings, steps=2)
    rewritten(run, lambda own: own.update(clip_weights=0.5))
    more = sparring.train("ring", out=run.path, **QUIET, **settings, steps=3)
    assert more.recipe.game.clip_weights == more.identity.own["clip_weights"] == 0.5
    assert sparring.load(run.path).recipe.game.clip_weights == 0.5
    with pytest.raises(UsageError, match=re.escape("(clip_weights is 0.5, not 0.1)")):
        sparring.train("ring", out=run.path, **QUIET, **settings, steps=4, clip_weights=0.1)


def test_what_was_given_once_is_not_kept_in_silence(tmp_path: Path) -> None:
    settings = {"recipe": "wgan", "batch": 8}
    sparring.train("ring", out=tmp_path / "run", **QUIET, **settings, steps=2, clip_weights=0.5)
    with pytest.raises(UsageError, match=re.escape("(clip_weights is 0.5, not unset)")):
        sparring.train("ring", out=tmp_path / "run", **QUIET, **settings, steps=3)


@pytest.fixture
def rewritten() -> Callable[[Run, Callable[[dict], object]], None]:
    """Changes the recipe's own settings in a run's recipe.json, as another version would have written them."""

    def rewrite(run: Run, change: Callable[[dict], object]) -> None:
        file = run.path / "recipe.json"
        identity = json.loads(file.read_text())
        change(identity["settings"]["own"])
        file.write_text(json.dumps(identity))

    return rewrite


def test_fresh_starts_in_a_new_directory(same, tmp_path: Path) -> None:
    out = tmp_path / "run"
    runs = [sparring.train("gaussian", out=out, fresh=True, **QUIET, **SETTINGS, steps=2, seed=i) for i in range(3)]
    assert [run.path.name for run in runs] == ["run", "run-2", "run-3"]
    assert not same(runs[0], runs[1])


def test_the_default_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = sparring.train("gaussian", **QUIET, **SETTINGS, steps=2)
    assert run.path == Path("runs/gaussian-gan-1d")
    (tmp_path / "gaussian").mkdir()  # a name wins over a path
    assert sparring.train("gaussian", **QUIET, **SETTINGS, steps=2).identity.data == "gaussian"


def test_a_damaged_last_checkpoint_is_named_and_kept(tensors, tmp_path: Path) -> None:
    run = sparring.train("gaussian", out=tmp_path / "run", **QUIET, **SETTINGS, steps=4, checkpoint_seconds=0)
    whole = {name: tensor.clone() for name, tensor in tensors(run).items()}  # else they change with the file
    last = run.checkpoint("last")
    last.write_bytes(last.read_bytes()[:100])
    with pytest.raises(UsageError, match=r"000004.safetensors is damaged .* Remove it to go on from an older"):
        sparring.train("gaussian", out=run.path, **QUIET, **SETTINGS, steps=4, checkpoint_seconds=0)
    assert last.stat().st_size == 100
    last.unlink()
    again = sparring.train("gaussian", out=run.path, **QUIET, **SETTINGS, steps=4, checkpoint_seconds=0)
    assert all(torch.equal(tensor, whole[name]) for name, tensor in tensors(again).items())


LONG = (
    "train",
    "gaussian",
    "--recipe",
    "gan-1d",
    "--out",
    "run",
    "--set",
    "K=1",
    "--set",
    "M=16",
    "--steps",
    250,
    "--set",
    "grid_every=1000",
)


LONG += ("--set", "best_every=250", "--set", "log_every=5", "--set", "checkpoint_seconds=0", "--device", "cpu")


@pytest.fixture(scope="module")
def reference(start: Callable[..., subprocess.Popen[str]], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The same command, never stopped."""
    folder = tmp_path_factory.mktemp("reference")
    out, err = start(*LONG, folder=folder).communicate(timeout=300)
    assert err == ""
    assert "run" in out
    return sparring.load(folder / "run")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_says_how_to_go_on(
    rows, same, start, reference: Run, tmp_path: Path, number: signal.Signals
) -> None:
    process = start(*LONG, folder=tmp_path)
    metrics = tmp_path / "run" / "metrics.jsonl"
    deadline = time.monotonic() + 300
    while not (metrics.exists() and metrics.read_text().count("\n") > 3):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(number)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 130
    said = re.fullmatch(
        r"spar: stopped at step (\d+) of 250, and saved in run\. Give the same command again to go on\.\n", err
    )
    assert said, err
    run = sparring.load(tmp_path / "run")
    assert run.step("last") == int(said[1]) < 250
    out, err = start(*LONG, folder=tmp_path).communicate(timeout=300)
    assert f"going on from step {said[1]}" in out
    assert err == ""
    assert same(run, reference)
    assert rows(run) == rows(reference)
    assert torch.equal(run.sample(7), reference.sample(7))


def test_a_network_of_the_users_is_not_trained_twice_at_once(tiny, training) -> None:
    """Two names for one directory are one lock."""
    run = training(tiny(steps=2))
    with run.directory.lock(), pytest.raises(UsageError, match="another process"), run.directory.lock():
        pass
    with run.directory.lock():  # it is free again
        pass


def test_killed_after_the_last_checkpoint_the_best_is_still_named(spar, tmp_path, monkeypatch) -> None:
    """What the last moments had no time for is done by the same command."""
    command = ("train", "digits", "--out", str(tmp_path / "run"), "--steps", 3, "--batch", 8, "--device", "cpu")
    assert spar(*command).code == 0
    run = sparring.load(tmp_path / "run")
    best = run.step("best")
    (run.path / "log.txt").unlink()
    run.directory.best.unlink()
    assert spar(*command).code == 0
    assert run.step("best") == best == 3
    assert "best at step 3" in (run.path / "log.txt").read_text()
