"""Recipes: one paper or default per function, and one explicit dictionary of them all.

A recipe function takes the data's specification and its own settings, and imports torch only when it is called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from sparring.recipes.auto import auto, choose
from sparring.recipes.autoencoders import ae, vae
from sparring.recipes.bigan import bigan
from sparring.recipes.conditional import acgan, cgan
from sparring.recipes.dcgan import dcgan, dcgan_upsample
from sparring.recipes.dragan import dragan
from sparring.recipes.f_gan import f_gan
from sparring.recipes.few_labels import choose as choose_for_few_labels
from sparring.recipes.few_labels import complement, few_labels
from sparring.recipes.gan_1d import gan_1d, gan_1d_mended
from sparring.recipes.gan_mnist import gan_mnist
from sparring.recipes.lsgan import lsgan
from sparring.recipes.pacgan import pacgan
from sparring.recipes.r3gan import r3gan
from sparring.recipes.sngan import projection, sngan
from sparring.recipes.unrolled import unrolled
from sparring.recipes.wgan import wgan, wgan_gp
from sparring.settings import Choice, Value

if TYPE_CHECKING:
    from sparring.types import DataSpec, Machine, Recipe

RecipeFunction = Callable[..., "Recipe"]
Chooser = Callable[["DataSpec", int, "Machine", Mapping[str, Value]], Choice]
"""``chooser(spec, examples, machine, given)``: settings for so many training examples of these data, and this machine,
beside those that the user gave."""

RECIPES: dict[str, RecipeFunction] = {
    "auto": auto,
    "gan-mnist": gan_mnist,
    "gan-1d": gan_1d,
    "gan-1d-mended": gan_1d_mended,
    "wgan": wgan,
    "wgan-gp": wgan_gp,
    "lsgan": lsgan,
    "dragan": dragan,
    "f-gan": f_gan,
    "unrolled": unrolled,
    "pacgan": pacgan,
    "r3gan": r3gan,
    "bigan": bigan,
    "dcgan": dcgan,
    "dcgan-upsample": dcgan_upsample,
    "sngan": sngan,
    "cgan": cgan,
    "acgan": acgan,
    "projection": projection,
    "ae": ae,
    "vae": vae,
    "few-labels": few_labels,
    "complement": complement,
}

DEFAULT = "auto"
"""The recipe that data are trained with when none is named."""

CHOOSERS: dict[str, Chooser] = {
    "auto": choose,
    "few-labels": choose_for_few_labels,
    "complement": choose_for_few_labels,
}
"""Recipes some of whose settings are chosen, unless the user sets them."""

IMAGES_ONLY: dict[str, tuple[str, ...]] = {"auto": ("width", "gamma"), "r3gan": ("width", "blocks")}
"""Settings of recipes that also play on points, with other networks or another game."""

PUBLISHED_NAMES: dict[str, dict[str, str]] = {"gan-1d": {"M": "batch", "K": "k", "epochs": "steps"}}
"""Settings of a recipe's own that are general ones under the paper's names."""


def summary(function: RecipeFunction) -> str:
    """The first line of a recipe's description."""
    return (function.__doc__ or "").strip().partition("\n")[0]
