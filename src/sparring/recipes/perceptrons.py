"""The two perceptrons that recipes share where the paper is about the game: for images, and for points of a toy."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

    from sparring.types import DataSpec, Latent


class Perceptrons(TypedDict):
    """Players and latents, as the fields of a recipe."""

    generator: Callable[[], nn.Module]
    discriminator: Callable[[], nn.Module]
    latent: Latent


def perceptrons(spec: DataSpec, latent_dim: int, *, pack: int = 1) -> Perceptrons:
    """Players for this kind of data; the discriminator takes ``pack`` examples joined in their first dimension."""
    from sparring.recipes.parts import normal

    judged = (pack * spec.shape[0], *spec.shape[1:])
    generator, discriminator = for_images if spec.kind == "image" else for_points
    return {
        "generator": partial(generator, latent_dim, spec.shape),
        "discriminator": partial(discriminator, judged),
        "latent": normal(latent_dim),
    }


def image_generator(latent_dim: int, shape: tuple[int, ...], *, bounded: bool = True) -> nn.Module:
    """256, 512 and 1024 units with batch norm, as in the tutorials' script; values in [-1, 1] if ``bounded``."""
    from torch import nn

    from sparring.networks import MLPGenerator, glorot

    leaky = partial(nn.LeakyReLU, 0.2, inplace=True)
    norm = partial(nn.BatchNorm1d, eps=1e-3, momentum=0.2)
    output = nn.Tanh if bounded else nn.Identity
    return glorot(MLPGenerator(latent_dim, (256, 512, 1024), shape, activation=leaky, norm=norm, output=output))


def image_discriminator(shape: tuple[int, ...], *, dropout: float = 0.0) -> nn.Module:
    """512 and 256 units, as in the tutorials' script, with ``dropout`` after each."""
    from torch import nn

    from sparring.networks import MLPDiscriminator, glorot

    leaky = partial(nn.LeakyReLU, 0.2, inplace=True)
    return glorot(MLPDiscriminator(shape, (512, 256), activation=leaky, dropout=dropout))


def point_generator(latent_dim: int, shape: tuple[int, ...]) -> nn.Module:
    """Three layers of 128 units, and points anywhere."""
    from torch import nn

    from sparring.networks import MLPGenerator

    return MLPGenerator(latent_dim, (128, 128, 128), shape, activation=nn.ReLU, output=nn.Identity)


def point_discriminator(shape: tuple[int, ...]) -> nn.Module:
    """Three layers of 128 units: smooth, as penalties differentiate them twice, on enlarged points, to see modes."""
    from torch import nn

    from sparring.networks import MLPDiscriminator

    return MLPDiscriminator(shape, (128, 128, 128), activation=nn.SiLU, gain=4.0)


for_images = image_generator, image_discriminator
for_points = point_generator, point_discriminator
