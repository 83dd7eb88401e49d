"""Modes found on the ring and on the grid, game by game, in PacGAN's protocol (Lin et al. 2018, arXiv:1712.04086, 4.1).

    python benchmarks/modes.py [--rows r3gan,gan] [--data ring,grid] [--seeds 10]
    python benchmarks/modes.py --table                     # what is finished so far, as Markdown
    python benchmarks/modes.py --picture benchmarks/modes.png

100 000 points, batch 100, 2 500 samples of the generator after its last step; a mode is found by one sample within
3 sigma. The published runs have 400 epochs, which are 400 000 steps: --steps 400000. All rows have the same
perceptrons, two latent dimensions and rates that fall from 1e-3, but for the discriminators of the last two rows. Each
finished run is one line of results/modes.jsonl, and none is done twice.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import sparring
from rows import HERE, Rows, commit
from sparring.data.plots import to_image
from sparring.files import save_png
from sparring.metrics.points import modes_found
from sparring.recipes.build import find, own_defaults
from sparring.settings import Value
from sparring.training.display import Display
from sparring.types import Density

SAMPLES = 2_500
STEPS = {"ring": 8_000, "grid": 20_000}

ALIKE: dict[str, Value] = {
    "latent_dim": 2,
    "batch": 100,
    "lr_generator": 1e-3,
    "lr_discriminator": 1e-3,
    "schedule_generator": "linear",
    "schedule_discriminator": "linear",
    "ema": 0.998,
}
SLOW: dict[str, Value] = {"lr_discriminator": 1e-4}
"""As the authors of unrolled GAN play their ring; ``gan-slow`` shows what the rate alone does."""
ROWS: dict[str, tuple[str, dict[str, Value]]] = {
    "r3gan": ("r3gan", {}),
    "relativistic": ("r3gan", {"gamma": 0.0}),
    "gan": ("pacgan", {"pack": 1} | ALIKE),
    "pacgan-2": ("pacgan", {"pack": 2} | ALIKE),
    "pacgan-4": ("pacgan", {"pack": 4} | ALIKE),
    "lsgan": ("lsgan", ALIKE),
    "dragan": ("dragan", ALIKE),
    "wgan-gp": ("wgan-gp", ALIKE),
    "unrolled": ("unrolled", ALIKE | SLOW),
    "gan-slow": ("pacgan", {"pack": 1} | ALIKE | SLOW),
}
"""A row's name, its recipe and settings. One example a pack is the plain game; relativistic is r3gan unpenalised."""


def list_tasks(
    rows: Iterable[str], data: Iterable[str], seeds: Iterable[int], steps: int | None = None
) -> list[dict[str, Any]]:
    """What identifies each run, in the order in which they are done: the rows take turns, seed by seed."""
    chosen = list(rows)
    return [
        {
            "recipe": ROWS[row][0],
            "settings": changed(*ROWS[row]),
            "data": name,
            "seed": seed,
            "steps": steps or STEPS[name],
        }
        for seed in seeds
        for row in chosen
        for name in data
    ]


def changed(recipe: str, settings: dict[str, Value]) -> dict[str, Value]:
    """The settings that are not the recipe's own defaults."""
    defaults = own_defaults(find(recipe).function)
    return {name: value for name, value in settings.items() if name not in defaults or defaults[name] != value}


def run(task: dict[str, Any], samples: Path) -> dict[str, Any]:
    """Train and measure; the samples are kept for the picture."""
    began = time.process_time()
    settings: dict[str, Any] = {"grid_every": task["steps"], "best_every": task["steps"], "log_every": 500}
    with tempfile.TemporaryDirectory() as folder:
        trained = sparring.train(
            task["data"],
            task["recipe"],
            out=Path(folder) / "run",
            device="cpu",
            display=Display(quiet=True),
            seed=task["seed"],
            steps=task["steps"],
            **(settings | task["settings"]),
        )
        seconds = time.process_time() - began
        points = trained.sample(SAMPLES, seed=task["seed"], checkpoint="last")
    keep(points, task, samples)
    density = open_density(task["data"])
    assert density.modes is not None
    found = modes_found(points, density.modes, density.sigma)
    return task | {
        "found": found.found,
        "found_strictly": found.found_strictly,
        "of": found.of,
        "high_quality": found.high_quality,
        "seconds": round(seconds, 1),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "commit": commit(),
    }


def open_density(data: str) -> Density:
    """The toy's exact density."""
    density = sparring.open_data(data).density
    assert density is not None
    return density


def keep(points: Tensor, task: dict[str, Any], folder: Path) -> None:
    """The samples of one run, as a .npy file."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / f"{name_of(task)}.npy", points.numpy())


def name_of(task: dict[str, Any]) -> str:
    """A file's name for a run."""
    return f"{task['data']}-{row_of(task).replace(' ', '-')}-{task['seed']}-{task['steps']}"


def row_of(task: dict[str, Any]) -> str:
    """The row that a run belongs to; a row that is no longer listed goes by its recipe and settings."""
    for row, (recipe, settings) in ROWS.items():
        if recipe == task["recipe"] and changed(recipe, settings) == task["settings"]:
            return row
    return " ".join([task["recipe"], *(f"{name}={value}" for name, value in task["settings"].items())])


def table(lines: Sequence[dict[str, Any]]) -> str:
    """The finished runs as Markdown, a row for each data set, row and number of steps."""
    groups: dict[tuple[str, str, int], list[dict[str, Any]]] = defaultdict(list)
    for line in lines:
        groups[line["data"], row_of(line), line["steps"]].append(line)
    order = list(ROWS)
    known = sorted(
        groups, key=lambda g: (list(STEPS).index(g[0]), order.index(g[1]) if g[1] in order else len(order), g[2])
    )
    text = [
        "| data | game | steps | seeds | modes found, mean (least) | strictly | high quality, mean (least) | CPU s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*text, *(table_row(group, groups[group]) for group in known)])


def table_row(group: tuple[str, str, int], lines: Sequence[dict[str, Any]]) -> str:
    """One row of the table."""

    def each(name: str) -> list[float]:
        return [line[name] for line in lines]

    found, strict, quality = each("found"), each("found_strictly"), [100 * share for share in each("high_quality")]
    data, row, steps = group
    return (
        f"| {data} | {row} | {steps} | {len(lines)} | {statistics.mean(found):.1f} ({min(found)}) of {lines[0]['of']}"
        f" | {statistics.mean(strict):.1f} ({min(strict)}) | {statistics.mean(quality):.1f} % ({min(quality):.1f} %)"
        f" | {statistics.median(each('seconds')):.0f} |"
    )


def picture(path: Path, samples: Path, lines: Sequence[dict[str, Any]]) -> None:
    """The samples of each row's seed 0 after its most steps, a column each, on top of the data's modes in grey."""
    from matplotlib.figure import Figure

    ordered = sorted((line for line in lines if line["seed"] == 0), key=lambda line: int(line["steps"]))
    first = {(row_of(line), line["data"]): line for line in ordered}
    rows = [row for row in ROWS if any((row, data) in first for data in STEPS)]
    figure = Figure(figsize=(2.2 * len(rows), 4.8), dpi=100, layout="constrained")
    for i, data in enumerate(STEPS):
        modes = open_density(data).modes
        assert modes is not None
        reach = 1.3 * float(modes.abs().max())
        for j, row in enumerate(rows):
            if (row, data) not in first:
                continue
            line = first[row, data]
            axes = figure.add_subplot(len(STEPS), len(rows), i * len(rows) + j + 1)
            x = np.load(samples / f"{name_of(line)}.npy", allow_pickle=False)
            axes.scatter(modes[:, 0], modes[:, 1], s=60, c="#dddddd", linewidths=0)
            axes.scatter(x[:, 0], x[:, 1], s=1, c="#e0641c", linewidths=0)
            axes.set(xlim=(-reach, reach), ylim=(-reach, reach), xticks=[], yticks=[], aspect="equal")
            axes.set_title(f"{row}\n{line['found']} of {line['of']}, {100 * line['high_quality']:.0f} %", fontsize=8)
    save_png(to_image(figure), path)


def main(arguments: Sequence[str] | None = None) -> None:
    """Do the runs that are missing, or show those that are there."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", default=",".join(ROWS))
    parser.add_argument("--data", default=",".join(STEPS))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--steps", type=int, help="unless set, 8 000 on the ring and 20 000 on the grid")
    parser.add_argument("--results", type=Path, default=HERE / "results" / "modes.jsonl")
    parser.add_argument("--samples", type=Path, default=Path("runs/benchmark-modes"))
    parser.add_argument("--table", action="store_true", help="print the table of what is finished, and do nothing")
    parser.add_argument("--picture", type=Path, help="draw the first seeds that are finished, and do nothing")
    options = parser.parse_args(arguments)
    results = Rows(options.results, ("recipe", "settings", "data", "seed", "steps"))
    if options.table:
        print(table(results.read()))
        return
    if options.picture:
        picture(options.picture, options.samples, results.read())
        return
    torch.set_num_threads(1)
    for task in list_tasks(options.rows.split(","), options.data.split(","), range(options.seeds), options.steps):
        if task not in results:
            line = run(task, options.samples)
            results.add(line)
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
