"""Residual networks under spectral normalisation, without and with conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sparring.types import DataSpec, Recipe


def sngan(
    spec: DataSpec,
    *,
    latent_dim: int = 128,
    width_generator: int | None = None,
    width_discriminator: int | None = None,
    augment: str = "none",
) -> Recipe:
    """Residual networks, the discriminator under spectral normalisation, with the hinge loss.

    The widths are the channels of the largest maps. Unless set they are the paper's: 256 and 128 up to 32 x 32, where
    all maps have them; 64 for both above, where they double with each halving of the side. ``augment``: what the
    discriminator sees, for small sets: diffaugment or ada.
    """
    from sparring.game import Adversarial
    from sparring.networks import Discriminator, ResNetFeatures, ResNetGenerator, spectral
    from sparring.objectives import hinge
    from sparring.recipes.parts import adam, image_shape, normal, view_for
    from sparring.types import Recipe

    shape = image_shape(spec, "sngan")
    widths = widths_for(shape, width_generator, width_discriminator)
    return Recipe(
        paper="Miyato et al. 2018, Spectral normalization for generative adversarial networks, arXiv:1802.05957",
        generator=lambda: ResNetGenerator(latent_dim, shape, widths[0]),
        discriminator=lambda: spectral(Discriminator(ResNetFeatures(shape, widths[1]))),
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
    width_generator: int | None = None,
    width_discriminator: int | None = None,
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
    widths = widths_for(shape, width_generator, width_discriminator)
    head = partial(Projection, condition=condition)
    return replace(
        sngan(spec, latent_dim=latent_dim, augment=augment),
        paper="Miyato & Koyama 2018, cGANs with projection discriminator, arXiv:1802.05637",
        generator=lambda: ResNetGenerator(latent_dim, shape, widths[0], condition=condition),
        discriminator=lambda: spectral(Discriminator(ResNetFeatures(shape, widths[1]), head)),
        conditional=True,
    )


def widths_for(shape: tuple[int, int, int], generator: int | None, discriminator: int | None) -> tuple[int, int]:
    """The widths that are given, else the paper's: tables 4 (32 x 32), 5 (48 x 48, STL-10) and 6 (128 x 128)."""
    from sparring.networks.resnet import SMALL

    paper = (256, 128) if max(shape[1:]) <= SMALL else (64, 64)
    return generator or paper[0], discriminator or paper[1]
