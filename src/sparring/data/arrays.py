"""Images that come as arrays: which axis is which, what the values mean, and labels."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sparring.data.attributes import check_names, numbered
from sparring.data.layout import Layout, fit_pixels
from sparring.data.options import DataOptions
from sparring.data.origin import UNLABELLED, Item, Part, Pixels, Survey
from sparring.errors import UsageError

Array: TypeAlias = NDArray[Any]
BLOCK_BYTES = 4 << 20
"""About this much of an array is in memory at a time."""
LONGEST_AXIS = 32_768
WHITE_16 = 65_535
DARK = 0.25
"""Values that fill less than this share of the way from black to white are worth a warning."""


class Table(Protocol):
    """One array of images on disk or in memory, read in blocks."""

    name: str
    part: Part

    def identity(self) -> Any:
        """JSON values that change when the array does."""
        ...

    def open(self) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """The array's shape and dtype; raises ``UsageError`` if it cannot be read."""
        ...

    def blocks(self) -> Iterator[Array]:
        """The array in order, some images at a time."""
        ...

    def labels(self) -> Array | None:
        """One label an image (n,), attributes (n, a), or None."""
        ...


@dataclass
class Values:
    """What a first pass over the values found."""

    low: float = np.inf
    high: float = -np.inf
    bad: int = 0
    first_bad: tuple[int, ...] = ()


class ArrayImages:
    """An origin made of tables: (N, H, W), (N, H, W, C) or (N, C, H, W), whole numbers or floats.

    With four axes, channels are last if the last axis is 1, 3 or 4 long, else first if the second is. Four channels are
    RGB and opacity, laid over white.
    """

    def __init__(
        self,
        name: str,
        place: str,
        tables: list[Table],
        options: DataOptions,
        class_names: tuple[str, ...] = (),
        attribute_names: tuple[str, ...] = (),
        generated: NDArray[np.bool_] | None = None,
    ) -> None:
        """``generated`` tells which of the training images a generator made."""
        self.name = name
        self.place = place
        self.tables = tables
        self.black_and_white = options.black_and_white()
        self.class_names = class_names
        self.attribute_names = attribute_names
        self.generated = generated
        self._scales: dict[str, tuple[float, float]] = {}
        self._labels: list[NDArray[np.int64] | None] = []
        self._attributes: list[NDArray[np.float32]] = []

    def identity(self) -> Any:
        """The identities of all tables."""
        marked = [] if self.generated is None else ["some are generated"]
        return [*([table.name, table.part, table.identity()] for table in self.tables), *marked]

    def survey(self) -> Survey:
        """Shapes, value ranges and labels of all tables."""
        sizes: Counter[tuple[int, int]] = Counter()
        grey = True
        notes: list[str] = []
        for table in self.tables:
            shape, dtype = table.open()
            height, width, channels, note = _axes(shape, table.name)
            sizes[height, width] += shape[0]
            grey &= channels == 1
            notes += [note] if note else []
            self._scales[table.name], note = _scale(table, dtype, self.black_and_white)
            notes += [note] if note else []
        classes, attributes = self._read_conditions([table.open()[0][0] for table in self.tables])
        parts = frozenset(table.part for table in self.tables)
        notes = list(dict.fromkeys(notes))
        return Survey(sizes.total(), sizes, grey, parts, classes, tuple(notes), attributes=attributes)

    def _read_conditions(self, counts: list[int]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The names of the classes and of the attributes; at most one of them has any."""
        raw = [table.labels() for table in self.tables]
        for table, labels, count in zip(self.tables, raw, counts, strict=True):
            if labels is not None and labels.shape != (count,) and not _is_table(labels, count):
                raise UsageError(
                    f"{table.name}: labels of shape {labels.shape} do not fit {count} images; give one label an image, "
                    "or one row of attributes"
                )
        if not any(labels is not None and _is_continuous(labels) for labels in raw):
            return self._read_labels(raw), ()
        self._labels = [None] * len(raw)
        self._attributes = [_attribute_values(table.name, y) for table, y in zip(self.tables, raw, strict=True)]
        widths = {values.shape[1] for values in self._attributes}
        names = self.attribute_names or numbered(max(widths))
        if widths != {len(names)}:
            found = ", ".join(map(str, sorted(widths)))
            raise UsageError(f"{self.name}: {found} attributes an image, but {len(names)} names or numbers elsewhere")
        return (), check_names(names, self.name)

    def _read_labels(self, raw: list[Array | None]) -> tuple[str, ...]:
        values = [_label_values(table.name, labels) for table, labels in zip(self.tables, raw, strict=True)]
        distinct = {v for found in values if found is not None for v in found if v is not None}
        ordered: list[Any] = sorted(distinct, key=lambda v: (isinstance(v, str), v))
        if self.class_names and distinct <= set(range(len(self.class_names))):
            ordered = list(range(len(self.class_names)))
        index = {value: i for i, value in enumerate(ordered)} | {None: UNLABELLED}
        self._labels = [None if v is None else np.array([index[x] for x in v], np.int64) for v in values]
        return tuple(self.class_names) if self.class_names and ordered else tuple(str(v) for v in ordered)

    def items(self, layout: Layout) -> Iterator[Item]:
        """All images, table after table."""
        attributes = self._attributes or [np.empty((0, 0), np.float32)] * len(self.tables)
        for table, labels, values in zip(self.tables, self._labels, attributes, strict=True):
            shape, _ = table.open()
            channels_first = len(shape) == 4 and shape[3] not in (1, 3, 4)
            images = (image for block in table.blocks() for image in self._pixels(block, table.name, channels_first))
            numbers = itertools.repeat(UNLABELLED) if labels is None else iter(labels.tolist())
            rows = (tuple(row.tolist()) for row in values) if self._attributes else itertools.repeat(())
            marks = itertools.repeat(False)
            if self.generated is not None and table.part == "train":
                marks = iter(self.generated.tolist())
            for pixels, label, row, made in zip(images, numbers, rows, marks, strict=False):
                yield Item(fit_pixels(pixels, layout), label, table.part, attributes=row, generated=made)

    def _pixels(self, block: Array, name: str, channels_first: bool) -> Pixels:
        """A raw block as uint8 (n, H, W, 1 or 3)."""
        if block.ndim == 3:
            block = block[..., None]
        elif channels_first:
            block = block.transpose(0, 2, 3, 1)
        black, white = self._scales[name]
        if (black, white) != (0, 255):
            block = (block.astype(np.float32) - np.float32(black)) * np.float32(255 / (white - black))
        pixels = np.clip(np.rint(block), 0, 255).astype(np.uint8) if block.dtype != np.uint8 else block
        return _over_white(pixels) if pixels.shape[3] == 4 else pixels


def per_block(shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    """How many images make a block."""
    return int(max(1, BLOCK_BYTES // max(1, dtype.itemsize * math.prod(shape[1:]))))


def _over_white(pixels: Pixels) -> Pixels:
    alpha = pixels[..., 3:].astype(np.uint16)
    colour = pixels[..., :3].astype(np.uint16)
    return ((colour * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def _axes(shape: tuple[int, ...], name: str) -> tuple[int, int, int, str]:
    """(height, width, channels, note) of an array's shape."""
    if len(shape) not in (3, 4) or 0 in shape:
        raise UsageError(
            f"{name}: an array of shape {shape} is no set of images; wanted: (N, H, W), (N, H, W, C) or (N, C, H, W)"
        )
    if max(shape[1:]) > LONGEST_AXIS:
        raise UsageError(f"{name}: images of shape {shape[1:]} are too large, or its header is damaged")
    if len(shape) == 3:
        return shape[1], shape[2], 1, ""
    if shape[3] in (1, 3, 4):
        both = f"{name}: shape {shape} was read as (N, H, W, C)" if shape[1] in (1, 3, 4) else ""
        return shape[1], shape[2], shape[3], both
    if shape[1] in (1, 3, 4):
        return shape[2], shape[3], shape[1], ""
    raise UsageError(f"{name}: neither the last nor the second axis of {shape} is 1, 3 or 4 channels long")


def _scale(table: Table, dtype: np.dtype[Any], asked: tuple[float, float] | None) -> tuple[tuple[float, float], str]:
    """The values that mean black and white in a table, the ones asked for if any, and a note where there is need."""
    if dtype.kind not in "buif":
        raise UsageError(
            f"{table.name}: an array of dtype {dtype} is no set of images; save it as uint8, or as floats in 0..1"
        )
    if dtype.kind == "b":
        return (0, 1), ""
    if dtype == np.uint8 and asked is None and next(table.blocks()).max() > 1:
        return (0, 255), ""
    values = _pass_over(table)
    if values.bad:
        raise UsageError(
            f"{table.name}: {values.bad} values are NaN or infinite, the first at index {values.first_bad}; "
            "replace them or leave those images out"
        )
    if asked is not None:
        black, white = asked
        seen = f"{table.name}: values from {values.low:g} to {values.high:g}"
        if values.low < black or values.high > white:
            return asked, f"{seen} were cut to {black:g}..{white:g}"
        few = values.high - values.low < DARK * (white - black)
        return asked, f"WARNING: {seen} are a small part of {black:g}..{white:g}, and nearly alike" if few else ""
    return _guess_scale(table.name, dtype, values)


def _guess_scale(name: str, dtype: np.dtype[Any], values: Values) -> tuple[tuple[float, float], str]:
    low, high = values.low, values.high
    if dtype.kind in "ui":
        if low == 0 and high == 1:
            return (0, 1), f"{name}: whole numbers 0 and 1 were read as black and white"
        if low >= 0 and high <= 255:
            return (0, 255), ""
        if dtype.kind == "u" and dtype.itemsize == 2:  # in either byte order
            return (0, WHITE_16), _note_16(name, values)
    elif low >= -1 and high <= 1:
        black = 0 if low >= 0 else -1
        return (black, 1), f"{name}: floats from {low:g} to {high:g} were read as {black}..1"
    raise UsageError(
        f"{name}: {dtype} values from {low:g} to {high:g} have no plain meaning; say which are black and white, as "
        f"--set range=0..255, or --set range={low:g}..{high:g} for the least and the most"
    )


def _note_16(name: str, values: Values) -> str:
    """What is said of 16-bit values, which may be of fewer bits."""
    if values.high >= DARK * WHITE_16:
        return f"{name}: 16-bit values were scaled to 8 bits"
    most = 2 ** math.ceil(math.log2(values.high + 1)) - 1
    return (
        f"WARNING: {name}: 16-bit values of {values.high:g} at most were scaled to 8 bits as if 65535 were white, so "
        f"all are dark; if white is {most}, say --set range=0..{most}"
    )


def _pass_over(table: Table) -> Values:
    found = Values()
    start = 0
    for block in table.blocks():
        if block.dtype.kind == "f":
            bad = ~np.isfinite(block)
            if bad.any():
                if not found.bad:
                    first = np.unravel_index(int(bad.argmax()), bad.shape)
                    found.first_bad = (start + int(first[0]), *(int(i) for i in first[1:]))
                found.bad += int(bad.sum())
                block = np.where(bad, 0, block)
        found.low = min(found.low, float(block.min()))
        found.high = max(found.high, float(block.max()))
        start += len(block)
    return found


def _is_table(labels: Array, count: int) -> bool:
    """Whether labels are rows of numbers, one an image."""
    return labels.ndim == 2 and len(labels) == count and labels.dtype.kind in "buif"


def _is_continuous(labels: Array) -> bool:
    """Whether labels are attributes: rows of numbers, or one number an image of which some are not whole."""
    if labels.dtype.kind not in "buif":
        return False
    return labels.ndim == 2 or (
        labels.dtype.kind == "f" and not np.array_equal(labels, np.rint(labels), equal_nan=True)
    )


def _attribute_values(name: str, labels: Array | None) -> NDArray[np.float32]:
    """Attributes as (n, a) float32, all finite."""
    if labels is None or labels.dtype.kind not in "buif":
        raise UsageError(f"{name}: it has no attributes, but another part has: give numbers for every image")
    with np.errstate(over="ignore"):
        values = labels.reshape(len(labels), -1).astype(np.float32)
    bad = ~np.isfinite(values)
    if bad.any():
        first = tuple(int(i) for i in np.unravel_index(int(bad.argmax()), bad.shape))
        raise UsageError(
            f"{name}: {int(bad.sum())} attributes are NaN or infinite, the first at index {first}; replace them or "
            "leave those images out"
        )
    return values


def _label_values(name: str, labels: Array | None) -> list[int | str | None] | None:
    """Labels as whole numbers or texts; None where an image has none (-1 or NaN)."""
    if labels is None:
        return None
    if labels.dtype.kind in "US":
        return [str(v) for v in labels.astype(str).tolist()]
    if labels.dtype.kind == "f" and np.array_equal(labels, np.rint(labels), equal_nan=True):
        return [None if v != v or v == UNLABELLED else int(v) for v in labels.tolist()]
    if labels.dtype.kind in "bui":
        return [None if v == UNLABELLED else int(v) for v in labels.tolist()]
    raise UsageError(f"{name}: labels of dtype {labels.dtype} are neither classes (whole numbers) nor attributes")
