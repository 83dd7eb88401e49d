"""Sliced Wasserstein distance between patches of a Laplacian pyramid: how alike images are at each scale.

Karras et al. 2018 (arXiv:1710.10196), section 5: Laplacian pyramids (Burt and Adelson 1987) from the full size down to
16, 128 random patches of 7 x 7 an image and level, normalised by mean and deviation of each channel, compared by the
sliced Wasserstein-1 distance over 512 random directions.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from sparring.errors import UsageError
from sparring.metrics.checks import Array, check_whole, seeded
from sparring.metrics.images import EXTRACT
from sparring.metrics.points import sliced_wasserstein

PATCH = 7
COARSEST = 16
FEWEST = 20
"""Images of either side, as for the other distances; the patches of one image tell of it alone."""
DIRECTIONS = 512


class PatchDistance(NamedTuple):
    """The distance at each level, the finest first, 10³ times as in the paper, and their mean."""

    sizes: tuple[tuple[int, int], ...]
    """Height and width of the images at each level."""
    levels: tuple[float, ...]
    mean: float


def patch_distance(real: Array, fake: Array, *, patches: int = 128, seed: int = 0) -> PatchDistance:
    """The distance between uint8 images (n, C, H, W) and (m, C, H, W).

    Levels are halved as long as both sides stay 16 or more; smaller images have one level. Memory: patches · n · C · 49
    numbers for each set; the paper takes 16 384 images.

    Raises:
        UsageError: the images are no uint8 images of the same size and number of channels, fewer than FEWEST, or
            smaller than a patch.
    """
    real, fake = torch.as_tensor(real), torch.as_tensor(fake)
    for name, images in (("real", real), ("fake", fake)):
        if images.dtype != torch.uint8 or images.ndim != 4 or not len(images):
            raise UsageError(f"{name}: expected uint8 images (n, C, H, W), got {images.dtype} {tuple(images.shape)}")
    if real.shape[1:] != fake.shape[1:]:
        raise UsageError(f"images of {tuple(real.shape[1:])} and {tuple(fake.shape[1:])} cannot be compared")
    check_whole(1, patches=patches)
    if min(real.shape[2:]) < PATCH:
        raise UsageError(f"images of {tuple(real.shape[2:])} are smaller than a patch of {PATCH} x {PATCH}")
    if (few := min(len(real), len(fake))) < FEWEST:
        raise UsageError(f"{few} images are too few to compare their patches, at least {FEWEST} are needed")
    sets = [_descriptors(images, patches, seed + i) for i, images in enumerate((real, fake))]
    levels, sizes = [], []
    for (size, a), (_, b) in zip(*sets, strict=True):
        x, y = (_normalised(v) for v in (a, b))
        levels.append(1000 * sliced_wasserstein(x, y, slices=DIRECTIONS, order=1, seed=seed))
        sizes.append(size)
    return PatchDistance(tuple(sizes), tuple(levels), sum(levels) / len(levels))


def laplacian_pyramid(x: Tensor) -> list[Tensor]:
    """Levels (n, C, h, w) of float images, the finest first: what each size adds to the next; the last is what is left.

    The images are the sum of all levels, each enlarged to theirs.
    """
    levels = []
    while min(x.shape[2:]) >= 2 * COARSEST:
        smaller = _halved(x)
        levels.append(x - _enlarged(smaller, x.shape[2:]))
        x = smaller
    return [*levels, x]


def _descriptors(images: Tensor, patches: int, seed: int) -> list[tuple[tuple[int, int], Tensor]]:
    """For each level its size and its patches (n · patches, C, 7, 7); the places are drawn anew for each image."""
    generator = seeded(seed)
    found: list[list[Tensor]] = []
    sizes: list[tuple[int, int]] = []
    for part in torch.split(images, EXTRACT):
        for i, level in enumerate(laplacian_pyramid(part.float())):
            if i == len(found):
                found.append([])
                sizes.append((level.shape[2], level.shape[3]))
            places = (len(level), patches)
            row = torch.randint(level.shape[2] - PATCH + 1, places, generator=generator)
            column = torch.randint(level.shape[3] - PATCH + 1, places, generator=generator)
            windows = level.unfold(2, PATCH, 1).unfold(3, PATCH, 1)
            chosen = windows[torch.arange(len(level))[:, None], :, row, column]
            found[i].append(chosen.flatten(0, 1))
    return [(size, torch.cat(parts)) for size, parts in zip(sizes, found, strict=True)]


def _normalised(patches: Tensor) -> Tensor:
    """Patches (k, C, 7, 7) with mean 0 and deviation 1 in each channel, as rows (k, C · 49); flat ones stay at 0."""
    deviation, mean = torch.std_mean(patches, (0, 2, 3), keepdim=True)
    return ((patches - mean) / torch.where(deviation > 0, deviation, 1.0)).flatten(1)


def _kernel(x: Tensor) -> Tensor:
    """The binomial filter (C, 1, 5, 5) of Burt and Adelson."""
    row = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0], device=x.device) / 16
    return (row[:, None] * row).expand(x.shape[1], 1, 5, 5)


def _halved(x: Tensor) -> Tensor:
    """Smoothed, then every second point of every second row."""
    return F.conv2d(F.pad(x, (2, 2, 2, 2), mode="reflect"), _kernel(x), groups=x.shape[1])[:, :, ::2, ::2]


def _enlarged(x: Tensor, size: torch.Size) -> Tensor:
    """Zeros in between, then smoothed with four times the filter."""
    spread = x.new_zeros(*x.shape[:2], *size)
    spread[:, :, ::2, ::2] = x
    return F.conv2d(F.pad(spread, (2, 2, 2, 2), mode="reflect"), 4 * _kernel(x), groups=x.shape[1])
