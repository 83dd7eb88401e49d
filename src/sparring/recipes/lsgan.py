"""Least squares."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sparring.types import DataSpec, Recipe


def lsgan(spec: DataSpec, *, latent_dim: int = 100, symmetric: bool = False) -> Recipe:
    """Least squares: a discriminator that is fitted to targets, whose gradient does not vanish far from them.

    ``symmetric``: targets -1 and +1 in place of 0 and 1.
    """
    from sparring.game import Adversarial
    from sparring.objectives import least_squares_01, least_squares_symmetric
    from sparring.recipes.parts import adam
    from sparring.recipes.perceptrons import perceptrons
    from sparring.types import Recipe

    return Recipe(
        paper="Mao et al. 2017, Least squares generative adversarial networks, arXiv:1611.04076, eqs. 2 and 9",
        **perceptrons(spec, latent_dim),
        game=Adversarial(least_squares_symmetric if symmetric else least_squares_01),
        optimiser=adam(0.5, 0.999),
        batch=64,
    )
