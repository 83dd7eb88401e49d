"""What a measure needs of torch.distributed: every process must call these functions, in the same order."""

from __future__ import annotations

import torch
from torch import Tensor, distributed

from sparring.errors import UsageError

NONE = -(1 << 62)
"""Below any width, and its negative above."""


def process_device() -> torch.device | None:
    """Where tensors must lie to reach the other processes; None where there are none."""
    if not (distributed.is_available() and distributed.is_initialized()) or distributed.get_world_size() == 1:
        return None
    return torch.device("cuda") if distributed.get_backend() == "nccl" else torch.device("cpu")


def common_width(width: int, name: str, device: torch.device) -> int:
    """The width of the rows of all processes; a process without rows says 0.

    Raises:
        UsageError: there are no rows, or the widths differ; each process has the error.
    """
    ends = torch.tensor([width or NONE, -width or NONE], device=device)
    distributed.all_reduce(ends, distributed.ReduceOp.MAX)
    most, least = int(ends[0]), -int(ends[1])
    if most == NONE:
        raise UsageError(f"{name}: none came yet, on any process")
    if most != least:
        raise UsageError(f"{name} have {least} columns on one process and {most} on another: they must be equal")
    return most


def gather_rows(rows: Tensor, name: str) -> Tensor:
    """The rows (n, d) of all processes in the order of these, float64, on each of them; (0, 0) is none.

    Raises:
        UsageError: as ``common_width``.
    """
    if (device := process_device()) is None:
        return rows
    width = common_width(rows.shape[1], name, device)
    counts = torch.zeros(distributed.get_world_size(), dtype=torch.int64, device=device)
    counts[distributed.get_rank()] = len(rows)
    distributed.all_reduce(counts)
    # Tensors that are gathered must have one shape: the longest one's.
    mine = torch.zeros(int(counts.max()), width, dtype=torch.float64, device=device)
    if len(rows):
        mine[: len(rows)] = rows
    parts = [torch.empty_like(mine) for _ in counts]
    distributed.all_gather(parts, mine)
    return torch.cat([part[:count] for part, count in zip(parts, counts.tolist(), strict=True)]).cpu()
