"""The figures of points, each beside its floor: the same measure of held-out points."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from sparring.metrics.bootstrap import jackknife_error, share_error
from sparring.metrics.figures import Better, Figure, Once
from sparring.metrics.points import modes_found, sliced_wasserstein, wasserstein_1d
from sparring.types import Density

GROUPS = 10
"""Of points, one of which is left out in turn for the error of a distance."""

Measure = Callable[[Tensor], float]


def point_figures(
    samples: Tensor, held_out: Tensor | None, reference: Tensor, density: Density | None, once: Once
) -> list[Figure]:
    """The distance of points (n, d): in one dimension Wasserstein-1 to the exact distribution, where it is known, else
    sliced Wasserstein-2 to the reference; and for mixtures the modes found and the share of high-quality samples."""
    compare = _Comparison(samples, held_out, once)
    if samples.shape[1:] == (1,) and density is not None:
        quantile = density.quantile
        figures = [compare.distance("W1", lambda x: wasserstein_1d(x, quantile), "to the exact distribution")]
    elif samples.shape[1:] == (1,):
        figures = [compare.distance("W1", lambda x: sliced_wasserstein(x, reference, order=1), "to training points")]
    else:
        figures = [compare.distance("sliced W2", lambda x: sliced_wasserstein(x, reference), "to training points")]
    if density is not None and density.modes is not None and len(density.modes) > 1:
        figures += _mode_figures(compare, density.modes, density.sigma)
    return figures


def _mode_figures(compare: _Comparison, modes: Tensor, sigma: float) -> list[Figure]:
    of, ceiling = len(modes), modes_found(modes, modes, sigma).ceiling
    return [
        compare.figure(
            "modes found",
            "higher",
            lambda x: float(modes_found(x, modes, sigma).found),
            f"of {of}; by at least one sample within 3 σ",
        ),
        compare.figure(
            "modes found strictly",
            "higher",
            lambda x: float(modes_found(x, modes, sigma).found_strictly),
            f"of {of}; by at least a tenth of the samples due",
        ),
        compare.figure(
            "high quality",
            "higher",
            lambda x: modes_found(x, modes, sigma).high_quality,
            f"share within 3 σ of a mode; ceiling {100 * ceiling:.1f} %",
            lambda measure, x: share_error(measure(x), len(x)),
        ),
    ]


class _Comparison:
    """Measures samples, and held-out points once."""

    def __init__(self, samples: Tensor, held_out: Tensor | None, once: Once) -> None:
        self.samples, self.held_out, self.once = samples, held_out, once

    def figure(
        self,
        name: str,
        better: Better,
        measure: Measure,
        note: str,
        error: Callable[[Measure, Tensor], float | None] = lambda measure, x: None,
    ) -> Figure:
        def found(x: Tensor) -> tuple[float, float | None]:
            return measure(x), error(measure, x)

        value, its_error = found(self.samples)
        real = self.held_out
        floor, floor_error = (None, None) if real is None else self.once(name, lambda: found(real))
        return Figure(name, value, floor, len(self.samples), better, note, its_error, floor_error)

    def distance(self, name: str, measure: Measure, note: str) -> Figure:
        return self.figure(name, "lower", measure, note, _jackknife)


def _jackknife(measure: Measure, x: Tensor) -> float:
    return jackknife_error(lambda kept: measure(x[kept]), len(x), groups=min(GROUPS, len(x)))
