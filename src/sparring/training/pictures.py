"""The picture of a training at one step."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from sparring.data import plot_points, render
from sparring.game import Adversarial
from sparring.networks import WithEncoder
from sparring.networks.mode import evaluating
from sparring.training.chunks import in_chunks
from sparring.training.sampling import draw_latents, grid_latents
from sparring.training.state import State
from sparring.types import Dataset, Recipe

POINTS = 10_000
"""Points that are drawn of each distribution."""
ROWS, PAIRS = 5, 2
"""Of examples beside their reconstructions."""
GAP = 20
"""Times that the gap between two pictures fits into their height."""


def picture(recipe: Recipe, dataset: Dataset, state: State, device: torch.device) -> Image.Image:
    """A grid of images from fixed codes; for points, both densities, and a discriminator that judges them alone.

    Right of the grid, where there is an encoder: held-out images, and right of each its reconstruction.
    """
    if dataset.spec.kind == "image":
        inputs, columns = grid_latents(recipe, dataset.spec)
        grid = render(dataset.spec, in_chunks(state.generator, inputs, device), columns)
        if not isinstance(state.generator, WithEncoder):
            return grid
        return side_by_side(grid, reconstructions(dataset, state.generator, device))
    fake = in_chunks(state.generator, draw_latents(recipe, dataset.spec, POINTS, recipe.seed), device)
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


def reconstructions(dataset: Dataset, generator: WithEncoder, device: torch.device) -> Image.Image:
    """Images that are not trained on, and right of each what the generator makes of its code."""
    source = dataset.train if dataset.validation is None else dataset.validation
    x = dataset.spec.encode(source.read(np.resize(np.arange(len(source)), ROWS * PAIRS)).x)
    made = in_chunks(nn.Sequential(generator.encoder, generator), (x,), device)
    return render(dataset.spec, torch.stack([x, made], 1).flatten(0, 1), 2 * PAIRS)


def side_by_side(left: Image.Image, right: Image.Image) -> Image.Image:
    """Two pictures as one, over white."""
    gap = left.height // GAP
    both = Image.new(left.mode, (left.width + gap + right.width, max(left.height, right.height)), "white")
    both.paste(left, (0, 0))
    both.paste(right, (left.width + gap, 0))
    return both


def judges_alone(recipe: Recipe) -> bool:
    """Whether the discriminator says of one example alone how likely it is to be real."""
    game = recipe.game
    if not isinstance(game, Adversarial) or recipe.discriminator is None:
        return False
    return game.objective.judges_by_log_ratio and game.pack == 1 and not recipe.conditional
