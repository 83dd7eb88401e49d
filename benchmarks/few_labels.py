"""Errors of classifiers from few labels, through the public command, beside simpler ones; draws of labels by seed.

    python benchmarks/few_labels.py [--rows digits-5,mnist-10] [--seeds 10] [--steps 180000] [--recipe complement]
                                    [--set precision=bfloat16] [--networks 3] [--no-baselines]
    python benchmarks/few_labels.py --table                # what is finished so far, as Markdown

Each finished draw is one line of results/few_labels.jsonl, and none is done twice; a training that was stopped goes on.
A row names the commit since which its game has been played: rows of an earlier game stay, apart, and keep nothing from
being measured again.
Published for MNIST with 100 labels: .93 ± .065 % (feature matching; Salimans et al. 2016, 180 000 steps of batch 100 at
a constant rate), .795 ± .098 % (Dai et al. 2017, about 1.2 million steps with a density model of the images and neither
of the two terms that ``complement`` has); with 20 labels 16.8 ± 4.5 %, with 50 labels 2.21 ± 1.4 %; for CIFAR-10 with
4 000 labels about 18 %.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

import sparring
from rows import HERE, Row, Rows, commit, markdown, mean_and_spread
from sparring.tasks.classification import ALL, ALONE, ENSEMBLE, GAME, SPREADING

ROWS = {"digits-5": ("digits", 5), "mnist-10": ("mnist", 10), "mnist-5": ("mnist", 5), "mnist-2": ("mnist", 2)} | {
    "cifar10-400": ("cifar10", 400)
}
"""A row's data and labels of each class."""
PLAYED = "626fb5f"
"""The commit since which the two recipes are what they are: to be changed with their game, networks or choices."""
CALL = ("steps", "networks", "baselines")
"""Of a row's settings, what is no --set."""
RESULTS = HERE / "results" / "few_labels.jsonl"
KEY = ("row", "recipe", "settings", "game", "seed")
NAMES = (GAME, ENSEMBLE, ALONE, SPREADING, ALL)


def measure(row: str, recipe: str, seed: int, settings: dict[str, Any], runs: Path, device: str) -> Row:
    """Train and measure one draw of labels, or go on where that was stopped."""
    data, per_class = ROWS[row]
    words = "".join(f"-{name}-{value}" for name, value in settings.items() if name not in ("networks", "baselines"))
    began = time.process_time()
    found = sparring.classify(
        data,
        per_class,
        seed=seed,
        recipe=recipe,
        out=runs / PLAYED / f"{row}-{recipe}{words}-{seed}",
        device=device,
        **settings,
    )
    return {
        "row": row,
        "recipe": recipe,
        "settings": settings,
        "game": PLAYED,
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


def table(rows: Sequence[Row]) -> str:
    """The finished draws: mean and deviation of each classifier's error, in per cent, — where it was not measured."""
    groups: dict[tuple[object, ...], list[Row]] = defaultdict(list)
    for row in rows:
        settings = row["settings"]
        others = ", ".join(f"{name}={value}" for name, value in settings.items() if name not in CALL)
        shown = (row["row"], row["recipe"], others, row["game"], row["steps"], settings.get("networks", 1))
        groups[*shown, settings.get("baselines", True)].append(row)
    lines: list[list[object]] = []
    for key, found in groups.items():
        columns = ([100 * one["errors"][name] for one in found if name in one["errors"]] for name in NAMES)
        lines.append([*key[:-1], len(found), *(mean_and_spread(errors) if errors else "—" for errors in columns)])
    return markdown(
        ["data and labels a class", "recipe", "set", "game since", "steps", "networks", "draws", *NAMES], lines
    )


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default="digits-5")
    parser.add_argument("--recipe", default="few-labels")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="as spar classify takes it")
    parser.add_argument("--networks", type=int, help="an ensemble of so many, on each draw of labels")
    parser.add_argument("--no-baselines", dest="baselines", action="store_const", const=False, help="the game alone")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--runs", type=Path, default=Path("runs/few-labels"))
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--table", action="store_true")
    asked = parser.parse_args(words)
    results = Rows(asked.results, KEY)
    settings: dict[str, Any] = dict(pair.split("=", 1) for pair in asked.set)
    settings |= {name: getattr(asked, name) for name in CALL if getattr(asked, name) is not None}
    for seed in range(0 if asked.table else asked.seeds):
        for row in asked.rows.split(","):
            known = {"row": row, "recipe": asked.recipe, "settings": settings, "game": PLAYED, "seed": seed}
            if known not in results:
                results.add(measure(row, asked.recipe, seed, settings, asked.runs, asked.device))
    print(table(results.read()))


if __name__ == "__main__":
    main()
