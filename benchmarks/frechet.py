"""The Fréchet distance against the same formula with scipy's matrix square root: interleaved, on the same covariances.

    python benchmarks/frechet.py [--features 2048] [--rounds 3]

Prints the median seconds of each, the ratio, and how far the values lie apart. The covariances are of correlated
features whose variances fall over six decades, as those of trained networks do, and of fewer samples than features.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import scipy.linalg
import torch
from torch import Tensor

from sparring.metrics.frechet import Moments, frechet_from_moments, moments


def by_scipy(first: Moments, second: Moments) -> float:
    """The formula as it is usually written."""
    root = scipy.linalg.sqrtm((first.covariance @ second.covariance).numpy())
    shift = (first.mean - second.mean).square().sum()
    return float(shift + first.covariance.trace() + second.covariance.trace()) - 2 * float(root.trace().real)


def ours(first: Moments, second: Moments) -> float:
    """Sparring's."""
    return frechet_from_moments(first.mean, first.covariance, second.mean, second.covariance)


def features(n: int, d: int, seed: int) -> Tensor:
    """Correlated features (n, d), of variances from 1 to 1e-6."""
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.randn(d, d, generator=generator, dtype=torch.float64) / d**0.5
    x = torch.randn(n, d, generator=generator, dtype=torch.float64)
    spread = x * torch.logspace(0, -3, d, dtype=torch.float64)
    return torch.addmm(spread, spread, mixing, alpha=0.3)


def timed(measure: Callable[[Moments, Moments], float], pair: tuple[Moments, Moments]) -> tuple[float, float]:
    """Value and seconds."""
    start = time.perf_counter()
    value = measure(*pair)
    return value, time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    d = options.features
    print(f"{d} features, {torch.get_num_threads()} threads, median of {options.rounds} interleaved rounds")
    for name, n in (("full rank", 4 * d), ("singular", d // 2)):
        pair = (moments(features(n, d, 0)), moments(1.1 * features(n, d, 1) + 0.01))
        seconds: dict[str, list[float]] = {"ours": [], "scipy": []}
        values = {}
        for _ in range(options.rounds):
            for who, measure in (("ours", ours), ("scipy", by_scipy)):
                values[who], took = timed(measure, pair)
                seconds[who].append(took)
        mine, theirs = (statistics.median(seconds[who]) for who in ("ours", "scipy"))
        apart = abs(values["ours"] - values["scipy"]) / abs(values["scipy"])
        print(
            f"{name:>10}: {theirs / mine:5.1f} times as fast as scipy's sqrtm "
            f"({mine:.2f} s, {theirs:.2f} s), {apart:.1e} apart relatively"
        )


if __name__ == "__main__":
    main()
