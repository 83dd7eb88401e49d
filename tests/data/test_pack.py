"""The cache: packed once, whole or not at all, packed anew when the source changes."""

import json
import os
import shutil
import subprocess
import sys
import tracemalloc
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest

from sparring.data import DataOptions, PackedSource, open_data
from sparring.data.progress import progress
from sparring.errors import SparringError, UsageError


def entries(cache: Path) -> list[Path]:
    return sorted((cache / "packed").iterdir()) if (cache / "packed").exists() else []


def count(data: object) -> int:
    return sum(len(part) for part in (data.train, data.validation, data.test) if part)  # type: ignore[attr-defined]


@pytest.fixture
def packing_forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("it was packed again")

    monkeypatch.setattr("sparring.data.pack._write_entry", refuse)


def test_packed_once(folder: Path, cache: Path, request: pytest.FixtureRequest) -> None:
    first = open_data(str(folder))
    assert len(entries(cache)) == 1
    request.getfixturevalue("packing_forbidden")
    second = open_data(str(folder))
    assert second.fingerprint == first.fingerprint
    assert second.notes == first.notes
    assert second.spec == first.spec
    assert len(second.train) == len(first.train)


def test_images_are_memory_mapped(folder: Path, cache: Path) -> None:
    source = open_data(str(folder)).train
    assert isinstance(source, PackedSource)
    base = source._images
    while base is not None and not isinstance(base, np.memmap):
        base = base.base  # type: ignore[assignment]
    assert isinstance(base, np.memmap)
    assert base.mode == "r"


def test_whole_part(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = open_data(str(folder)).train
    assert isinstance(source, PackedSource)
    whole = source.tensors()
    assert whole is not None
    batch = source.read(np.array([3, 1]))
    assert (whole.x[[3, 1]] == batch.x).all()
    assert whole.y is not None
    assert batch.y is not None
    assert (whole.y[[3, 1]] == batch.y).all()
    assert source.labels is not None
    assert source.labels.tolist() == whole.y.tolist()
    batch.x.zero_()  # what was read may be changed
    assert (whole.x[[3, 1]] == source.read(np.array([3, 1])).x).all()
    with pytest.raises(IndexError):
        source.read(np.array([len(source)]))
    monkeypatch.setattr("sparring.data.source.FITS", 100)
    assert source.tensors() is None


def test_a_changed_source_is_packed_anew_and_the_old_entry_goes(folder: Path, cache: Path, picture) -> None:
    first = open_data(str(folder))
    open_data(str(folder), DataOptions(size="8"))
    assert len(entries(cache)) == 2
    (folder / "ant" / "new.png").write_bytes(picture(77))
    second = open_data(str(folder))
    assert count(second) == 31
    assert second.fingerprint != first.fingerprint
    assert len(entries(cache)) == 1
    same_size = folder / "ant" / "0.png"
    os.utime(same_size, ns=(1, 1))
    open_data(str(folder))
    assert len(entries(cache)) == 1
    first.train.read(np.arange(len(first.train)))  # a run that reads the old entry goes on


def test_the_fingerprint_is_of_the_content(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere" / "pets"
    shutil.copytree(folder, copy)
    assert open_data(str(copy)).fingerprint == open_data(str(folder)).fingerprint
    assert open_data(str(copy), DataOptions(size="8")).fingerprint != open_data(str(folder)).fingerprint


@pytest.mark.parametrize("damage", ["cut", "missing", "no json", "bad json", "labels"])
def test_damaged_entries_are_packed_anew(folder: Path, cache: Path, damage: str) -> None:
    whole = open_data(str(folder))
    entry = entries(cache)[0]
    if damage == "cut":
        with (entry / "images.npy").open("r+b") as file:
            file.truncate(1000)
    elif damage == "missing":
        (entry / "train.npy").unlink()
    elif damage == "no json":
        (entry / "pack.json").unlink()
    elif damage == "bad json":
        (entry / "pack.json").write_text((entry / "pack.json").read_text()[:50])
    else:
        (entry / "labels.npy").write_bytes(b"")
    again = open_data(str(folder))
    assert again.fingerprint == whole.fingerprint
    assert again.train.read(np.arange(3)).x.shape == (3, 3, 16, 16)
    assert len(entries(cache)) == 1


def test_an_interrupted_packing_leaves_nothing_behind(folder: Path, cache: Path, monkeypatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("sparring.data.pack.split", interrupt)
        with pytest.raises(KeyboardInterrupt):
            open_data(str(folder))
    assert entries(cache) == []
    left = cache / "packed" / ".new-1-dead"
    left.mkdir()
    os.utime(left, (0, 0))
    open_data(str(folder))
    assert not left.exists()


def test_two_processes_pack_at_once(tmp_path: Path, cache: Path) -> None:
    rng = np.random.default_rng(0)
    np.save(tmp_path / "a.npy", rng.integers(0, 256, (20_000, 16, 16), dtype=np.uint8))
    code = (
        "import sys, numpy as np, sparring.data as d\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "data = d.open_data(sys.argv[1])\n"
        "print(data.fingerprint, int(data.train.read(np.arange(len(data.train))).x.sum()))\n"
    )
    pipe = subprocess.PIPE
    command = [sys.executable, "-W", "error", "-c", code, str(tmp_path / "a.npy")]
    both = [subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) for _ in range(2)]
    for process in both:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    results = []
    for process in both:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in both:
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
        results.append(out)
    assert results[0] == results[1]
    assert len(entries(cache)) == 1


@pytest.mark.parametrize("kind", ["npy", "npz"])
def test_memory_is_bounded(tmp_path: Path, kind: str) -> None:
    """80 MB of floats are packed, checked for NaN on the way, in a fraction of their size."""
    array = np.random.default_rng(0).random((5_000, 64, 64), dtype=np.float32)
    path = tmp_path / f"a.{kind}"
    np.save(path, array) if kind == "npy" else np.savez(path, images=array)
    size = array.nbytes
    del array
    open_data("digits")  # what the first packing imports is not counted
    tracemalloc.start()
    data = open_data(str(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count(data) == 5_000
    assert peak < size / 3


def test_no_disk_space(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10, 5, 5))
    with pytest.raises(SparringError, match=r"not enough disk space .* SPARRING_CACHE") as caught:
        open_data(str(folder))
    assert caught.value.exit_code == 1
    assert entries(cache) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_disk_full_while_packing(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real_open = Path.open

    def full(self: Path, mode: str = "r", *args, **kwargs):
        return real_open(
            Path("/dev/full") if self.name == "labels.npy" and "w" in mode else self, mode, *args, **kwargs
        )

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(SparringError, match="no disk space left in the cache") as caught:
        open_data(str(folder))
    assert caught.value.exit_code == 1
    assert entries(cache) == []


def test_cache_that_cannot_be_written(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(SparringError, match=r"cannot write the cache .* set SPARRING_CACHE") as caught:
        open_data(str(folder))
    assert not isinstance(caught.value, UsageError)


def test_progress_bar(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    open_data(str(folder), show_progress=True)
    assert capsys.readouterr().out == ""


def test_small_sets(tmp_path: Path, picture) -> None:
    for i in range(9):
        (tmp_path / f"{i}.png").write_bytes(picture(i))
    data = open_data(str(tmp_path))
    assert data.test is None
    assert data.validation is None
    assert any("under 10 images" in note for note in data.notes)
    (tmp_path / "9.png").write_bytes(picture(9))
    data = open_data(str(tmp_path))
    assert len(data.train) >= 7
    assert data.test is not None
    assert len(data.test) >= 1
    assert any("learn them by heart" in note for note in data.notes)


def test_meta_is_readable_json(folder: Path, cache: Path) -> None:
    open_data(str(folder))
    meta = json.loads((entries(cache)[0] / "pack.json").read_text())
    assert meta["spec"]["shape"] == [3, 16, 16]
    assert set(meta["files"]) == {
        "images.npy",
        "labels.npy",
        "attributes.npy",
        "train.npy",
        "validation.npy",
        "test.npy",
    }


def test_class_shares_are_those_of_the_training_part(tmp_path: Path) -> None:
    labels = np.repeat([0, 1, 2, -1], [120, 60, 20, 40])
    images = np.random.default_rng(0).integers(0, 256, (len(labels), 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "set.npz", images=images, labels=labels)
    data = open_data(str(tmp_path / "set.npz"))
    own = data.train.read(np.arange(len(data.train))).y
    assert own is not None
    counts = np.bincount(own[own >= 0], minlength=3)
    assert data.spec.shares == pytest.approx(tuple(counts / counts.sum()), abs=1e-12)
    assert sum(data.spec.shares) == pytest.approx(1, abs=1e-12)
    assert data.spec.shares == pytest.approx((0.6, 0.3, 0.1), abs=0.05)
    again = open_data(str(tmp_path / "set.npz"))  # from the cache
    assert again.spec == data.spec == again.train.spec


def test_without_classes_there_are_no_shares(tmp_path: Path, picture) -> None:
    for i in range(12):
        (tmp_path / f"{i}.png").write_bytes(picture(i))
    assert open_data(str(tmp_path)).spec.shares == ()


def test_a_name_that_looks_like_markup(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    with progress("packing [/x] [red]a", 3, True) as advance:
        advance(3)
    assert "packing [/x] [red]a" in capfd.readouterr().err
