"""A run's discriminator as a classifier: its weights, their average if there is one, and what it says of images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from sparring.errors import UsageError
from sparring.training.sampling import generate
from sparring.training.state import read_checkpoint
from sparring.types import DataSource, Recipe

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


class Ensemble(nn.Module):
    """Several classifiers as one: the probabilities that its logits give are the mean of theirs."""

    def __init__(self, classifiers: Sequence[nn.Module]) -> None:
        super().__init__()
        self.classifiers = nn.ModuleList(classifiers)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (n, classes) of images (n, *shape)."""
        return torch.stack([classifier(x).log_softmax(1) for classifier in self.classifiers]).logsumexp(0)


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
    import csv
    import io

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["image", "class", *(f"p({name})" for name in classes)])
    for name, row in zip(names, found.tolist(), strict=True):
        best = max(range(len(row)), key=row.__getitem__)
        writer.writerow([name, classes[best], *(f"{p:.6f}" for p in row)])
    return text.getvalue()
