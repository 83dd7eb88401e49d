"""IDX files, the format of MNIST: a four-byte magic, the lengths of the axes, then the values; gzipped or not."""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from sparring.data.arrays import Array, ArrayImages, Table, per_block
from sparring.data.files import file_identity, read_exactly
from sparring.data.options import DataOptions
from sparring.data.origin import Part
from sparring.errors import UsageError

DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
CLASSIC: dict[Part, tuple[str, str]] = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}


class IdxTable:
    """The images of one IDX file, with the labels of another."""

    def __init__(self, images: Path, labels: Path | None = None, part: Part = "train") -> None:
        self.images = images
        self.label_file = labels
        self.name = images.name
        self.part = part

    def identity(self) -> Any:
        """Sizes and times of the files."""
        return [file_identity(path) for path in (self.images, self.label_file) if path]

    def open(self) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """Shape and dtype, from the header."""
        with _stream(self.images) as file:
            return _header(file, self.images)

    def blocks(self) -> Iterator[Array]:
        """The images, a few megabytes at a time."""
        with _stream(self.images) as file:
            shape, dtype = _header(file, self.images)
            step = per_block(shape, dtype)
            for start in range(0, shape[0], step):
                yield _values(file, (min(step, shape[0] - start), *shape[1:]), dtype, self.images)

    def labels(self) -> Array | None:
        """The labels, if there is a file of them."""
        if self.label_file is None:
            return None
        with _stream(self.label_file) as file:
            shape, dtype = _header(file, self.label_file)
            return _values(file, shape, dtype, self.label_file)


def classic_folder(folder: Path, name: str, options: DataOptions, classes: tuple[str, ...] = ()) -> ArrayImages | None:
    """The set that a folder with the four classic IDX files is (gzipped or not), or None."""
    tables: list[Table] = []
    for part, (images, labels) in CLASSIC.items():
        found = [_either(folder, stem) for stem in (images, labels)]
        if found[0] is None or found[1] is None:
            return None
        tables.append(IdxTable(found[0], found[1], part))
    place = f"{name} in {folder.resolve()}" if classes else str(folder.resolve())
    return ArrayImages(name, place, tables, options, classes)


def single_file(path: Path, options: DataOptions) -> ArrayImages:
    """One IDX file of images; labels come from the file beside it that is named the classic way, if there is one."""
    beside = path.with_name(path.name.replace("images-idx3", "labels-idx1"))
    labels = beside if beside != path and beside.is_file() else None
    return ArrayImages(path.name.split(".")[0], str(path.resolve()), [IdxTable(path, labels)], options)


def looks_like_idx(path: Path) -> bool:
    """Whether a file starts the way IDX files do."""
    try:
        with _stream(path) as file:
            magic = file.read(4)
    except UsageError:
        return False
    return len(magic) == 4 and magic[:2] == b"\0\0" and magic[2] in DTYPES and 1 <= magic[3] <= 4


def _either(folder: Path, stem: str) -> Path | None:
    dotted = stem.replace("-idx", ".idx")
    names = (stem, stem + ".gz", dotted, dotted + ".gz")
    return next((folder / name for name in names if (folder / name).is_file()), None)


@contextmanager
def _stream(path: Path) -> Iterator[IO[bytes]]:
    """A file opened for reading, unzipped on the way if it is gzipped."""
    try:
        with path.open("rb") as raw:
            zipped = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            if not zipped:
                yield raw
                return
            with gzip.GzipFile(fileobj=raw) as file:
                yield file  # type: ignore[misc]
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"cannot read {path}: {error}") from None


def _header(file: IO[bytes], path: Path) -> tuple[tuple[int, ...], np.dtype[Any]]:
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in DTYPES:
        raise UsageError(f"{path} is no IDX file: it does not start with the IDX magic number")
    axes = np.frombuffer(read_exactly(file, 4 * magic[3], path), ">u4")
    return tuple(int(n) for n in axes), np.dtype(DTYPES[magic[2]])


def _values(file: IO[bytes], shape: tuple[int, ...], dtype: np.dtype[Any], path: Path) -> Array:
    data = read_exactly(file, math.prod(shape) * dtype.itemsize, path)
    return np.frombuffer(data, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)
