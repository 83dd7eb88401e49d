"""What a decoder's raw outputs say of examples: p(x | z), its mean and its logarithm."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits


class Likelihood(nn.Module):
    """A distribution of examples (n, *shape), in network values, given raw outputs of the same shape."""

    def mean(self, raw: Tensor) -> Tensor:
        """The mean example (n, *shape)."""
        raise NotImplementedError

    def log_prob(self, raw: Tensor, x: Tensor) -> Tensor:
        """log p(x | raw), summed over an example's values: (n,)."""
        raise NotImplementedError


class Bernoulli(Likelihood):
    """Each value in [-1, 1] is taken for the chance (x + 1) / 2 of a pixel to be white; raw outputs are its log-odds.

    Kingma & Welling 2014, arXiv:1312.6114, appendix C.1. For grey values it is no likelihood, but is largest at the
    right mean all the same.
    """

    def mean(self, raw: Tensor) -> Tensor:
        """2 σ(raw) - 1."""
        return torch.tanh(raw / 2)

    def log_prob(self, raw: Tensor, x: Tensor) -> Tensor:
        """Minus the cross-entropy."""
        return -binary_cross_entropy_with_logits(raw, (x + 1) / 2, reduction="none").flatten(1).sum(1)


class Gaussian(Likelihood):
    """A normal distribution about the raw outputs, of one deviation for all values, which is learned.

    Kingma & Welling 2014, appendix C.2, but for that (theirs depends on z); Rybkin et al. 2021, arXiv:2006.13202: with
    a deviation that fits, the two terms of the bound need no weight.
    """

    def __init__(self) -> None:
        super().__init__()
        self.log_deviation = nn.Parameter(torch.zeros(()))

    def mean(self, raw: Tensor) -> Tensor:
        """The raw outputs."""
        return raw

    def log_prob(self, raw: Tensor, x: Tensor) -> Tensor:
        """The normal density's."""
        scaled = (x - raw) * (-self.log_deviation).exp()
        return (-0.5 * (scaled.square() + math.log(2 * math.pi)) - self.log_deviation).flatten(1).sum(1)
