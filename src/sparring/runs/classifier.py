"""A run's discriminator as a classifier: its weights, their average if there is one, and what it says of images."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from sparring.errors import UsageError
from sparring.training.sampling import generate
from sparring.training.state import read_checkpoint
from sparring.types import DataSource, DataSpec, Recipe

READ = 1000
"""Images that are decoded at once."""


def load_classifier(recipe: Recipe, path: Path) -> nn.Module:
    """The classifier of a checkpoint, in inference mode, on the CPU.

    Raises:
        UsageError: the recipe trains none, or the checkpoint is damaged or of other networks.
    """
    if not recipe.classifies or recipe.discriminator is None:
        raise UsageError("this run trained no classifier: spar classify does, and so does the recipe few-labels.")
    _, tensors = read_checkpoint(path)
    prefix = "average_discriminator." if recipe.ema else "players.discriminator."
    weights = {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
    with torch.random.fork_rng():
        classifier = recipe.discriminator()
    try:
        classifier.load_state_dict(weights)
    except RuntimeError as error:
        raise UsageError(f"{path} does not belong to this recipe: its classifier has other weights.") from error
    return classifier.eval()


def check_images(spec: DataSpec, images: Tensor | np.ndarray) -> Tensor:
    """Images (n, *shape) as the networks see them: uint8 is scaled, floats must lie in [-1, 1].

    Raises:
        UsageError: another shape or type, or values out of that range.
    """
    x = torch.as_tensor(images)
    if x.ndim != 1 + len(spec.shape) or tuple(x.shape[1:]) != spec.shape:
        raise UsageError(f"this classifier knows images (n, {', '.join(map(str, spec.shape))}), not {tuple(x.shape)}.")
    if x.dtype == torch.uint8:
        return spec.encode(x)
    if not x.is_floating_point() or not bool((x.abs() <= 1 + 1e-6).all()):
        raise UsageError("images must be uint8, or floats in [-1, 1].")
    return x.float()


def probabilities(classifier: nn.Module, x: Tensor, device: torch.device) -> Tensor:
    """P(class) of images (n, *shape) in network values: (n, classes), float32 on the CPU."""
    return generate(classifier, (x,), device).softmax(1)


def share_wrong(classifier: nn.Module, source: DataSource, device: torch.device) -> tuple[float, int]:
    """The share of a source's labelled examples whose class is not the most probable one, and how many these are."""
    wrong = count = 0
    for start in range(0, len(source), READ):
        x, y = source.read(np.arange(start, min(start + READ, len(source))))
        assert y is not None
        known = y >= 0
        said = probabilities(classifier, source.spec.encode(x[known]), device).argmax(1) if known.any() else y[:0]
        wrong, count = wrong + int((said != y[known]).sum()), count + int(known.sum())
    return wrong / max(count, 1), count


def as_csv(names: Sequence[str], classes: Sequence[str], found: Tensor) -> str:
    """A line an image: its name, the most probable class, and the probability of each."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["image", "class", *(f"p({name})" for name in classes)])
    for name, row in zip(names, found.tolist(), strict=True):
        best = max(range(len(row)), key=row.__getitem__)
        writer.writerow([name, classes[best], *(f"{p:.6f}" for p in row)])
    return text.getvalue()
