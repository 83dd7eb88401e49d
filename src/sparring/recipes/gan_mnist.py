"""The multi-layer perceptron GAN of the tutorials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from sparring.types import DataSpec, Recipe


def gan_mnist(spec: DataSpec, *, latent_dim: int = 100, updates: Literal["one", "two"] = "one") -> Recipe:
    """Multi-layer perceptrons on images of any size, as the tutorials train them on MNIST.

    ``updates``: the discriminator moves once a step, on half a batch of real and half a batch of generated images
    joined; or twice, on real and then on fake made with the generator's running averages, as the tutorials' script.
    """
    from functools import partial

    from torch import nn

    from sparring.game import Adversarial, TwoUpdates
    from sparring.networks import MLPDiscriminator, MLPGenerator, glorot
    from sparring.objectives import non_saturating
    from sparring.recipes.parts import adam, normal
    from sparring.types import Recipe

    leaky = partial(nn.LeakyReLU, 0.2, inplace=True)
    norm = partial(nn.BatchNorm1d, eps=1e-3, momentum=0.2)
    return Recipe(
        paper="Goodfellow et al. 2014, Generative adversarial nets, arXiv:1406.2661, sections 3 and 5",
        generator=lambda: glorot(MLPGenerator(latent_dim, (256, 512, 1024), spec.shape, activation=leaky, norm=norm)),
        discriminator=lambda: glorot(MLPDiscriminator(spec.shape, (512, 256), activation=leaky)),
        game=TwoUpdates(non_saturating) if updates == "two" else Adversarial(non_saturating, joined=True, half=True),
        latent=normal(latent_dim),
        optimiser=adam(0.5, 0.999),
        steps=30_000,
        batch=32,
        grid_every=200,
    )
