"""Residual networks under spectral normalisation, without and with conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sparring.types import DataSpec, Recipe


def sngan(
    spec: DataSpec,
    *,
    latent_dim: int = 128,
    width_generator: int = 256,
    width_discriminator: int = 128,
    augment: str = "none",
) -> Recipe:
    """Residual networks, the discriminator under spectral normalisation, with the hinge loss.

    The widths are the channels of the largest maps: the paper's for 32 x 32, where they are those of all maps. Above
    that they double with each halving of the side, and the paper has 64 for both. ``augment``: what the discriminator
    sees, for small sets: diffaugment or ada.
    """
    from sparring.game import Adversarial
    from sparring.networks import Discriminator, ResNetFeatures, ResNetGenerator, spectral
    from sparring.objectives import hinge
    from sparring.recipes.parts import adam, image_shape, normal, view_for
    from sparring.types import Recipe

    shape = image_shape(spec, "sngan")
    return Recipe(
        paper="Miyato et al. 2018, Spectral normalization for generative adversarial networks, arXiv:1802.05957",
        generator=lambda: ResNetGenerator(latent_dim, shape, width_generator),
        discriminator=lambda: spectral(Discriminator(ResNetFeatures(shape, width_discriminator))),
        game=Adversarial(hinge, view=view_for(augment, spec)),
        latent=normal(latent_dim),
        optimiser=adam(0.0, 0.9),
        k=5,
        steps=50_000,
        batch=64,
        schedule_generator="linear",
        schedule_discriminator="linear",
    )


def projection(
    spec: DataSpec,
    *,
    latent_dim: int = 128,
    width_generator: int = 256,
    width_discriminator: int = 128,
    augment: str = "none",
) -> Recipe:
    """Residual networks for classes or attributes: conditional batch norm, and a discriminator that projects on them.

    All else is as in ``sngan``.
    """
    from dataclasses import replace
    from functools import partial

    from sparring.networks import Discriminator, Projection, ResNetFeatures, ResNetGenerator, spectral
    from sparring.recipes.parts import condition_for, image_shape

    shape, condition = image_shape(spec, "projection"), condition_for(spec, "projection")
    head = partial(Projection, condition=condition)
    return replace(
        sngan(spec, latent_dim=latent_dim, augment=augment),
        paper="Miyato & Koyama 2018, cGANs with projection discriminator, arXiv:1802.05637",
        generator=lambda: ResNetGenerator(latent_dim, shape, width_generator, condition=condition),
        discriminator=lambda: spectral(Discriminator(ResNetFeatures(shape, width_discriminator), head)),
        conditional=True,
    )
