"""R3GAN's residual networks (Huang et al. 2024, arXiv:2501.05441, section 4), for images of any size and any width.

Grouped 3 x 3 convolutions in inverted bottlenecks, no normalisation, fix-up initialisation, resampling by [1, 2, 1].
"""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d, leaky_relu

from sparring.networks.heads import Judgement
from sparring.networks.initialise import LEAKY_GAIN, fan_in
from sparring.networks.sizes import Size, crop, halvings

WIDE_STAGES = 4
"""The stages of full width, from the smallest maps on; each stage after them halves the channels."""
EXPANSION = 2
GROUP = 16
"""Channels that a grouped convolution sees together."""


class R3GANGenerator(nn.Module):
    """Latent codes (n, latent_dim) to images (n, C, H, W), unbounded: the end is a 1 x 1 convolution.

    A learned basis of at most 4 x 4 pixels, weighted by the latent code; then at each size ``blocks`` residual blocks.
    The paper: width 768, 64 latent numbers, two blocks.
    """

    kernel: Tensor

    def __init__(self, latent_dim: int, shape: tuple[int, int, int], width: int = 768, *, blocks: int = 2) -> None:
        super().__init__()
        channels, *size = shape
        self.sizes = halvings((size[0], size[1]), 4)[::-1]
        widths = stage_widths(width, len(self.sizes))
        self.basis = GenerativeBasis(latent_dim, widths[0], self.sizes[0])
        self.stages = nn.ModuleList(stage(w, blocks, len(widths)) for w in widths)
        self.changes = nn.ModuleList(change(a, b) for a, b in itertools.pairwise(widths))
        self.end = weight_only(widths[-1], channels, 1)
        self.register_buffer("kernel", resampling_kernel(), persistent=False)

    def forward(self, z: Tensor) -> Tensor:
        """Images (n, C, H, W) from latent codes (n, latent_dim)."""
        x = self.stages[0](self.basis(z))
        for change_width, blocks, size in zip(self.changes, self.stages[1:], self.sizes[1:], strict=True):
            x = blocks(upsample(change_width(x), self.kernel, size))
        made: Tensor = self.end(x)
        return made

    def hidden_layers(self) -> list[nn.Module]:
        """What makes the hidden maps, from the smallest on."""
        return list(self.stages)


class R3GANFeatures(nn.Module):
    """Images (n, C, H, W) to features (n, width), for ``Discriminator`` with an ``R3GANJudgement``.

    The generator's mirror image: a 1 x 1 convolution, at each size ``blocks`` residual blocks, and at the end a learned
    basis that every map is projected on.
    """

    kernel: Tensor

    def __init__(self, shape: tuple[int, int, int], width: int = 768, *, blocks: int = 2) -> None:
        super().__init__()
        channels, *size = shape
        sizes = halvings((size[0], size[1]), 4)
        widths = stage_widths(width, len(sizes))[::-1]
        self.width = widths[-1]
        self.start = weight_only(channels, widths[0], 1)
        self.stages = nn.ModuleList(stage(w, blocks, len(widths)) for w in widths)
        self.changes = nn.ModuleList(change(a, b) for a, b in itertools.pairwise(widths))
        self.basis = nn.Parameter(torch.empty(self.width, 1, *sizes[-1]))
        fan_in(self.basis)
        self.register_buffer("kernel", resampling_kernel(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Features (n, width) of images (n, C, H, W)."""
        x = self.start(x)
        for blocks, change_width in zip(self.stages, self.changes, strict=False):
            x = change_width(downsample(blocks(x), self.kernel))
        features: Tensor = (self.stages[-1](x) * self.basis.squeeze(1)).sum((2, 3))
        return features

    def hidden_layers(self) -> list[nn.Module]:
        """What makes the hidden maps, from the largest on."""
        return list(self.stages)


class R3GANJudgement(Judgement):
    """A judgement without bias, its weights by fan-in like all others of these networks."""

    def __init__(self, width: int) -> None:
        super().__init__(width, bias=False)
        fan_in(self.judge.weight)


class GenerativeBasis(nn.Module):
    """Latent codes (n, latent_dim) to maps (n, width, h, w): each learned map times a linear function of the code."""

    def __init__(self, latent_dim: int, width: int, size: Size) -> None:
        super().__init__()
        self.maps = nn.Parameter(torch.randn(width, *size))
        self.weigh = nn.Linear(latent_dim, width, bias=False)
        fan_in(self.weigh.weight)

    def forward(self, z: Tensor) -> Tensor:
        """Maps (n, width, h, w) from latent codes (n, latent_dim)."""
        maps: Tensor = self.maps * self.weigh(z)[:, :, None, None]
        return maps


class InvertedBottleneck(nn.Module):
    """x + (1 x 1 wider, bias and leaky ReLU, grouped 3 x 3, bias and leaky ReLU, 1 x 1 back), the last zero at first.

    Fix-up initialisation (Zhang et al. 2019, arXiv:1901.09321): with m = 3 convolutions in a branch and L branches in
    all, the others are drawn smaller by L^(-1 / (2m - 2)), so that the network's first steps do not grow with L.
    """

    def __init__(self, width: int, branches: int) -> None:
        super().__init__()
        expanded = EXPANSION * width
        gain = LEAKY_GAIN * branches ** (-1 / 4)
        self.widen = weight_only(width, expanded, 1, gain)
        self.mix = weight_only(expanded, expanded, 3, gain, groups=expanded // math.gcd(expanded, GROUP))
        self.narrow = weight_only(expanded, width, 1, 0.0)
        self.biases = nn.ParameterList(torch.zeros(expanded, 1, 1) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        """Maps (n, width, h, w) from maps of the same shape."""
        out = self.mix(leaky_relu(self.widen(x) + self.biases[0], 0.2))
        made: Tensor = x + self.narrow(leaky_relu(out + self.biases[1], 0.2))
        return made


def stage_widths(width: int, stages: int) -> list[int]:
    """Channels from the smallest maps to the largest."""
    return [max(width >> max(i - WIDE_STAGES + 1, 0), 1) for i in range(stages)]


def stage(width: int, blocks: int, stages: int) -> nn.Sequential:
    """The residual blocks of one size, in a network of so many."""
    return nn.Sequential(*(InvertedBottleneck(width, blocks * stages) for _ in range(blocks)))


def change(before: int, after: int) -> nn.Module:
    """From one width to another: a 1 x 1 convolution, or nothing."""
    return nn.Identity() if before == after else weight_only(before, after, 1)


def weight_only(before: int, after: int, kernel: int, gain: float = 1.0, groups: int = 1) -> nn.Conv2d:
    """A convolution without bias that keeps the side, weights by fan-in."""
    layer = nn.Conv2d(before, after, kernel, padding=kernel // 2, groups=groups, bias=False)
    fan_in(layer.weight, gain)
    return layer


def resampling_kernel() -> Tensor:
    """[1, 2, 1] / 4 in both directions, (1, 1, 3, 3)."""
    row = torch.tensor([0.25, 0.5, 0.25])
    return torch.outer(row, row).view(1, 1, 3, 3)


def upsample(x: Tensor, kernel: Tensor, size: Size) -> Tensor:
    """Maps of twice the side by linear interpolation, cropped to a (height, width)."""
    weight = (4 * kernel).to(x.dtype).expand(x.shape[1], 1, 3, 3)
    return crop(conv_transpose2d(x, weight, stride=2, groups=x.shape[1]), size)


def downsample(x: Tensor, kernel: Tensor) -> Tensor:
    """Maps of half the side, rounded up, each pixel a weighted mean of nine."""
    return conv2d(x, kernel.to(x.dtype).expand(x.shape[1], 1, 3, 3), stride=2, padding=1, groups=x.shape[1])
