"""An endless stream of real examples: one shuffled epoch of a source after another, read by position."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sparring.data import draw_indices
from sparring.types import Batch, DataSource, DataSpec

AHEAD = 256
"""Steps whose examples' positions are sent to a device at once: sending them at each step would wait for the last."""


class Stream:
    """The examples of each step, as they are stored, on the device.

    They are read by position, so that going on at step s needs no replay. A ``static`` stream lays the examples of each
    step where those of the last one lay, so that a captured step finds them.
    """

    def __init__(
        self,
        source: DataSource,
        seed: int,
        device: torch.device,
        numbers: Mapping[int, int],
        per_step: Mapping[int, int],
        *,
        static: bool = False,
    ) -> None:
        """``numbers`` and ``per_step`` say, for each stage, which of the seed's streams it is and how many a step."""
        self.source, self.seed, self.device = source, seed, device
        self.numbers, self.per_step, self.static = numbers, per_step, static
        self.whole = put_whole(source, device)
        self.stored = Batch(torch.empty(0))
        self.places: dict[int, Batch] = {}
        """If static: where the examples of a step lie, for each stage."""
        self.sent: tuple[tuple[int, int], Tensor] = ((-1, -1), torch.empty(0))
        """Which steps' positions were sent to the device last, and these, (AHEAD, examples a step)."""

    def prepare(self, stage: int, number: int) -> None:
        """Read the examples of a stage's step of this number."""
        if self.per_step[stage] == 0:
            return
        found = self.read(stage, number)
        self.stored = self.places.setdefault(stage, found) if self.static else found
        for place, part in zip(self.stored, found, strict=True):
            if place is not part and place is not None and part is not None:
                place.copy_(part)

    def read(self, stage: int, number: int) -> Batch:
        """Examples of a step on the device: gathered there from the whole source, or read and sent."""
        if self.whole is None:
            batch = self.source.read(self.indices(stage, number, 1))
            return put(conditioned(self.source.spec, batch), self.device)
        x, y = self.whole
        at = self.positions(stage, number)
        return Batch(x.index_select(0, at), None if y is None else y.index_select(0, at))

    def indices(self, stage: int, number: int, steps: int) -> NDArray[np.int64]:
        """Which examples some steps of a stage are given, from one of this number on."""
        count = self.per_step[stage]
        return draw_indices(len(self.source), self.seed, self.numbers[stage], number * count, steps * count)

    def positions(self, stage: int, number: int) -> Tensor:
        """The same for one step, as a tensor on the device."""
        block, row = divmod(number, AHEAD)
        if self.sent[0] != (stage, block):
            ahead = torch.from_numpy(self.indices(stage, block * AHEAD, AHEAD)).view(AHEAD, -1)
            self.sent = (stage, block), ahead.to(self.device)
        return self.sent[1][row]


def put_whole(source: DataSource, device: torch.device) -> Batch | None:
    """The whole source on the device, where the device is not the CPU and the source hands itself out whole."""
    whole = None if device.type == "cpu" else source.tensors()
    return None if whole is None else put(conditioned(source.spec, whole), device)


def conditioned(spec: DataSpec, batch: Batch) -> Batch:
    """A batch as it is stored, but for its conditions, which are what the networks see: small, and encoded once."""
    return Batch(batch.x, None if batch.y is None else spec.encode_condition(batch.y))


def put(batch: Batch, device: torch.device) -> Batch:
    """A batch on a device."""
    x, y = batch
    return Batch(x.to(device, non_blocking=True), None if y is None else y.to(device, non_blocking=True))
