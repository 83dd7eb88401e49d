"""Few images: a recipe on a part of MNIST, as it is, with DiffAugment and with ADA, at equal steps.

    python benchmarks/augment.py [--recipe dcgan] [--images 300] [--steps 4000] [--seed 0 1]
                                 [--augment none diffaugment ada] [--table] [--cost]

Each row trains on the first so many training images, is measured on 5 000 samples of its best and of its last
checkpoint against the whole of MNIST, from which the few were drawn (floor: MNIST's test set in place of the samples),
and leaves a line in results/augment.jsonl. What is there is not done again, and a row that was stopped goes on.
--cost times steps instead, in blocks that take turns, with p at .5.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

import sparring
from rows import HERE, Row, Rows, commit, markdown, with_floor
from sparring.data import DataOptions, open_data, render
from sparring.evaluate import Evaluation, evaluate
from sparring.files import save_png
from sparring.recipes.build import build, find
from sparring.runs.run import Run
from sparring.training.draw import Draw
from sparring.training.state import State
from sparring.training.step import Step, moved_by_batches, standing_still
from sparring.views.adaptive import P

RESULTS = Rows(HERE / "results" / "augment.jsonl", ("recipe", "images", "steps", "batch", "width", "augment", "seed"))
N, MEASUREMENTS = 5000, 5
"""Samples that are measured, and how often a run measures itself to choose its best checkpoint."""
KEPT = ("best", "last")
SHOWN = ("precision", "recall", "coverage")
ROUNDS, BLOCK = 12, 5
"""Turns that the recipes take while they are timed, and steps in each."""


def few(images: int, folder: Path) -> Path:
    """The first images of MNIST's training part, in a file that a run can be trained on."""
    path = folder / f"mnist-{images}.npz"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        batch = open_data("mnist", DataOptions()).train.read(np.arange(images))
        np.savez(path, images=batch.x.numpy())
    return path


def believed(run: Run, real: np.ndarray[Any, Any]) -> float:
    """Share of real images (n, 1, 28, 28), shown as they are, that the discriminator of the last step calls real."""
    state = State(run.recipe, torch.device("cpu"))
    state.load(run.checkpoint("last"))
    discriminator = state.players.discriminator
    assert discriminator is not None
    with torch.no_grad(), standing_still(moved_by_batches(discriminator)):
        parts = torch.split(run.spec.encode(torch.from_numpy(real)), run.recipe.batch)
        shares = [(discriminator(part) > 0).float().mean() for part in parts if len(part) == run.recipe.batch]
    return float(torch.stack(shares).mean())


def measure(row: Row, options: argparse.Namespace) -> None:
    """One row: train, measure against the whole of MNIST, keep the line and 100 samples."""
    if row in RESULTS:
        return
    data = few(options.images, options.out)
    whole, own = open_data("mnist", DataOptions()), open_data(str(data), DataOptions())
    out = options.out / "-".join(str(value) for value in row.values()).replace(":", "-")
    settings = {name: row[name] for name in ("steps", "batch", "width", "augment", "seed")}
    every = {"best_every": options.steps // MEASUREMENTS, "grid_every": options.steps}
    run = sparring.train(str(data), row["recipe"], out=out, device="cpu", threads=options.threads, **settings, **every)
    assert whole.test is not None
    row |= {"commit": commit(), "trained_on": len(own.train), "best_at": run.step("best")}
    row["p"] = [line["augment_p"] for line in run.metrics if "augment_p" in line][-1:]
    row["seen"] = believed(run, own.train.read(np.arange(len(own.train))).x.numpy())
    row["unseen"] = believed(run, whole.test.read(np.arange(2000)).x.numpy())
    for kept in KEPT:
        row[kept] = evaluate(lambda n, kept=kept: run.sample(n, checkpoint=kept), whole, n=N).to_json()  # type: ignore[misc]
    save_png(render(run.spec, run.sample(100)), out.with_suffix(".png"))
    RESULTS.add(row)


def table() -> str:
    """All rows as Markdown; floors (MNIST's test images in place of the samples) in brackets."""
    lines = []
    for row in RESULTS.read():
        best, last = (Evaluation.from_json(row[kept]) for kept in KEPT)
        name = f"FD-{best.features}"
        p = f"{row['p'][0]:.2f}" if row["p"] else "–"
        lines.append(
            [row["recipe"], row["augment"], row["trained_on"], row["steps"], row["seed"], f"{last[name].value:.1f}"]
        )
        lines[-1] += [with_floor(best[name]), row["best_at"], *(with_floor(best[shown]) for shown in SHOWN)]
        lines[-1] += [f"{row['seen']:.2f}", f"{row['unseen']:.2f}", p]
    header = ["recipe", "augment", "images", "steps", "seed", "FD, last", "FD, best", "best at", *SHOWN]
    return markdown([*header, "seen called real", "unseen called real", "p"], lines)


def cost(options: argparse.Namespace) -> str:
    """CPU seconds of a step with each augmentation, in blocks that take turns, as multiples of the first one's."""
    dataset = open_data(str(few(options.images, options.out)), DataOptions())
    steps = []
    for augment in options.augment:
        recipe = build(
            find(options.recipe), dataset.spec, {"width": options.width, "augment": augment}, {"batch": options.batch}
        )
        state = State(recipe, torch.device("cpu"))
        if P in state.memory:
            state.memory[P].fill_(0.5)
        steps.append(Step(recipe, state, Draw(recipe, dataset.train, torch.device("cpu"))))
    spent: list[list[float]] = [[] for _ in steps]
    for _ in range(ROUNDS + 1):
        for step, seconds in zip(steps, spent, strict=True):
            began = time.process_time()
            for _ in range(BLOCK):
                step()
            seconds.append((time.process_time() - began) / BLOCK)
    ratios = [statistics.median(b / a for a, b in zip(spent[0][1:], own[1:], strict=True)) for own in spent]
    medians = [1000 * statistics.median(own[1:]) for own in spent]
    rows = zip(options.augment, (f"{m:.1f}" for m in medians), (f"{r:.2f}" for r in ratios), strict=True)
    return markdown(["augment", "CPU ms a step", f"times {options.augment[0]}"], rows)


def main() -> None:
    """Train what is not trained yet, measure, print; or time."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--recipe", default="dcgan")
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--seed", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--augment", nargs="+", default=["none", "diffaugment", "ada"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("runs/augment"))
    parser.add_argument("--table", action="store_true", help="only print what was measured")
    parser.add_argument("--cost", action="store_true", help="time steps, train nothing")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.cost:
        print(cost(options))
        return
    names = ("recipe", "images", "steps", "batch", "width")
    for seed in [] if options.table else options.seed:
        for augment in options.augment:
            row = {name: getattr(options, name) for name in names}
            measure(row | {"augment": augment, "seed": seed}, options)
    print(table())


if __name__ == "__main__":
    main()
