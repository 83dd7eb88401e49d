"""Which images are copies of training images, one by one.

A sample is a copy if its distance to the nearest training image is under a third of its distance to the second nearest
one that differs from it (Yoon, Choi, Kwon & Ryu 2023, Diffusion probabilistic models generalize when they fail to
memorize, ICML workshop on structured probabilistic inference and generative modeling). So the threshold follows the
spacing of the training images around the sample, and needs no tuning for a data set.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import torch
import torch.nn.functional as F
from torch import Tensor

from sparring.errors import UsageError
from sparring.metrics.nearest import different, nearest_rows
from sparring.metrics.prdc import CHUNK, squared_distances

RATIO = 1 / 3
SIDE = 32
"""Larger images are compared at no more than so many pixels a side: a copy is one there too, and it is soon found."""
DIRECTIONS, FITTED = 64, 5000
"""Principal directions in which images are compared first, and training images that these are of, at most."""
CANDIDATES = 8
"""Training images that are nearest there and then measured in full."""
SLACK = 1e-3
"""Share by which distances in few directions are lowered, for their rounding."""


def copy_finder(train: Iterable[Tensor]) -> Callable[[Tensor], Tensor]:
    """For training images, in parts (k, C, H, W) uint8, a function from such images (m, C, H, W) to which are copies,
    (m,) bool.

    Training images that repeat each other count once.

    Raises:
        UsageError: the training images are fewer than two different ones.
    """
    known = torch.cat([rows(part) for part in train])
    if len(once := different(known)) < 2:
        raise UsageError("copies can be told only among two different training images or more.")
    known = known[once]
    centre = known.mean(0)
    known -= centre
    directions = principal_directions(known)
    seen = known @ directions

    def copied(images: Tensor) -> Tensor:
        x = rows(images) - centre
        copy, told = told_by_few_directions(x, known, x @ directions, seen)
        copy[~told] = told_by_all(x[~told], known)
        return copy

    return copied


def told_by_all(x: Tensor, known: Tensor) -> Tensor:
    """Which of x (m, d) are copies of rows of ``known`` (n, d), n ≥ 2, by the distance to each of these."""
    found = [torch.empty(0, dtype=torch.bool)]
    for part in torch.split(x, CHUNK):
        nearest = squared_distances(part, known).topk(2, dim=1, largest=False).values
        found.append(nearest[:, 0] < RATIO**2 * nearest[:, 1])
    return torch.cat(found)


def told_by_few_directions(x: Tensor, known: Tensor, x_seen: Tensor, known_seen: Tensor) -> tuple[Tensor, Tensor]:
    """The same, and of which rows it is certain: ``x_seen`` (m, k) and ``known_seen`` (n, k) are projections.

    A projection makes no distance longer. So all rows but the CANDIDATES nearest there are at least as far as the last
    of these is there, and the candidates themselves are measured in full.
    """
    count = min(CANDIDATES, len(known))
    beyond, which = nearest_rows(x_seen.double(), known_seen.double(), count)
    # The others' least distance.
    least = beyond[:, -1] * (1 - SLACK) if count < len(known) else torch.full_like(beyond[:, -1], torch.inf)
    parts = zip(torch.split(x, CHUNK), torch.split(which, CHUNK), strict=True)
    full = [(part[:, None] - known[near]).square().sum(2).topk(2, largest=False).values for part, near in parts]
    first, second = torch.cat(full).double().unbind(1)
    copy = first < RATIO**2 * torch.minimum(second, least)
    other = torch.minimum(first, least) >= RATIO**2 * second
    return copy, copy | other


def principal_directions(known: Tensor) -> Tensor:
    """The first DIRECTIONS principal directions of rows (n, d), orthonormal columns (d, k), from FITTED rows."""
    from sklearn.decomposition import PCA

    rows = known[:: -(-len(known) // FITTED)]
    count = min(DIRECTIONS, *rows.shape)
    fitted = PCA(count, svd_solver="randomized", random_state=0).fit(rows.numpy())
    return torch.from_numpy(fitted.components_.T.copy()).to(known.dtype)


def numbers_compared(shape: tuple[int, ...]) -> int:
    """How many numbers of an image (C, H, W) are compared."""
    channels, *size = shape
    return channels * math.prod(min(side, SIDE) for side in size)


def rows(images: Tensor) -> Tensor:
    """Images (n, C, H, W) uint8 as rows (n, d) float32 of at most SIDE pixels a side, in [0, 1]."""
    size = (min(images.shape[2], SIDE), min(images.shape[3], SIDE))
    parts = [F.adaptive_avg_pool2d(part.float().div_(255), size).flatten(1) for part in torch.split(images, 1024)]
    return torch.cat(parts)
