"""A network's hidden layers as features of what it is given."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_max_pool2d

from sparring.networks.encoder import Encoder, WithEncoder
from sparring.networks.heads import Discriminator

GRID = 4
"""The side that maps are pooled to."""


class Representation(nn.Module):
    """What a network's hidden layers make of its inputs, one vector each, (n, F).

    Maps (n, c, h, w) are max-pooled to at most 4 x 4, then all layers are flattened and joined, first to last: Radford
    et al. 2016, arXiv:1511.06434, section 5.1. A network that has these layers says so by its method ``hidden_layers``.
    """

    def __init__(self, network: nn.Module, layers: Sequence[nn.Module]) -> None:
        super().__init__()
        self.network = network
        self.layers = tuple(layers)

    def forward(self, *inputs: Tensor) -> Tensor:
        """Features (n, F) of inputs (n, …)."""
        return torch.cat(self.by_layer(*inputs), 1)

    def by_layer(self, *inputs: Tensor) -> list[Tensor]:
        """The features of each layer (n, …)."""
        made: list[Tensor] = []
        hooks = [layer.register_forward_hook(lambda *called: made.append(called[2])) for layer in self.layers]
        try:
            self.network(*inputs)
        finally:
            for hook in hooks:
                hook.remove()
        return [pooled(activations) for activations in made]


def representation_of(network: nn.Module) -> Representation | None:
    """A network's representation of an example alone; None if it does not say which its hidden layers are."""
    if isinstance(network, WithEncoder):
        return representation_of(network.generator)
    body = network.features if isinstance(network, (Discriminator, Encoder)) else network
    hidden = getattr(body, "hidden_layers", None)
    return None if hidden is None else Representation(body, hidden())


def pooled(activations: Tensor) -> Tensor:
    """Maps (n, c, h, w), pooled to at most 4 x 4, or units (n, d), as vectors (n, …)."""
    if activations.dim() == 4:
        height, width = activations.shape[2:]
        activations = adaptive_max_pool2d(activations, (min(height, GRID), min(width, GRID)))
    return activations.flatten(1)
