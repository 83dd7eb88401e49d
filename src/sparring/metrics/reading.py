"""Examples out of a data source: repeatable draws, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from sparring.metrics.nearest import different
from sparring.types import Batch, DataSource

Indices: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]

Progress: TypeAlias = Callable[[str, int, int], None]
"""``progress(what, done, total)``, called now and then while something takes long."""

READ = 1024


def no_progress(what: str, done: int, total: int) -> None:
    """Show nothing."""


def choose_indices(source: DataSource, n: int, seed: int) -> Indices:
    """At most n different positions, drawn uniformly by ``seed`` and then put in order, which a disk likes."""
    total = len(source)
    if n >= total:
        return np.arange(total, dtype=np.int64)
    return np.sort(np.random.default_rng(seed).choice(total, n, replace=False).astype(np.int64))


def read_chunks(source: DataSource, indices: Indices) -> Iterator[Batch]:
    """The examples at these positions, READ at a time."""
    for start in range(0, len(indices), READ):
        yield source.read(indices[start : start + READ])


def draw(source: DataSource, n: int, seed: int) -> Tensor:
    """At most n different examples as stored, (n, *shape), repeatable by ``seed``."""
    return torch.cat([batch.x for batch in read_chunks(source, choose_indices(source, n, seed))])


def read_different(source: DataSource, indices: Indices) -> Iterator[Tensor]:
    """The different examples at these positions as stored, in parts (k, *shape), k ≥ 1."""
    seen: set[bytes] = set()
    for batch in read_chunks(source, indices):
        if len(new := different(batch.x, seen)):
            yield batch.x[new]


def labels_at(source: DataSource, indices: Indices) -> Tensor:
    """Labels (n,) int64 at these positions, -1 where there is none."""
    known = source.labels
    return torch.full((len(indices),), -1) if known is None else torch.from_numpy(known[indices])
