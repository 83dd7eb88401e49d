"""Features of few and of many labels: a linear SVM on what networks that saw no label make of images.

    python benchmarks/features.py [--task mnist-100 cifar10-1000 cifar10-all] [--features …] [--seed 0 1]
                                  [--draws N] [--table]

Each row is one draw of labelled images, balanced over the classes, on one kind of features, and leaves a line in
results/features.jsonl: ``pixels``, ``pca`` of them, hidden layers of an ``untrained`` discriminator (the floor), of
the ``discriminator`` and of the ``generator`` (at codes found by optimisation) of a run of auto, and the ``encoder``'s
and its ``code`` of a run of bigan. Layers are scaled to the same mean square. The SVM's C is chosen by validation
splits of the labelled images alone; the error is that on the test part. What is there is not done again, and a training
that was stopped goes on.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV, StratifiedShuffleSplit
from sklearn.svm import LinearSVC
from torch import nn

import sparring
from rows import HERE, Row, Rows, commit, markdown
from sparring.data import open_data
from sparring.metrics.reading import labels_at
from sparring.networks import representation_of
from sparring.runs.features import extract, weigh_alike, widths_of
from sparring.runs.run import Run
from sparring.types import Dataset, DataSource

RESULTS = Rows(HERE / "results" / "features.jsonl", ("task", "features", "steps", "seed", "draw"))
CPU = torch.device("cpu")
GRID = {"C": [0.1, 1.0, 10.0, 100.0]}
CHOOSE_ON = 10_000
"""Labelled images, at the most, on which C is chosen."""
SEARCHED = 1000
"""Test images whose code is searched for: a search costs a hundred times what other features do."""
COMPONENTS, FITTED_ON = 100, 5000
"""Principal components, and training images that they are of."""
FAST = {"width": 16, "batch": 64, "ema": 0.999, "ema_rampup": 0.05, "grid_every": 500, "signals_every": 10**9}
FALLING = {
    f"{what}_{player}": value
    for what, value in {"lr": 1e-3, "schedule": "cosine"}.items()
    for player in ("generator", "discriminator")
}
TRAININGS: dict[str, dict[str, Any]] = {"auto": FAST, "bigan": FAST | FALLING}
"""Recipes and their settings; both have networks of 16 channels on the largest maps, both rates fall to 0."""

Images = NDArray[np.uint8]
Features = NDArray[np.float32]


@dataclass(frozen=True)
class Task:
    """Data, labelled images of each class (0: all there are), and how often they are drawn."""

    data: str
    per_class: int
    draws: int


TASKS = {
    "mnist-100": Task("mnist", 10, 10),
    "cifar10-1000": Task("cifar10", 100, 5),
    "cifar10-all": Task("cifar10", 0, 1),
}


def trained(data: str, recipe: str, options: argparse.Namespace, seed: int) -> Run:
    """A run of a recipe, trained or found."""
    settings = TRAININGS[recipe] | {"steps": options.steps, "seed": seed, "best_every": options.steps // 2}
    out = options.out / f"{data}-{recipe}-{options.steps}-{seed}"
    return sparring.train(data, recipe, out=out, device="cpu", threads=options.threads, **settings)


class Extractor(NamedTuple):
    """A map from images (n, C, H, W) uint8 to features (n, F), and how many of these belong to each layer."""

    map: Callable[[Images], Features]
    widths: list[int]


def of_network(network: nn.Module, run: Run) -> Extractor:
    """What a module makes of examples in network values."""

    def make(images: Images) -> Features:
        return extract(network, run.spec.encode(torch.from_numpy(images)), CPU).numpy()

    return Extractor(make, widths_of(network, run.spec))


def untrained(run: Run, images: Images) -> nn.Module:
    """The hidden layers of the run's discriminator before training; batch norm's averages are those of the images."""
    assert run.recipe.discriminator is not None
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(run.recipe.seed)
        network = run.recipe.discriminator().train()
        for batch in torch.split(torch.from_numpy(images), 500):
            network(run.spec.encode(batch))
    found = representation_of(network.eval())
    assert found is not None
    return found


def features_of(kind: str, dataset: Dataset, task: Task, options: argparse.Namespace, seed: int) -> Extractor:
    """The features of one kind."""
    if kind == "pixels":
        return Extractor(flat, [dataset.spec.size])
    some = dataset.train.read(np.arange(FITTED_ON)).x.numpy()
    if kind == "pca":
        pca = PCA(COMPONENTS, random_state=seed).fit(flat(some))
        return Extractor(lambda x: np.asarray(pca.transform(flat(x)), np.float32), [COMPONENTS])
    run = trained(task.data, "bigan" if kind in ("encoder", "code") else "auto", options, seed)
    return of_network(untrained(run, some) if kind == "untrained" else run.extractor(kind), run)


def read(source: DataSource, at: NDArray[np.int64]) -> tuple[Images, NDArray[np.int64]]:
    """Images and labels at some positions."""
    x, y = source.read(at)
    assert y is not None
    return x.numpy(), y.numpy()


def flat(images: Images) -> Features:
    """Pixels in [0, 1] as rows."""
    rows: Features = np.divide(images.reshape(len(images), -1), 255, dtype=np.float32)
    return rows


def drawn(labels: NDArray[np.int64], per_class: int, draw: int) -> NDArray[np.int64]:
    """Positions of so many examples of each class, by the number of the draw; all of them for 0."""
    if not per_class:
        return np.arange(len(labels))
    chosen = np.random.default_rng(draw)
    each = [chosen.choice(np.flatnonzero(labels == c), per_class, replace=False) for c in np.unique(labels)]
    return np.sort(np.concatenate(each))


def svm(x: Features, y: NDArray[np.int64]) -> tuple[LinearSVC, float]:
    """A linear SVM of rows, and its C: the best on a fifth of them that is left out, five times where they are few."""
    some = np.random.default_rng(0).permutation(len(x))[:CHOOSE_ON]
    splits = StratifiedShuffleSplit(5 if len(x) <= 100 else 1, test_size=0.2, random_state=0)
    model = LinearSVC(tol=1e-3, max_iter=10_000, random_state=0)
    search = GridSearchCV(model, GRID, cv=splits, refit=False).fit(x[some], y[some])
    c = float(search.best_params_["C"])
    return model.set_params(C=c).fit(x, y), c


def measure(name: str, kind: str, seed: int, options: argparse.Namespace) -> None:
    """All rows of a task that are missing for one kind of features and one training."""
    task = TASKS[name]
    draws = range(min(task.draws, options.draws or task.draws))
    steps = 0 if kind in ("pixels", "pca", "untrained") else options.steps
    rows: list[Row] = [{"task": name, "features": kind, "steps": steps, "seed": seed, "draw": draw} for draw in draws]
    if all(row in RESULTS for row in rows):
        return
    dataset = open_data(task.data)
    assert dataset.test is not None
    labels = labels_at(dataset.train, np.arange(len(dataset.train))).numpy()
    make, widths = features_of(kind, dataset, task, options, seed)
    tested = len(dataset.test) if kind != "generator" else SEARCHED
    test, truth = read(dataset.test, np.linspace(0, len(dataset.test) - 1, tested).astype(np.int64))
    of_test = make(test)
    for row in rows:
        if row not in RESULTS:
            began = time.process_time()
            x, y = read(dataset.train, drawn(labels, task.per_class, int(row["draw"])))
            features = make(x)
            mean, size = weigh_alike(features, widths)
            fitted, c = svm((features - mean) / size, y)
            wrong = float((fitted.predict((of_test - mean) / size) != truth).mean())
            found = {"error": wrong, "labels": len(y), "F": features.shape[1], "C": c, "tested": tested}
            RESULTS.add(row | found | {"commit": commit(), "cpu_seconds": time.process_time() - began})
            print(row | found, flush=True)


def table() -> str:
    """Mean error of each kind of features, with the deviation over draws of labels and trainings together."""
    lines = []
    for (task, kind, steps), rows in RESULTS.groups("task", "features", "steps").items():
        errors = [100 * row["error"] for row in rows]
        spread = f" ± {statistics.stdev(errors):.1f}" if len(errors) > 1 else ""
        counts = [len({row[name] for row in rows}) for name in ("seed", "draw")]
        shown = rows[0]
        lines.append(
            [
                task,
                kind,
                steps or "–",
                *counts,
                shown["labels"],
                shown["F"],
                shown["tested"],
                f"{statistics.mean(errors):.1f} %{spread}",
            ]
        )
    return markdown(
        ["task", "features", "steps", "trainings", "draws", "labels", "F", "test images", "error"],
        sorted(lines, key=str),
    )


def main() -> None:
    """Train what is not trained yet, measure, print."""
    kinds = ["pixels", "pca", "untrained", "discriminator", "encoder", "code", "generator"]
    parser = argparse.ArgumentParser()
    parser.add_argument("--task", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--features", nargs="+", choices=kinds, default=kinds)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--seed", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--draws", type=int, help="fewer draws of labels than the task has")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("runs/features"))
    parser.add_argument("--table", action="store_true", help="only print what was measured")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    for task in [] if options.table else options.task:
        for kind in options.features:
            for seed in options.seed[:1] if kind in ("pixels", "pca") else options.seed:
                measure(task, kind, seed, options)
    print(table())


if __name__ == "__main__":
    main()
