"""The Fréchet distance against the same formula with scipy's matrix square root: interleaved, on the same covariances.

    python benchmarks/frechet.py [--features 2048] [--rounds 3] [--case CASE]
    python benchmarks/frechet.py --table                   # what is finished so far, as Markdown

The covariances are of correlated features whose variances fall over six decades, as those of trained networks do, of
more samples than features and of fewer; and, the easy case, of independent features of one variance, whose covariances
are diagonal but for chance. Each round is one line of results/frechet.jsonl, and none is done twice.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import scipy.linalg
import torch
from torch import Tensor

from rows import HERE, Rows, commit, markdown
from sparring.metrics.frechet import Moments, frechet_from_moments, moments

RESULTS = Rows(HERE / "results" / "frechet.jsonl", ("features", "case", "threads", "round"))
EASY = "almost diagonal"
SAMPLES: dict[str, Callable[[int], int]] = {
    "full rank": lambda d: 4 * d,
    "singular": lambda d: d // 2,
    EASY: lambda d: 10 * d,
}
"""How many samples of so many features a case's covariances are of."""


def by_scipy(first: Moments, second: Moments) -> float:
    """The formula as it is usually written."""
    root = scipy.linalg.sqrtm((first.covariance @ second.covariance).numpy())
    shift = (first.mean - second.mean).square().sum()
    return float(shift + first.covariance.trace() + second.covariance.trace()) - 2 * float(root.trace().real)


def ours(first: Moments, second: Moments) -> float:
    """Sparring's."""
    return frechet_from_moments(first.mean, first.covariance, second.mean, second.covariance)


def features(n: int, d: int, seed: int, case: str) -> Tensor:
    """Features (n, d): independent and equal in the easy case, else correlated, of variances from 1 to 1e-6."""
    generator = torch.Generator().manual_seed(seed)
    if case == EASY:
        return torch.randn(n, d, generator=generator, dtype=torch.float64)
    mixing = torch.randn(d, d, generator=generator, dtype=torch.float64) / d**0.5
    x = torch.randn(n, d, generator=generator, dtype=torch.float64)
    spread = x * torch.logspace(0, -3, d, dtype=torch.float64)
    return torch.addmm(spread, spread, mixing, alpha=0.3)


def timed(measure: Callable[[Moments, Moments], float], pair: tuple[Moments, Moments]) -> tuple[float, float]:
    """Value and CPU seconds, which other work on the machine moves least."""
    start = time.process_time()
    value = measure(*pair)
    return value, time.process_time() - start


def measure(d: int, case: str, number: int) -> None:
    """One round of both, unless it was done."""
    row = {"features": d, "case": case, "threads": torch.get_num_threads(), "round": number}
    if row in RESULTS:
        return
    n = SAMPLES[case](d)
    pair = (moments(features(n, d, 0, case)), moments(1.1 * features(n, d, 1, case) + 0.01))
    mine, seconds = timed(ours, pair)
    theirs, of_scipy = timed(by_scipy, pair)
    apart = abs(mine - theirs) / abs(theirs)
    RESULTS.add(row | {"ours": seconds, "scipy": of_scipy, "apart": apart, "commit": commit()})


def table() -> str:
    """Medians over the rounds."""
    lines = []
    for key, rows in RESULTS.groups("features", "case", "threads").items():
        mine, theirs, ratio = (
            statistics.median(values)
            for values in zip(*((r["ours"], r["scipy"], r["scipy"] / r["ours"]) for r in rows), strict=True)
        )
        apart = f"{max(row['apart'] for row in rows):.0e}"
        lines.append((*key, len(rows), f"{mine:.2f}", f"{theirs:.2f}", f"{ratio:.1f}", apart))
    names = ("features", "covariances", "threads", "rounds", "CPU s", "scipy's", "times as fast", "apart, relatively")
    return markdown(names, lines)


def main() -> None:
    """Measure what is missing, or show what there is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--case", action="append", choices=SAMPLES)
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    for number in () if options.table else range(options.rounds):
        for case in options.case or SAMPLES:
            measure(options.features, case, number)
    print(table())


if __name__ == "__main__":
    main()
