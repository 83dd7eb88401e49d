"""NumPy files: .npy is memory-mapped, .npz is read from inside the archive in blocks. Pickled objects are refused."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from sparring.data.arrays import Array, ArrayImages, Table, per_block
from sparring.data.attributes import MOST
from sparring.data.files import file_identity, read_exactly
from sparring.data.options import DataOptions
from sparring.data.origin import GENERATED, Part
from sparring.errors import UsageError

IMAGES = ("images", "x", "data")
ATTRIBUTES, NAMES = "attributes", "attribute_names"
CLASS_NAMES = "class_names"
LABELS = (ATTRIBUTES, "labels", "y")
BROKEN = (OSError, EOFError, ValueError, KeyError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError)
"""What reading a damaged file raises."""
CUT_SHORT = "ends too early: it is cut off or damaged; get it again"


class NpyTable:
    """The array of one .npy file."""

    part: Part = "train"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name
        self._array: Array | None = None

    def identity(self) -> Any:
        """Size and time of the file."""
        return file_identity(self.path)

    def open(self) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """Shape and dtype, from the header; raises ``UsageError`` if it cannot be read."""
        if self._array is None:
            try:
                with self.path.open("rb") as file:
                    if file.read(4) == b"PK\x03\x04":
                        raise UsageError(f"cannot read {self.path}: it is an .npz archive; name it so")
                    file.seek(0)
                    shape, _, dtype = _header(file, str(self.path))
                    if math.prod(shape) * dtype.itemsize > self.path.stat().st_size - file.tell():
                        raise UsageError(f"{self.path} {CUT_SHORT}")
                self._array = np.load(self.path, mmap_mode="r", allow_pickle=False)
            except BROKEN as error:
                raise UsageError(f"cannot read {self.path}: {_short(error)}") from None
        return self._array.shape, self._array.dtype

    def blocks(self) -> Iterator[Array]:
        """The array, a few megabytes at a time."""
        shape, dtype = self.open()
        assert self._array is not None
        for start in range(0, shape[0], step := per_block(shape, dtype)):
            yield np.asarray(self._array[start : start + step])

    def labels(self) -> Array | None:
        """A .npy file has none."""
        return None


class NpzTable:
    """One array of an .npz archive, and the one with its labels."""

    def __init__(self, path: Path, images: str, labels: str | None, part: Part = "train") -> None:
        self.path = path
        self.images = images
        self.label_name = labels
        self.name = f"{images} in {path.name}"
        self.part = part

    def identity(self) -> Any:
        """Size and time of the archive."""
        return file_identity(self.path)

    def open(self) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """Shape and dtype, from the header."""
        with _archive(self.path) as archive, _member(archive, self.images, self.path) as file:
            shape, _, dtype = _header(file, self.name)
            return shape, dtype

    def blocks(self) -> Iterator[Array]:
        """The array, a few megabytes at a time; whole if it is stored in Fortran's order."""
        with _archive(self.path) as archive, _member(archive, self.images, self.path) as file:
            shape, fortran, dtype = _header(file, self.name)
            step = shape[0] if fortran else per_block(shape, dtype)
            for start in range(0, shape[0], step):
                count = min(step, shape[0] - start)
                yield _values(file, (count, *shape[1:]), fortran, dtype, self.name)

    def labels(self) -> Array | None:
        """The labels or attributes, if the archive has any. What is called attributes comes as rows, whole or not."""
        if self.label_name is None:
            return None
        with _archive(self.path) as archive, _member(archive, self.label_name, self.path) as file:
            values = _values(file, *_header(file, f"{self.label_name} in {self.path.name}"), self.name)
        if self.label_name == ATTRIBUTES:
            return values[:, None] if values.ndim == 1 else values
        return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values


def open_arrays(path: Path, name: str, options: DataOptions) -> ArrayImages:
    """The images in a .npy or .npz file. Raises ``UsageError`` if there are none that can be read."""
    place = str(path.resolve())
    if path.suffix.lower() == ".npy":
        return ArrayImages(name, place, [NpyTable(path)], options)
    with _archive(path) as archive:
        members = [n.removesuffix(".npy") for n in archive.namelist() if n.endswith(".npy")]
        tables: list[Table]
        if "x_train" in members:
            pairs: list[tuple[str, Part]] = [("train", "train"), ("val", "validation"), ("test", "test")]
            tables = [
                NpzTable(path, f"x_{key}", f"y_{key}" if f"y_{key}" in members else None, part)
                for key, part in pairs
                if f"x_{key}" in members
            ]
        else:
            tables = [NpzTable(path, _images(archive, members, path), next((n for n in LABELS if n in members), None))]
        names = _names(archive, path, NAMES, f"1 to {MOST} texts, one an attribute", MOST) if NAMES in members else ()
        classes = _names(archive, path, CLASS_NAMES, "texts, one a class") if CLASS_NAMES in members else ()
        generated = _marks(archive, path, tables[0].open()[0][0]) if GENERATED in members else None
    if len(set(classes)) < len(classes):
        raise UsageError(f"{CLASS_NAMES} in {path.name} names two classes alike")
    return ArrayImages(name, place, tables, options, classes, attribute_names=names, generated=generated)


def _marks(archive: zipfile.ZipFile, path: Path, count: int) -> NDArray[np.bool_] | None:
    """Which training images are generated: an array of booleans, one each. An array of another kind means nothing."""
    where = f"{GENERATED} in {path.name}"
    with _member(archive, GENERATED, path) as file:
        shape, fortran, dtype = _header(file, where)
        return _values(file, shape, fortran, dtype, where) if dtype.kind == "b" and shape == (count,) else None


def _names(archive: zipfile.ZipFile, path: Path, member: str, wanted: str, most: float = math.inf) -> tuple[str, ...]:
    where = f"{member} in {path.name}"
    with _member(archive, member, path) as file:
        shape, fortran, dtype = _header(file, where)
        if dtype.kind not in "US" or len(shape) != 1 or not 1 <= shape[0] <= most:
            raise UsageError(f"{where} must be {wanted}")
        return tuple(_values(file, shape, fortran, dtype, where).astype(str).tolist())


def _images(archive: zipfile.ZipFile, members: list[str], path: Path) -> str:
    for name in IMAGES:
        if name in members:
            return name
    found = []
    for member in members:
        with _member(archive, member, path) as file:
            if len(_header(file, f"{member} in {path.name}")[0]) in (3, 4):
                found.append(member)
    if len(found) == 1:
        return found[0]
    raise UsageError(
        f"{path} holds no array named {', '.join(IMAGES)} and {len(found)} arrays with 3 or 4 axes (it has: "
        f"{', '.join(members) or 'nothing'}); save the images as 'images' and their labels as 'labels'"
    )


def _archive(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except BROKEN as error:
        raise UsageError(f"cannot read {path}: {_short(error)}") from None


def _member(archive: zipfile.ZipFile, name: str, path: Path) -> IO[bytes]:
    try:
        return archive.open(f"{name}.npy")
    except BROKEN as error:
        raise UsageError(f"cannot read {name} in {path}: {_short(error)}") from None


def _header(file: IO[bytes], name: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    try:
        try:
            version = np.lib.format.read_magic(file)
        except ValueError:
            raise UsageError(f"cannot read {name}: it is no .npy file, whatever its name") from None
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(file)
    except BROKEN as error:
        raise UsageError(f"cannot read {name}: {_short(error)}") from None
    if dtype.hasobject:
        raise UsageError(f"{name} holds Python objects, which are never read; save it as uint8, or as floats in 0..1")
    if any(side < 0 for side in shape):
        raise UsageError(f"cannot read {name}: there is no array of shape {shape}")
    return shape, fortran, dtype


def _values(file: IO[bytes], shape: tuple[int, ...], fortran: bool, dtype: np.dtype[Any], name: str) -> Array:
    try:
        data = read_exactly(file, math.prod(shape) * dtype.itemsize, name)
    except BROKEN as error:
        raise UsageError(f"cannot read {name}: {_short(error)}") from None
    return np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")


def _short(error: BaseException) -> str:
    if str(error).startswith("EOF: reading"):
        return f"it {CUT_SHORT}"
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
