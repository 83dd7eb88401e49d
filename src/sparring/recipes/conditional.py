"""Games of conditions, classes or attributes: told to both players, or said by the discriminator."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sparring.types import DataSpec, Recipe


def cgan(spec: DataSpec, *, latent_dim: int = 100, label_dim: int = 10, dropout: float = 0.5) -> Recipe:
    """gan-mnist's perceptrons, both told the label or the attributes: ``label_dim`` numbers of it join their input.

    Few numbers, and dropout in the discriminator as in the paper: of a long label (50 numbers beside 8 x 8 pixels), or
    without dropout, small sets collapse to one picture a class.
    """
    from functools import partial

    from torch import nn

    from sparring.game import Adversarial
    from sparring.networks import Joined, MLPDiscriminator, MLPGenerator, glorot
    from sparring.objectives import non_saturating
    from sparring.recipes.parts import adam, condition_for, normal
    from sparring.types import Recipe

    condition = condition_for(spec, "cgan")
    leaky = partial(nn.LeakyReLU, 0.2, inplace=True)
    norm = partial(nn.BatchNorm1d, eps=1e-3, momentum=0.2)
    output = nn.Tanh if spec.kind == "image" else nn.Identity
    sizes = (256, 512, 1024)

    def generator() -> nn.Module:
        network = MLPGenerator(latent_dim + label_dim, sizes, spec.shape, activation=leaky, norm=norm, output=output)
        return Joined(glorot(network), condition, label_dim)

    def discriminator() -> nn.Module:
        network = MLPDiscriminator((spec.size + label_dim,), (512, 256), activation=leaky, dropout=dropout)
        return Joined(glorot(network), condition, label_dim)

    return Recipe(
        paper="Mirza & Osindero 2014, Conditional generative adversarial nets, arXiv:1411.1784",
        generator=generator,
        discriminator=discriminator,
        game=Adversarial(non_saturating, joined=True, half=True),
        latent=normal(latent_dim),
        optimiser=adam(0.5, 0.999),
        conditional=True,
        steps=30_000,
        batch=32,
    )


def acgan(
    spec: DataSpec, *, latent_dim: int = 100, label_dim: int = 10, width: int = 64, dropout: float = 0.0
) -> Recipe:
    """DCGAN's networks: the generator is told the label or the attributes, the discriminator has to say them.

    ``width``: channels of the largest maps. ``label_dim``: numbers that their embedding adds to the latent code.
    ``dropout``: the paper has .5, with which small sets need several times the steps.
    """
    from functools import partial

    from sparring.game import AuxiliaryClassifier, AuxiliaryRegression
    from sparring.networks import ClassifyingHead, DCGANFeatures, DCGANGenerator, Discriminator, Joined, gaussian
    from sparring.objectives import non_saturating
    from sparring.recipes.parts import adam, condition_for, image_shape, normal
    from sparring.types import Recipe

    shape, condition = image_shape(spec, "acgan"), condition_for(spec, "acgan")
    head = partial(ClassifyingHead, classes=len(spec.attributes or spec.classes))
    game = AuxiliaryRegression if spec.attributes else AuxiliaryClassifier
    latent = latent_dim + label_dim
    return Recipe(
        paper="Odena, Olah & Shlens 2017, Conditional image synthesis with auxiliary classifier GANs, arXiv:1610.09585",
        generator=lambda: Joined(gaussian(DCGANGenerator(latent, shape, width)), condition, label_dim),
        discriminator=lambda: gaussian(Discriminator(DCGANFeatures(shape, width, dropout=dropout), head)),
        game=game(non_saturating),
        latent=normal(latent_dim),
        optimiser=adam(0.5, 0.999),
        conditional=True,
        steps=20_000,
        batch=100,
    )
