"""Run directories that are damaged, somebody else's or in use."""

import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import sparring


def test_a_directory_of_somebody_else(spar, snapshot, one_line) -> None:
    """Also one that has a folder of numbered checkpoints: nothing of it is touched."""
    Path("thesis/checkpoints").mkdir(parents=True)
    for step in range(5):
        Path(f"thesis/checkpoints/{step:06d}.safetensors").write_text("mine")
    before = snapshot(Path())
    one_line(spar("train", "gaussian", "--steps", 2, "--out", "thesis"), 2, "not empty and holds no run")
    assert snapshot(Path()) == before


def test_a_directory_in_use(spar, snapshot, one_line) -> None:
    """A second training is refused before it changes anything, also one with more steps."""
    command = ("train", "gaussian", "--recipe", "gan-1d", "--out", "out", "--device", "cpu", "--set", "K=1", "--steps")
    assert spar(*command, 2).code == 0
    before = snapshot(Path("out"))
    with sparring.load("out").directory.lock():
        one_line(spar(*command, 4), 2, "another process is training in out")
    assert snapshot(Path("out")) == before
    assert spar(*command, 4).code == 0


def truncated(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def text(path: Path) -> None:
    path.write_text("weights")


def gone(path: Path) -> None:
    path.unlink()
    path.mkdir()


class Bomb:
    def __reduce__(self):
        return os.mkdir, ("proof",)


def malicious(path: Path) -> None:
    path.write_bytes(pickle.dumps(Bomb()))


def malicious_torch(path: Path) -> None:
    torch.save({"a": Bomb()}, path)


@pytest.mark.parametrize("spoil", [truncated, text, gone, malicious, malicious_torch])
def test_a_checkpoint_that_cannot_be_used(
    spar, snapshot, one_line, digits_copy: Path, spoil: Callable[[Path], None]
) -> None:
    for path in (digits_copy / "checkpoints").iterdir():
        path.unlink()
        spoil(path) if spoil in (malicious, malicious_torch, text) else path.mkdir()
        if spoil is truncated:
            path.rmdir()
            path.write_bytes(b"\x10\0\0\0\0\0\0\0{}")
    before = snapshot(digits_copy)
    one_line(spar("sample", digits_copy, "--out", "a.npy"), 2, "damaged or no checkpoint")
    one_line(spar("evaluate", digits_copy, "-n", 50), 2, "damaged or no checkpoint")
    command = ("train", "digits", "--recipe", "gan-mnist", "--out", digits_copy, "--steps", 40)
    one_line(spar(*command, "--set", "log_every=10", "--set", "grid_every=15"), 2, "damaged or no checkpoint")
    after = snapshot(digits_copy)
    assert {name: after[name] for name in before if name != "recipe.json"} == {
        name: before[name] for name in before if name != "recipe.json"
    }
    assert not Path("proof").exists()
    assert not Path("a.npy").exists()


def test_another_runs_checkpoint(spar, one_line, digits_copy: Path, gaussian_run: sparring.Run) -> None:
    for path in (digits_copy / "checkpoints").iterdir():
        shutil.copy(gaussian_run.checkpoint("last"), path)
    one_line(spar("sample", digits_copy, "--out", "a.npy"), 2, "does not belong to this recipe")


@pytest.mark.parametrize(
    "change",
    [
        lambda identity: identity.pop("settings"),
        lambda identity: identity.pop("spec"),
        lambda identity: identity.pop("recipe_digest"),
        lambda identity: identity["settings"].pop("own"),
        lambda identity: identity["settings"]["general"].update(steps="many"),
        lambda identity: identity["settings"]["general"].update(speed=3),
        lambda identity: identity["settings"]["own"].update(depth=3),
        lambda identity: identity["spec"].update(shape=8),
        lambda identity: identity.pop("data"),
        lambda identity: identity.pop("fingerprint"),
        lambda identity: identity.update(data=3),
        lambda identity: identity.update(recipe=["gan-mnist"]),
        lambda identity: identity.update(recipe="gan-mnits"),
        lambda identity: identity.update(spec=None),
        lambda identity: identity.update(settings="none"),
        lambda identity: identity["settings"].update(general=[]),
        lambda identity: identity["settings"]["general"].update(threads="two"),
    ],
)
def test_a_damaged_recipe_json(spar, one_line, digits_copy: Path, change: Callable[[dict], object]) -> None:
    identity = json.loads((digits_copy / "recipe.json").read_text())
    change(identity)
    (digits_copy / "recipe.json").write_text(json.dumps(identity))
    train = ("train", "digits", "--recipe", "gan-mnist", "--out", digits_copy)
    for verb in (("sample", digits_copy, "--out", "a.npy"), ("evaluate", digits_copy), train):
        one_line(spar(*verb), 2)


def test_a_run_of_another_version(spar, one_line, digits_copy: Path) -> None:
    """Which had one schedule for both players."""
    identity = json.loads((digits_copy / "recipe.json").read_text())
    identity["settings"]["general"]["schedule"] = "constant"
    (digits_copy / "recipe.json").write_text(json.dumps(identity))
    says = "trained by another version of Sparring (0.1.0), whose setting schedule"
    one_line(spar("sample", digits_copy, "--out", "a.npy"), 2, says)
    one_line(spar("train", "digits", "--recipe", "gan-mnist", "--out", digits_copy), 2, says, "--fresh")


@pytest.mark.parametrize("text", ["", "{", "[1]", "\0", "[" * 200_000])
def test_a_recipe_json_that_is_none(spar, one_line, digits_copy: Path, text: str) -> None:
    (digits_copy / "recipe.json").write_text(text)
    one_line(spar("sample", digits_copy), 2, "recipe.json is damaged")
    one_line(spar("train", "digits", "--recipe", "gan-mnist", "--out", digits_copy), 2, "recipe.json is damaged")


def test_metrics_that_cannot_be_read(spar, one_line, digits_copy: Path) -> None:
    gone(digits_copy / "metrics.jsonl")
    one_line(spar("diagnose", digits_copy), 2, "metrics.jsonl cannot be read")
    one_line(
        spar(
            "train",
            "digits",
            "--recipe",
            "gan-mnist",
            "--out",
            digits_copy,
            "--steps",
            40,
            "--set",
            "log_every=10",
            "--set",
            "grid_every=15",
        ),
        2,
        "cannot be read",
    )


def test_no_run(spar, snapshot, one_line) -> None:
    Path("folder").mkdir()
    Path("file").write_text("")
    for place in ("nowhere", "folder", "file"):
        one_line(spar("sample", place), 2, f"{place} holds no run")
        one_line(spar("evaluate", place), 2, f"{place} holds no run")
    assert snapshot(Path()) == {"file": b""}


def test_a_run_without_a_checkpoint(spar, one_line, digits_copy: Path) -> None:
    shutil.rmtree(digits_copy / "checkpoints")
    one_line(spar("sample", digits_copy), 2, "holds no checkpoint yet")
    one_line(spar("evaluate", digits_copy), 2, "holds no checkpoint yet")
