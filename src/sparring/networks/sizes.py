"""Sizes of feature maps: any side is halved and rounded up; a doubled map is cropped to the side that it came from."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import pad

Size = tuple[int, int]


def halvings(size: Size, largest: int, least: int = 1) -> list[Size]:
    """The image's (height, width), then at least ``least`` halves, rounded up, until no side is above ``largest``.

    >>> halvings((28, 28), 4)
    [(28, 28), (14, 14), (7, 7), (4, 4)]
    """
    sizes = [size]
    while len(sizes) <= least or max(sizes[-1]) > largest:
        sizes.append(half(sizes[-1]))
    return sizes


def half(size: Size) -> Size:
    """Half the sides, rounded up."""
    return (size[0] + 1) // 2, (size[1] + 1) // 2


def crop(x: Tensor, size: Size) -> Tensor:
    """The upper left part of maps (…, h, w) that has this (height, width)."""
    return x[..., : size[0], : size[1]]


def pad_to_even(x: Tensor) -> Tensor:
    """Maps (…, h, w) with a row and a column of zeros more where a side is odd."""
    down, right = x.shape[-2] % 2, x.shape[-1] % 2
    return pad(x, (0, right, 0, down)) if down or right else x


def doubling_widths(width: int, levels: int, largest: int) -> list[int]:
    """Channels of the halved maps, from the largest map to the smallest: width, doubled each time, up to a largest."""
    return [min(width << i, max(largest, width)) for i in range(levels)]
