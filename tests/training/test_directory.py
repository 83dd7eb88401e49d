"""A run's directory: names, locks, pruning, the best, the metrics."""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from sparring.errors import SparringError, UsageError
from sparring.identity import Identity, Remedied
from sparring.settings import Choice, Settings
from sparring.training.directory import KEPT, Directory, next_free
from sparring.types import Attribute, DataSpec

IDENTITY = Identity(
    recipe="auto",
    recipe_digest="",
    data="/a/b",
    data_options={"size": 64},
    own={"width": 8, "latent_dim": None},
    general=asdict(Settings(threads=1)),
    spec=DataSpec("points", (2,), attributes=(Attribute("age", 1.5, 1.0, 0.5, 2.5),), rows=((0.5,), (2.5,))),
    fingerprint="f",
    given={"size": 64},
    chosen=Choice({"width": 8}, "width=8, as it is a test"),
    remedies=(Remedied(20, "divergence", {"lr_generator": 1e-4}),),
    version="0.1.0",
)


@pytest.fixture
def directory(tmp_path: Path) -> Directory:
    made = Directory(tmp_path / "run")
    made.make()
    made.checkpoints.mkdir()
    made.samples.mkdir()
    return made


def put(directory: Directory, *steps: int) -> None:
    for step in steps:
        directory.checkpoint(step).write_text(str(step))


def names(directory: Directory) -> list[str]:
    return sorted(os.listdir(directory.checkpoints))


def test_checkpoints_are_ordered_by_step(directory: Directory) -> None:
    put(directory, 999_999, 1_000_000, -5, 0, 20)
    directory.best.write_text("")
    (directory.checkpoints / "notes.safetensors").write_text("")
    assert [int(file.stem) for file in directory.numbered()] == [-5, 0, 20, 999_999, 1_000_000]


def test_pruning_keeps_the_newest_and_the_best(directory: Directory) -> None:
    put(directory, 10, 20, 30, 40)
    directory.mark_best(10)
    for folder in (directory.path, directory.samples, directory.checkpoints):
        (folder / ".000050.safetensors.abc.part").write_text("half")
    (directory.checkpoints / "mine.txt").write_text("")
    directory.prune()
    assert KEPT == 2
    assert names(directory) == ["000030.safetensors", "000040.safetensors", "best.safetensors", "mine.txt"]
    assert directory.best.read_text() == "10"
    assert not list(directory.path.rglob("*.part"))


@pytest.mark.parametrize("links", [True, False])
def test_the_best_is_replaced_whole(directory: Directory, monkeypatch, links: bool) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no links here")

    if not links:
        monkeypatch.setattr(os, "link", refuse)
    put(directory, 10, 20)
    directory.mark_best(10)
    directory.mark_best(20)
    directory.checkpoint(20).unlink()
    assert directory.best.read_text() == "20"
    assert names(directory) == ["000010.safetensors", "best.safetensors"]
    with pytest.raises(SparringError, match="best"):
        directory.mark_best(99)
    assert directory.best.read_text() == "20"


def test_a_second_process_is_refused_until_the_first_one_dies(directory: Directory) -> None:
    code = (
        "import sys; from pathlib import Path; from sparring.training.directory import Directory\n"
        "with Directory(Path(sys.argv[1])).lock(): print('locked', flush=True); sys.stdin.readline()\n"
    )
    command = [sys.executable, "-c", code, str(directory.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        with pytest.raises(UsageError, match="another process is training in"), directory.lock():
            pass
        other.kill()
    with directory.lock():
        pass


def test_metrics_with_an_unfinished_last_line(directory: Directory) -> None:
    for step in (5, 10, 15):
        directory.append("metrics.jsonl", json.dumps({"step": step, "d_loss": 0.5}))
    with (directory.path / "metrics.jsonl").open("ab") as file:
        file.write(b'{"step": 20, "d_lo\xff')
    assert [row["step"] for row in directory.read_metrics()] == [5, 10, 15]
    directory.cut_metrics(10)
    directory.append("metrics.jsonl", json.dumps({"step": 11}))
    assert (directory.path / "metrics.jsonl").read_text() == (
        '{"step": 5, "d_loss": 0.5}\n{"step": 10, "d_loss": 0.5}\n{"step": 11}\n'
    )


def test_metrics_before_there_are_any(directory: Directory) -> None:
    assert directory.read_metrics() == []
    directory.cut_metrics(0)
    assert directory.read_metrics() == []


@pytest.mark.parametrize("text", ["", "{", "[]", '"a"', '{"steps": 3}', "\0\0\0"])
def test_a_damaged_identity(directory: Directory, text: str) -> None:
    (directory.path / "recipe.json").write_text(text)
    with pytest.raises(UsageError, match=r"recipe\.json is damaged"):
        directory.read_identity()


def test_an_identity_comes_back_whole(directory: Directory) -> None:
    directory.write_identity(IDENTITY)
    assert directory.read_identity() == IDENTITY


def test_no_identity(directory: Directory, tmp_path: Path) -> None:
    assert directory.read_identity() is None
    (tmp_path / "file").write_text("")
    assert Directory(tmp_path / "file").read_identity() is None
    (directory.path / "recipe.json").mkdir()
    with pytest.raises(UsageError, match="cannot be read"):
        directory.read_identity()


def test_what_is_foreign(directory: Directory, tmp_path: Path) -> None:
    assert not Directory(tmp_path / "none").foreign
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / ".lock").write_text("")
    assert not Directory(tmp_path / "empty").foreign
    (tmp_path / "empty" / "thesis.tex").write_text("")
    assert Directory(tmp_path / "empty").foreign
    directory.write_identity(IDENTITY)
    assert not directory.foreign


def test_a_place_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="is in the way"):
        Directory(tmp_path / "file").make()
    with pytest.raises(SparringError, match="cannot make"):
        Directory(tmp_path / "file" / "run").make()


def test_the_next_free_name(tmp_path: Path) -> None:
    path = tmp_path / "run"
    assert next_free(path) == path
    path.mkdir()
    (tmp_path / "run-2").write_text("")
    assert next_free(path).name == "run-3"
