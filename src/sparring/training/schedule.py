"""Learning rates and the decay of the moving average (EMA) over a run."""

from __future__ import annotations

import math

from sparring.types import PlayerName, Recipe


def learning_rate(recipe: Recipe, player: PlayerName, step: int) -> float:
    """A player's learning rate at a step: its base rate, times its decay so far, times the schedule's factor."""
    base = recipe.lr_generator if player == "generator" else recipe.lr_discriminator
    decay = recipe.decay_generator if player == "generator" else recipe.decay_discriminator
    shape = recipe.schedule_generator if player == "generator" else recipe.schedule_discriminator
    return base * decay ** (step // recipe.decay_every) * schedule_factor(shape, step / recipe.steps)


def rates_change(recipe: Recipe) -> bool:
    """Whether a learning rate depends on the step."""
    shapes = {recipe.schedule_generator, recipe.schedule_discriminator}
    return shapes != {"constant"} or recipe.decay_generator != 1 or recipe.decay_discriminator != 1


def schedule_factor(schedule: str, done: float) -> float:
    """What a schedule multiplies the base rate by, from 1 to 0, once a share ``done`` of the run is over."""
    t = min(done, 1.0)
    shares = {"constant": 1.0, "linear": 1 - t, "late": min(1.0, 3 - 3 * t), "cosine": (1 + math.cos(math.pi * t)) / 2}
    return shares[schedule]


def ema_decay(recipe: Recipe, step: int) -> float:
    """The decay of the moving average at a step, counted from 0: the share of its old value that it keeps."""
    if not recipe.ema_rampup:
        return recipe.ema
    half_life = recipe.ema_rampup * (step + 1)
    return min(recipe.ema, math.exp(-math.log(2) / half_life))
