"""A disk that is full or refuses: nothing lost, nothing half-written, and the same command goes on."""

import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import sparring
from sparring import files
from sparring.data import pack

TRAIN = ("--out", "out", "--steps", 2, "--device", "cpu")


def test_no_space_for_the_pack(spar, snapshot, one_line, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The packing's own writes fail as on a full disk: nothing is left of it, and then it works."""

    np.save("a.npy", np.random.default_rng(0).integers(0, 256, (50, 8, 8), dtype=np.uint8))
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path / "cache"))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(pack, "_save", full)
        one_line(spar("train", "a.npy", *TRAIN), 1, "no disk space left")
    assert not Path("out").exists()
    assert not [file for file in snapshot(tmp_path / "cache") if "new-" in file]
    assert spar("train", "a.npy", *TRAIN).code == 0


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_no_space_for_a_checkpoint(spar, one_line, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, call: str) -> None:
    """The last good checkpoint stays, and with room again the same command ends in the same bits."""
    command = (
        "train",
        "gaussian",
        "--recipe",
        "gan-1d",
        "--out",
        "out",
        "--device",
        "cpu",
        "--set",
        "K=1",
        "--steps",
        12,
    )
    command += ("--set", "log_every=2", "--set", "checkpoint_seconds=0", "--set", "best_every=12")
    real = getattr(os, call)
    count = [0]

    def full(*arguments: object) -> object:
        count[0] += 1
        if count[0] > 6:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(os, call, full)
        one_line(spar(*command), 1, "no space left on the disk", "the same command again")
    assert not list(Path("out").rglob("*.part"))
    stopped = sparring.load("out").step("last")
    assert 0 < stopped < 12
    again = spar(*command)
    assert again.code == 0
    assert f"going on from step {stopped}" in again.out
    assert spar(*("whole" if word == "out" else word for word in command)).code == 0
    assert Path("out/checkpoints/000012.safetensors").read_bytes() == (
        Path("whole/checkpoints/000012.safetensors").read_bytes()
    )


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """A file system of a given size, in memory; the same call again changes its size."""
    place = tmp_path / "disk"
    place.mkdir()

    def make(size: str) -> Path:
        options = f"remount,size={size}" if place.is_mount() else f"size={size}"
        try:
            subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", place], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("no small file system can be mounted here")
        return place

    yield make
    if place.is_mount():
        subprocess.run(["umount", place], check=True)


def test_a_disk_that_is_really_full(spar, one_line, small_disk: Callable[[str], Path]) -> None:
    """Two checkpoints of eleven megabytes fit, the third does not; with more room it goes on from the second."""
    run = small_disk("30m") / "run"
    command = ("train", "digits", "--recipe", "gan-mnist", "--out", run, "--device", "cpu", "--steps", 4)
    command += ("--set", "log_every=1", "--set", "checkpoint_seconds=0", "--set", "best_every=4")
    one_line(spar(*command), 1, "000003.safetensors: no space left on the disk")
    assert sorted(file.name for file in (run / "checkpoints").iterdir()) == [
        "000001.safetensors",
        "000002.safetensors",
    ]
    small_disk("60m")
    again = spar(*command)
    assert again.code == 0
    assert "going on from step 2" in again.out


def test_a_full_disk_for_the_cache(
    spar, snapshot, one_line, small_disk: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    np.save("a.npy", np.random.default_rng(0).integers(0, 256, (300, 64, 64), dtype=np.uint8))
    cache = small_disk("1m")
    monkeypatch.setenv("SPARRING_CACHE", str(cache))
    one_line(spar("train", "a.npy", *TRAIN), 1, "disk space", "SPARRING_CACHE")
    assert snapshot(cache) == {}
    assert not Path("out").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_for_samples(spar, one_line, digits_run: sparring.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "open", lambda *_: Path("/dev/full").open("wb"), raising=False)  # noqa: SIM115
    one_line(spar("sample", digits_run.path, "--out", "a.npy"), 1, "cannot write a.npy", "no space left")


def test_an_unwritable_place(spar, snapshot, one_line) -> None:
    Path("file").write_text("")
    one_line(spar("train", "gaussian", "--steps", 2, "--out", "file/run"), 1, "cannot make file/run")
    one_line(spar("train", "gaussian", "--steps", 2, "--out", "file"), 2, "file is in the way")
    one_line(spar("theory", "dirac", "--out", "file/x"), 1, "cannot make file/x")
    one_line(spar("theory", "dirac", "--out", "file"), 2, "file is in the way")
    one_line(spar("compare", "digits", "--seconds", 5, "--runs", "file"), 2, "file is in the way")
    one_line(spar("data", "digits", "--out", "sheet.gif"), 2, "give FILE.png")
    assert Path("file").read_text() == ""
    assert snapshot(Path()) == {"file": b""}


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="this system has no /proc")
def test_a_place_that_takes_no_files(spar, one_line, digits_run: sparring.Run) -> None:
    one_line(spar("train", "gaussian", "--steps", 2, "--out", "/proc/run"), 1, "cannot make /proc/run")
    one_line(spar("sample", digits_run.path, "--out", "/proc/a.npy"), 1, "cannot write /proc/a.npy")
    one_line(spar("data", "digits", "--out", "/proc/a.png"), 1, "cannot write /proc/a.png")


def test_an_unwritable_cache(spar, one_line, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("file").write_text("")
    monkeypatch.setenv("SPARRING_CACHE", "file/cache")
    one_line(spar("train", "digits", *TRAIN), 1, "SPARRING_CACHE")
