"""A classifier from few labels and much data, and what it is worth beside simpler ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import get_type_hints

import numpy as np
import torch

from sparring import api
from sparring.data import DataOptions, open_data
from sparring.data.labels import known_labels
from sparring.errors import UsageError
from sparring.files import write_atomically
from sparring.prepare import prepare
from sparring.recipes.build import build, find, share_out
from sparring.runs.classifier import Ensemble, share_wrong
from sparring.runs.run import Run
from sparring.settings import LARGEST_SEED, Value
from sparring.tasks.baselines import spread_labels, supervised_steps, train_supervised
from sparring.tasks.classification import ALL, ALONE, ENSEMBLE, GAME, NOTES, SPREADING, Classification, kept_errors
from sparring.training.device import choose_device
from sparring.training.display import Display
from sparring.types import Dataset, DataSource, Recipe

RECIPE = "few-labels"
FILE = "classification.json"
"""In a run's directory: the errors that were measured."""
APART = 1000
"""Between the seeds of an ensemble's networks: more than there are draws of labels, so that none is trained twice."""


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
        recipe: ``few-labels`` or another that trains a classifier, or a FILE.py.
        out: the run's directory; without it ``runs/DATA-RECIPE-N-seedS``, as ``runs/digits-few-labels-5-seed0``.
        device: as in ``train``.
        fresh: start over, in a new directory.
        baselines: also train the same network on the few labels alone and on all labels, and spread labels. All
            labels are the same for every seed, but each has this training anew: first weights and order are the
            seed's, and so the errors of several seeds tell how far they scatter without any draw of labels.
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
    check_networks(seed, networks, settings)
    name, full, settings = open_full(data, recipe, settings, show_progress=display is None)
    if full.skipped:
        shown.say(what_is_skipped(full))
    if labels_per_class is not None:
        settings = {"labels_per_class": labels_per_class, "labels_seed": seed, **settings}
    settings["seed"] = seed
    first = Path(out) if out else Path("runs") / f"{full.spec.name}-{name}-{labels_per_class or 'all'}-seed{seed}"
    planned, few = prepare(
        str(data), recipe, first, choose_device(device), fresh=fresh, settings=settings, show_progress=False
    )
    if line := what_is_trained(planned, few, full, networks, baselines=baselines):
        shown.say(line)
    runs = []
    for number in range(networks):
        settings["seed"] = seed + APART * number
        out = first.with_name(f"{first.name}-network{number + 1}") if number else first
        runs.append(api.train(data, recipe, out=out, device=device, fresh=fresh, display=display, **settings))  # type: ignore[arg-type]
    return measure(runs, full, seed, device, shown, baselines=baselines)


def check_networks(seed: int, networks: int, settings: Mapping[str, Value]) -> None:
    """Refuse a number of networks that is none, or for which there are not enough seeds.

    Raises:
        UsageError: that is so, or the draw of labels is given a seed of its own.
    """
    if "labels_seed" in settings:
        raise UsageError("labels_seed has no place here: seed decides which labels are shown.")
    if networks < 1:
        raise UsageError(f"networks={networks}: at least one has to learn.")
    if seed + APART * (networks - 1) > LARGEST_SEED:
        raise UsageError(f"seed={seed} leaves no seeds for {networks} networks: give a smaller one.")


def what_is_skipped(full: Dataset) -> str:
    """How many listed images or files are not used, and why the first is not: one line."""
    file, why = full.skipped[0]
    return f"{len(full.skipped)} listed images or files are not used, as {file} ({why}): spar data shows them all"


def open_full(
    data: str | Path, recipe: str, settings: dict[str, Value], *, show_progress: bool
) -> tuple[str, Dataset, dict[str, Value]]:
    """The recipe's name, the data with all their labels, and the settings that the training gets.

    Raises:
        UsageError: the data are no images or have no labels, or the recipe trains no classifier of them.
    """
    named = find(recipe)
    own, general, data_options = share_out(named, settings, get_type_hints(DataOptions))
    options = DataOptions(**data_options)  # type: ignore[arg-type]
    full = open_data(str(data), options, show_progress=show_progress)
    if full.spec.kind != "image":
        raise UsageError(f"{data} has points, and only images are classified: name a set of images.")
    known_labels(full)
    if full.test is not None and "validation" not in settings:  # nothing is chosen here, so all may train
        settings = {"validation": "train", **settings}
        full = open_data(str(data), replace(options, validation="train"))
    if not build(named, full.spec, own, general).classifies:
        raise UsageError(f"the recipe {recipe} trains no classifier: leave --recipe out.")
    return named.name, full, settings


def what_is_trained(run: Run, few: Dataset, full: Dataset, networks: int, *, baselines: bool) -> str:
    """All trainings of a call with their steps, less what was measured before, as a line; empty if none is left."""
    steps = steps_of(run.recipe, few, full)
    kept = kept_errors(run.path / FILE, steps)
    times = f"{networks} times " if networks > 1 else ""
    trained = [] if kept and networks == 1 else [f"{GAME}, {times}{steps[GAME]} steps"]
    compared = on_labels(few, full) if baselines and known_of_held_out(full) else {}
    trained += [f"for comparison {name}, {steps[name]} steps" for name in compared if name not in kept]
    return "to train: " + "; ".join(trained) if trained else ""


def steps_of(recipe: Recipe, few: Dataset, full: Dataset) -> dict[str, int]:
    """How many steps each training has."""
    alone = {name: supervised_steps(recipe, source) for name, source in on_labels(few, full).items()}
    return {GAME: recipe.steps, ENSEMBLE: recipe.steps} | alone


def on_labels(few: Dataset, full: Dataset) -> dict[str, DataSource]:
    """What the trainings on labels alone are given: the few, and all of them if these are more."""
    more = bool((known_labels(few) != known_labels(full)).any())
    return {ALONE: few.train} | ({ALL: full.train} if more else {})


def known_of_held_out(full: Dataset) -> int:
    """How many held-out images have a label."""
    labels = None if full.held_out is None else full.held_out.labels
    return 0 if labels is None else int((labels >= 0).sum())


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
    file, step = run.path / FILE, run.step("last")
    steps = steps_of(run.recipe, few, full) | {GAME: step, ENSEMBLE: step}
    errors, known = kept_errors(file, steps), known_of_held_out(full)
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
        found[SPREADING] = spreading
        found |= {name: partial(alone, name, source) for name, source in on_labels(few, full).items()}
    return found


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
