"""A penalty around the data."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sparring.types import DataSpec, Recipe


def dragan(spec: DataSpec, *, latent_dim: int = 100, weight: float | None = None) -> Recipe:
    """The non-saturating game with the discriminator's slope held near one around real examples.

    ``weight``: the penalty's; unless set the paper's 10 on images, and .1 on points. 0: none, which is the plain game.
    """
    from sparring.game import Adversarial
    from sparring.objectives import non_saturating
    from sparring.penalties import DRAGAN
    from sparring.recipes.parts import adam
    from sparring.recipes.perceptrons import perceptrons
    from sparring.types import Recipe

    penalty = DRAGAN(weight if weight is not None else (0.1 if spec.kind == "points" else 10.0))
    return Recipe(
        paper="Kodali et al. 2017, On convergence and stability of GANs, arXiv:1705.07215, algorithm 1",
        **perceptrons(spec, latent_dim),
        game=Adversarial(non_saturating, penalties=(penalty,)),
        optimiser=adam(0.5, 0.999),
        batch=64,
    )
