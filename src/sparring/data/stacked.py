"""Stacked MNIST: three digits as the colour channels of one image, so that there are 1 000 classes to lose.

Metz et al. 2017 (arXiv:1611.02163), section 3.3.1; 128 000 fixed triples as in Lin et al. 2018 (arXiv:1712.04086).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparring.data import idx
from sparring.data.arrays import Array, ArrayImages, Table, per_block
from sparring.data.options import DataOptions
from sparring.data.origin import Origin, Part

CLASSES = tuple(f"{number:03d}" for number in range(1000))
COUNTS: dict[Part, int] = {"train": 128_000, "test": 26_000}
SEEDS: dict[Part, int] = {"train": 0, "test": 1}


class Triples:
    """Fixed random triples of the images of one table; each one's class is its three digits, red first."""

    def __init__(self, digits: Table, part: Part) -> None:
        self.digits = digits
        self.part = part
        self.name = f"triples of {digits.name}"

    def identity(self) -> Any:
        """The digits', and how the triples are drawn."""
        return [self.digits.identity(), COUNTS[self.part], SEEDS[self.part]]

    def open(self) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """Three channels of the digits' size."""
        (_, height, width), dtype = self.digits.open()
        return (COUNTS[self.part], 3, height, width), dtype

    def blocks(self) -> Iterator[Array]:
        """The images, a few megabytes at a time."""
        digits = np.concatenate(list(self.digits.blocks()))
        shape, dtype = self.open()
        chosen, step = self.chosen(), per_block(shape, dtype)
        for start in range(0, len(chosen), step):
            yield digits[chosen[start : start + step]]

    def labels(self) -> Array | None:
        """The classes."""
        labels = self.digits.labels()
        return None if labels is None else labels[self.chosen()].astype(np.int64) @ np.array([100, 10, 1])

    def chosen(self) -> NDArray[np.int64]:
        """Which digits (n, 3) are stacked."""
        (count, _, _), _ = self.digits.open()
        return np.random.default_rng(SEEDS[self.part]).integers(count, size=(COUNTS[self.part], 3))


def find(folder: Path, name: str, options: DataOptions, classes: tuple[str, ...]) -> Origin | None:
    """Made from the MNIST in a folder, training triples from its training part and test triples from its test part."""
    mnist = idx.classic_folder(folder / "mnist", "mnist", options)
    if mnist is None:
        return None
    tables: list[Table] = [Triples(table, table.part) for table in mnist.tables]
    return ArrayImages(name, f"{name} of {mnist.place}", tables, options, classes)
