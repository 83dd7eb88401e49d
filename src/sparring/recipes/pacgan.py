"""A discriminator that sees several examples at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sparring.types import DataSpec, Recipe


def pacgan(spec: DataSpec, *, latent_dim: int = 100, pack: int = 2) -> Recipe:
    """The discriminator judges packs, so that a lack of variety shows.

    ``pack``: examples in a pack; a batch is that many packs, so each step draws batch times pack examples.
    """
    from sparring.game import Adversarial
    from sparring.objectives import non_saturating
    from sparring.recipes.parts import adam
    from sparring.recipes.perceptrons import perceptrons
    from sparring.types import Recipe

    return Recipe(
        paper="Lin et al. 2018, PacGAN: the power of two samples in GANs, arXiv:1712.04086, section 2",
        **perceptrons(spec, latent_dim, pack=pack),
        game=Adversarial(non_saturating, pack=pack),
        optimiser=adam(0.5, 0.999),
        batch=100 if spec.kind == "points" else 64,
    )
