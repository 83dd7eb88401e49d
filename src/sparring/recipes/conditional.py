"""Games of conditions, classes or attributes: told to both players, or said by the discriminator."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sparring.types import DataSpec, Recipe


def cgan(
    spec: DataSpec, *, latent_dim: int = 100, label_dim: int = 10, dropout: float = 0.5, augment: str = "none"
) -> Recipe:
    """gan-mnist's perceptrons, both told the label or the attributes: ``label_dim`` numbers of it join their input.

    Few numbers, and dropout in the discriminator as in the paper: of a long label (50 numbers beside 8 x 8 pixels), or
    without dropout, small sets collapse to one picture a class. ``augment``: how images are shown to the discriminator:
    diffaugment or ada, for small sets, or noise, on points too.
    """
    from sparring.game import Adversarial
    from sparring.networks import Joined
    from sparring.objectives import non_saturating
    from sparring.recipes.parts import adam, condition_for, normal, view_for
    from sparring.recipes.perceptrons import image_discriminator, image_generator
    from sparring.types import Recipe

    condition, judged = condition_for(spec, "cgan"), (spec.size + label_dim,)
    codes, bounded = latent_dim + label_dim, spec.kind == "image"
    return Recipe(
        paper="Mirza & Osindero 2014, Conditional generative adversarial nets, arXiv:1411.1784",
        generator=lambda: Joined(image_generator(codes, spec.shape, bounded=bounded), condition, label_dim),
        discriminator=lambda: Joined(image_discriminator(judged, dropout=dropout), condition, label_dim),
        game=Adversarial(non_saturating, joined=True, half=True, view=view_for(augment, spec)),
        latent=normal(latent_dim),
        optimiser=adam(0.5, 0.999),
        conditional=True,
        steps=30_000,
        batch=32,
    )


def acgan(
    spec: DataSpec,
    *,
    latent_dim: int = 100,
    label_dim: int = 10,
    width: int = 64,
    dropout: float = 0.0,
    augment: str = "none",
) -> Recipe:
    """DCGAN's networks: the generator is told the label or the attributes, the discriminator has to say them.

    ``width``: channels of the largest maps. ``label_dim``: numbers that their embedding adds to the latent code.
    ``dropout``: the paper has .5, with which small sets need several times the steps. ``augment``: how the
    discriminator is shown images, to judge and to classify: diffaugment or ada, for small sets, or noise.
    """
    from functools import partial

    from sparring.game import AuxiliaryClassifier, AuxiliaryRegression
    from sparring.networks import ClassifyingHead, DCGANFeatures, DCGANGenerator, Discriminator, Joined, gaussian
    from sparring.objectives import non_saturating
    from sparring.recipes.parts import adam, condition_for, image_shape, normal, view_for
    from sparring.types import Recipe

    shape, condition = image_shape(spec, "acgan"), condition_for(spec, "acgan")
    head = partial(ClassifyingHead, classes=len(spec.attributes or spec.classes))
    game = AuxiliaryRegression if spec.attributes else AuxiliaryClassifier
    latent = latent_dim + label_dim
    return Recipe(
        paper="Odena, Olah & Shlens 2017, Conditional image synthesis with auxiliary classifier GANs, arXiv:1610.09585",
        generator=lambda: Joined(gaussian(DCGANGenerator(latent, shape, width)), condition, label_dim),
        discriminator=lambda: gaussian(Discriminator(DCGANFeatures(shape, width, dropout=dropout), head)),
        game=game(non_saturating, view=view_for(augment, spec)),
        latent=normal(latent_dim),
        optimiser=adam(0.5, 0.999),
        conditional=True,
        steps=20_000,
        batch=100,
    )
