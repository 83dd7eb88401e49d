"""Spectral normalisation of a whole network."""

from __future__ import annotations

from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from sparring.networks.initialise import CONVOLUTIONS


def spectral(network: nn.Module) -> nn.Module:
    """Divide every dense, convolution and embedding weight by its largest singular value.

    The value is followed by one power iteration at each pass in training mode (Miyato et al. 2018, arXiv:1802.05957,
    algorithm 1). Draw the first weights before: afterwards ``layer.weight`` is a computed copy.
    """
    for layer in list(network.modules()):
        if isinstance(layer, (nn.Linear, nn.Embedding, *CONVOLUTIONS)):
            spectral_norm(layer)
    return network
