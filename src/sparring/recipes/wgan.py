"""Critics that measure the Wasserstein distance, kept smooth in two ways."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sparring.types import DataSpec, Recipe


def wgan(spec: DataSpec, *, latent_dim: int = 100, clip_weights: float | None = None) -> Recipe:
    """A critic with clipped weights, five times a step, and RMSProp.

    ``clip_weights``: the largest absolute weight of the critic; unless set the paper's .01 on images, .1 on points. 0:
    any, so nothing bounds the critic, and the distance that it measures means nothing.
    """
    from sparring.game import Adversarial
    from sparring.objectives import wasserstein
    from sparring.recipes.parts import rmsprop
    from sparring.recipes.perceptrons import perceptrons
    from sparring.types import Recipe

    clip = clip_weights if clip_weights is not None else (0.1 if spec.kind == "points" else 0.01)
    return Recipe(
        paper="Arjovsky, Chintala & Bottou 2017, Wasserstein GAN, arXiv:1701.07875, algorithm 1",
        **perceptrons(spec, latent_dim),
        game=Adversarial(wasserstein, clip_weights=clip),
        optimiser=rmsprop(),
        batch=64,
        k=5,
        lr_generator=5e-5,
        lr_discriminator=5e-5,
    )


def wgan_gp(spec: DataSpec, *, latent_dim: int = 100, weight: float | None = None) -> Recipe:
    """A critic whose slope between real and generated examples is held near one.

    ``weight``: the penalty's; unless set the paper's 10 on images, and .1 on points as in the authors' toys. 0: no
    penalty, so nothing bounds the critic, and the distance that it measures means nothing.
    """
    from sparring.game import Adversarial
    from sparring.objectives import wasserstein
    from sparring.penalties import WGANGP
    from sparring.recipes.parts import adam
    from sparring.recipes.perceptrons import perceptrons
    from sparring.types import Recipe

    penalty = WGANGP(weight if weight is not None else (0.1 if spec.kind == "points" else 10.0))
    return Recipe(
        paper="Gulrajani et al. 2017, Improved training of Wasserstein GANs, arXiv:1704.00028, algorithm 1",
        **perceptrons(spec, latent_dim),
        game=Adversarial(wasserstein, penalties=(penalty,)),
        optimiser=adam(0.0, 0.9),
        batch=64,
        k=5,
        lr_generator=1e-4,
        lr_discriminator=1e-4,
    )
