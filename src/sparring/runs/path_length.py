"""The perceptual path length of a run's generator."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from sparring.latents.paths import linear, spherical
from sparring.latents.priors import Normal
from sparring.metrics.features import Features
from sparring.metrics.figures import Figure
from sparring.metrics.path_length import path_length
from sparring.training.sampling import draw_latents
from sparring.types import DataSpec, Inputs, Recipe

WAYS = 2000
"""Pairs of latent codes at the most."""


def path_figure(
    make: Callable[[Inputs], Tensor], recipe: Recipe, spec: DataSpec, features: Features, n: int, seed: int
) -> Figure:
    """The path length between n pairs of latent codes, WAYS of them at most, of a generator without conditions.

    ``make`` gives images (k, *shape) in network values; they are not rounded, but cut off at -1 and 1 as samples are.
    """
    n = min(n, WAYS)
    (codes,) = draw_latents(recipe, spec, 2 * n, seed)
    on_sphere = isinstance(recipe.latent, Normal)

    def view(z: Tensor) -> Tensor:
        return features(make((z,)).clamp(-1, 1)).cpu()

    found = path_length(view, codes[:n], codes[n:], path=spherical if on_sphere else linear, seed=seed)
    note = f"perceptual path length, {n} {'arcs' if on_sphere else 'ways'} between latent codes; real images have none"
    return Figure("path length", found.value, None, n, "lower", note, found.error)
