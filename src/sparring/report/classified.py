"""The part of a report on a classifier's run: how often it errs, beside simpler classifiers."""

from __future__ import annotations

import json
from pathlib import Path

from scipy.stats import binomtest

from sparring.errors import UsageError
from sparring.report.html import Html, joined, table, tag
from sparring.report.subject import Subject


def kept_file(run: Subject) -> Path:
    """Where ``spar classify`` keeps what it measured."""
    return run.directory.path / "classification.json"


def classification(run: Subject) -> Html:
    """The errors on held-out images, each with the interval that holds the true one 19 times in 20.

    Raises:
        UsageError: they are not there, or the file is damaged.
    """
    file = kept_file(run)
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        labelled, examples, held_out = (int(kept[name]) for name in ("labelled", "examples", "held_out"))
        rows = [(name, *_cells(error, held_out), kept["steps"].get(name, "")) for name, error in kept["errors"].items()]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{file} is damaged ({error!r}): spar classify, given again, measures anew.") from error
    said = (
        f"Trained with the labels of {labelled} of {examples} training images; all errors are on the same {held_out} "
        "held-out images. The interval holds a classifier's true error 19 times in 20 (Clopper & Pearson 1934)."
    )
    head = ("classifier", "error", "wrong", "interval", "steps")
    return joined([tag("p", said), table(head, rows, (1, 2, 3, 4))])


def _cells(error: float, n: int) -> tuple[str, str, str]:
    """An error on ``n`` images in per cent, as a count, and its interval."""
    wrong = round(error * n)
    low, high = binomtest(wrong, n).proportion_ci()
    return f"{100 * error:.2f} %", f"{wrong} of {n}", f"{100 * low:.2f} to {100 * high:.2f} %"
