"""SNGAN's residual networks (Miyato et al. 2018, arXiv:1802.05957, tables 4 to 6), for images of any size."""

from __future__ import annotations

import itertools
import math

from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, relu

from sparring.networks.layers import Condition
from sparring.networks.sizes import Size, crop, doubling_widths, halvings

SMALL = 32
"""Up to this side the paper's networks keep one width and end at maps of 8 x 8; above, widths double, down to 4 x 4."""


class ResNetGenerator(nn.Module):
    """Latent codes (n, latent_dim) to images (n, C, H, W) in [-1, 1].

    Dense to maps of at most 4 x 4, residual blocks that double the side, batch norm, ReLU, 3 x 3 convolution, tanh.
    ``width`` is the channels of the largest maps. With a ``condition`` the batch norm is conditional, and the network
    is called with (z, y) (Miyato & Koyama 2018, arXiv:1802.05637).
    """

    def __init__(
        self, latent_dim: int, shape: tuple[int, int, int], width: int = 256, *, condition: Condition | None = None
    ) -> None:
        super().__init__()
        channels, *size = shape
        self.sizes = halvings((size[0], size[1]), 4)[::-1]
        widths = widths_for(shape, width, len(self.sizes))[::-1]
        self.dense = nn.Linear(latent_dim, widths[0] * math.prod(self.sizes[0]))
        self.blocks = nn.ModuleList(
            UpBlock(a, b, size, condition)
            for (a, b), size in zip(itertools.pairwise(widths), self.sizes[1:], strict=True)
        )
        self.norm = nn.BatchNorm2d(widths[-1])
        self.end = convolution(widths[-1], channels, 3)
        glorot_uniform(self.dense)

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Images (n, C, H, W) from latent codes (n, latent_dim), and conditions where the network takes them."""
        x: Tensor = self.dense(z).view(len(z), -1, *self.sizes[0])
        for block in self.blocks:
            x = block(x, y)
        made: Tensor = self.end(relu(self.norm(x))).tanh()
        return made

    def hidden_layers(self) -> list[nn.Module]:
        """What makes the hidden maps, from the smallest on."""
        return list(self.blocks)


class ResNetFeatures(nn.Module):
    """Images (n, C, H, W) to features (n, width of the last maps), summed over pixels, for ``Discriminator``.

    Residual blocks that halve the side, then one (small images: two) that keep it. Meant to be under ``spectral``.
    """

    def __init__(self, shape: tuple[int, int, int], width: int = 128) -> None:
        super().__init__()
        channels, *size = shape
        small = max(size) <= SMALL
        levels = len(halvings((size[0], size[1]), 8 if small else 4)) - 1
        widths = [channels, *widths_for(shape, width, levels)]
        self.width = widths[-1]
        down = [DownBlock(a, b, down=True, first=i == 0) for i, (a, b) in enumerate(itertools.pairwise(widths))]
        keep = [DownBlock(self.width, self.width, down=False) for _ in range(2 if small else 1)]
        self.net = nn.Sequential(*down, *keep)

    def forward(self, x: Tensor) -> Tensor:
        """Features (n, width) of images (n, C, H, W)."""
        maps: Tensor = self.net(x)
        return relu(maps).sum((2, 3))

    def hidden_layers(self) -> list[nn.Module]:
        """What makes the hidden maps, from the largest on."""
        return list(self.net)


class UpBlock(nn.Module):
    """Batch norm, ReLU, upsampling, convolution, batch norm, ReLU, convolution; plus a 1 x 1 convolution's shortcut."""

    def __init__(self, before: int, after: int, size: Size, condition: Condition | None) -> None:
        """``size`` is the (height, width) of what comes out."""
        super().__init__()
        self.size = size
        self.norms = nn.ModuleList(normalisation(width, condition) for width in (before, after))
        self.first, self.second = convolution(before, after, 3, 2**0.5), convolution(after, after, 3, 2**0.5)
        self.shortcut = convolution(before, after, 1)

    def forward(self, x: Tensor, y: Tensor | None) -> Tensor:
        """Maps (n, after, *size) from maps (n, before, h, w)."""
        conditions = () if y is None else (y,)
        out = self.first(self.upsample(relu(self.norms[0](x, *conditions))))
        out = self.second(relu(self.norms[1](out, *conditions)))
        # A 1 x 1 convolution commutes with copying pixels, and is four times cheaper before it.
        made: Tensor = out + self.upsample(self.shortcut(x))
        return made

    def upsample(self, x: Tensor) -> Tensor:
        """Each pixel four times, cropped to the block's size."""
        return crop(interpolate(x, scale_factor=2), self.size)


class DownBlock(nn.Module):
    """ReLU, convolution, ReLU, convolution, and mean pooling where the side is halved; plus a shortcut.

    The first block of a network sees the image itself, so it has no ReLU before it.
    """

    def __init__(self, before: int, after: int, *, down: bool, first: bool = False) -> None:
        super().__init__()
        self.down, self.is_first = down, first
        self.first, self.second = convolution(before, after, 3, 2**0.5), convolution(after, after, 3, 2**0.5)
        self.shortcut = convolution(before, after, 1) if down or before != after else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Maps (n, after, ⌈h/2⌉, ⌈w/2⌉), or (n, after, h, w), from maps (n, before, h, w)."""
        out = self.second(relu(self.first(x if self.is_first else relu(x))))
        if not self.down:
            kept: Tensor = out + self.shortcut(x)
            return kept
        # Mean pooling commutes with a 1 x 1 convolution, and is cheaper before it.
        made: Tensor = avg_pool2d(out, 2, ceil_mode=True) + self.shortcut(avg_pool2d(x, 2, ceil_mode=True))
        return made


class ConditionalBatchNorm(nn.Module):
    """Batch norm whose scale and shift depend on a condition, and are 1 and 0 at first.

    Dumoulin et al. 2017, arXiv:1610.07629, eq. 5; in a generator, Miyato & Koyama 2018.
    """

    def __init__(self, width: int, condition: Condition) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(width, affine=False)
        self.scale, self.shift = condition(width), condition(width)
        for part in (self.scale, self.shift):
            last = [layer for layer in part.modules() if list(layer.parameters(recurse=False))][-1]
            for parameter in last.parameters():
                nn.init.zeros_(parameter)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Maps (n, width, h, w) from maps of the same shape and conditions."""
        scale, shift = (part(y)[:, :, None, None] for part in (self.scale, self.shift))
        normalised: Tensor = self.norm(x) * (1 + scale) + shift
        return normalised


def normalisation(width: int, condition: Condition | None) -> nn.Module:
    """Batch norm, conditional where there is a condition."""
    return nn.BatchNorm2d(width) if condition is None else ConditionalBatchNorm(width, condition)


def convolution(before: int, after: int, kernel: int, gain: float = 1.0) -> nn.Conv2d:
    """A convolution that keeps the side, weights drawn by Glorot with a gain."""
    layer = nn.Conv2d(before, after, kernel, padding=kernel // 2)
    glorot_uniform(layer, gain)
    return layer


def glorot_uniform(layer: nn.Conv2d | nn.Linear, gain: float = 1.0) -> None:
    """Weights from Glorot's uniform distribution times a gain, biases 0."""
    nn.init.xavier_uniform_(layer.weight, gain)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def widths_for(shape: tuple[int, int, int], width: int, levels: int) -> list[int]:
    """Channels from the largest maps to the smallest: one width for small images, doubling up to 16 widths above."""
    return doubling_widths(width, levels, width if max(shape[1:]) <= SMALL else 16 * width)
