"""Recipes: one paper or default per function, and one explicit dictionary of them all.

A recipe function takes the data's specification and its own settings, and imports torch only when it is called.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sparring.recipes.conditional import acgan, cgan
from sparring.recipes.dcgan import dcgan, dcgan_upsample
from sparring.recipes.gan_1d import gan_1d, gan_1d_mended
from sparring.recipes.gan_mnist import gan_mnist
from sparring.recipes.sngan import projection, sngan

if TYPE_CHECKING:
    from sparring.types import Recipe

RecipeFunction = Callable[..., "Recipe"]

RECIPES: dict[str, RecipeFunction] = {
    "gan-mnist": gan_mnist,
    "gan-1d": gan_1d,
    "gan-1d-mended": gan_1d_mended,
    "dcgan": dcgan,
    "dcgan-upsample": dcgan_upsample,
    "sngan": sngan,
    "cgan": cgan,
    "acgan": acgan,
    "projection": projection,
}

DEFAULT_IMAGES = "gan-mnist"
DEFAULT_POINTS = "gan-1d"


def summary(function: RecipeFunction) -> str:
    """The first line of a recipe's description."""
    return (function.__doc__ or "").strip().partition("\n")[0]
