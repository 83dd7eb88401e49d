"""Colour pictures in a given time: recipes on CIFAR-10 (JPEG copy), flowers and emoji at 64 x 64, figures and samples.

    python benchmarks/pictures.py [--data cifar10 flowers emoji] [--recipe dcgan auto] [--seed 0]
                                  [--cpu-seconds 2400] [--device cpu] [--threads 1] [--table]

Each row trains for so many CPU seconds (2 400: two cores for 20 minutes; on a GPU: seconds), is evaluated on as many
samples as the held-out part has images (at most 10 000), and leaves a line in results/pictures.jsonl and 100 samples of
its best checkpoint in pictures/. What is there is not done again, and a row that was stopped goes on.
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

from PIL import Image

from rows import HERE, Row, Rows, commit, markdown, with_floor
from sparring.data import render
from sparring.data.named import VARIABLE, data_folders
from sparring.errors import UsageError
from sparring.evaluate import Evaluation
from sparring.files import write_atomically
from sparring.rivals.budget import train_for

DATA = {"cifar10": "cifar10", "flowers": "flowers102-64.zip", "emoji": "emoji-64.zip"}
RESULTS = Rows(HERE / "results" / "pictures.jsonl", ("data", "recipe", "seed", "budget", "device"))
SHOWN = ("precision", "recall", "density", "coverage")
LARGEST_FILE = 300_000


def find(data: str) -> str:
    """What to train on: a named set, or a file in one of the folders of SPARRING_DATA."""
    if data == "cifar10":
        return data
    for folder in data_folders():
        if (folder / DATA[data]).exists():
            return str(folder / DATA[data])
    raise UsageError(f"{DATA[data]} is in no folder of {VARIABLE}.")


def save_small(image: Image.Image, path: Path) -> None:
    """Write a PNG of less than 300 kB: in all colours if they fit, else in as large a palette as does."""
    for colours in (0, 256, 128, 64, 32, 16):
        buffer = io.BytesIO()
        (image.quantize(colours) if colours else image).save(buffer, format="PNG", optimize=True)
        if buffer.tell() < LARGEST_FILE:
            break
    write_atomically(path, buffer.getvalue())


def measure(data: str, recipe: str, options: argparse.Namespace) -> None:
    """One row: train, evaluate, keep the line and the picture."""
    row: Row = {"data": data, "recipe": recipe, "seed": options.seed, "budget": options.cpu_seconds}
    row["device"] = options.device
    if row in RESULTS:
        return
    name = f"{data}-{recipe}-{options.seed}-{options.cpu_seconds}-{options.device}"
    run, seconds = train_for(
        options.cpu_seconds,
        find(data),
        recipe,
        out=options.out / name,
        device=options.device,
        seed=options.seed,
        threads=options.threads,
    )
    result = run.evaluate(device=options.device)
    save_small(render(run.spec, run.sample(100)), HERE / "pictures" / f"{data}-{recipe}.png")
    row |= {"commit": commit(), "steps": run.recipe.steps, "batch": run.recipe.batch, "best": run.step("best")}
    RESULTS.add(row | {"seconds": round(seconds, 1), "n": result.n, "evaluation": result.to_json()})


def table() -> str:
    """All rows as Markdown; floors (held-out images in place of the samples) in brackets."""
    lines = []
    for row in RESULTS.read():
        result = Evaluation.from_json(row["evaluation"])
        distance, settings = result[f"FD-{result.features}"], f"{row['steps']} x {row['batch']}"
        place = f"{row['seconds']:.0f} s, {row['device']}"
        figures = [with_floor(distance), *(with_floor(result[name]) for name in SHOWN)]
        lines.append([row["data"], row["recipe"], row["seed"], place, settings, row["best"], row["n"], distance.name])
        lines[-1] += [*figures, row["commit"]]
    header = ["data", "recipe", "seed", "time", "steps x batch", "best at", "N", "distance", "its value"]
    return markdown([*header, *SHOWN, "commit"], lines)


def main() -> None:
    """Train what is not trained yet, measure, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", nargs="+", choices=DATA, default=[*DATA])
    parser.add_argument("--recipe", nargs="+", default=["dcgan", "auto"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cpu-seconds", type=int, default=2400)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("runs/pictures"))
    parser.add_argument("--table", action="store_true", help="only print what was measured")
    options = parser.parse_args()
    if not options.table:
        for data in options.data:
            for recipe in options.recipe:
                measure(data, recipe, options)
    print(table())


if __name__ == "__main__":
    main()
