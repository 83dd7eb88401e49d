"""Which images are copies of training images, one by one.

A sample is a copy if its distance to the nearest training image is under a third of its distance to the second nearest
one that differs from it (Yoon, Choi, Kwon & Ryu 2023, Diffusion probabilistic models generalize when they fail to
memorize, ICML workshop on structured probabilistic inference and generative modeling). So the threshold follows the
spacing of the training images around the sample, and needs no tuning for a data set.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from sparring.errors import UsageError
from sparring.metrics.prdc import CHUNK, squared_distances

RATIO = 1 / 3
SIDE = 32
"""Larger images are compared at no more than so many pixels a side: a copy is one there too, and it is soon found."""


def copy_finder(train: Tensor) -> Callable[[Tensor], Tensor]:
    """For training images (n, C, H, W) uint8, a function from images (m, C, H, W) uint8 to which are copies, (m,) bool.

    Training images that repeat each other count once.

    Raises:
        UsageError: the training images are fewer than two different ones.
    """
    if len(train) < 2 or bool((train == train[:1]).all()):
        raise UsageError("copies can be told only among two different training images or more.")
    different = torch.unique(rows(train), dim=0)
    centre = different.mean(0)
    different -= centre

    def copied(images: Tensor) -> Tensor:
        found = []
        for part in torch.split(rows(images) - centre, CHUNK):
            nearest = squared_distances(part, different).topk(2, dim=1, largest=False).values
            found.append(nearest[:, 0] < RATIO**2 * nearest[:, 1])
        return torch.cat(found)

    return copied


def rows(images: Tensor) -> Tensor:
    """Images (n, C, H, W) uint8 as rows (n, d) float32 of at most SIDE pixels a side, in [0, 1]."""
    size = (min(images.shape[2], SIDE), min(images.shape[3], SIDE))
    parts = [F.adaptive_avg_pool2d(part.float().div_(255), size).flatten(1) for part in torch.split(images, 1024)]
    return torch.cat(parts)
