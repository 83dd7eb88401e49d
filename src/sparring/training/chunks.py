"""Many examples through a network, a chunk at a time."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sparring.networks.mode import evaluating
from sparring.training.step import moved_by_batches, standing_still
from sparring.types import Inputs

CHUNK = 500
"""Rows that run through a network at once. The last chunk is filled up, so that no result depends on how
many were asked for."""


@torch.no_grad()
def in_chunks(network: nn.Module, inputs: Inputs, device: torch.device, *, by_batch: bool = False) -> Tensor:
    """What a network (a generator, an extractor, a classifier) makes of inputs (n, …): rows (n, …) on the CPU.

    The network is left as it was. Batch norm uses its running averages, or, ``by_batch``, the statistics of each chunk,
    as in training.
    """
    n = len(inputs[0])
    rows = torch.empty(0)
    with standing_still(moved_by_batches(network)) if by_batch else evaluating(network):
        for i in range(0, n, CHUNK):
            made = network(*(fill(part[i : i + CHUNK]).to(device) for part in inputs))
            if i == 0:
                rows = torch.empty(n, *made.shape[1:])
            rows[i : i + CHUNK] = made[: n - i]
    return rows


def fill(part: Tensor) -> Tensor:
    """A chunk filled up to CHUNK rows by repeating its last one."""
    missing = CHUNK - len(part)
    return torch.cat([part, part[-1:].expand(missing, *part.shape[1:])]) if missing else part
