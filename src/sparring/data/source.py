"""The two sources that training reads: a part of a pack on disk, and points in memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sparring.errors import UsageError
from sparring.types import Batch, Dataset, DataSource, DataSpec

FITS = 512 << 20
"""Parts of at most this many bytes are handed out whole by ``tensors``."""

Indices = np.ndarray[Any, np.dtype[np.int64]]


class PackedSource:
    """One part of a packed set: some positions of the memory-mapped images (N, C, H, W) uint8.

    Reading costs a few microseconds: the system's page cache keeps what fits, so there is no second copy in memory.
    """

    def __init__(
        self, spec: DataSpec, images: NDArray[np.uint8], conditions: NDArray[Any] | None, positions: Indices
    ) -> None:
        """``conditions`` are the labels (N,) int64, or the attributes (N, a) float32, where the set has any."""
        self._spec = spec
        self._images = images.view(np.ndarray)  # a plain array: numpy's memmap type makes every read slower
        self._conditions = None if conditions is None else conditions.view(np.ndarray)
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
        return self._of_the_part() if self._spec.classes else None

    @property
    def attributes(self) -> NDArray[np.float32] | None:
        """All attributes (n, a) of the part, in the user's units, without reading an image; None if it has none."""
        return self._of_the_part() if self._spec.attributes else None

    def _of_the_part(self) -> NDArray[Any] | None:
        return None if self._conditions is None else self._conditions.take(self._positions, axis=0)

    def read(self, indices: Indices) -> Batch:
        """Images (n, C, H, W) uint8; labels (n,) int64, attributes (n, a) float32, or None; ``IndexError`` beyond."""
        positions = self._positions.take(indices)
        x = torch.from_numpy(self._images.take(positions, axis=0))
        return Batch(
            x, None if self._conditions is None else torch.from_numpy(self._conditions.take(positions, axis=0))
        )

    def whole(self) -> PackedSource:
        """All images of the set, of every part, in the order in which they were read."""
        everything = np.arange(len(self._images), dtype=np.int64)
        return PackedSource(self._spec, self._images, self._conditions, everything)

    def joined(self, other: PackedSource) -> PackedSource:
        """This part and another one of the same set, in the order in which they were read."""
        positions = np.sort(np.concatenate([self._positions, other._positions]))
        return PackedSource(self._spec, self._images, self._conditions, positions)

    def tensors(self) -> Batch | None:
        """The whole part, in order, to be put on a device; None if it is over 512 MiB."""
        if len(self) * self._images[:1].nbytes > FITS:
            return None
        return self.read(np.arange(len(self), dtype=np.int64))


class PointSource:
    """Points (n, d) float32 in memory, with attributes (n, a) float32 where the toy has them."""

    labels = None

    def __init__(self, spec: DataSpec, points: Tensor, attributes: Tensor | None = None) -> None:
        self._spec = spec
        self._points, self._attributes = points, attributes

    @property
    def spec(self) -> DataSpec:
        """What one point is."""
        return self._spec

    def __len__(self) -> int:
        """How many points there are."""
        return len(self._points)

    @property
    def attributes(self) -> NDArray[np.float32] | None:
        """All attributes (n, a), in the user's units; None if it has none."""
        return None if self._attributes is None else self._attributes.numpy()

    def read(self, indices: Indices) -> Batch:
        """Points (n, d) float32, and their attributes."""
        at = torch.from_numpy(indices)
        y = None if self._attributes is None else self._attributes.index_select(0, at)
        return Batch(self._points.index_select(0, at), y)

    def tensors(self) -> Batch | None:
        """All points, in order; they always fit."""
        return Batch(self._points, self._attributes)


def everything(dataset: Dataset) -> DataSource:
    """All examples of all parts: images in the order in which they were read, points part after part."""
    if isinstance(dataset.train, PackedSource):
        return dataset.train.whole()
    parts = [part for part in (dataset.train, dataset.validation, dataset.test) if part is not None]
    whole = [part.read(np.arange(len(part), dtype=np.int64)) for part in parts]
    attributes = [batch.y for batch in whole if batch.y is not None]
    return PointSource(
        dataset.spec, torch.cat([batch.x for batch in whole]), torch.cat(attributes) if attributes else None
    )


class Subset:
    """Some examples of a source, as a source of their own."""

    def __init__(self, source: DataSource, positions: Indices) -> None:
        """``positions`` are those in the source, (n,)."""
        self._source, self._positions = source, positions

    @property
    def spec(self) -> DataSpec:
        """What one example is."""
        return self._source.spec

    def __len__(self) -> int:
        """How many examples there are."""
        return len(self._positions)

    def read(self, indices: Indices) -> Batch:
        """The examples at these positions of the subset."""
        return self._source.read(self._positions.take(indices))

    @property
    def labels(self) -> Indices | None:
        """Their labels (n,); None without classes."""
        return None if self._source.labels is None else self._source.labels[self._positions]

    @property
    def attributes(self) -> NDArray[np.float32] | None:
        """Their attributes (n, a); None if there are none."""
        return None if self._source.attributes is None else self._source.attributes[self._positions]

    def tensors(self) -> Batch:
        """All of them, in order."""
        return self.read(np.arange(len(self), dtype=np.int64))


class Hidden:
    """A source whose labels are others: -1 where they are hidden."""

    attributes = None

    def __init__(self, source: DataSource, labels: Indices) -> None:
        """``labels`` are what is shown of each example, (n,) int64."""
        self._source, self.labels = source, labels

    @property
    def spec(self) -> DataSpec:
        """What one example is."""
        return self._source.spec

    def __len__(self) -> int:
        """How many examples there are."""
        return len(self._source)

    def read(self, indices: Indices) -> Batch:
        """Examples, and the labels that are shown."""
        return Batch(self._source.read(indices).x, torch.from_numpy(self.labels.take(indices)))

    def tensors(self) -> Batch | None:
        """The whole part, in order; None if the source does not hand itself out whole."""
        whole = self._source.tensors()
        return None if whole is None else Batch(whole.x, torch.from_numpy(self.labels))


def labelled_part(source: DataSource) -> DataSource:
    """The examples of a source that have a label.

    Raises:
        UsageError: none has.
    """
    labels = source.labels
    if labels is None or not (labels >= 0).any():
        raise UsageError(f"{source.spec.name} has no labelled training examples: this game needs some.")
    return known_part(source)


def known_part(source: DataSource) -> DataSource:
    """The source without the examples whose class is not known: none may be left. Itself, where all are known."""
    labels = source.labels
    if labels is None or (labels >= 0).all():
        return source
    return Subset(source, np.flatnonzero(labels >= 0))
