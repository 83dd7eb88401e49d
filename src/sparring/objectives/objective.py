"""What an objective is."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

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
