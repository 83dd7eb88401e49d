"""A run's trained networks, from a checkpoint: in inference mode, on the CPU."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from sparring.errors import UsageError
from sparring.training.state import read_checkpoint
from sparring.types import Recipe


def load_generator(recipe: Recipe, path: Path) -> nn.Module:
    """The generator of a checkpoint: its moving average where there is one.

    Raises:
        UsageError: the checkpoint is damaged, or of other networks.
    """
    return load_network(recipe.generator, path, "average" if recipe.ema else "players.generator", "generator")


def load_discriminator(recipe: Recipe, path: Path) -> nn.Module:
    """The discriminator of a checkpoint.

    Raises:
        UsageError: the recipe has none, or the checkpoint is damaged or of other networks.
    """
    if recipe.discriminator is None:
        raise UsageError(f"{path} has no discriminator: its recipe trains without one.")
    return load_network(recipe.discriminator, path, "players.discriminator", "discriminator")


def load_classifier(recipe: Recipe, path: Path) -> nn.Module:
    """The classifier that a checkpoint's discriminator is: its moving average where there is one.

    Raises:
        UsageError: the recipe trains none, or the checkpoint is damaged or of other networks.
    """
    if not recipe.classifies or recipe.discriminator is None:
        raise UsageError("this run trained no classifier: spar classify does, and so does the recipe few-labels.")
    name = "average_discriminator" if recipe.ema else "players.discriminator"
    return load_network(recipe.discriminator, path, name, "classifier")


def load_network(make: Callable[[], nn.Module], path: Path, name: str, what: str) -> nn.Module:
    """A network as ``make`` builds it, with the weights that a checkpoint holds under a name.

    Raises:
        UsageError: the checkpoint is damaged, or ``what`` has other weights there.
    """
    _, tensors = read_checkpoint(path)
    weights = {key.removeprefix(f"{name}."): t for key, t in tensors.items() if key.startswith(f"{name}.")}
    with torch.random.fork_rng():
        network = make()
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise UsageError(f"{path} does not belong to this recipe: its {what} has other weights.") from error
    return network.eval()
