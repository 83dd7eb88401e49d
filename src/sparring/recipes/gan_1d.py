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
    from sparring.latents.priors import Stratified
    from sparring.networks import MLPDiscriminator, MLPGenerator
    from sparring.objectives import non_saturating
    from sparring.recipes.parts import nesterov
    from sparring.types import Recipe

    check_one_dimension(spec, "gan-1d")
    return Recipe(
        paper="Goodfellow et al. 2014, arXiv:1406.2661, algorithm 1 and figure 1; E. Jang 2016, GANs in 50 lines",
        generator=lambda: MLPGenerator(1, (10, 10), spec.shape, activation=nn.ReLU, output=nn.Identity),
        discriminator=lambda: MLPDiscriminator(spec.shape, (10, 10), activation=nn.Tanh),
        game=Adversarial(non_saturating),
        latent=Stratified(-5, 5, 0.01),
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


def gan_1d_mended(spec: DataSpec, *, latent_dim: int = 1, augment: str = "none") -> Recipe:
    """The one-dimensional game, mended: normal latents, smooth networks, Adam, falling rates, an averaged generator.

    The published game ends wherever its last step throws it: bounded noise cannot make tails, and plain steps circle
    around the equilibrium instead of settling in it. Falling rates and the average settle it. ``augment``: none, or
    noise on what the discriminator sees.
    """
    from torch import nn

    from sparring.game import Adversarial
    from sparring.networks import MLPDiscriminator, MLPGenerator
    from sparring.objectives import non_saturating
    from sparring.recipes.parts import adam, normal, view_for
    from sparring.types import Recipe

    check_one_dimension(spec, "gan-1d-mended")
    return Recipe(
        paper="Goodfellow et al. 2014, arXiv:1406.2661; averaging: Yazici et al. 2019, arXiv:1806.04498",
        generator=lambda: MLPGenerator(latent_dim, (32, 32), spec.shape, activation=nn.ELU, output=nn.Identity),
        discriminator=lambda: MLPDiscriminator(spec.shape, (32, 32), activation=nn.ELU),
        game=Adversarial(non_saturating, view=view_for(augment, spec)),
        latent=normal(latent_dim),
        optimiser=adam(0.5, 0.9),
        batch=200,
        k=5,
        steps=1500,
        lr_generator=1e-3,
        lr_discriminator=2e-3,
        schedule_generator="linear",
        schedule_discriminator="linear",
        ema=0.99,
        grid_every=75,
        log_every=25,
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
