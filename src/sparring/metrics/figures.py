"""The figures of images from their features, each beside its floor: the same measure of held-out real images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from torch import Tensor

from sparring.metrics.bins import different_bins
from sparring.metrics.extrapolation import frechet_at_infinity
from sparring.metrics.features import Features
from sparring.metrics.frechet import frechet_distance
from sparring.metrics.inception import InceptionFeatures
from sparring.metrics.kernel import kernel_distance
from sparring.metrics.memorisation import Search, nearer_to_training
from sparring.metrics.prdc import memberships, prdc, standard_errors
from sparring.metrics.two_sample import two_sample_test

FEWEST = 100
"""With fewer samples there are only the Fréchet distance and precision, recall, density and coverage."""
WIDEST = 512
"""The most features for which the Fréchet distance is extrapolated, as that takes 90 distances."""

Better = Literal["lower", "higher"]


@dataclass(frozen=True)
class Figure:
    """One measure: its value for the samples, and its floor, which is its value for held-out real data."""

    name: str
    value: float
    floor: float | None
    n: int
    better: Better
    note: str = ""
    error: float | None = None
    """The value's standard error, where the measure knows it."""


def distance_names(features: Features, n: int) -> tuple[str, str, str]:
    """What the Fréchet distance of n samples, the one at infinity and the kernel distance are called.

    Only on Inception's features they are FID and KID.
    """
    if isinstance(features, InceptionFeatures):
        name = features.distance_name(n)
        return name, f"{name}-infinity", name.replace("fid", "kid")
    return f"FD-{features.name}", f"FDinf-{features.name}", f"KD-{features.name}"


class Once:
    """A memo: computes each value once. Floors depend on real data alone, so several sets of samples share them."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def __call__(self, name: str, compute: Callable[[], Any]) -> Any:
        """The value of this name; ``compute`` is called the first time only."""
        if name not in self.values:
            self.values[name] = compute()
        return self.values[name]


@dataclass(frozen=True)
class Comparison:
    """Compares features (n, d) of samples, and of held-out examples for the floors, with those of training examples."""

    reference: Tensor
    samples: Tensor
    held_out: Tensor | None
    seed: int
    use: str
    """A note that every figure carries; may be empty."""
    once: Once = field(default_factory=Once)
    """Holds the floors. Comparisons with the same real examples and seed may share it."""

    def frechet(self, name: str) -> Figure:
        """The Fréchet distance."""
        return self._figure(name, "lower", lambda x: (frechet_distance(x, self.reference), None, ""))

    def tests(self, at_infinity: str, kernel: str) -> list[Figure]:
        """Distance at N = ∞, kernel distance, different bins and the two-sample test."""
        figures = []
        if self.samples.shape[1] <= WIDEST:
            figures.append(self._figure(at_infinity, "lower", self._at_infinity))
        return [
            *figures,
            self._figure(kernel, "lower", lambda x: (*kernel_distance(self.reference, x, seed=self.seed)[:2], "")),
            self._figure("different bins", "lower", self._bins),
            self._figure("two-sample test", "lower", self._two_sample),
        ]

    def neighbours(self) -> list[Figure]:
        """Precision, recall, density and coverage."""
        ours = memberships(self.reference, self.samples)
        errors = standard_errors(ours)
        real = self.held_out
        floors = {} if real is None else self.once("neighbours", lambda: prdc(self.reference, real)._asdict())
        n = len(self.samples)
        return [
            Figure(name, float(rows.mean()), floors.get(name), n, "higher", self.use, errors.get(name))
            for name, rows in ours._asdict().items()
        ]

    def copies(self, search: Search, said: str) -> list[Figure]:
        """What tells of copies of the training examples that are searched; ``said``: how many of how many these are."""
        found = search(self.samples)
        n = len(self.samples)
        # The floor: every second held-out example plays the sample, the others stay held out.
        parts = search.train, search.held_out[::2], search.held_out[1::2]
        floor = self.once("nearer", lambda: nearer_to_training(*parts, seed=self.seed).value)
        exact = f"exact copies: {found.copies:.1%}, among {said} training images"
        half = f"share, without copies .5; z = {found.rank:.1f}, copies far below 0"
        return [
            Figure("authenticity", found.authentic.value, found.floor.value, n, "higher", exact, found.authentic.error),
            Figure("nearer to train", found.nearer.value, floor, n, "lower", half, found.nearer.error),
        ]

    def _figure(
        self, name: str, better: Better, measure: Callable[[Tensor], tuple[float, float | None, str]]
    ) -> Figure:
        value, error, note = measure(self.samples)
        real = self.held_out
        floor = None if real is None else self.once(name, lambda: measure(real)[0])
        notes = [said for said in (note, self.use) if said]
        return Figure(name, value, floor, len(self.samples), better, "; ".join(notes), error)

    def _at_infinity(self, x: Tensor) -> tuple[float, float, str]:
        found = frechet_at_infinity(self.reference, x, seed=self.seed)
        return found.distance, found.error, "extrapolated" + (", from few samples" if found.warning else "")

    def _bins(self, x: Tensor) -> tuple[float, None, str]:
        found = different_bins(self.reference, x, seed=self.seed)
        return found.share, None, f"share of {found.of} (NDB/K), by chance .05"

    def _two_sample(self, x: Tensor) -> tuple[float, float, str]:
        found = two_sample_test(self.reference, x, seed=self.seed)
        return found.accuracy, found.error, f"accuracy, by chance .5; p = {found.p:.2g}"
