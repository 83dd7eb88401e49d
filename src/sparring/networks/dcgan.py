"""DCGAN (Radford, Metz & Chintala 2016, arXiv:1511.06434), for images of any size, in both of its readings."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from torch import Tensor, nn

from sparring.networks.layers import MinibatchDeviation
from sparring.networks.sizes import crop, doubling_widths, halvings, pad_to_even

LARGEST_WIDTH = 1024
"""Channels of the smallest maps in the paper's figure 1; larger images get no more."""
DEPTH = 2
"""The fewest halvings: the discriminator of 8 x 8 images would else be a single convolution, and learns no shapes."""


class DCGANGenerator(nn.Module):
    """Latent codes (n, latent_dim) to images (n, C, H, W) in [-1, 1], by transposed convolutions (figure 1).

    Dense to maps of at most 4 x 4, then each layer doubles the side and halves the channels, which end at ``width``;
    batch norm and ReLU after each but the last, which ends in tanh. 64 x 64 images with width 64 give the network that
    most codes call DCGAN (3 576 704 weights for 100 latent numbers and colour); the paper's own has width 128.
    ``output`` is what it ends in, where that is not to be tanh.
    """

    def __init__(
        self,
        latent_dim: int,
        shape: tuple[int, int, int],
        width: int = 64,
        *,
        output: Callable[[], nn.Module] = nn.Tanh,
    ) -> None:
        super().__init__()
        channels, *size = shape
        self.sizes = halvings((size[0], size[1]), 4, DEPTH)[::-1]
        widths = doubling_widths(width, len(self.sizes) - 1, LARGEST_WIDTH)[::-1]
        self.project = Project(latent_dim, widths[0], self.sizes[0])
        self.start = nn.Sequential(nn.BatchNorm2d(widths[0]), nn.ReLU())
        self.layers = nn.ModuleList(
            nn.Sequential(nn.ConvTranspose2d(a, b, 4, 2, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU())
            for a, b in itertools.pairwise(widths)
        )
        self.layers.append(nn.Sequential(nn.ConvTranspose2d(widths[-1], channels, 4, 2, 1, bias=False), output()))

    def forward(self, z: Tensor) -> Tensor:
        """Images (n, C, H, W) from latent codes (n, latent_dim)."""
        x: Tensor = self.start(self.project(z))
        for layer, size in zip(self.layers, self.sizes[1:], strict=True):
            x = crop(layer(x), size)
        return x

    def hidden_layers(self) -> list[nn.Module]:
        """What makes the hidden maps, from the smallest on."""
        return [self.start, *self.layers[:-1]]


class UpsampleGenerator(nn.Module):
    """Latent codes (n, latent_dim) to images (n, C, H, W) in [-1, 1], by upsampling and convolutions of stride 1.

    Dense to maps of at most 8 x 8, then blocks of batch norm, upsampling, 3 x 3 convolution and ReLU, each with half
    the channels of the one before, the last with ``width``; a 3 x 3 convolution and tanh end it. Without overlapping
    strides there is no checkerboard (Odena et al. 2016, doi:10.23915/distill.00003).
    """

    def __init__(self, latent_dim: int, shape: tuple[int, int, int], width: int = 32) -> None:
        super().__init__()
        channels, *size = shape
        self.sizes = halvings((size[0], size[1]), 8, DEPTH)[::-1]
        widths = doubling_widths(width, len(self.sizes), LARGEST_WIDTH)[::-1]
        self.project = Project(latent_dim, widths[0], self.sizes[0])
        self.norms = nn.ModuleList(nn.BatchNorm2d(a) for a in widths[:-1])
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Conv2d(a, b, 3, padding=1), nn.ReLU()) for a, b in itertools.pairwise(widths)
        )
        self.end = nn.Sequential(nn.Conv2d(widths[-1], channels, 3, padding=1), nn.Tanh())
        self.upsample = nn.Upsample(scale_factor=2)

    def forward(self, z: Tensor) -> Tensor:
        """Images (n, C, H, W) from latent codes (n, latent_dim)."""
        x = self.project(z)
        for norm, layer, size in zip(self.norms, self.layers, self.sizes[1:], strict=True):
            x = layer(crop(self.upsample(norm(x)), size))
        made: Tensor = self.end(x)
        return made

    def hidden_layers(self) -> list[nn.Module]:
        """What makes the hidden maps, from the smallest on."""
        return list(self.layers)


class DCGANFeatures(nn.Module):
    """Images (n, C, H, W) to features (n, width of the last maps · their pixels), for ``Discriminator``.

    Each layer halves the side and doubles the channels, from ``width`` on, down to maps of at most 4 x 4: a 4 x 4
    convolution of stride 2 (or, with ``pool``, a 3 x 3 convolution and max pooling, as the older classifiers), batch
    norm in every layer but the first, LeakyReLU .2, dropout. ``minibatch`` above 1 is the group of a
    ``MinibatchDeviation`` at the end. ``bias``: the first layer has one. Without it batch norm takes the scale out of
    all that follows, so a batch of paler images is judged as before, and nothing keeps the generator from fading.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        width: int = 64,
        *,
        dropout: float = 0.0,
        pool: bool = False,
        minibatch: int = 0,
        bias: bool = False,
    ) -> None:
        super().__init__()
        channels, *size = shape
        sizes = halvings((size[0], size[1]), 4, DEPTH)
        widths = [channels, *doubling_widths(width, len(sizes) - 1, LARGEST_WIDTH)]
        layers = [
            half_layer(a, b, norm=i > 0, bias=bias and i == 0, dropout=dropout, pool=pool)
            for i, (a, b) in enumerate(itertools.pairwise(widths))
        ]
        statistics = [MinibatchDeviation(minibatch)] if minibatch > 1 else []
        self.net = nn.Sequential(*layers, *statistics, nn.Flatten())
        self.width = (widths[-1] + len(statistics)) * sizes[-1][0] * sizes[-1][1]

    def forward(self, x: Tensor) -> Tensor:
        """Features (n, width) of images (n, C, H, W)."""
        features: Tensor = self.net(x)
        return features

    def hidden_layers(self) -> list[nn.Module]:
        """What makes the hidden maps, from the largest on; not a minibatch's statistics, which are of no example."""
        return [layer for layer in self.net if isinstance(layer, nn.Sequential)]


class Project(nn.Module):
    """Latent codes (n, latent_dim) to maps (n, channels, h, w), dense and without bias: batch norm follows."""

    def __init__(self, latent_dim: int, channels: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.shape = (channels, *size)
        self.dense = nn.Linear(latent_dim, channels * size[0] * size[1], bias=False)

    def forward(self, z: Tensor) -> Tensor:
        """Maps (n, channels, h, w) from latent codes (n, latent_dim)."""
        x: Tensor = self.dense(z)
        return x.view(len(x), *self.shape)


class StridedConvolution(nn.Conv2d):
    """A 4 x 4 convolution of stride 2 that halves any side, rounded up."""

    def __init__(self, before: int, after: int, *, bias: bool) -> None:
        super().__init__(before, after, 4, 2, 1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (n, after, ⌈h/2⌉, ⌈w/2⌉) from maps (n, before, h, w)."""
        return super().forward(pad_to_even(x))


def half_layer(before: int, after: int, *, norm: bool, bias: bool, dropout: float, pool: bool) -> nn.Sequential:
    """One layer of the discriminator, which halves the side."""
    layers: list[nn.Module] = [nn.Conv2d(before, after, 3, padding=1, bias=bias)] if pool else []
    layers.append(nn.MaxPool2d(2, ceil_mode=True) if pool else StridedConvolution(before, after, bias=bias))
    if norm:
        layers.append(nn.BatchNorm2d(after))
    layers.append(nn.LeakyReLU(0.2))
    if dropout:
        layers.append(nn.Dropout(dropout))
    return nn.Sequential(*layers)
