"""Attributes: the numbers that examples have as their condition, listed for files by name, and described."""

from __future__ import annotations

import csv
import io
import math
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sparring.data.tree import Tree
from sparring.errors import UsageError
from sparring.types import Attribute

TABLE = "attributes.csv"
MOST = 256
"""Attributes that a set has at the most."""
LARGEST = float(np.finfo(np.float32).max)
ROWS = 1000
"""Rows of the training part that the specification keeps: all of a small set's, and enough of any other's to draw
conditions from, choose quantiles, and stay a file that can be read."""


class Listed(NamedTuple):
    """Attributes of files: a row of numbers by path, NaN where one is missing; no row where the file has none."""

    source: str
    names: tuple[str, ...]
    rows: dict[str, tuple[float, ...]]

    def problem(self, path: str) -> str:
        """Why a file cannot be used; empty if it can."""
        if path not in self.rows:
            return f"has no attributes in {self.source}"
        bad = [name for name, value in zip(self.names, self.rows[path], strict=True) if not fits(value)]
        return f"{', '.join(bad)}: missing or not finite in {self.source}" if bad else ""


def fits(value: float) -> bool:
    """Whether a number is finite as float32."""
    return abs(value) <= LARGEST


def numbered(count: int) -> tuple[str, ...]:
    """Names of attributes that have none: a1, a2 …"""
    return tuple(f"a{i + 1}" for i in range(count))


def check_names(names: tuple[str, ...], where: str) -> tuple[str, ...]:
    """The names, if there are not too many, and each is there once and can be given on the command line.

    Raises:
        UsageError: there are, or it is not.
    """
    if len(names) > MOST:
        raise UsageError(f"{where} has {len(names)} attributes; at most {MOST} can be a condition")
    if not all(names) or len({*names}) < len(names):
        raise UsageError(f"{where} needs a name for every attribute, each another: it has {', '.join(names)}")
    if unfit := [name for name in names if "," in name or name != name.strip()]:
        raise UsageError(
            f"{where} has an attribute {unfit[0]!r}, which could not be asked for by this name (--attributes): a name "
            "holds no comma, and neither begins nor ends with a space"
        )
    return names


def read_csv(tree: Tree, path: str) -> Listed:
    """The attributes of a table: a header, then a line an image, its path beside the table first.

    Raises:
        UsageError: it is no such table, or a cell is neither a number nor empty.
    """
    where = f"{path} in {tree.place}"
    try:
        with tree.open(path) as file:
            lines = list(csv.reader(io.StringIO(file.read().decode("utf-8-sig"), newline="")))
    except (OSError, ValueError, csv.Error) as error:
        raise UsageError(f"{where} cannot be read as a table: {error}") from None
    if not lines or len(lines[0]) < 2:
        raise UsageError(f"{where} must begin with a header such as file,age,height; then comes a line an image")
    names = check_names(tuple(name.strip() for name in lines[0][1:]), where)
    rows: dict[str, tuple[float, ...]] = {}
    for number, line in enumerate(lines[1:], 2):
        if not line:
            continue
        at = f"{where}, line {number}"
        if len(line) != len(names) + 1:
            raise UsageError(f"{at}: {len(line)} cells, but the header has {len(names) + 1}")
        image = str(PurePosixPath(path).parent / line[0].strip())
        if image in rows:
            raise UsageError(f"{at}: {line[0]} is there twice")
        rows[image] = tuple(_number(cell.strip(), name, at) for cell, name in zip(line[1:], names, strict=True))
    return Listed(TABLE, names, rows)


def _number(cell: str, name: str, at: str) -> float:
    try:
        return float(cell) if cell else math.nan
    except ValueError:
        raise UsageError(
            f"{at}: {cell[:40]!r} in the column {name!r} is no number; leave it empty if missing"
        ) from None


def describe(
    names: tuple[str, ...], values: NDArray[np.float32], train: NDArray[np.int64]
) -> tuple[tuple[Attribute, ...], tuple[tuple[float, ...], ...]]:
    """Each attribute as the training examples have it, and up to ROWS of their rows, drawn evenly with a fixed seed.

    ``values`` (N, a) may lie on disk: a column at a time is in memory. ``train`` are the training examples' positions.
    """
    attributes = []
    for j, name in enumerate(names):
        column = values[train, j]
        spread = float(column.std(dtype=np.float64))
        ends = _plain(column.min()), _plain(column.max())
        deviation = spread if ends[0] < ends[1] else 1.0
        attributes.append(Attribute(name, float(column.mean(dtype=np.float64)), deviation, *ends))
    chosen = np.sort(np.random.default_rng(0).permutation(len(train))[:ROWS])
    return tuple(attributes), tuple(tuple(map(_plain, row)) for row in values[train[chosen]])


def _plain(value: Any) -> float:
    """A float32 as the shortest decimal number that gives it again."""
    return float(str(value))
