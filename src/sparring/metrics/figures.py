"""The figures of images from their features, each beside its floor: the same measure of held-out real images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from torch import Tensor

from sparring.metrics.bins import bins_for, different_bins
from sparring.metrics.bootstrap import Interval
from sparring.metrics.extrapolation import frechet_at_infinity
from sparring.metrics.features import Features
from sparring.metrics.frechet import distance_between
from sparring.metrics.inception import InceptionFeatures
from sparring.metrics.kernel import kernel_distance
from sparring.metrics.memorisation import Search, nearer_to_training
from sparring.metrics.prdc import memberships, standard_errors
from sparring.metrics.two_sample import two_sample_test

FEWEST = 100
"""With fewer samples there are only the Fréchet distance and precision, recall, density and coverage."""
WIDEST = 512
"""The most features for which the Fréchet distance is extrapolated, as that takes 90 distances."""

FEWEST_BINS = 20
"""With fewer bins their share moves in leaps of more than .05, which is what chance makes different."""

Better = Literal["lower", "higher", "as real"]
"""``as real``: best where it is the floor; above and below something else is wrong."""


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
    floor_error: float | None = None
    """The floor's."""

    def said(self) -> str:
        """The value, and its error if it is known."""
        return with_error(self.value, self.error)

    def said_floor(self) -> str:
        """The floor and its error; ``unknown`` if there is none."""
        return "unknown" if self.floor is None else with_error(self.floor, self.floor_error)


def with_error(value: float, error: float | None) -> str:
    """A value to four digits, and its standard error to two, or to the unit."""
    if error is None:
        return f"{value:.4g}"
    return f"{value:.4g} ± {f'{error:.0f}' if error >= 10 else f'{error:.2g}'}"


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
        return self._figure(name, "lower", lambda x: (distance_between(x, self.reference), None, ""))

    def tests(self, at_infinity: str, kernel: str, training: Tensor) -> list[Figure]:
        """Distance at N = ∞, kernel distance, different bins and the two-sample test.

        Bins need many examples, so these are compared with the features of all the training examples that there are,
        ``training`` (n, d); they are left out where even so there would be fewer than FEWEST_BINS.
        """
        figures = []
        if self.samples.shape[1] <= WIDEST:
            figures.append(self._figure(at_infinity, "lower", self._at_infinity))
        figures.append(
            self._figure(kernel, "lower", lambda x: (*kernel_distance(self.reference, x, seed=self.seed)[:2], ""))
        )
        if bins_for(len(training), len(self.samples)) >= FEWEST_BINS:
            figures.append(self._figure("different bins", "lower", lambda x: self._bins(training, x)))
        return [*figures, self._figure("two-sample test", "lower", self._two_sample)]

    def neighbours(self) -> list[Figure]:
        """Precision, recall, density and coverage."""
        ours = memberships(self.reference, self.samples)
        errors = standard_errors(ours)
        real, n = self.held_out, len(self.samples)
        floors = None if real is None else self.once("neighbours", lambda: memberships(self.reference, real))
        floor_errors = {} if floors is None else standard_errors(floors)
        return [
            Figure(
                name,
                float(rows.mean()),
                None if floors is None else float(getattr(floors, name).mean()),
                n,
                "higher",
                self.use,
                errors.get(name),
                floor_errors.get(name),
            )
            for name, rows in ours._asdict().items()
        ]

    def copies(self, search: Search, said: str) -> list[Figure]:
        """Whether samples are as near to the training examples that are searched as held-out examples are.

        ``said``: how many of how many these are.
        """
        found = search(self.samples)
        n = len(self.samples)
        # The floor: every second held-out example plays the sample, the others stay held out.
        parts = search.train, search.held_out[::2], search.held_out[1::2]
        floor = self.once("nearer", lambda: nearer_to_training(*parts, seed=self.seed))
        searched = f"share, below with copies; among {said} training images"
        half = f"share, above with copies; z = {found.rank:.1f}, copies far below 0"

        def figure(name: str, value: Interval, real: Interval, note: str) -> Figure:
            return Figure(name, value.value, real.value, n, "as real", note, value.error, real.error)

        return [
            figure("authenticity", found.authentic, found.floor, searched),
            figure("nearer to train", found.nearer, floor, half),
        ]

    def _figure(
        self, name: str, better: Better, measure: Callable[[Tensor], tuple[float, float | None, str]]
    ) -> Figure:
        value, error, note = measure(self.samples)
        real = self.held_out
        floor, floor_error = (None, None) if real is None else self.once(name, lambda: measure(real)[:2])
        notes = [said for said in (note, self.use) if said]
        return Figure(name, value, floor, len(self.samples), better, "; ".join(notes), error, floor_error)

    def _at_infinity(self, x: Tensor) -> tuple[float, float, str]:
        found = frechet_at_infinity(self.reference, x, seed=self.seed)
        return found.distance, found.error, "extrapolated" + (", from few samples" if found.warning else "")

    def _bins(self, training: Tensor, x: Tensor) -> tuple[float, None, str]:
        found = different_bins(training, x, seed=self.seed)
        return found.share, None, f"share of {found.of} (NDB/K), by chance .05"

    def _two_sample(self, x: Tensor) -> tuple[float, float, str]:
        found = two_sample_test(self.reference, x, seed=self.seed)
        return found.accuracy, found.error, f"accuracy, by chance .5; p = {found.p:.2g}"
