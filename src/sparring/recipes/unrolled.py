"""A generator that looks ahead."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sparring.types import DataSpec, Recipe


def unrolled(spec: DataSpec, *, latent_dim: int = 100, ahead: int = 5, rate: float | None = None) -> Recipe:
    """The generator answers the discriminator as it will be some of its own steps later.

    ``ahead``: how many steps; ``rate``: that of plain gradient steps, in place of its own Adam's. On points the
    discriminator's rate is a tenth of the generator's, as in the authors' code for their ring.
    """
    from sparring.game import Unrolled
    from sparring.objectives import non_saturating
    from sparring.recipes.parts import adam
    from sparring.recipes.perceptrons import perceptrons
    from sparring.types import Recipe

    return Recipe(
        paper="Metz et al. 2017, Unrolled generative adversarial networks, arXiv:1611.02163, section 2.2",
        **perceptrons(spec, latent_dim),
        game=Unrolled(non_saturating, ahead=ahead, rate=rate),
        optimiser=adam(0.5, 0.999),
        batch=64,
        lr_generator=1e-3 if spec.kind == "points" else 2e-4,
        lr_discriminator=1e-4 if spec.kind == "points" else 2e-4,
    )
