"""Named sets: where they are looked for, downloads, and the real ones where this machine has them."""

import errno
import functools
import gzip
import hashlib
import http.server
import io
import os
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pooch
import pytest

from sparring.data import draw_indices, open_data
from sparring.data.download import _Bar
from sparring.data.named import NAMED
from sparring.errors import SparringError, UsageError

NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def small_mnist(folder: Path, seed: int = 0) -> Path:
    """The four classic files, gzipped, with 60 training and 20 test images."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    for images, labels, count in ((*NAMES[:2], 60), (*NAMES[2:], 20)):
        head = bytes([0, 0, 8, 3]) + b"".join(n.to_bytes(4, "big") for n in (count, 28, 28))
        (folder / f"{images}.gz").write_bytes(gzip.compress(head + rng.bytes(count * 784)))
        classes = bytes(i % 10 for i in range(count))
        (folder / f"{labels}.gz").write_bytes(gzip.compress(bytes([0, 0, 8, 1]) + count.to_bytes(4, "big") + classes))
    return folder


def test_digits() -> None:
    data = open_data("digits")
    assert data.spec.shape == (1, 8, 8)
    assert data.spec.classes == tuple("0123456789")
    total = sum(len(part) for part in (data.train, data.validation, data.test) if part)
    assert total == 1797
    whole = data.train.tensors()  # type: ignore[attr-defined]
    assert whole.x.max() == 255
    assert whole.x.min() == 0


def test_sparring_data_folders_are_searched_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_mnist(tmp_path / "b" / "fashion-mnist")
    (tmp_path / "a").mkdir()
    monkeypatch.setenv("SPARRING_DATA", os.pathsep.join(str(tmp_path / name) for name in "ab"))
    data = open_data("fashion-mnist")
    assert data.spec.classes[9] == "ankle boot"
    assert data.test is not None
    assert len(data.test) == 20


def test_stacked_digits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    """Each channel is a digit of the right part and of the right class, and the triples are always the same."""
    monkeypatch.setattr("sparring.data.stacked.COUNTS", {"train": 300, "test": 50})
    small_mnist(tmp_path / "mnist")
    monkeypatch.setenv("SPARRING_DATA", str(tmp_path))
    mnist, stacked = open_data("mnist"), open_data("stacked-mnist")
    assert stacked.spec.shape == (3, 28, 28)
    assert len(stacked.spec.classes) == 1000
    assert stacked.test is not None
    assert mnist.test is not None
    assert (len(stacked.test), len(stacked.train) + len(stacked.validation or ())) == (50, 300)  # type: ignore[arg-type]
    x, y = stacked.test.read(np.arange(50))
    digits, labels = mnist.test.read(np.arange(20))
    known = {digit.numpy().tobytes(): int(label) for digit, label in zip(digits, labels, strict=True)}
    for image, label in zip(x, y, strict=True):
        assert stacked.spec.classes[label] == "".join(str(known[channel.numpy().tobytes()]) for channel in image)
    for part in cache.glob("packed/*"):
        part.rename(part.with_name(f"old-{part.name}"))
    assert open_data("stacked-mnist").fingerprint == stacked.fingerprint


def test_mnist_files_are_not_taken_for_fashion(tmp_path: Path, monkeypatch, no_network: None) -> None:
    small_mnist(tmp_path)
    monkeypatch.setenv("SPARRING_DATA", str(tmp_path))
    with pytest.raises(SparringError, match="could not be downloaded"):
        open_data("fashion-mnist")


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, known in NAMED.items():
        monkeypatch.setitem(NAMED, name, replace(known, mirrors=("http://127.0.0.1:9/",)))


@pytest.mark.parametrize("name", sorted(NAMED))
def test_no_network_says_which_files_to_put_where(name: str, cache: Path, no_network: None) -> None:
    with pytest.raises(SparringError) as caught:
        open_data(name)
    message = str(caught.value)
    assert "\n" not in message
    assert all(file in message for file in NAMED[name].files)
    assert str(cache / "downloads" / (NAMED[name].made_from or name)) in message
    assert "SPARRING_DATA" in message
    assert caught.value.exit_code == 1


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A web server on this machine that is the second mirror of MNIST; the first one is out of order."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    served = small_mnist(tmp_path / "served")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(served)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    files = {f"{name}.gz": hashlib.md5((served / f"{name}.gz").read_bytes()).hexdigest() for name in NAMES}
    mirrors = ("http://127.0.0.1:9/", f"http://127.0.0.1:{server.server_port}/")
    monkeypatch.setitem(NAMED, "mnist", replace(NAMED["mnist"], files=files, mirrors=mirrors))
    yield served
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("show_progress", [False, True])
def test_download(mirror: Path, cache: Path, show_progress: bool, capsys: pytest.CaptureFixture[str]) -> None:
    data = open_data("mnist", show_progress=show_progress)
    assert data.test is not None
    assert len(data.test) == 20
    assert (cache / "downloads" / "mnist" / f"{NAMES[0]}.gz").is_file()
    for file in mirror.iterdir():
        file.unlink()
    assert open_data("mnist").fingerprint == data.fingerprint
    assert capsys.readouterr().out == ""


def test_the_name_of_a_download_is_no_markup() -> None:
    bar = _Bar("a[red].gz")
    bar.update(1)
    bar.close()
    assert str(bar.bar.columns[0].render(bar.bar.tasks[0])) == "downloading a[red].gz"


def test_download_with_another_checksum_is_refused(mirror: Path, cache: Path) -> None:
    small_mnist(mirror, seed=1)
    with pytest.raises(SparringError, match="another checksum"):
        open_data("mnist")
    assert not list((cache / "downloads" / "mnist").iterdir())


def test_a_full_disk_is_not_taken_for_a_broken_mirror(mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pooch, "retrieve", full)
    with pytest.raises(SparringError, match="no disk space left in the cache"):
        open_data("mnist")


@pytest.fixture
def small_cifar(monkeypatch: pytest.MonkeyPatch) -> bytes:
    monkeypatch.setattr("sparring.data.cifar.BATCH", 20)
    rng = np.random.default_rng(0)
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name in [f"data_batch_{i}.bin" for i in range(1, 6)] + ["test_batch.bin"]:
            data = b"".join(bytes([i % 10]) + rng.bytes(3072) for i in range(20))
            info = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return file.getvalue()


@pytest.mark.parametrize("place", ["cifar-10-binary.tar.gz", "cifar10/cifar-10-binary.tar.gz", "unpacked"])
def test_cifar_binary(tmp_path: Path, small_cifar: bytes, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    monkeypatch.setenv("SPARRING_DATA", str(tmp_path))
    if place == "unpacked":
        with tarfile.open(fileobj=io.BytesIO(small_cifar)) as archive:
            for info in archive:
                (tmp_path / info.name).parent.mkdir(exist_ok=True)
                (tmp_path / info.name).write_bytes(archive.extractfile(info).read())
    else:
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_bytes(small_cifar)
    data = open_data("cifar10")
    assert data.spec.shape == (3, 32, 32)
    assert data.spec.classes[0] == "airplane"
    assert data.test is not None
    assert len(data.test) == 20
    assert len(data.train) + len(data.validation or ()) == 100  # type: ignore[arg-type]
    assert not any("JPEG" in note for note in data.notes)


def test_cut_off_cifar(tmp_path: Path, small_cifar: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARRING_DATA", str(tmp_path))
    (tmp_path / "cifar-10-binary.tar.gz").write_bytes(small_cifar[: len(small_cifar) // 2])
    with pytest.raises(UsageError, match="cannot read data_batch"):
        open_data("cifar10")


def test_real_mnist(real_data: Path) -> None:
    data = open_data("mnist")
    assert data.test is not None
    assert data.validation is not None
    assert len(data.train) + len(data.validation) == 60_000
    assert 4_700 < len(data.validation) < 5_300
    y = data.test.read(np.arange(10)).y
    assert y is not None
    assert y.tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    batch = data.train.read(draw_indices(len(data.train), 0, 0, 0, 32))
    assert batch.x.shape == (32, 1, 28, 28)
    assert open_data(str(real_data / "mnist")).test is not None


@pytest.mark.slow
def test_real_cifar_jpeg(real_data: Path) -> None:
    data = open_data("cifar10")
    assert any("lossy JPEG copy" in note for note in data.notes)
    assert len(data.spec.classes) == 10
    assert data.test is not None
    x, y = data.test.read(np.arange(10_000))
    assert y is not None
    assert y.bincount().tolist() == [1_000] * 10
    mean = x.float().mean((0, 2, 3)) / 255
    assert mean.tolist() == pytest.approx([0.4917, 0.4826, 0.4472], abs=0.005)
