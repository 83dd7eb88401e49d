"""One cheap figure that orders the checkpoints of a run: lower is better, and nothing else is claimed."""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch import Tensor

from sparring.metrics.frechet import frechet_from_moments, moments
from sparring.metrics.points import mode_distance, modes_found, sliced_wasserstein, wasserstein_1d
from sparring.metrics.random_convolutions import SMALL, RandomConvolutions
from sparring.metrics.reading import draw
from sparring.metrics.threads import one_thread_if
from sparring.types import Dataset, DataSource, Density

SAMPLES = 2000
LARGEST_REFERENCE = 10_000
SEED = 0


class Ranking(Protocol):
    """``figure(features(samples))`` of ``n`` samples: lower is better. What is not finite gets infinity."""

    name: str
    n: int

    def features(self, samples: Tensor) -> Tensor:
        """What it looks at, (n, d), of samples (n, *shape) in network values."""
        ...

    def figure(self, features: Tensor) -> float:
        """The figure for samples by their features (n, d)."""
        ...


def make_ranking(dataset: Dataset, device: str | torch.device = "cpu") -> Ranking:
    """A ranking against the validation part, or the training part where there is none; the test part is not touched.

    Images: Fréchet distance on random convolutions. Points: the Wasserstein-1 distance in one dimension; the distance
    over the modes plus the sliced Wasserstein distance for a mixture; else the sliced Wasserstein distance alone.
    Deterministic, and torch's global random state is left as it was.
    """
    if dataset.spec.kind == "image":
        return ImageRanking(dataset, device)
    return PointRanking(dataset)


def reference_part(dataset: Dataset) -> DataSource:
    """What samples are compared with: the validation part, unless it is missing or has no spread."""
    return dataset.validation if dataset.validation is not None and len(dataset.validation) > 1 else dataset.train


class ImageRanking:
    """Fréchet distance on random convolutions; the reference's mean and covariance are computed once."""

    def __init__(self, dataset: Dataset, device: str | torch.device) -> None:
        self.extractor = RandomConvolutions(dataset, device)
        self.name = f"FD-{self.extractor.name}"
        self.n = SAMPLES
        self.decode = dataset.spec.decode
        self.small = dataset.spec.shape[1] * dataset.spec.shape[2] <= SMALL
        # The first change of the number of threads may have lasting effects in the matrix library: before training,
        # not in its midst, so that a run that was stopped and one that was not compute alike.
        torch.set_num_threads(torch.get_num_threads())
        self.reference = moments(self.extractor(draw(reference_part(dataset), LARGEST_REFERENCE, SEED)))

    def features(self, samples: Tensor) -> Tensor:
        """The random convolutions' features of float samples (n, C, H, W) in [-1, 1], rounded to uint8 as the data."""
        with one_thread_if(self.small):
            features = self.extractor(self.decode(samples.detach()))
        # Rounding to uint8 would hide what is not finite.
        return features.masked_fill(~torch.isfinite(samples).flatten(1).all(1, keepdim=True), math.nan)

    def figure(self, features: Tensor) -> float:
        """Their Fréchet distance to the reference's."""
        if not torch.isfinite(features).all():
            return float("inf")
        with one_thread_if(self.small):
            found = moments(features)
            return frechet_from_moments(found.mean, found.covariance, self.reference.mean, self.reference.covariance)


class PointRanking:
    """Distance of points to the exact distribution where it is known, else to points held out."""

    def __init__(self, dataset: Dataset) -> None:
        self.n = SAMPLES
        self.reference = draw(reference_part(dataset), LARGEST_REFERENCE, SEED)
        self.density: Density | None = dataset.density
        self.name = "W1" if dataset.spec.shape == (1,) else "sliced W2"
        self.modes = self.density.modes if self.density is not None and self.density.modes is not None else None
        if self.modes is not None and len(self.modes) > 1 and dataset.spec.shape != (1,):
            self.name = "modes + sliced W2"
        # In units of the data's own spread, so that it can be added to a share.
        self.spread = float(self.reference.double().std(0).square().sum().sqrt())

    def features(self, samples: Tensor) -> Tensor:
        """The points themselves."""
        return samples.detach()

    def figure(self, features: Tensor) -> float:
        """The distance of points (n, d)."""
        if not torch.isfinite(features).all():
            return float("inf")
        x = features.cpu()
        if self.name == "W1":
            if self.density is not None:
                return wasserstein_1d(x, self.density.quantile)
            return sliced_wasserstein(x, self.reference, order=1)
        distance = sliced_wasserstein(x, self.reference)
        if self.name == "sliced W2" or self.modes is None or self.density is None:
            return distance
        return distance / self.spread + mode_distance(modes_found(x, self.modes, self.density.sigma), len(x))
