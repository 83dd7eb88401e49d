"""What a trained classifier, or several as one, says of images: probabilities, its error, and a table as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from sparring.metrics.reading import read_chunks
from sparring.training.chunks import in_chunks
from sparring.types import DataSource


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
    return in_chunks(classifier, (x,), device).softmax(1)


def share_wrong(classifier: nn.Module, source: DataSource, device: torch.device) -> tuple[float, int]:
    """The share of a source's labelled examples whose class is not the most probable one, and how many these are."""
    wrong = count = 0
    for x, y in read_chunks(source, np.arange(len(source))):
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
