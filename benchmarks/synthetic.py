"""What generated images are worth to a classifier: of few real ones, and by the DCGAN paper's check.

    python benchmarks/synthetic.py [--task worth shifted neighbour] [--data mnist] [--per-class 10 100 1000]
                                   [--seed 0 1 2] [--recipe auto] [--steps 400 600 1000] [--table]

worth: a generator learns from so many training images a class, and from no others. A classifier learns from these
images, from GENERATED images a class, and from both, in as many steps each; it is tested on the test images, which
choose nothing. shifted: the same with every image shifted at random in training, which needs no generator.
neighbour: a generator learns from all training images; nearest neighbours among its labelled samples, and among as many
real images, classify the test images (Radford et al. 2016, arXiv:1511.06434, section 5.3 and table 3).
--data digits is a quick run on the bundled digits (--per-class 10 50 --steps 400 600), half of them the test.
Each row is a line of results/synthetic.jsonl; what is there is not done again, and a training that was stopped goes on.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.neighbors import KNeighborsClassifier
from torch import Tensor

import sparring
from rows import HERE, Row, Rows, commit, markdown, mean_and_spread
from sparring.data import DataOptions, open_data, render
from sparring.files import save_png
from sparring.metrics.gan_train import worth
from sparring.metrics.reading import choose_indices
from sparring.runs.run import Run
from sparring.types import Batch, Dataset, DataSource
from sparring.views import DiffAugment

RESULTS = Rows(HERE / "results" / "synthetic.jsonl", ("task", "data", "images", "recipe", "steps", "seed"))
DATA = {"mnist": DataOptions(), "digits": DataOptions(holdout=0.5)}
GENERATED = 500
"""Images of each class that a generator adds to few real ones."""
CLASSIFIER_BATCH = 32
CLASSIFIER_STEPS = {10: 200, 50: 300, 100: 300, 1000: 600}
"""By the number of real images of a class; any other number gets the most."""
NEIGHBOURS = (10_000, 50_000)
"""Samples that nearest neighbours are looked for in."""
MEASUREMENTS = 4
"""How often a training measures itself to choose its best checkpoint."""
CONDITIONS = {"auto": {"conditional": True}}
"""What a recipe must be told to know classes."""


def shifted(images: Tensor) -> Tensor:
    """Images (n, C, H, W) in [-1, 1], each shifted at random by at most an eighth of its side."""
    return DiffAugment("translation")((images + 1,), {})[0] - 1  # what is shifted in is 0, and their ground is black


SHOWS = {"worth": None, "shifted": shifted}
"""How the classifiers of a task are shown images."""


def few(source: DataSource, per_class: int, seed: int) -> Batch:
    """So many images of each class, drawn by seed."""
    random = np.random.default_rng(seed)
    labels = np.asarray(source.labels)
    drawn = [random.permutation(np.flatnonzero(labels == c))[:per_class] for c in range(len(source.spec.classes))]
    return source.read(np.sort(np.concatenate(drawn)))


def trained(data: str, row: Row, out: Path, threads: int) -> Run:
    """The row's training, begun, gone on with or finished already; the row is told what it took of the processor."""
    anew, began = not out.exists(), time.process_time()
    settings: dict[str, Any] = {"steps": row["steps"], "seed": row["seed"], **CONDITIONS.get(row["recipe"], {})}
    settings |= {"best_every": -(-row["steps"] // MEASUREMENTS), "grid_every": row["steps"], "threads": threads}
    settings |= {"signals_every": row["steps"] + 1}
    settings |= {"holdout": 0.0} if data.endswith(".npz") else {}
    run = sparring.train(data, row["recipe"], out=out, device="cpu", **settings)
    row["cpu_seconds"] = round(time.process_time() - began) if anew else None
    row |= {"commit": commit(), "settings": run.identity.own, "batch": run.recipe.batch}
    row |= {"best_at": run.step("best")}
    return run


def measure_worth(row: Row, dataset: Dataset, folder: Path, threads: int) -> None:
    """One number of real images and one seed; ``shifted`` rows use the generator of the ``worth`` rows."""
    real = few(dataset.train, row["images"], row["seed"])
    assert real.y is not None
    name = f"{row['data']}-{row['images']}-{row['seed']}"
    data = folder / f"{name}.npz"
    folder.mkdir(parents=True, exist_ok=True)
    if not data.exists():
        np.savez(data, images=real.x.numpy(), labels=real.y.numpy())
    run = trained(str(data), row, folder / f"{name}-{row['recipe']}-{row['steps']}", threads)
    made = run.augment(GENERATED)
    steps = CLASSIFIER_STEPS.get(row["images"], max(CLASSIFIER_STEPS.values()))
    row |= {"made": GENERATED, "copies": made.copies, "classifier_steps": steps}
    options: dict[str, Any] = {"batch": CLASSIFIER_BATCH, "seed": row["seed"], "show": SHOWS[row["task"]]}
    row |= worth(real, made.train, whole(dataset.test), len(made.classes), steps=steps, **options)._asdict()
    every = torch.arange(0, len(made.train.x), GENERATED // 10)
    save_png(render(run.spec, run.spec.encode(made.train.x[every]), 10), run.path.with_suffix(".png"))
    RESULTS.add(row)


def measure_neighbours(row: Row, dataset: Dataset, folder: Path, threads: int) -> None:
    """One number of samples of a generator that learned from all training images, and as many real images."""
    run = trained(row["data"], row, folder / f"{row['data']}-{row['seed']}-{row['recipe']}-{row['steps']}", threads)
    classes = len(dataset.spec.classes)
    made = run.augment(row["images"] // classes, keep_copies=True).train
    drawn = choose_indices(dataset.train, row["images"], row["seed"])
    test = whole(dataset.test)
    row |= {"error": neighbour_error(made, test), "real_error": neighbour_error(dataset.train.read(drawn), test)}
    RESULTS.add(row)


def neighbour_error(known: Batch, test: Batch) -> float:
    """The share of test images whose nearest neighbour, pixel by pixel, has another label."""
    assert known.y is not None
    assert test.y is not None
    x, y = (batch.x.flatten(1).float().numpy() for batch in (known, test))
    classifier = KNeighborsClassifier(1, algorithm="brute").fit(x, known.y.numpy())
    return 1 - float(classifier.score(y, test.y.numpy()))


def whole(source: DataSource | None) -> Batch:
    """All examples of a part."""
    assert source is not None
    return source.read(np.arange(len(source)))


MEASURE = {"worth": measure_worth, "shifted": measure_worth, "neighbour": measure_neighbours}


def tables() -> str:
    """What was found, as Markdown: errors on the test images in percent, mean ± deviation over seeds."""
    rows = RESULTS.read()
    names = ("task", "data", "images", "recipe", "steps")
    groups = sorted({tuple(r[name] for name in names) for r in rows if r["task"] in SHOWS})
    lines = []
    for group in groups:
        own = [r for r in rows if tuple(r[name] for name in names) == group]
        errors = [mean_and_spread([100 * (1 - r[arm]) for r in own]) for arm in ("real", "generated", "both")]
        gained = mean_and_spread([100 * (r["both"] - r["real"]) for r in own])
        of_generated = mean_and_spread([100 * (1 - r["gan_test"]) for r in own])
        lines.append([*group, len(own), sum(r["copies"] for r in own), *errors, gained, of_generated])
    header = [
        "task",
        "data",
        "real a class",
        "recipe",
        "steps",
        "seeds",
        "copies left out",
        "real",
        "generated (GAN-train)",
    ]
    first = markdown([*header, "both", "gained by both", "generated, by real (GAN-test)"], lines)
    lines = [
        [r["images"], r["recipe"], r["steps"], r["seed"], f"{100 * r['error']:.2f}", f"{100 * r['real_error']:.2f}"]
        for r in rows
        if r["task"] == "neighbour"
    ]
    return f"{first}\n\n{markdown(['samples', 'recipe', 'steps', 'seed', 'generated', 'real'], lines)}"


def main() -> None:
    """Measure what is not measured yet, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--task", nargs="+", choices=MEASURE, default=[*MEASURE])
    parser.add_argument("--data", choices=DATA, default="mnist")
    parser.add_argument("--per-class", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--seed", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--recipe", default="auto")
    parser.add_argument("--steps", type=int, nargs="+", default=[400, 600, 1000], help="of each --per-class")
    parser.add_argument("--neighbour-steps", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("runs/synthetic"))
    parser.add_argument("--table", action="store_true", help="only print what was measured")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    plan = [
        {"task": task, "data": options.data, "images": images, "recipe": options.recipe, "steps": steps, "seed": seed}
        for task in SHOWS
        for seed in options.seed
        for images, steps in zip(options.per_class, options.steps, strict=True)
    ]
    common = {
        "task": "neighbour",
        "data": options.data,
        "recipe": options.recipe,
        "steps": options.neighbour_steps,
        "seed": options.seed[0],
    }
    dataset = open_data(options.data, DATA[options.data])
    plan += [common | {"images": images} for images in NEIGHBOURS if images <= len(dataset.train)]
    for row in plan if not options.table else []:
        if row["task"] in options.task and row not in RESULTS:
            MEASURE[row["task"]](row, dataset, options.out, options.threads)
            print(RESULTS.read()[-1], flush=True)
    print(tables())


if __name__ == "__main__":
    main()
