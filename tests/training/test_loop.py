"""The loop: what it keeps, what it says, when it stops, and that a seed is a result."""

import io
import json
import re
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch
from rich.console import Console
from torch import nn

import sparring
from sparring.errors import SparringError, UsageError
from sparring.game import Adversarial
from sparring.objectives import non_saturating
from sparring.runs.run import Run
from sparring.training.display import Display
from sparring.training.state import read_checkpoint
from sparring.types import Drawn, Memory, PlayerName, Players, Statistics

QUIET = {"device": "cpu", "display": Display(quiet=True)}


def tensors(run: Run, which: str = "last") -> dict[str, torch.Tensor]:
    return read_checkpoint(run.checkpoint(which))[1]


def same(one: Run, other: Run, which: str = "last") -> bool:
    a, b = tensors(one, which), tensors(other, which)
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def rows(run: Run) -> list[dict[str, float]]:
    """The metrics, without how long it took."""
    return [{name: value for name, value in row.items() if name != "images_per_second"} for row in run.metrics]


def heard() -> tuple[Display, io.StringIO]:
    text = io.StringIO()
    return Display(console=Console(file=text, width=500)), text


@dataclass(frozen=True)
class Poisoned(Adversarial):
    """The game, in which something stops being finite at one step."""

    at: int = 13
    where: str = "loss"
    count: list[int] = field(default_factory=lambda: [0])

    def generator_loss(self, players: Players, drawn: Drawn) -> tuple[torch.Tensor, Statistics]:
        self.count[0] += 1
        loss, statistics = super().generator_loss(players, drawn)
        if self.where == "loss" and self.count[0] == self.at:
            return loss * torch.nan, {"g_loss": loss.detach() * torch.nan}
        return loss, statistics

    def after_step(self, players: Players, player: PlayerName, memory: Memory, statistics: Statistics) -> None:
        if player == "generator" and self.count[0] == self.at and self.where != "loss":
            with torch.no_grad():
                next(getattr(players, self.where).parameters()).fill_(torch.inf)


@pytest.mark.parametrize(
    ("where", "at", "says"),
    [
        ("loss", 13, "g_loss stopped being finite at step 13"),
        ("loss", 12, "g_loss stopped being finite at step 12"),
        ("discriminator", 15, "a weight stopped being finite by step 15"),
        ("generator", 20, "the generator's samples stopped being finite by step 20"),
    ],
)
def test_the_first_value_that_is_not_finite_ends_it(tiny, training, where: str, at: int, says: str) -> None:
    recipe = tiny(game=Poisoned(non_saturating, at=at, where=where))
    with pytest.raises(SparringError, match=says) as caught:
        training(recipe)
    assert caught.value.exit_code == 1
    last = 15 if at == 20 else 10
    assert f"checkpoints/{last:06d}.safetensors" in str(caught.value)
    assert "--fresh --set clip=1" in str(caught.value)
    healthy = training(tiny(steps=last), "healthy")
    spoiled = Run(healthy.path.parent / "run", recipe, healthy.identity)
    assert same(spoiled, healthy)
    assert torch.isfinite(spoiled.sample(5, checkpoint="last")).all()
    assert not any("nan" in json.dumps(row).lower() for row in spoiled.metrics)


def test_without_a_checkpoint_it_says_so(tiny, training) -> None:
    with pytest.raises(SparringError, match=r"at step 2\. No checkpoint was made yet"):
        training(tiny(game=Poisoned(non_saturating, at=2)))


def test_the_command_stops_with_1(spar, tmp_path: Path) -> None:
    result = spar("train", "gaussian", "--out", tmp_path / "run", "--set", "lr_generator=1e38", "--steps", 50)
    assert result.code == 1
    assert re.fullmatch(r"spar: .* stopped being finite (at|by) step \d+\. .*\n", result.err)


def test_seeds(tiny, training) -> None:
    one, again, other = (training(tiny(seed=s), name) for s, name in ((0, "a"), (0, "b"), (1, "c")))
    assert same(one, again)
    assert rows(one) == rows(again)
    names = [name for name, tensor in tensors(one).items() if tensor.dim() == 2]
    assert names
    assert not any(torch.equal(tensors(one)[name], tensors(other)[name]) for name in names)


@pytest.mark.parametrize(
    "changes", [{}, {"pretrain": 7, "ema": 0.5}, {"k": 2, "schedule_generator": "cosine", "clip": 0.5}]
)
def test_going_on_gives_the_same_bits(tiny, training, changes) -> None:
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


def test_metrics(tiny, training) -> None:
    seen: list[tuple[int, dict[str, float]]] = []
    run = training(tiny(k=2, pretrain=5), scalars=lambda step, values: seen.append((step, values)))
    steps = [row["step"] for row in run.metrics if "d_loss" in row]
    assert steps == [0, 5, 10, 15, 20]
    assert [row["step"] for row in run.metrics if "figure" in row] == [-5, 10, 20]
    assert [{"step": step} | values for step, values in seen] == run.metrics
    row = next(row for row in run.metrics if row["step"] == 5 and "d_loss" in row)
    assert row.keys() == {"step", "d_loss", "d_real", "d_fake", "g_loss", "images_per_second"}
    assert 0 <= row["d_real"] <= 1


def test_the_best_is_that_with_the_lowest_figure(tiny, training) -> None:
    run = training(tiny(steps=60, best_every=4, lr_generator=0.1, lr_discriminator=0.1))
    figures = {row["step"]: row["figure"] for row in run.metrics if "figure" in row and row["step"] > 0}
    lowest = min(figures, key=lambda step: figures[step])
    assert lowest != 60  # else this shows nothing
    assert run.step("best") == lowest
    facts, _ = read_checkpoint(run.checkpoint("last"))
    assert facts["best"] == (lowest, figures[lowest])
    assert [int(file.stem) for file in run.directory.numbered()] == [56, 60]
    assert not torch.equal(run.sample(3), run.sample(3, checkpoint="last"))


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


def test_pictures(tiny, training) -> None:
    run = training(tiny(grid_every=8))
    assert sorted(file.name for file in run.directory.samples.iterdir()) == [
        "000000.png",
        "000008.png",
        "000016.png",
        "000020.png",
    ]


def test_nothing_was_learned(tiny, training) -> None:
    display, text = heard()
    still = training(tiny(lr_generator=0.0), "still", display=display)
    assert "WARNING: nothing learned" in text.getvalue()
    assert "WARNING: nothing learned" in (still.path / "log.txt").read_text()
    display, text = heard()
    moving = training(tiny(steps=200, batch=64), "moving", display=display)
    assert "nothing learned" not in text.getvalue()
    assert "best at step" in (moving.path / "log.txt").read_text()


def test_the_users_random_numbers_are_left_alone(tmp_path: Path) -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    sparring.train("gaussian", "gan-1d", out=tmp_path / "run", **QUIET, epochs=3, K=1)
    assert torch.equal(torch.rand(4), expected)


SETTINGS = {"recipe": "gan-1d", "K": 1, "M": 16, "log_every": 2}


def test_more_steps_go_on_and_a_finished_run_says_so(tmp_path: Path) -> None:
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
        ({"seed": 1}, "seed is 0, not 1"),
        ({"lr_generator": 0.5}, "lr_generator is 0.01, not 0.5"),
        ({"M": 17}, "M is 16, not 17"),
        ({"mu": 3.0}, "mu is None, not 3.0"),
        ({"recipe": "gan-mnist"}, "recipe is gan-1d, not gan-mnist"),
        ({"data": "mixture"}, "data is gaussian, not mixture"),
    ],
)
def test_another_run_is_refused_by_name(tmp_path: Path, change: dict, says: str) -> None:
    out = tmp_path / "run"
    sparring.train("gaussian", out=out, **QUIET, **SETTINGS, steps=2)
    kept = {file: file.read_bytes() for file in out.rglob("*") if file.is_file()}
    wanted = {"data": "gaussian"} | SETTINGS | change
    if wanted["recipe"] == "gan-mnist":
        wanted = {"data": "gaussian", "recipe": "gan-mnist"}
    with pytest.raises(UsageError, match=says) as caught:
        sparring.train(wanted.pop("data"), out=out, **QUIET, **wanted, steps=2)
    assert "--fresh" in str(caught.value)
    assert {file: file.read_bytes() for file in out.rglob("*") if file.is_file()} == kept


def test_fresh_starts_in_a_new_directory(tmp_path: Path) -> None:
    out = tmp_path / "run"
    runs = [sparring.train("gaussian", out=out, fresh=True, **QUIET, **SETTINGS, steps=2, seed=i) for i in range(3)]
    assert [run.path.name for run in runs] == ["run", "run-2", "run-3"]
    assert not same(runs[0], runs[1])


def test_the_default_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = sparring.train("gaussian", **QUIET, **SETTINGS, steps=2)
    assert run.path == Path("runs/gaussian-gan-1d")
    (tmp_path / "gaussian").mkdir()  # a name wins over a path
    assert sparring.train("gaussian", **QUIET, **SETTINGS, steps=2).identity["data"] == "gaussian"


def test_a_damaged_last_checkpoint_is_named_and_kept(tmp_path: Path) -> None:
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


def test_a_labelled_game_needs_labels(conditional_file: Path, tmp_path: Path) -> None:
    import numpy as np

    images = np.random.default_rng(0).integers(0, 256, (60, 8, 8), dtype=np.uint8)
    np.save(tmp_path / "plain.npy", images)
    labels = np.arange(60) % 3
    labels[5] = -1
    np.savez(tmp_path / "some.npz", images=images, labels=labels)
    for name in ("plain.npy", "some.npz"):
        with pytest.raises(UsageError, match="needs a label or attributes for every example"):
            sparring.train(tmp_path / name, str(conditional_file), out=tmp_path / "run", **QUIET)
    assert not (tmp_path / "run").exists()


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
    out, err = start(*LONG, folder=folder).communicate(timeout=120)
    assert err == ""
    assert "run" in out
    return sparring.load(folder / "run")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_says_how_to_go_on(start, reference: Run, tmp_path: Path, number: signal.Signals) -> None:
    process = start(*LONG, folder=tmp_path)
    metrics = tmp_path / "run" / "metrics.jsonl"
    deadline = time.monotonic() + 60
    while not (metrics.exists() and metrics.read_text().count("\n") > 3):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    said = re.fullmatch(
        r"spar: stopped at step (\d+) of 250, and saved in run\. Give the same command again to go on\.\n", err
    )
    assert said, err
    run = sparring.load(tmp_path / "run")
    assert run.step("last") == int(said[1]) < 250
    assert [row["step"] for row in run.metrics if "d_loss" in row][-1] == int(said[1])
    out, err = start(*LONG, folder=tmp_path).communicate(timeout=120)
    assert f"going on from step {said[1]}" in out
    assert err == ""
    assert same(run, reference)
    assert torch.equal(run.sample(7), reference.sample(7))


def test_a_network_of_the_users_is_not_trained_twice_at_once(tiny, training) -> None:
    """Two names for one directory are one lock."""
    run = training(tiny(steps=2))
    with run.directory.lock(), pytest.raises(UsageError, match="another process"), run.directory.lock():
        pass
    with run.directory.lock():  # it is free again
        pass


def test_one_player_alone_has_no_discriminator(tiny, training) -> None:
    """An autoencoder-like game with one turn is legal: no discriminator, no optimiser for it."""

    class Alone:
        def turns(self, batch: int):
            from sparring.types import Turn

            return [Turn("generator", batch, batch, self.loss)]

        def loss(self, players: Players, drawn: Drawn):
            loss = (players.generator(*drawn.latent).mean() - drawn.real[0].mean()).square()
            return loss, {"g_loss": loss.detach()}

        def after_step(self, players: Players, player: PlayerName, memory: Memory, statistics: Statistics) -> None:
            pass

        def memory(self) -> Memory:
            return {}

    run = training(tiny(game=Alone(), discriminator=None))
    assert run.step("last") == 20
    assert not any("discriminator" in name for name in tensors(run))
    assert isinstance(run.generator(), nn.Module)


def test_pictures_leave_the_players_alone(tiny, training) -> None:
    """A picture asks the discriminator what it thinks; batch norm within it must not learn from that."""

    def discriminator() -> nn.Module:
        return nn.Sequential(nn.Linear(1, 8), nn.BatchNorm1d(8), nn.LeakyReLU(0.2), nn.Linear(8, 1))

    runs = [training(tiny(discriminator=discriminator, grid_every=every), f"every-{every}") for every in (2, 1000)]
    states = [read_checkpoint(run.checkpoint("last"))[1] for run in runs]
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_pretraining_is_saved_too(tiny, training) -> None:
    run = training(tiny(pretrain=20, steps=1))
    assert run.metrics[0]["step"] == -20
    assert any(row["step"] == -10 for row in run.metrics)


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
