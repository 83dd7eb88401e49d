"""How often ``compare_runs`` calls equal runs different, and whether it sees runs that are not.

    python benchmarks/compare_runs.py                      # minutes on one core
    python benchmarks/compare_runs.py --table              # what is finished so far, as Markdown

A run of r3gan on the ring and one of gan-mnist on the digits, each against itself with other sample seeds, many times;
then against a run that was trained for a tenth of the steps. Each comparison is one line of results/compare_runs.jsonl,
and none is done twice.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import scipy.stats

import sparring
from rows import HERE, Rows, commit, markdown
from sparring.runs.compare import RunComparison, compare_runs
from sparring.runs.run import Run
from sparring.training.display import Display

RESULTS = Rows(HERE / "results" / "compare_runs.jsonl", ("data", "equal", "repetition"))

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


def measure(data: str, folder: Path) -> None:
    """The comparisons of one game that are missing."""
    recipe, steps, n, repetitions = GAMES[data]
    trained, early = (train(data, recipe, count, folder) for count in (steps, steps // 10))
    for other, times in ((trained, repetitions), (early, SEES)):
        for i in range(times):
            row = {"data": data, "equal": other is trained, "repetition": i}
            if row not in RESULTS:
                found = compare_runs([trained, other], n, seed=100 * i)  # which uses ten seeds: no two share one
                RESULTS.add(row | {"different": different(found), "of": len(found.figures), "commit": commit()})


def train(data: str, recipe: str, steps: int, folder: Path) -> Run:
    """A run, or what is there of it already."""
    out = folder / f"{data}-{steps}"
    return sparring.train(data, recipe, out=out, steps=steps, device="cpu", display=Display(quiet=True))


def table() -> str:
    """How many tables and figures show a difference."""
    lines = []
    for (data, equal), rows in RESULTS.groups("data", "equal").items():
        tables = rate(sum(row["different"] > 0 for row in rows), len(rows))
        figures = rate(sum(row["different"] for row in rows), sum(row["of"] for row in rows))
        lines.append((data, "equal" if equal else "a tenth of the steps", tables, figures))
    return markdown(("data", "the other run", "tables with a difference", "figures with a difference"), lines)


def main() -> None:
    """Compare what is missing, or show what there is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, default=Path("runs/benchmark-compare-runs"))
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    for data in () if options.table else GAMES:
        measure(data, options.runs)
    print(table())


if __name__ == "__main__":
    main()
