"""Relativistic pairing with both gradient penalties."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparring.errors import UsageError

if TYPE_CHECKING:
    from sparring.types import DataSpec, Recipe


def r3gan(spec: DataSpec, *, latent_dim: int | None = None, gamma: float = 1.0) -> Recipe:
    """Relativistic pairing with R1 and R2, which converges locally and leaves no mode out, on points of a toy.

    ``latent_dim``: unless set, that of the data. ``gamma``: the weight of both penalties.
    """
    from sparring.game import Adversarial
    from sparring.objectives import relativistic
    from sparring.penalties import R1R2
    from sparring.recipes.parts import adam
    from sparring.recipes.perceptrons import perceptrons
    from sparring.types import Recipe

    if spec.kind != "points":
        raise UsageError(f"r3gan plays on points (ring, grid, swissroll …), not on {spec.name} {spec.shape}.")
    return Recipe(
        paper="Huang et al. 2024, The GAN is dead; long live the GAN! (R3GAN), arXiv:2501.05441, sections 2 and 4",
        **perceptrons(spec, spec.size if latent_dim is None else latent_dim),
        game=Adversarial(relativistic, joined=True, penalties=(R1R2(gamma),)),
        optimiser=adam(0.0, 0.99),
        steps=12_000,
        batch=100,
        lr_generator=3e-3,
        lr_discriminator=3e-3,
        schedule_generator="linear",
        schedule_discriminator="linear",
        ema=0.998,
    )
