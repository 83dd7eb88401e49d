"""Noise on what the discriminator sees."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from sparring.types import PROGRESS, Inputs, Memory, View


@dataclass(frozen=True)
class InstanceNoise(View):
    """Normal noise on every example that the discriminator sees, real and fake alike.

    Sønderby et al. 2017 (arXiv:1610.04490), Arjovsky & Bottou 2017 (arXiv:1701.04862); for small noise it is a penalty
    on the discriminator's gradient (Roth et al. 2017, arXiv:1705.09367).
    """

    sigma: float
    fading: bool = False
    """The noise falls linearly over the run, to nothing at its end."""

    def __call__(self, inputs: Inputs, memory: Memory) -> Inputs:
        """The inputs, with x + sigma · normal noise in place of x."""
        x, *conditions = inputs
        sigma = self.sigma * (1 - memory[PROGRESS]) if self.fading else self.sigma
        return (x + sigma * torch.randn_like(x), *conditions)
