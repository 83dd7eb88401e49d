"""The picture of a training at one step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from sparring.data import plot_points, render
from sparring.game import Adversarial
from sparring.training.sampling import draw_latents, evaluating, generate, grid_latents
from sparring.training.state import State
from sparring.types import Dataset, Recipe

if TYPE_CHECKING:
    from PIL.Image import Image

POINTS = 10_000
"""Points that are drawn of each distribution."""


def picture(recipe: Recipe, dataset: Dataset, state: State, device: torch.device) -> Image:
    """A grid of images from fixed codes; for points, both densities, and a discriminator that judges them alone."""
    if dataset.spec.kind == "image":
        inputs, columns = grid_latents(recipe, dataset.spec)
        return render(dataset.spec, generate(state.generator, inputs, device), columns)
    fake = generate(state.generator, draw_latents(recipe, dataset.spec, POINTS, recipe.seed), device)
    real = dataset.train.read(np.arange(min(POINTS, len(dataset.train)))).x

    @torch.no_grad()
    def probability(x: Tensor) -> Tensor:
        assert state.players.discriminator is not None
        with evaluating(state.players.discriminator):
            raw: Tensor = state.players.discriminator(x.to(device))
        return torch.sigmoid(raw.squeeze(-1)).cpu()

    return plot_points(
        fake, real, dataset.density, probability if judges_alone(recipe) else None, title=f"step {state.step}"
    )


def judges_alone(recipe: Recipe) -> bool:
    """Whether the discriminator says of one example alone how likely it is to be real."""
    game = recipe.game
    if not isinstance(game, Adversarial) or recipe.discriminator is None:
        return False
    return game.objective.judges_by_log_ratio and game.pack == 1 and not recipe.conditional
