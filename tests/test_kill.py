"""A training that is killed ten times ends in the bits of one that never was."""

import json
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import sparring
from sparring.training.state import read_checkpoint

KILLS = 10
STEPS = 300
COMMAND = (
    "train",
    "digits",
    "--recipe",
    "gan-mnist",
    "--out",
    "run",
    "--device",
    "cpu",
    "--steps",
    STEPS,
    "--batch",
    8,
)
COMMAND += ("--set", "checkpoint_seconds=0", "--set", "log_every=5", "--set", "best_every=50", "--set", "grid_every=50")
COMMAND += ("--set", "ema=0.9", "--set", "pretrain=3")


def rows(run: sparring.Run) -> list[dict[str, float]]:
    return [{name: value for name, value in row.items() if name != "images_per_second"} for row in run.metrics]


def wait_until_it_plays(process: subprocess.Popen[str], run: Path, resumed: list[int]) -> None:
    """Wait for the line that says from which step it goes on, or else for its first figure."""
    assert process.stdout is not None
    assert process.stdout.readline().startswith("training gan-mnist on digits")
    if list((run / "checkpoints").glob("[0-9]*.safetensors")):
        resumed.append(int(process.stdout.readline().removeprefix("going on from step ")))
    while newest_step(run) is None:
        assert process.poll() is None
        time.sleep(0.01)


def newest_step(run: Path) -> float | None:
    """The last step that has its line in metrics.jsonl."""
    if not (run / "metrics.jsonl").exists():
        return None
    lines = [line for line in (run / "metrics.jsonl").read_text().splitlines() if line.endswith("}")]
    return json.loads(lines[-1])["step"] if lines else None


def wait_for_step(process: subprocess.Popen[str], run: Path, step: float) -> None:
    """Wait until a step is done: random instants of the training, however fast the machine is."""
    while (newest_step(run) or 0) < step and process.poll() is None:
        time.sleep(0.002)


@pytest.mark.slow
def test_killed_at_ten_random_instants(start: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    _, err = start(*COMMAND, folder=tmp_path / "a").communicate(timeout=300)
    assert err == ""
    whole = sparring.load(tmp_path / "a" / "run")

    chance = random.Random(0)
    resumed = []
    for number in range(KILLS):
        process = start(*COMMAND, folder=tmp_path / "b")
        wait_until_it_plays(process, tmp_path / "b" / "run", resumed)
        wait_for_step(process, tmp_path / "b" / "run", STEPS * (number + chance.random()) / (KILLS + 1))
        time.sleep(chance.uniform(0, 0.02))
        process.send_signal(signal.SIGKILL)
        _, err = process.communicate(timeout=300)
        assert (process.returncode, err) == (-signal.SIGKILL, "")
    out, err = start(*COMMAND, folder=tmp_path / "b").communicate(timeout=300)
    assert err == ""
    assert "best at step" in out
    assert resumed == sorted(resumed)
    assert len(set(resumed)) > 4, "the kills came too early to show anything"

    killed = sparring.load(tmp_path / "b" / "run")
    for which in ("last", "best"):
        one, other = (read_checkpoint(run.checkpoint(which)) for run in (whole, killed))
        assert one[0] == other[0]
        assert one[1].keys() == other[1].keys()
        assert [name for name in one[1] if not torch.equal(one[1][name], other[1][name])] == []
        assert torch.equal(whole.sample(30, checkpoint=which), killed.sample(30, checkpoint=which))
    assert rows(killed) == rows(whole)
    counts = Counter((row["step"], "figure" in row) for row in rows(killed))
    assert set(counts.values()) == {1}
    files = [sorted(f.relative_to(run.path) for f in run.path.rglob("*")) for run in (whole, killed)]
    assert files[0] == files[1]
    assert not [file for file in files[1] if file.name.endswith(".part")]
    for picture in whole.directory.samples.iterdir():
        assert picture.read_bytes() == (killed.directory.samples / picture.name).read_bytes()


def test_killed_before_it_began(start: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    """Whatever a start leaves behind that was killed at once, the same command takes it up."""
    command = ("train", "digits", "--out", "run", "--device", "cpu", "--steps", 2, "--batch", 8)
    for leave in ((), (".lock",), (".lock", ".recipe.json.12ab.part")):
        (tmp_path / "run").mkdir(exist_ok=True)
        for name in leave:
            (tmp_path / "run" / name).touch()
    process = start(*command, folder=tmp_path)
    while not any((tmp_path / "run").glob("*.json")) and process.poll() is None:
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=300)
    _, err = start(*command, folder=tmp_path).communicate(timeout=300)
    assert err == ""
    assert sparring.load(tmp_path / "run").step("last") == 2
