"""Any f-divergence as a game."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from sparring.types import DataSpec, Recipe

Name = Literal["kl", "reverse-kl", "pearson", "neyman", "squared-hellinger", "jensen-shannon", "gan", "total-variation"]


def f_gan(
    spec: DataSpec, *, latent_dim: int = 100, divergence: Name = "jensen-shannon", saturating: bool = False
) -> Recipe:
    """The game on an f-divergence, which the discriminator estimates from samples.

    ``divergence``: kl, reverse-kl, pearson, neyman, squared-hellinger, jensen-shannon, gan or total-variation.
    ``saturating``: the generator minimises the divergence itself, though that has no slope where the discriminator is
    sure; gan is then the first paper's minimax game.
    """
    from sparring.game import Adversarial
    from sparring.objectives import DIVERGENCES
    from sparring.objectives import f_gan as objective
    from sparring.recipes.parts import adam
    from sparring.recipes.perceptrons import perceptrons
    from sparring.types import Recipe

    return Recipe(
        paper="Nowozin, Cseke & Tomioka 2016, f-GAN, arXiv:1606.00709, section 3.2 and table 2",
        **perceptrons(spec, latent_dim),
        game=Adversarial(objective(DIVERGENCES[divergence], saturating=saturating)),
        optimiser=adam(0.5, 0.999),
        batch=64,
        lr_generator=1e-4,
        lr_discriminator=1e-4,
    )
