"""The same figures of every generator of images, and the baseline to read them against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from sparring.errors import UsageError
from sparring.metrics.checks import covariance_warning
from sparring.metrics.features import Features
from sparring.metrics.frechet import distance_between
from sparring.metrics.reading import choose_indices, draw, labels_at
from sparring.rivals.rival import Make, Rival
from sparring.types import Dataset, DataSource

PROBED = 5000
"""Labelled training examples, at most, that a linear probe learns from; as many held-out ones measure it."""
PENALTY = 0.01
"""C of the probes' logistic regression, on standardised features: the same for all, so nothing is chosen."""
FEWEST = 10
"""Held-out images below which nothing can be measured."""
SHOWN = 16
"""Held-out images in the picture, and half the samples of each."""


@dataclass(frozen=True)
class Found:
    """The figures of one generator; None where a figure is not defined for it."""

    name: str
    steps: int | None
    seconds: float | None
    distance: float | None
    """Fréchet distance of its samples from training images."""
    reconstruction: float | None
    """Mean squared error of a held-out image's values, which go from 0 to 1."""
    probe: float | None
    """Accuracy on held-out images of a linear classifier of its hidden features."""
    features: int | None
    """The number of hidden features."""
    code_probe: float | None
    """The same accuracy for its code."""
    code: int | None
    """The number of values of its code."""


class Probed:
    """What a linear probe sees of a part: labelled images in network values and their labels (n,), PROBED at most."""

    def __init__(self, source: DataSource, seed: int) -> None:
        indices = choose_indices(source, PROBED, seed)
        labels = labels_at(source, indices).numpy()
        self.y = labels[labels >= 0]
        self.x = source.spec.encode(source.read(indices[labels >= 0]).x)


class Measure:
    """Measures rivals against one data set: its training part, and its held-out part as the floor."""

    def __init__(self, dataset: Dataset, features: Features, n: int, seed: int) -> None:
        """At most ``n`` samples; raises UsageError where too little is held out."""
        held_out = dataset.held_out
        self.n = min(n, len(dataset.train), 0 if held_out is None else len(held_out))
        if held_out is None or self.n < FEWEST:
            raise UsageError(f"only {self.n} images can be measured with: give at least {FEWEST} held-out ones (-n).")
        self.spec, self.features = dataset.spec, features
        self.base = self.of(draw(dataset.train, self.n, seed))
        self.real = draw(held_out, self.n, seed)
        self.mean = dataset.spec.encode(draw(dataset.train, PROBED, seed)).mean(0, keepdim=True)
        self.parts = Probed(dataset.train, seed), Probed(held_out, seed)
        self.known = len(np.unique(self.parts[0].y)) > 1 and len(self.parts[1].y) > 0

    def __call__(self, rival: Rival) -> tuple[Found, Tensor]:
        """Its figures, and some stored images to be shown: samples, then reconstructions of the first held-out ones."""
        samples = self.spec.decode(rival.sample(self.n))
        reconstruction, shown = None, [samples[: 2 * SHOWN]]
        if rival.reconstruct is not None:
            made = rival.reconstruct(self.spec.encode(self.real[: rival.reconstructed])).clamp(-1, 1)
            reconstruction = self.error(made)
            shown.append(self.spec.decode(made[:SHOWN]))
        return Found(
            rival.name,
            rival.steps,
            rival.seconds,
            distance_between(self.of(samples), self.base),
            reconstruction,
            *self.probe(rival.hidden),
            *((None, None) if rival.code is None else self.probe(rival.code)),
        ), torch.cat(shown)

    def reference(self) -> Found:
        """The baseline: held-out images as samples, the mean image as reconstruction, pixels as features."""
        floor = distance_between(self.of(self.real), self.base)
        pixels = self.probe(lambda x: x.flatten(1))
        return Found(
            "baseline", None, None, floor, self.error(self.mean.expand(self.n, *self.spec.shape)), *pixels, None, None
        )

    def of(self, images: Tensor) -> Tensor:
        """Features of stored images, on the CPU."""
        return self.features(images).cpu()

    def error(self, made: Tensor) -> float:
        """The mean squared error of reconstructions of the first held-out images, in network values, on [0, 1]."""
        return float((made - self.spec.encode(self.real[: len(made)])).double().square().mean()) / 4

    def probe(self, make: Make) -> tuple[float | None, int | None]:
        """A linear classifier's accuracy on held-out images, and the number of features; None without classes."""
        if not self.known:
            return None, None
        train, test = self.parts
        x = _rows(make(train.x))
        model = make_pipeline(StandardScaler(), LogisticRegression(C=PENALTY, max_iter=300)).fit(x, train.y)
        return float(model.score(_rows(make(test.x)), test.y)), x.shape[1]

    def notes(self) -> list[str]:
        """What a reader of the figures must know, a line each."""
        probed = f"{len(self.parts[0].y)} labelled training images, tested on {len(self.parts[1].y)} held-out ones"
        warning = covariance_warning(self.n, self.base.shape[1])
        return [
            f"FD: of {self.n} samples from as many training images; baseline: of as many held-out real ones",
            f"error: of reconstructions, mean square over {self.n} held-out images' values, 0 to 1; baseline: the mean",
            f"probe: accuracy of logistic regression (C = {PENALTY}) on hidden features, F of them, standardised, "
            f"and codes; {probed}; baseline: pixels"
            if self.known
            else "probe: not defined, as the data have no classes",
            *([warning] if warning else []),
        ]


def _rows(features: Tensor) -> Any:
    return features.flatten(1).double().cpu().numpy()
