"""What GANs are compared with: autoencoders, games of one player."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

    from sparring.types import DataSpec, Recipe

MOST_CODES, FEWEST_VALUES = 32, 4
"""Numbers of an image's code: so many, and fewer where else there were less than so many values to each."""


def ae(spec: DataSpec, *, latent_dim: int | None = None, width: int = 16) -> Recipe:
    """An autoencoder: images through a few numbers and back.

    It has no prior, so samples are decoded from a Gaussian that is fitted to the codes of the training data, number by
    number. ``latent_dim``: numbers of a code; unless set at most 32 and a quarter of an image's values, and as many as
    points have. ``width``: channels of the largest maps.
    """
    from torch import nn

    from sparring.game import Reconstruction
    from sparring.networks import StandardisedEncoder, WithEncoder
    from sparring.types import Recipe

    codes = numbers_of_a_code(spec, latent_dim)
    output = nn.Tanh if spec.kind == "image" else nn.Identity
    return Recipe(
        paper="Hinton & Salakhutdinov 2006, Reducing the dimensionality of data, doi:10.1126/science.1127647",
        generator=lambda: WithEncoder(
            decoder(spec, codes, width, output), StandardisedEncoder(features(spec, width), codes)
        ),
        game=Reconstruction(),
        **alone(codes),
    )


def vae(
    spec: DataSpec,
    *,
    latent_dim: int | None = None,
    width: int = 16,
    likelihood: Literal["default", "bernoulli", "gaussian"] = "default",
) -> Recipe:
    """A variational autoencoder: a decoder of normal codes, and an encoder that bounds how likely the data are.

    ``latent_dim`` and ``width`` as ``ae`` has them. ``likelihood``: of an example given its code; unless set bernoulli
    for images, and gaussian (its deviation learned) for points. Samples are its means.
    """
    from torch import nn

    from sparring.game import VariationalBound
    from sparring.networks import Bernoulli, Gaussian, GaussianEncoder, VariationalAutoencoder
    from sparring.types import Recipe

    codes = numbers_of_a_code(spec, latent_dim)
    bernoulli = likelihood == "bernoulli" or (likelihood == "default" and spec.kind == "image")
    return Recipe(
        paper="Kingma & Welling 2014, Auto-encoding variational Bayes, arXiv:1312.6114",
        generator=lambda: VariationalAutoencoder(
            decoder(spec, codes, width, nn.Identity),
            Bernoulli() if bernoulli else Gaussian(),
            GaussianEncoder(features(spec, width), codes),
        ),
        game=VariationalBound(),
        **alone(codes),
    )


def alone(codes: int) -> dict[str, Any]:
    """What the games of one player have in common: fields of a recipe."""
    from sparring.recipes.parts import adam, normal

    return {
        "discriminator": None,
        "latent": normal(codes),
        "optimiser": adam(0.9, 0.999),
        "steps": 10_000,
        "batch": 64,
        "lr_generator": 1e-3,
        "schedule_generator": "cosine",
    }


def numbers_of_a_code(spec: DataSpec, latent_dim: int | None) -> int:
    """How many numbers a code has, unless that is set."""
    if latent_dim is not None:
        return latent_dim
    return max(min(MOST_CODES, spec.size // FEWEST_VALUES), 1) if spec.kind == "image" else spec.size


def decoder(spec: DataSpec, codes: int, width: int, output: Callable[[], nn.Module]) -> nn.Module:
    """Codes (n, codes) to examples, or raw outputs of their shape: DCGAN's generator, or three layers of 128 units."""
    from torch import nn

    from sparring.networks import DCGANGenerator, MLPGenerator, gaussian
    from sparring.recipes.parts import image_shape

    if spec.kind == "image":
        return gaussian(DCGANGenerator(codes, image_shape(spec, "this recipe"), width, output=output))
    return MLPGenerator(codes, (128, 128, 128), spec.shape, activation=nn.ReLU, output=output)


def features(spec: DataSpec, width: int) -> nn.Module:
    """What an encoder looks at: the features of DCGAN's discriminator, or three layers of 128 units."""
    from torch import nn

    from sparring.networks import DCGANFeatures, MLPFeatures, gaussian
    from sparring.recipes.parts import image_shape

    if spec.kind == "image":
        return gaussian(DCGANFeatures(image_shape(spec, "this recipe"), width))
    return MLPFeatures(spec.shape, (128, 128, 128), activation=nn.ReLU)
