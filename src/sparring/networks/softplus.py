"""The generator of the classifiers from few labels."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sparring.networks.weight_normed import WeightNormed


class SoftplusGenerator(nn.Module):
    """Latent codes (n, latent_dim) to images (n, *shape) in [-1, 1], by hidden layers of these widths.

    Salimans et al. 2016, arXiv:1606.03498, as its published code has it for MNIST: dense, batch norm without a gain,
    softplus; the last layer is dense, of rows whose length is learned, then a sigmoid, which is black to white here.
    """

    def __init__(self, latent_dim: int, widths: Sequence[int], shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape
        layers: list[nn.Module] = []
        for before, after in itertools.pairwise((latent_dim, *widths)):
            layers += [nn.Linear(before, after, bias=False), BatchNormWithoutGain(after), nn.Softplus()]
        last = WeightNormed(widths[-1], math.prod(shape), learned=True)
        self.net = nn.Sequential(*layers, last)
        for layer in (*layers[::3], last):
            nn.init.xavier_uniform_(layer.weight)  # type: ignore[arg-type]

    def forward(self, z: Tensor) -> Tensor:
        """Images (n, *shape) from latent codes (n, latent_dim)."""
        pixels: Tensor = 2 * self.net(z).sigmoid() - 1
        return pixels.view(len(pixels), *self.shape)

    def hidden_layers(self) -> list[nn.Module]:
        """The activations, from the first on."""
        return [layer for layer in self.net if isinstance(layer, nn.Softplus)]


class BatchNormWithoutGain(nn.BatchNorm1d):
    """Batch norm of vectors (n, width) that learns a bias alone."""

    def __init__(self, width: int) -> None:
        super().__init__(width, eps=1e-6)
        del self.weight
        self.register_buffer("weight", torch.ones(width))
