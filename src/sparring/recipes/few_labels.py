"""Classifiers from few labels: the discriminator is what is wanted, the generator what makes it good."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparring.errors import UsageError

if TYPE_CHECKING:
    from sparring.types import DataSpec, Recipe


def few_labels(spec: DataSpec, *, latent_dim: int = 100, width: int = 1000, labelled: float = 0.5) -> Recipe:
    """A classifier from few labels and much data: the discriminator tells classes, and real from generated.

    ``width``: units of the classifier's first layer. ``labelled``: labelled images a step, as a share of the batch.
    """
    from functools import partial

    from torch import nn

    from sparring.game import FewLabels
    from sparring.networks import MLPGenerator, NoisyClassifier
    from sparring.recipes.parts import adam, normal
    from sparring.types import Recipe

    if len(spec.classes) < 2:
        raise UsageError(f"few-labels tells classes apart, and {spec.name} has no two of them.")
    widths = (width, width // 2, width // 4, width // 4, width // 4)
    norm = partial(nn.BatchNorm1d, eps=1e-4)
    return Recipe(
        paper="Salimans et al. 2016, Improved techniques for training GANs, arXiv:1606.03498, section 5",
        generator=lambda: MLPGenerator(latent_dim, (width // 2,) * 2, spec.shape, activation=nn.Softplus, norm=norm),
        discriminator=lambda: NoisyClassifier(spec.shape, len(spec.classes), widths),
        game=FewLabels(labelled=labelled),
        latent=normal(latent_dim),
        optimiser=adam(0.5, 0.999),
        classifies=True,
        steps=30_000,
        batch=100,
        lr_generator=3e-3,
        lr_discriminator=3e-3,
        schedule_generator="linear",
        schedule_discriminator="linear",
        ema=0.9999,
        ema_rampup=0.05,
        grid_every=1000,
        best_every=5000,
    )
