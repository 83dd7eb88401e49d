"""Value functions of the two-player game, per sample and without reduction, on the discriminator's raw outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor
from torch.nn.functional import relu, softplus


class Objective(NamedTuple):
    """What each player minimises, given the discriminator's raw output on real and on fake examples, (n,) each."""

    discriminator: Callable[[Tensor, Tensor], Tensor]
    """(real, fake) -> loss (n,)."""
    generator: Callable[[Tensor, Tensor], Tensor]
    """(real, fake) -> loss (n,); real is empty unless ``relativistic``."""
    optimum: Callable[[Tensor], Tensor] | None = None
    """log p/q -> the raw output of the best discriminator, where theory knows it."""
    relativistic: bool = False
    """The generator's loss depends on the raw outputs on real examples."""


def _cross_entropy(real: Tensor, fake: Tensor) -> Tensor:
    """-[log D(x) + log(1 - D(G(z)))] with D = sigmoid(output), in its numerically stable form: the negative of V."""
    return softplus(-real) + softplus(fake)


def _same(log_ratio: Tensor) -> Tensor:
    return log_ratio


minimax = Objective(_cross_entropy, lambda real, fake: -softplus(fake), _same)
"""Goodfellow et al. 2014 (arXiv:1406.2661), eq. 1: both players on one value V; at equilibrium the loss is log 4."""

non_saturating = Objective(_cross_entropy, lambda real, fake: softplus(-fake), _same)
"""Goodfellow et al. 2014, section 3: the generator maximises log D(G(z)) instead; the discriminator's part is V."""

hinge = Objective(lambda real, fake: relu(1 - real) + relu(1 + fake), lambda real, fake: -fake, Tensor.sign)
"""Lim & Ye 2017, arXiv:1705.02894; Miyato et al. 2018, eq. 16, 17. Where p = q anything from -1 to 1 is best."""
