"""Figures of images that ``evaluate`` adds where all are asked for: slower, or of less use than the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

from sparring.metrics.birthday import duplicate_threshold, support_size
from sparring.metrics.figures import Better, Figure, Once
from sparring.metrics.label_score import label_score
from sparring.metrics.mmd import MOST, gaussian_mmd
from sparring.metrics.pyramid import PATCH, patch_distance

PATCHES = 16_000
"""Patches of a set and level of the pyramid: of so many images one each suffices."""

Found = tuple[float, float | None, str]
"""Value, error, note."""


class Seen(NamedTuple):
    """Stored images (n, C, H, W), and their features (n, d)."""

    images: Tensor
    features: Tensor


def more_figures(
    reference: Seen,
    samples: Seen,
    held_out: Seen | None,
    probabilities: Callable[[Tensor], Tensor] | None,
    seed: int,
    once: Once,
) -> list[Figure]:
    """MMD, distance of patches, size of the support; with a classifier's ``probabilities`` (n, classes) of images, the
    label score. At least 100 examples of each kind."""

    def figure(name: str, better: Better, measure: Callable[[Seen], Found]) -> Figure:
        value, error, note = measure(samples)
        floor, floor_error = (None, None) if held_out is None else once(name, lambda: measure(held_out)[:2])
        return Figure(name, value, floor, len(samples.images), better, note, error, floor_error)

    def mmd(x: Seen) -> Found:
        found = gaussian_mmd(reference.features, x.features, seed=seed)
        return found.value, None, f"Gaussian kernel, {min(MOST, len(x.features))} of either side; p = {found.p:.2g}"

    def patches(x: Seen) -> Found:
        count = max(1, PATCHES // len(x.images))
        found = patch_distance(reference.images, x.images, patches=count, seed=seed)
        return found.mean, None, "sliced Wasserstein distance of patches, Laplacian pyramid, times 1000"

    def support(x: Seen) -> Found:
        found = support_size(x.features, duplicate_threshold(reference.features), seed=seed)
        return found.size, None, "different examples, by the birthday paradox" + "; at least" * found.at_least

    figures = [figure("MMD", "lower", mmd)]
    if min(reference.images.shape[2:]) >= PATCH:
        figures.append(figure("patches", "lower", patches))
    figures.append(figure("support size", "as real", support))
    if probabilities is not None:

        def score(x: Seen) -> Found:
            return *label_score(probabilities(x.images), seed=seed), "the inception score's formula, on this classifier"

        figures.append(figure("label score", "higher", score))
    return figures
