"""A classifier from few labels and much data, and what it is worth beside simpler ones."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

import numpy as np
import torch
from scipy.stats import binomtest

from sparring import api
from sparring.data import DataOptions, open_data
from sparring.data.labels import known_labels
from sparring.errors import UsageError
from sparring.files import write_atomically
from sparring.recipes.build import build, find, share_out
from sparring.runs.classifier import Ensemble, share_wrong
from sparring.runs.run import Run
from sparring.settings import LARGEST_SEED, Value
from sparring.tasks.baselines import spread_labels, supervised_steps, train_supervised
from sparring.training.device import choose_device
from sparring.training.display import Display
from sparring.types import Dataset, DataSource

if TYPE_CHECKING:
    from rich.table import Table

RECIPE = "few-labels"
APART = 1000
"""Between the seeds of an ensemble's networks: more than there are draws of labels, so that none is trained twice."""
GAME, ALONE, SPREADING, ALL = "few labels and the game", "few labels alone", "label spreading (kNN)", "all labels"
ENSEMBLE = "ensemble of such networks"
FEW_WRONG = 5
"""Where fewer images than this are wrong, or right, a standard error says little."""
NOTES = {
    ENSEMBLE: "the mean of what they say",
    ALONE: "the same network, without the other images",
    SPREADING: "scikit-learn's",
    ALL: "the same network, every training image labelled",
}


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


def classify(
    data: str | Path,
    labels_per_class: int | None = None,
    *,
    seed: int = 0,
    recipe: str = RECIPE,
    out: str | Path | None = None,
    device: str | torch.device = "auto",
    fresh: bool = False,
    baselines: bool = True,
    networks: int = 1,
    display: Display | None = None,
    **settings: Value,
) -> Classification:
    """Train a classifier on few labels and all images, and measure it on held-out images beside simpler ones.

    Args:
        data: as in ``train``; it must have classes.
        labels_per_class: how many training images of each class show their label, drawn by ``seed``; without it all
            labels that the data have, while images without one are used as such.
        seed: decides the draw of labels and the training.
        recipe: ``few-labels`` or another that trains a classifier.
        out: the run's directory; without it ``runs/DATA-few-labels-N-seedS``.
        device: as in ``train``.
        fresh: start over, in a new directory.
        baselines: also train the same network on the few labels alone and on all labels, and spread labels.
        networks: how many networks learn from this one draw of labels; from two on, their ensemble is measured too.
            All but the first have directories of their own (``…-network2``), and seeds APART from one another.
        display: what shows the progress; without it a bar or plain lines.
        settings: as in ``train``.

    The same call goes on where an earlier one stopped. The classifier is the average after the last step: no held-out
    image chooses anything, so the validation part trains, too, unless it is all that is held out.

    Raises:
        UsageError: wrong usage, or data without two classes or with too few labels.
        SparringError: the training or the machine failed.
    """
    shown = display or Display()
    if "labels_seed" in settings:
        raise UsageError("labels_seed has no place here: seed decides which labels are shown.")
    if networks < 1:
        raise UsageError(f"networks={networks}: at least one has to learn.")
    if seed + APART * (networks - 1) > LARGEST_SEED:
        raise UsageError(f"seed={seed} leaves no seeds for {networks} networks: give a smaller one.")
    named = find(recipe)
    own, general, data_options = share_out(named, settings, get_type_hints(DataOptions))
    options = DataOptions(**data_options)  # type: ignore[arg-type]
    full = open_data(str(data), options, show_progress=display is None)
    if full.test is not None and "validation" not in settings:  # nothing is chosen here, so all may train
        settings = {"validation": "train", **settings}
        full = open_data(str(data), replace(options, validation="train"))
    known_labels(full)
    if full.skipped:
        (file, why), number = full.skipped[0], len(full.skipped)
        shown.say(f"{number} listed images or files are not used, as {file} ({why}): spar data shows them all")
    if not build(named, full.spec, own, general).classifies:
        raise UsageError(f"the recipe {recipe} trains no classifier: leave --recipe out.")
    if labels_per_class is not None:
        settings = {"labels_per_class": labels_per_class, "labels_seed": seed, **settings}
    first = Path(out) if out else Path("runs") / f"{full.spec.name}-{recipe}-{labels_per_class or 'all'}-seed{seed}"
    runs = []
    for number in range(networks):
        settings["seed"] = seed + APART * number
        out = first.with_name(f"{first.name}-network{number + 1}") if number else first
        runs.append(api.train(data, recipe, out=out, device=device, fresh=fresh, display=display, **settings))  # type: ignore[arg-type]
    return measure(runs, full, seed, device, shown, baselines=baselines)


def measure(
    runs: Sequence[Run], full: Dataset, seed: int, device: str | torch.device, display: Display, *, baselines: bool
) -> Classification:
    """The errors on held-out images, each kept in the first run's classification.json as soon as it is known."""
    run, *others = runs
    few = run.dataset()
    labels = known_labels(few)
    shown = np.flatnonzero(labels >= 0)
    listing = {"seed": seed, "positions": shown.tolist(), "labels": labels[shown].tolist()}
    write_atomically(run.path / "labelled.json", (json.dumps(listing) + "\n").encode())
    file, step = run.path / "classification.json", run.step("last")
    steps = {GAME: step, ENSEMBLE: step}
    steps |= {ALONE: supervised_steps(run.recipe, few.train), ALL: supervised_steps(run.recipe, full.train)}
    errors = kept_errors(file, steps)
    of_held_out = None if full.held_out is None else full.held_out.labels
    known = 0 if of_held_out is None else int((of_held_out >= 0).sum())
    found = Classification(run, seed, len(shown), len(labels), known, errors, steps, tuple(others))
    measured = contenders(runs, few, full, choose_device(device), display, baselines) if known else {}
    for name, share in measured.items():
        if name not in errors:
            errors[name] = share()
            write_atomically(file, (json.dumps(found.to_json(), indent=2) + "\n").encode())
    return found


def contenders(
    runs: Sequence[Run], few: Dataset, full: Dataset, device: torch.device, display: Display, baselines: bool
) -> dict[str, Callable[[], float]]:
    """By its name, how each classifier's error on the held-out images is found; a baseline is trained for it."""
    images = full.held_out
    assert images is not None

    def alone(name: str, source: DataSource) -> float:
        display.say(f"for comparison: {name}, {NOTES[name]}")
        return share_wrong(train_supervised(runs[0].recipe, source, device, display), images, device)[0]

    def spreading() -> float:
        display.say(f"for comparison: {SPREADING}, {NOTES[SPREADING]}")
        return spread_labels(few.train, images)

    found: dict[str, Callable[[], float]] = {GAME: lambda: share_wrong(runs[0].classifier(), images, device)[0]}
    if len(runs) > 1:
        found[ENSEMBLE] = lambda: share_wrong(Ensemble([run.classifier() for run in runs]), images, device)[0]
    if baselines:
        found |= {ALONE: lambda: alone(ALONE, few.train), SPREADING: spreading}
    if baselines and (known_labels(few) != known_labels(full)).any():
        found[ALL] = lambda: alone(ALL, full.train)
    return found


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
    """The errors of one draw of labels with their standard errors, or of several with mean and deviation."""
    from rich.table import Table

    first = found[0]
    drawn = first.run.identity.data_options.get("labels_per_class") is not None
    what = "draws of labels" if drawn else "trainings on the same labels"
    spread = "± standard error" if len(found) == 1 else f"{len(found)} {what}: mean ± deviation (least to most)"
    title = f"error on {first.held_out} held-out images; {first.labelled} of {first.examples} training images labelled"
    table = Table(title=f"{title}; {spread}")
    table.add_column("")
    table.add_column("wrong", justify="right", no_wrap=True)
    table.add_column("steps", justify="right")
    table.add_column("")
    for name, errors in of_all_draws(found).items():
        steps = str(first.steps.get(name, ""))
        table.add_row(name, in_words(errors, first.held_out), steps, NOTES.get(name, ""))
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


def check_seeds(seeds: Sequence[int]) -> None:
    """Refuse seeds that no draws of labels can have.

    Raises:
        UsageError: one is out of range, or there twice.
    """
    for seed in seeds:
        if not 0 <= seed <= LARGEST_SEED:
            raise UsageError(f"the seed {seed} is out of range: it must lie from 0 to {LARGEST_SEED}.")
    if len(set(seeds)) < len(seeds):
        raise UsageError("one of the seeds is given twice: the same draw of labels, the same result.")


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
