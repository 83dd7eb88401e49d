"""Which example the endless stream of training data reads at each position: a pure function of seed and position."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np


def draw_indices(length: int, seed: int, stream: int, start: int, count: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Indices (count,) int64 that positions ``start`` to ``start + count`` of a stream read.

    The stream is one permutation of ``range(length)`` after another, each drawn from (seed, stream, epoch), so that a
    resumed run needs no replay: any way of cutting a range into pieces gives the same indices.
    """
    if length < 1:
        raise ValueError("there is nothing to draw from: length is 0")
    pieces = []
    end = start + count
    while start < end:
        epoch, offset = divmod(start, length)
        take = min(length - offset, end - start)
        pieces.append(_permutation(length, seed, stream, epoch)[offset : offset + take])
        start += take
    return np.concatenate(pieces) if pieces else np.empty(0, np.int64)


@lru_cache(maxsize=4)
def _permutation(length: int, seed: int, stream: int, epoch: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    order = np.random.default_rng([seed, stream, epoch]).permutation(length).astype(np.int64, copy=False)
    order.flags.writeable = False  # it is shared by all calls
    return order
