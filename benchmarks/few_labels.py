"""Errors of classifiers from few labels, through the public command, beside simpler ones; draws of labels by seed.

    python benchmarks/few_labels.py [--rows digits-5,mnist-10] [--seeds 10] [--steps 180000] [--recipe complement]
    python benchmarks/few_labels.py --table                # what is finished so far, as Markdown

Each finished draw is one line of results/few_labels.jsonl, and none is done twice; a training that was stopped goes on.
Published for MNIST with 100 labels: .93 ± .065 % (feature matching; Salimans et al. 2016, 180 000 steps of batch 100 at
a constant rate), .795 ± .098 % (Dai et al. 2017, about 1.2 million steps with a density model of the images and neither
of the two terms that ``complement`` has); with 20 labels 16.8 ± 4.5 %, with 50 labels 2.21 ± 1.4 %; for CIFAR-10 with
4 000 labels about 18 %.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import torch

import sparring
from rows import HERE, Row, Rows, commit, markdown
from sparring.tasks.classification import ALL, ALONE, ENSEMBLE, GAME, SPREADING

ROWS = {"digits-5": ("digits", 5), "mnist-10": ("mnist", 10), "mnist-5": ("mnist", 5), "mnist-2": ("mnist", 2)} | {
    "cifar10-400": ("cifar10", 400)
}
"""A row's data and labels of each class."""
RESULTS = Rows(HERE / "results" / "few_labels.jsonl", ("row", "recipe", "settings", "seed"))


def measure(row: str, recipe: str, seed: int, settings: dict[str, Any], runs: Path, device: str) -> Row:
    """Train and measure one draw of labels, or go on where that was stopped."""
    data, per_class = ROWS[row]
    words = "".join(f"-{name}-{value}" for name, value in settings.items() if name != "networks")
    began = time.process_time()
    found = sparring.classify(
        data, per_class, seed=seed, recipe=recipe, out=runs / f"{row}-{recipe}{words}-{seed}", device=device, **settings
    )
    return {
        "row": row,
        "recipe": recipe,
        "settings": settings,
        "seed": seed,
        "steps": found.run.recipe.steps,
        "labelled": found.labelled,
        "examples": found.examples,
        "held_out": found.held_out,
        "errors": found.errors,
        "seconds": round(time.process_time() - began, 1),  # of this sitting
        "threads": torch.get_num_threads(),
        "device": device,
        "torch": torch.__version__,
        "commit": commit(),
    }


def table() -> str:
    """The finished draws: mean and deviation of each classifier's error."""
    groups: dict[tuple[str, str, int, int, str], list[Row]] = defaultdict(list)
    for row in RESULTS.read():
        others = ", ".join(f"{k}={v}" for k, v in row["settings"].items() if k not in ("steps", "networks"))
        groups[row["row"], row["recipe"], row["steps"], row["settings"].get("networks", 1), others].append(row)
    names = (GAME, ENSEMBLE, ALONE, SPREADING, ALL)
    lines: list[list[object]] = []
    for key, found in groups.items():
        columns = [[100 * one["errors"][name] for one in found if name in one["errors"]] for name in names]
        lines.append([*key, len(found), *map(in_words, columns)])
    return markdown(["data and labels a class", "recipe", "steps", "networks", "set", "draws", *names], lines)


def in_words(errors: list[float]) -> str:
    """Mean and deviation, in per cent; nothing of nothing."""
    if not errors:
        return ""
    return f"{statistics.mean(errors):.2f} %" + (f" ± {statistics.stdev(errors):.2f}" if len(errors) > 1 else "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default="digits-5")
    parser.add_argument("--recipe", default="few-labels")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="as spar classify takes it")
    parser.add_argument("--networks", type=int, help="an ensemble of so many, on each draw of labels")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--runs", type=Path, default=Path("runs/few-labels"))
    parser.add_argument("--table", action="store_true")
    asked = parser.parse_args()
    if asked.table:
        print(table())
        return
    settings: dict[str, Any] = dict(pair.split("=", 1) for pair in asked.set)
    settings |= {name: getattr(asked, name) for name in ("steps", "networks") if getattr(asked, name) is not None}
    for seed in range(asked.seeds):
        for row in asked.rows.split(","):
            if {"row": row, "recipe": asked.recipe, "settings": settings, "seed": seed} not in RESULTS:
                RESULTS.add(measure(row, asked.recipe, seed, settings, asked.runs, asked.device))
    print(table())


if __name__ == "__main__":
    main()
