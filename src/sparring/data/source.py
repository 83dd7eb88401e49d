"""The two sources that training reads: a part of a pack on disk, and points in memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sparring.types import Batch, DataSpec

FITS = 512 << 20
"""Parts of at most this many bytes are handed out whole by ``tensors``."""

Indices = np.ndarray[Any, np.dtype[np.int64]]


class PackedSource:
    """One part of a packed set: some positions of the memory-mapped images (N, C, H, W) uint8.

    Reading costs a few microseconds: the system's page cache keeps what fits, so there is no second copy in memory.
    """

    def __init__(
        self, spec: DataSpec, images: NDArray[np.uint8], labels: NDArray[np.int64] | None, positions: Indices
    ) -> None:
        self._spec = spec
        self._images = images.view(np.ndarray)  # a plain array: numpy's memmap type makes every read slower
        self._labels = labels
        self._positions = positions

    @property
    def spec(self) -> DataSpec:
        """What one image is."""
        return self._spec

    def __len__(self) -> int:
        """How many images the part has."""
        return len(self._positions)

    @property
    def labels(self) -> Indices | None:
        """All labels (n,) int64 of the part, in order, without reading an image; None without classes."""
        return None if self._labels is None else self._labels.take(self._positions)

    def read(self, indices: Indices) -> Batch:
        """Images (n, C, H, W) uint8, labels (n,) int64 or None without classes; ``IndexError`` out of range."""
        positions = self._positions.take(indices)
        x = torch.from_numpy(self._images.take(positions, axis=0))
        return Batch(x, None if self._labels is None else torch.from_numpy(self._labels.take(positions)))

    def tensors(self) -> Batch | None:
        """The whole part, in order, to be put on a device; None if it is over 512 MiB."""
        if len(self) * self._images[:1].nbytes > FITS:
            return None
        return self.read(np.arange(len(self), dtype=np.int64))


class PointSource:
    """Points (n, d) float32 in memory."""

    def __init__(self, spec: DataSpec, points: Tensor) -> None:
        self._spec = spec
        self._points = points

    @property
    def spec(self) -> DataSpec:
        """What one point is."""
        return self._spec

    def __len__(self) -> int:
        """How many points there are."""
        return len(self._points)

    def read(self, indices: Indices) -> Batch:
        """Points (n, d) float32."""
        return Batch(self._points.index_select(0, torch.from_numpy(indices)))

    def tensors(self) -> Batch | None:
        """All points, in order; they always fit."""
        return Batch(self._points)
