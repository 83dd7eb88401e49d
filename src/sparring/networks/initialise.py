"""Ways to draw first weights."""

from __future__ import annotations

from torch import nn


def glorot(network: nn.Module) -> nn.Module:
    """Dense layers to Glorot's uniform distribution, U(±√(6 / (in + out))), biases 0 (Glorot & Bengio 2010, 16)."""
    for layer in network.modules():
        if isinstance(layer, nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    return network
