"""Layers and wrappers that fit several families: statistics of a minibatch, embedded and joined conditions."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from sparring.networks.initialise import fan_in

Condition = Callable[[int], nn.Module]
"""Makes a module that turns conditions into vectors (n, width): ``partial(ClassEmbedding, classes)`` for labels (n,),
``partial(AttributeEmbedding, attributes)`` for standardised attributes (n, attributes)."""


class AttributeEmbedding(nn.Sequential):
    """Standardised attributes (n, a) to vectors (n, width), by one hidden layer; at first about as large as N(0, 1).

    Not linear, as what examples are worth under a condition is no linear function of it: of a normal distribution whose
    mean moves with a, the log-density has a's square.
    """

    def __init__(self, attributes: int, width: int, hidden: int = 64) -> None:
        last = nn.Linear(hidden, width)
        super().__init__(nn.Linear(attributes, hidden), nn.LeakyReLU(0.2), last)
        fan_in(last.weight, 3**0.5)  # torch's first layer gives values whose mean square is about a third


class ClassEmbedding(nn.Embedding):
    """A learned vector for each class, and for mixtures of classes the mixture of their vectors."""

    def forward(self, y: Tensor) -> Tensor:
        """Vectors (n, width) of labels (n,) int64, or of mixtures (n, classes) float whose rows are the shares."""
        return y @ self.weight if y.is_floating_point() else super().forward(y)


class MinibatchDeviation(nn.Module):
    """Appends one constant map to maps (n, c, h, w): how much the samples of a group differ, so (n, c + 1, h, w).

    The standard deviation over the group of each value, averaged over all values (Karras et al. 2018,
    arXiv:1710.10196, section 3). A batch that the group does not divide is cut into the next smaller equal groups, or,
    where those would be of one sample, into the next larger ones.
    """

    def __init__(self, group: int = 4) -> None:
        super().__init__()
        self.group = group

    def forward(self, x: Tensor) -> Tensor:
        """Maps (n, c + 1, h, w) from maps (n, c, h, w)."""
        n, _, height, width = x.shape
        sizes = (*range(min(self.group, n), 1, -1), *range(self.group + 1, n), n)
        size = next(g for g in sizes if n % g == 0)
        groups = x.reshape(size, n // size, -1)
        deviation = (groups.var(0, correction=0) + 1e-8).sqrt().mean(1)
        return torch.cat([x, deviation.repeat(size).view(n, 1, 1, 1).expand(n, 1, height, width)], 1)

    def extra_repr(self) -> str:
        """The size of a group."""
        return f"group={self.group}"


class Joined(nn.Module):
    """A network whose flat input (n, d) is lengthened by a vector of the condition, (n, d + width).

    The way both players of the conditional game are told the label: Mirza & Osindero 2014, arXiv:1411.1784, figure 1.
    """

    def __init__(self, network: nn.Module, condition: Condition, width: int) -> None:
        super().__init__()
        self.condition, self.network = condition(width), network

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """What the network makes of inputs (n, …), flattened, and conditions."""
        made: Tensor = self.network(torch.cat([x.flatten(1), self.condition(y)], 1))
        return made
