"""What generated examples are worth to a classifier that is trained on them.

Shmelkov, Schmid and Alahari 2018, How good is my GAN?, arXiv:1807.09499, section 3. GAN-train: a classifier learns from
generated examples and is tested on real ones; it is high if they are good and varied. GAN-test: one learns from real
examples and is tested on generated ones; it is high if they show what their labels say, however little they vary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from sparring.errors import UsageError
from sparring.metrics.classifier import ClassifierFeatures
from sparring.metrics.images import scaled
from sparring.metrics.network import BATCH, Epochs, fit, new_classifier
from sparring.types import Batch

STEPS = 1000

Show = Callable[[Tensor], Tensor]
"""How images (b, C, H, W) in [-1, 1] are shown in training: an augmentation."""


class Worth(NamedTuple):
    """Accuracies of classifiers, in [0, 1]."""

    real: float
    """Trained on real examples, tested on the test examples: what can be had without a generator."""
    generated: float
    """Trained on generated examples, tested on the test examples: GAN-train."""
    both: float
    """Trained on both, half of each batch from either, tested on the test examples."""
    gan_test: float
    """Trained on real examples, tested on the generated ones: GAN-test. For copies of the training examples it is 1."""


def worth(
    real: Batch,
    generated: Batch,
    test: Batch,
    classes: int,
    *,
    steps: int = STEPS,
    batch: int = BATCH,
    seed: int = 0,
    show: Show | None = None,
    device: str | torch.device = "cpu",
) -> Worth:
    """Three classifiers, of real examples, of generated ones and of both, from the same first weights in as many steps.

    Images are uint8 (n, C, H, W), labels (n,) from 0 to ``classes`` - 1. Recipe and length of the training are fixed,
    so ``test`` chooses nothing. ``seed`` decides first weights, batches and what ``show`` draws.

    Raises:
        UsageError: an image without a label, or one of another shape.
    """
    for name, part in (("real", real), ("generated", generated), ("test", test)):
        if part.y is None or len(part.y) != len(part.x) or not 0 <= int(part.y.min()) <= int(part.y.max()) < classes:
            raise UsageError(f"every {name} example needs a label from 0 to {classes - 1}.")
    arms = [(real,), (generated,), (real, generated)]
    trained = [train_classifier(arm, classes, steps, batch, seed, show, torch.device(device)) for arm in arms]
    of_real, of_generated, of_both = (accuracy(one, test) for one in trained)
    return Worth(of_real, of_generated, of_both, accuracy(trained[0], generated))


def train_classifier(
    parts: Sequence[Batch], classes: int, steps: int, batch: int, seed: int, show: Show | None, device: torch.device
) -> ClassifierFeatures:
    """A classifier like that of ``metrics.classifier``, trained on equal shares of these parts in every batch."""
    shape = tuple(parts[0].x.shape[1:])
    network = new_classifier(shape, classes, seed).to(device)
    epochs = [Epochs(len(part.x), min(batch // len(parts), len(part.x)), seed + i) for i, part in enumerate(parts)]

    def draw() -> tuple[Tensor, Tensor]:
        chosen = [torch.from_numpy(one()) for one in epochs]
        x = torch.cat([part.x[at] for part, at in zip(parts, chosen, strict=True)])
        y = torch.cat([part.y[at] for part, at in zip(parts, chosen, strict=True) if part.y is not None])
        images = scaled(x, device)
        return images if show is None else show(images), y.to(device)

    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        fit(network, draw, steps, shape)
    network.requires_grad_(False)
    return ClassifierFeatures(network, shape, None, "", device)


def accuracy(classifier: ClassifierFeatures, examples: Batch) -> float:
    """The share of labelled examples that are classified rightly."""
    assert examples.y is not None
    return float((classifier.classify(examples.x)[1].cpu() == examples.y).double().mean())
