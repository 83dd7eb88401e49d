"""CIFAR-10: its binary version (a label byte and 3 x 32 x 32 pixels a record), or a copy as JPEG files."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from sparring.data.arrays import Array, ArrayImages, Table
from sparring.data.files import file_identity
from sparring.data.folder import ImageFiles
from sparring.data.options import DataOptions
from sparring.data.origin import Origin, Part
from sparring.data.tree import ZipTree
from sparring.errors import UsageError

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
ARCHIVE = "cifar-10-binary.tar.gz"
UNPACKED = "cifar-10-batches-bin"
JPEG = "cifar10-jpeg.zip"
LOSSY = "this is a lossy JPEG copy of CIFAR-10: figures are not comparable with published ones"
RECORD = 1 + 3 * 32 * 32
BATCH = 10_000
BATCHES: dict[str, Part] = {**{f"data_batch_{i}.bin": "train" for i in range(1, 6)}, "test_batch.bin": "test"}


class BatchTable:
    """One file of 10 000 records, unpacked or inside the archive."""

    def __init__(self, path: Path, name: str) -> None:
        self.path = path
        self.name = name
        self.part = BATCHES[name]

    def identity(self) -> Any:
        """Size and time of the file or the archive."""
        return file_identity(self.path if self.path.is_file() else self.path / self.name)

    def open(self) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """Known beforehand."""
        return (BATCH, 3, 32, 32), np.dtype(np.uint8)

    def blocks(self) -> Iterator[Array]:
        """The images."""
        yield self._records()[:, 1:].reshape(BATCH, 3, 32, 32)

    def labels(self) -> Array | None:
        """The classes."""
        return self._records()[:, 0].copy()

    def _records(self) -> Array:
        with self._stream() as file:
            data = file.read(RECORD * BATCH + 1)
        if len(data) != RECORD * BATCH:
            raise UsageError(f"{self.name} in {self.path} has {len(data)} bytes, not {RECORD * BATCH}; get it again")
        return np.frombuffer(data, np.uint8).reshape(BATCH, RECORD)

    @contextmanager
    def _stream(self) -> Iterator[IO[bytes]]:
        try:
            if not self.path.is_file():
                with (self.path / self.name).open("rb") as file:
                    yield file
                return
            with tarfile.open(self.path) as archive:
                member = archive.extractfile(f"{UNPACKED}/{self.name}")
                if member is None:
                    raise KeyError(self.name)
                yield member
        except (OSError, EOFError, KeyError, tarfile.TarError) as error:
            raise UsageError(f"cannot read {self.name} in {self.path}: {error}") from None


def find(folder: Path, name: str, options: DataOptions, classes: tuple[str, ...]) -> Origin | None:
    """CIFAR-10 in a folder or its ``cifar10``: the binary version, else the JPEG copy with a note, else None."""
    for path in (inner / file for file in (UNPACKED, ARCHIVE) for inner in (folder / name, folder)):
        if path.is_file() or (path / "test_batch.bin").is_file():
            tables: list[Table] = [BatchTable(path, batch) for batch in BATCHES]
            return ArrayImages(name, str(path.resolve()), tables, options, classes)
    for path in (folder / name / JPEG, folder / JPEG):
        if path.is_file():
            return ImageFiles(ZipTree(path), name, notes=(LOSSY,))
    return None
