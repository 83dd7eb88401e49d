"""What an objective is."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor


class Objective(NamedTuple):
    """What each player minimises, given the discriminator's raw output on real and on fake examples, (n,) each."""

    discriminator: Callable[[Tensor, Tensor], Tensor]
    """(real, fake) -> loss (n,)."""
    generator: Callable[[Tensor, Tensor], Tensor]
    """(real, fake) -> loss (n,); real is empty unless ``relativistic``."""
    optimum: Callable[[Tensor], Tensor] | None = None
    """log p/q -> the raw output of the best discriminator, where theory knows it; ±inf is allowed."""
    relativistic: bool = False
    """Outputs are compared in pairs: the generator's loss depends on those on real examples, and the optimum is known
    up to a constant only."""
    name: str = "an objective of its own"
    """As a reader of a recipe knows it."""

    @property
    def judges_by_log_ratio(self) -> bool:
        """Whether the best raw output is log p/q, so that its sigmoid is the probability of being real."""
        if self.optimum is None or self.relativistic:
            return False
        log_ratio = torch.linspace(-2, 2, 5)
        return torch.allclose(self.optimum(log_ratio), log_ratio)
