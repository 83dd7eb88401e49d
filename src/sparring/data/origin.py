"""What a new source of images implements: its identity, a quick survey, and its images one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sparring.data.layout import Layout

Part: TypeAlias = Literal["train", "validation", "test"]
Pixels: TypeAlias = NDArray[np.uint8]
UNLABELLED = -1
GENERATED = "generated"
"""What tells generated images from real ones: an array of booleans in an archive, a list of files in dataset.json."""


class Item(NamedTuple):
    """One image on its way into the pack: pixels (H, W, C) in the layout's size, or the reason why there are none."""

    pixels: Pixels | None
    label: int = UNLABELLED
    part: Part = "train"
    name: str = ""
    problem: str = ""
    attributes: tuple[float, ...] = ()
    generated: bool = False
    """Made by a generator, as its source says: it trains, and is never held out."""


@dataclass(frozen=True)
class Survey:
    """What is known before any pixel is kept."""

    count: int
    """Images at most: some may turn out to be unreadable."""
    sizes: Counter[tuple[int, int]]
    """How often each (height, width) occurs."""
    grey: bool
    """Every image is stored without colour. Colour images may still turn out to be grey."""
    parts: frozenset[Part]
    """The parts that the source names itself."""
    classes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    problems: tuple[tuple[str, str], ...] = field(default=())
    """(file, why) for what could not even be surveyed and will not come as an item."""
    attributes: tuple[str, ...] = ()
    """Names of the numbers that every item has as its condition, in place of a class."""


class Origin(Protocol):
    """Where images come from. It must be cheap to make: of a set that is packed already only the identity is asked."""

    @property
    def name(self) -> str:
        """The short name that reports use."""
        ...

    @property
    def place(self) -> str:
        """Where it is: the same for all versions of one source."""
        ...

    def identity(self) -> Any:
        """JSON values that change when the source does: names, sizes and times of its files."""
        ...

    def survey(self) -> Survey:
        """Count, sizes, classes; raises ``UsageError`` if nothing can be read."""
        ...

    def items(self, layout: Layout) -> Iterator[Item]:
        """All images in a fixed order, fitted to the layout."""
        ...


def nothing_read(place: str, skipped: Sequence[tuple[str, str]]) -> str:
    """The message for a source of which nothing could be read."""
    first = f"; the first of {len(skipped)}: {skipped[0][0]}: {skipped[0][1]}" if skipped else ""
    return f"no image could be read in {place}{first}"
