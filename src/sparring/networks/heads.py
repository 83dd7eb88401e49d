"""Discriminators in two parts: features of an example, and a head that judges them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from sparring.networks.layers import Condition

Head = Callable[[int], nn.Module]
"""Makes a head for features (n, width)."""


class Discriminator(nn.Module):
    """A discriminator: features of examples, then a head that takes them, and conditions if it wants any."""

    def __init__(self, features: nn.Module, head: Head = lambda width: Judgement(width)) -> None:
        """``features`` makes (n, width) of examples (n, *shape), and has that ``width``."""
        super().__init__()
        width = features.width
        assert isinstance(width, int)
        self.features, self.head = features, head(width)

    def forward(self, x: Tensor, *conditions: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Raw outputs (n, 1); from a ``ClassifyingHead`` the class scores (n, classes) too."""
        outputs: Tensor | tuple[Tensor, Tensor] = self.head(self.features(x), *conditions)
        return outputs


class Judgement(nn.Module):
    """One raw output each, (n, 1)."""

    def __init__(self, width: int, *, bias: bool = True) -> None:
        super().__init__()
        self.judge = nn.Linear(width, 1, bias=bias)

    def forward(self, features: Tensor) -> Tensor:
        """Raw outputs (n, 1) for features (n, width)."""
        raw: Tensor = self.judge(features)
        return raw


class Projection(nn.Module):
    """One raw output each under a condition: a judgement, and the inner product of features and embedded condition.

    Miyato & Koyama 2018, arXiv:1802.05637, eq. 3: the form that log p(x, y) / q(x, y) has for log-linear classes. For
    attributes it is log-linear in what their embedding makes of them.
    """

    def __init__(self, width: int, condition: Condition) -> None:
        super().__init__()
        self.judge, self.condition = nn.Linear(width, 1), condition(width)

    def forward(self, features: Tensor, y: Tensor) -> Tensor:
        """Raw outputs (n, 1) for features (n, width) and conditions."""
        raw: Tensor = self.judge(features) + (self.condition(y) * features).sum(1, keepdim=True)
        return raw


class ClassifyingHead(nn.Module):
    """A judgement, and scores of the classes: the auxiliary classifier of Odena et al. 2017, arXiv:1610.09585.

    For attributes the scores are what it takes them to be, one number each.
    """

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.judge, self.classify = nn.Linear(width, 1), nn.Linear(width, classes)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Raw outputs (n, 1) and class scores (n, classes) for features (n, width)."""
        return self.judge(features), self.classify(features)


class PairJudgement(nn.Module):
    """One raw output each for an example and a latent code together, (n, 1), by two hidden layers.

    The discriminator of pairs of Donahue et al. 2017, arXiv:1605.09782, and Dumoulin et al. 2017, arXiv:1606.00704.
    """

    def __init__(self, width: int, latent_dim: int, hidden: int = 512) -> None:
        super().__init__()
        self.code = nn.Sequential(nn.Linear(latent_dim, hidden), nn.LeakyReLU(0.2))
        self.judge = nn.Sequential(nn.Linear(width + hidden, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, 1))

    def forward(self, features: Tensor, z: Tensor) -> Tensor:
        """Raw outputs (n, 1) for features (n, width) and codes (n, latent_dim)."""
        raw: Tensor = self.judge(torch.cat([features, self.code(z)], 1))
        return raw
