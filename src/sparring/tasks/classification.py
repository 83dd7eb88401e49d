"""What came of a draw of labels: each classifier's error, kept in the run, and as a table or JSON."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scipy.stats import binomtest

from sparring.runs.run import Run

if TYPE_CHECKING:
    from rich.table import Table

GAME, ALONE, SPREADING, ALL = "few labels and the game", "few labels alone", "label spreading (kNN)", "all labels"
ENSEMBLE = "ensemble of such networks"
NOTES = {
    ENSEMBLE: "the mean of what they say",
    ALONE: "the same network, without the other images",
    SPREADING: "scikit-learn's",
    ALL: "the same network, every training image labelled",
}
FEW_WRONG = 5
"""Where fewer images than this are wrong, or right, a standard error says little."""


@dataclass(frozen=True)
class Classification:
    """What came of one draw of labels: the run, and the share of held-out images that each classifier gets wrong."""

    run: Run
    seed: int
    labelled: int
    """Training images whose label was shown."""
    examples: int
    """Training images in all."""
    held_out: int
    """Images that the errors are measured on; 0: nothing is held out, and there are no errors."""
    errors: dict[str, float]
    steps: dict[str, int]
    """Of each training whose classifier was measured."""
    others: tuple[Run, ...] = ()
    """The ensemble's other networks: the same labels, first weights and draws of their own."""

    def to_json(self) -> dict[str, Any]:
        """The figures as JSON values."""
        values = {name: value for name, value in vars(self).items() if name not in ("run", "others")}
        values["steps"] = {name: steps for name, steps in self.steps.items() if name in self.errors}
        return {"run": str(self.run.path), **values, "others": [str(other.path) for other in self.others]}


def kept_errors(file: Path, steps: Mapping[str, int]) -> dict[str, float]:
    """What an earlier call measured of this run alone, after as many steps each; nothing if the file is damaged."""
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        errors = {str(name): float(error) for name, error in kept["errors"].items() if name != ENSEMBLE}
        same = kept["steps"][GAME] == steps[GAME]
        return {name: e for name, e in errors.items() if same and kept["steps"].get(name) == steps.get(name)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def to_table(found: Sequence[Classification]) -> Table:
    """The errors of one draw of labels, each with its uncertainty, or of several with mean and deviation."""
    from rich.table import Table

    first = found[0]
    drawn = first.run.identity.data_options.get("labels_per_class") is not None
    what = "draws of labels" if drawn else "trainings on the same labels"
    one = "± standard error, or a count with its 95 % interval"
    spread = one if len(found) == 1 else f"{len(found)} {what}: mean ± deviation (least to most)"
    notes = NOTES | ({GAME: "the first network alone"} if first.others else {})
    title = f"error on {first.held_out} held-out images; {first.labelled} of {first.examples} training images labelled"
    table = Table(title=f"{title}; {spread}")
    table.add_column("")
    table.add_column("wrong", justify="right", no_wrap=True)
    table.add_column("steps", justify="right")
    table.add_column("")
    for name, errors in of_all_draws(found).items():
        steps = str(first.steps.get(name, ""))
        table.add_row(name, in_words(errors, first.held_out), steps, notes.get(name, ""))
    return table


def to_json(found: Sequence[Classification]) -> dict[str, Any]:
    """All draws, and the mean and deviation of each error over them."""
    columns = of_all_draws(found)
    return {
        "draws": [one.to_json() for one in found],
        "mean": {name: statistics.mean(errors) for name, errors in columns.items()},
        "deviation": {name: statistics.stdev(errors) for name, errors in columns.items() if len(errors) > 1},
    }


def of_all_draws(found: Sequence[Classification]) -> dict[str, list[float]]:
    """The errors of each classifier that was measured for every draw of labels."""
    names = (GAME, ENSEMBLE, ALONE, SPREADING, ALL)
    return {name: [one.errors[name] for one in found] for name in names if all(name in one.errors for one in found)}


def in_words(errors: Sequence[float], n: int) -> str:
    """Errors in per cent: one with its standard error on ``n`` images, several with their mean and deviation.

    One of a few images is a count and an interval that holds the true error 19 times in 20 (Clopper & Pearson 1934).
    """
    if len(errors) > 1:
        mean, least, most = (100 * value for value in (statistics.mean(errors), min(errors), max(errors)))
        return f"{mean:.2f} % ± {100 * statistics.stdev(errors):.2f} ({least:.2f} to {most:.2f})"
    (p,) = errors
    wrong = round(p * n)
    if min(wrong, n - wrong) >= FEW_WRONG:
        return f"{100 * p:.2f} % ± {100 * math.sqrt(p * (1 - p) / n):.2f}"
    low, high = binomtest(wrong, n).proportion_ci()
    return f"{wrong} of {n} ({100 * low:.1f} to {100 * high:.1f} %)"
