"""How often ``compare_runs`` calls equal runs different, and whether it sees runs that are not.

``python benchmarks/compare_runs.py``: a run of r3gan on the ring and one of gan-mnist on the digits, each against
itself with other sample seeds, many times; then against a run that was trained for a tenth of the steps. Minutes on one
core.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import scipy.stats

import sparring
from sparring.runs.compare import RunComparison, compare_runs
from sparring.training.display import Display

GAMES: dict[str, tuple[str, int, int, int]] = {
    # data: recipe, steps, samples a draw, repetitions
    "ring": ("r3gan", 1000, 200, 400),
    "digits": ("gan-mnist", 1500, 160, 30),
}
SEES = 5
"""Repetitions of what is not equal."""


def different(found: RunComparison) -> int:
    """Figures that are said to differ."""
    return sum(difference.verdict != "noise" for figure in found.figures for difference in figure.differences)


def rate(count: int, of: int) -> str:
    """A share with its 95 % interval (Clopper and Pearson 1934)."""
    interval = scipy.stats.binomtest(count, of).proportion_ci()
    return f"{count} of {of} = {count / of:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for data, (recipe, steps, n, repetitions) in GAMES.items():
            trained, early = (
                sparring.train(
                    data,
                    recipe,
                    out=Path(folder) / f"{data}-{count}",
                    steps=count,
                    device="cpu",
                    display=Display(quiet=True),
                )
                for count in (steps, steps // 10)
            )
            # A comparison uses ten seeds: no two share one.
            equal = [compare_runs([trained, trained], n, seed=100 * i) for i in range(repetitions)]
            unequal = [compare_runs([trained, early], n, seed=100 * i) for i in range(SEES)]
            raised = sum(different(found) > 0 for found in equal)
            singly = sum(different(found) for found in equal)
            count = sum(len(found.figures) for found in equal)
            print(f"{data}, {recipe}, N = {n}, {len(equal[0].figures)} figures:")
            print(f"  equal: tables with a difference {rate(raised, repetitions)}; figures {rate(singly, count)}")
            seen = [different(found) for found in unequal]
            print(f"  {steps} against {steps // 10} steps: figures that differ, in {SEES} tables: {seen}", flush=True)


if __name__ == "__main__":
    main()
