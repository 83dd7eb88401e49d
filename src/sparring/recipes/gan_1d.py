"""The one-dimensional game, as it was published, and mended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparring.errors import UsageError

if TYPE_CHECKING:
    from sparring.types import DataSpec, Recipe


def gan_1d(spec: DataSpec, *, M: int = 200, K: int = 20, epochs: int = 400) -> Recipe:
    """Two networks of ten and ten units on one-dimensional data: the tutorials' game, to the letter.

    ``M``: points a batch. ``K``: discriminator steps an epoch. The data's ``mu`` and ``sigma`` are settings too.
    """
    from torch import nn

    from sparring.game import Adversarial
    from sparring.networks import MLPDiscriminator, MLPGenerator
    from sparring.objectives import non_saturating
    from sparring.recipes.parts import nesterov, stratified
    from sparring.types import Recipe

    check_one_dimension(spec, "gan-1d")
    return Recipe(
        paper="Goodfellow et al. 2014, arXiv:1406.2661, algorithm 1 and figure 1; E. Jang 2016, GANs in 50 lines",
        generator=lambda: MLPGenerator(1, (10, 10), spec.shape, activation=nn.ReLU, output=nn.Identity),
        discriminator=lambda: MLPDiscriminator(spec.shape, (10, 10), activation=nn.Tanh),
        game=Adversarial(non_saturating),
        latent=stratified(-5, 5, 0.01),
        optimiser=nesterov(0.6),
        batch=M,
        k=K,
        steps=epochs,
        lr_generator=0.01,
        lr_discriminator=0.1,
        decay_generator=0.999,
        decay_discriminator=0.999,
        decay_every=10,
        grid_every=20,
        log_every=10,
    )


def check_one_dimension(spec: DataSpec, name: str) -> None:
    """Refuse data of more dimensions.

    Raises:
        UsageError: the data are not points on a line.
    """
    if spec.kind != "points" or spec.shape != (1,):
        raise UsageError(
            f"{name} plays on one-dimensional points (gaussian, mixture), not on {spec.name} {spec.shape}."
        )
