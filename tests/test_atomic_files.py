"""Atomic writing, and the words for what a disk can refuse."""

import errno
import os
import stat
from pathlib import Path

import pytest
from PIL import Image

from sparring import files
from sparring.errors import SparringError, UsageError
from sparring.files import explain, save_png, write_atomically


def failing(code: int):
    def fail(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    return fail


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize(
    ("code", "says"),
    [(errno.ENOSPC, "no space left on the disk"), (errno.EIO, "Input/output error"), (errno.EROFS, "no permission")],
)
def test_a_failing_disk_leaves_the_old_file(tmp_path: Path, monkeypatch, call: str, code: int, says: str) -> None:
    path = tmp_path / "a.json"
    write_atomically(path, b"old")
    with monkeypatch.context() as patched:
        patched.setattr(os, call, failing(code))
        with pytest.raises(SparringError, match=says) as caught:
            write_atomically(path, b"new")
    assert caught.value.exit_code == 1
    assert not isinstance(caught.value, UsageError)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.json"]
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"


def test_an_interrupt_leaves_the_old_file(tmp_path: Path, monkeypatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    path = tmp_path / "a.json"
    write_atomically(path, b"old")
    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.json"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_disk_that_is_really_full(tmp_path: Path, monkeypatch) -> None:
    """The bytes go to a device that is always full, by way of the function's own calls."""

    monkeypatch.setattr(files, "open", lambda path, mode: Path("/dev/full").open("wb"), raising=False)  # noqa: SIM115
    with pytest.raises(SparringError, match="no space left on the disk"):
        write_atomically(tmp_path / "a", b"x" * 100_000)
    assert os.listdir(tmp_path) == []


def test_a_file_has_the_permissions_of_any_new_one(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"")
    write_atomically(tmp_path / "ours", b"")
    ours, plain = (stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("ours", "plain"))
    assert ours == plain


def test_folders_are_made_on_the_way(tmp_path: Path) -> None:
    save_png(Image.new("L", (3, 2)), tmp_path / "a" / "b" / "c.png")
    with Image.open(tmp_path / "a" / "b" / "c.png") as image:
        assert image.size == (3, 2)


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SparringError, match="cannot write"):
        write_atomically(tmp_path / "file" / "a", b"")
    (tmp_path / "folder").mkdir()
    with pytest.raises(SparringError, match="cannot write"):
        write_atomically(tmp_path / "folder", b"")
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]


def test_words() -> None:
    assert "same command" in explain(OSError(errno.ENOSPC, ""))
    assert "--out" in explain(OSError(errno.EACCES, ""))
    assert explain(OSError(errno.EIO, "Input/output error")) == "Input/output error."
    assert explain(OSError("odd")) == "odd."
