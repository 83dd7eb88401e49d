"""What a report is about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from sparring.identity import Identity
from sparring.training.directory import Directory
from sparring.types import Dataset, DataSpec, Recipe


class Subject(Protocol):
    """A run, as far as a report asks it anything; ``Run`` is one."""

    directory: Directory
    recipe: Recipe
    identity: Identity
    spec: DataSpec

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """The lines of metrics.jsonl."""
        ...

    def step(self, checkpoint: str = "best") -> int:
        """The step of a checkpoint.

        Raises:
            UsageError: there is none.
        """
        ...

    def sample(self, n: int, seed: int = 0, *, checkpoint: str = "best", device: str | torch.device = "cpu") -> Tensor:
        """N generated examples (n, *shape), in network values."""
        ...

    def interpolate(
        self,
        seeds: Sequence[int] = (0, 1),
        frames: int = 24,
        *,
        checkpoint: str = "best",
        device: str | torch.device = "cpu",
    ) -> Tensor:
        """Frames (frames, *shape) on the way from seed to seed."""
        ...

    def dataset(self) -> Dataset:
        """The data, opened again.

        Raises:
            UsageError: they are not there or have changed.
        """
        ...
