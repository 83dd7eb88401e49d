"""Spectral normalisation of a whole network."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import _SpectralNorm
from torch.nn.utils.parametrize import register_parametrization

from sparring.networks.initialise import CONVOLUTIONS


class SpectralNorm(_SpectralNorm):
    """A weight divided by its largest singular value, in float32 whatever the network computes in."""

    def forward(self, weight: Tensor) -> Tensor:
        """The weight, normalised."""
        with torch.autocast(weight.device.type, enabled=False):
            normalised: Tensor = super().forward(weight)
        return normalised


def spectral(network: nn.Module) -> nn.Module:
    """Divide every dense, convolution and embedding weight by its largest singular value.

    The value is followed by one power iteration at each pass in training mode (Miyato et al. 2018, arXiv:1802.05957,
    algorithm 1). Draw the first weights before: afterwards ``layer.weight`` is a computed copy.
    """
    for layer in list(network.modules()):
        if isinstance(layer, (nn.Linear, nn.Embedding, *CONVOLUTIONS)):
            transposed = isinstance(layer, (nn.ConvTranspose1d, nn.ConvTranspose2d))
            register_parametrization(layer, "weight", SpectralNorm(layer.weight, dim=int(transposed)))
    return network
