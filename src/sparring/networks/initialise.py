"""Ways to draw first weights."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.parametrize import is_parametrized

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.ConvTranspose1d, nn.ConvTranspose2d)
LEAKY_GAIN = math.sqrt(2 / (1 + 0.2**2))
"""Keeps the variance through a leaky ReLU of slope .2 (He et al. 2015, arXiv:1502.01852, eq. 15)."""


def glorot(network: nn.Module) -> nn.Module:
    """Dense layers to Glorot's uniform distribution, U(±√(6 / (in + out))), biases 0 (Glorot & Bengio 2010, 16)."""
    for layer in own_weights(network):
        if isinstance(layer, nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    return network


def gaussian(network: nn.Module, deviation: float = 0.02) -> nn.Module:
    """Dense, convolution and embedding weights N(0, deviation), scales of batch norm N(1, deviation), biases 0.

    Radford et al. 2016, arXiv:1511.06434, section 4; the scales as in its published code.
    """
    for layer in own_weights(network):
        if isinstance(layer, nn.Embedding):
            nn.init.normal_(layer.weight, 0.0, deviation)
            continue
        if isinstance(layer, (nn.Linear, *CONVOLUTIONS)):
            nn.init.normal_(layer.weight, 0.0, deviation)
        elif isinstance(layer, _BatchNorm) and layer.affine:
            nn.init.normal_(layer.weight, 1.0, deviation)
        else:
            continue
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    return network


def own_weights(network: nn.Module) -> Iterator[nn.Module]:
    """The layers of a network.

    Raises:
        ValueError: a layer's weight is computed from another tensor (spectral norm): drawing it would change nothing.
    """
    for layer in network.modules():
        if is_parametrized(layer):
            raise ValueError("draw the first weights before spectral(network): afterwards they are computed copies")
        yield layer


@torch.no_grad()
def fan_in(weight: Tensor, gain: float = 1.0) -> None:
    """A weight (out, in, …) to N(0, gain / √fan-in) (He et al. 2015); gain 0 gives zeros."""
    weight.normal_(0.0, 1.0).mul_(gain / math.sqrt(weight[0].numel()))
