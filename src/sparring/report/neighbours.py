"""The training examples that samples are nearest to, beside how near held-out real examples are."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from sparring.metrics.prdc import squared_distances
from sparring.metrics.reading import choose_indices, draw, read_chunks
from sparring.types import Dataset

HELD_OUT = 100
"""Held-out examples that the floor is of, at most."""
WORK = 4e10
"""Multiplications at most, some ten seconds of one core: of large images not every training example is looked at."""

ROWS = 128
"""Training examples that are compared at once: large images in float64 fill the memory."""


@dataclass(frozen=True)
class Neighbours:
    """For each of n samples its nearest training example, as stored, and how far that is."""

    nearest: Tensor
    """(n, *shape)"""
    distances: Tensor
    """(n,): root mean square difference of the pixels, in grey levels of 255; of points, the Euclidean distance."""
    floor: Tensor | None
    """(h,): the same from held-out real examples; None where nothing is held out."""
    searched: int
    training: int
    """How many training examples were looked at, and how many there are."""


def nearest_training(samples: Tensor, dataset: Dataset, seed: int = 0) -> Neighbours:
    """Look for the nearest training example of each of n samples (n, *shape), given as stored, pixel by pixel."""
    real = samples[:0] if dataset.held_out is None else draw(dataset.held_out, HELD_OUT, seed)
    asked = torch.cat([samples, real]).flatten(1).double()
    searched = min(len(dataset.train), max(1, int(WORK / asked.numel())))
    best = torch.full((len(asked),), torch.inf, dtype=torch.float64)
    nearest = torch.zeros_like(torch.cat([samples, real]))
    for batch in read_chunks(dataset.train, choose_indices(dataset.train, searched, seed)):
        for part in torch.split(batch.x, ROWS):
            found = squared_distances(asked, part.flatten(1).double()).min(1)
            nearer = found.values < best
            best[nearer] = found.values[nearer]
            nearest[nearer] = part[found.indices[nearer]]
    distances = (best / dataset.spec.size if dataset.spec.kind == "image" else best).sqrt()
    n = len(samples)
    return Neighbours(nearest[:n], distances[:n], distances[n:] if len(real) else None, searched, len(dataset.train))
