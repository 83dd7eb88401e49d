"""Stacked MNIST: how many of its 1 000 classes a generator makes, and how far their shares are from the real ones.

    python benchmarks/stacked_mnist.py [--recipe dcgan pacdcgan r3gan auto] [--cpu-seconds 3600 | --steps N] [--seed 0]
                                       [--set width=32 --set batch=64 …] [--device cpu] [--threads 1]
                                       [--table] [--floors]

128 000 fixed triples of MNIST's training digits (the named set `stacked-mnist`); 26 000 samples, each channel read by a
classifier of single digits, which is trained here once; modes found, and the KL divergence of the samples' histogram to
that of all fixed triples and to uniform. A row takes 3 600 CPU seconds: two cores do two rows in an hour. The whole of
it is for a GPU (--device cuda, where the seconds are seconds; or --steps). What is there is not done again, and a row
that was stopped goes on.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import sparring
from rows import HERE, Row, Rows, commit, markdown
from sparring.metrics.balance import class_coverage
from sparring.metrics.classifier import ClassifierFeatures, classifier_for
from sparring.rivals.budget import train_for
from sparring.settings import parse_assignments
from sparring.types import Dataset, DataSource

DATA = "stacked-mnist"
RECIPES: dict[str, tuple[str, dict[str, Any]]] = {
    "dcgan": ("dcgan", {}),
    "pacdcgan": ("dcgan", {"pack": 2}),
    "r3gan": ("r3gan", {}),
    "auto": ("auto", {}),
}
CHECKPOINTS = ("best", "last")
SAMPLES = 26_000
PART = 2_000
CLASSES = 1_000
FLOOR_SEEDS = 5
RESULTS = Rows(HERE / "results" / "stacked_mnist.jsonl", ("recipe", "seed", "budget", "set", "device"))
PUBLISHED = (("DCGAN", 99, 3.40), ("PacDCGAN2", 1000, 0.06), ("R3GAN", 1000, 0.029))
UNIFORM = torch.full((CLASSES,), 1 / CLASSES, dtype=torch.float64)


def shares_of_triples(dataset: Dataset) -> Tensor:
    """The histogram (1 000,) of all fixed triples, those that choose the best checkpoint included."""
    counts = torch.zeros(CLASSES, dtype=torch.float64)
    for part in (dataset.train, dataset.validation):
        if part is not None and part.labels is not None:
            counts += torch.bincount(torch.from_numpy(part.labels), minlength=CLASSES)
    return counts / counts.sum()


def read_triples(images: Tensor, digits: ClassifierFeatures) -> Tensor:
    """The classes (n,) of uint8 images (n, 3, 28, 28), each channel classified on its own."""
    channels = [digits.classify(images[:, [c]])[1].cpu() for c in range(3)]
    return 100 * channels[0] + 10 * channels[1] + channels[2]


def judge(labels: Tensor, shares: Tensor) -> dict[str, float]:
    """Modes, and both KLs."""
    own, uniform = class_coverage(labels, shares), class_coverage(labels, UNIFORM)
    return {"modes": own.found, "kl": own.kl, "kl_uniform": uniform.kl}


def measure(name: str, options: argparse.Namespace) -> None:
    """One row: train, sample, classify, keep the line."""
    recipe, own = RECIPES[name]
    settings = own | parse_assignments(options.set or [])
    budget = f"{options.steps} steps" if options.steps else f"{options.cpu_seconds} s"
    row: Row = {"recipe": name, "seed": options.seed, "budget": budget, "set": settings, "device": options.device}
    if row in RESULTS:
        return
    label = "-".join([name, str(options.seed), budget.replace(" ", ""), options.device])
    label += "".join(f"-{key}={value}" for key, value in sorted(settings.items()))
    run, seconds = train_for(
        options.cpu_seconds,
        DATA,
        recipe,
        out=options.out / label,
        device=options.device,
        steps=options.steps,
        seed=options.seed,
        threads=options.threads,
        **settings,
    )
    digits = classifier_for(sparring.open_data("mnist"), options.device)
    shares = shares_of_triples(run.dataset())
    for which in CHECKPOINTS:
        samples = run.sample(SAMPLES, seed=options.seed, checkpoint=which, device=options.device)
        found = torch.cat([read_triples(run.spec.decode(part).cpu(), digits) for part in torch.split(samples, PART)])
        row[which] = {"step": run.step(which)} | judge(found, shares)
    row |= {"commit": commit(), "steps": run.recipe.steps, "batch": run.recipe.batch, "seconds": round(seconds, 1)}
    RESULTS.add(row | {"n": SAMPLES, "accuracy": digits.accuracy, "tested_on": digits.tested_on})


def floors() -> Iterator[tuple[str, dict[str, float]]]:
    """What perfect generators get at this N: their plug-in KL is not 0. Means over seeds."""
    dataset = sparring.open_data(DATA)
    shares = shares_of_triples(dataset)
    digits = sparring.open_data("mnist").train
    assert digits.labels is not None
    by_digit = torch.from_numpy(digits.labels)
    draws: dict[str, Callable[[torch.Generator], Tensor]] = {
        "the fixed triples again": lambda random: torch.multinomial(shares, SAMPLES, True, generator=random),
        "new triples of training digits": lambda random: (
            by_digit[torch.randint(len(by_digit), (SAMPLES, 3), generator=random)] @ torch.tensor([100, 10, 1])
        ),
        "every class equally often": lambda random: torch.randint(CLASSES, (SAMPLES,), generator=random),
    }
    for name, draw in draws.items():
        found = [judge(draw(torch.Generator().manual_seed(seed)), shares) for seed in range(FLOOR_SEEDS)]
        yield f"{name}, {FLOOR_SEEDS} seeds", {key: statistics.mean(f[key] for f in found) for key in found[0]}
    assert dataset.test is not None
    yield "triples of test digits, as the classifier reads them", judge(classified(dataset.test), shares)


def classified(part: DataSource) -> Tensor:
    """What the classifier of single digits reads in 26 000 real images."""
    digits = classifier_for(sparring.open_data("mnist"))
    positions = np.array_split(np.arange(SAMPLES), SAMPLES // PART)
    return torch.cat([read_triples(part.read(some).x, digits) for some in positions])


def show(found: dict[str, float]) -> list[str]:
    """Three cells of the table."""
    return [f"{found['modes']:g}", f"{found['kl']:.4f}", f"{found['kl_uniform']:.4f}"]


def table() -> str:
    """All rows as Markdown, published ones below."""
    lines: list[list[object]] = []
    for row in RESULTS.read():
        settings = " ".join(f"{key}={value}" for key, value in row["set"].items())
        head = [row["recipe"], settings, row["seed"], f"{row['steps']} x {row['batch']}"]
        head.append(f"{row['seconds']:.0f} s, {row['device']}")
        lines += [[*head, f"{at}, {row[at]['step']}", *show(row[at]), row["commit"]] for at in CHECKPOINTS]
    lines += [[f"published: {name}", "", "", "", "", "", modes, kl, "", ""] for name, modes, kl in PUBLISHED]
    header = ["recipe", "settings", "seed", "steps x batch", "time", "checkpoint"]
    return markdown([*header, "modes", "KL", "KL to uniform", "commit"], lines)


def main() -> None:
    """Train what is not trained yet, measure, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--recipe", nargs="+", choices=RECIPES, default=[*RECIPES])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cpu-seconds", type=int, default=3600)
    parser.add_argument("--steps", type=int, help="so many steps, whatever they take")
    parser.add_argument("--set", action="append", metavar="NAME=VALUE", help="a setting of the recipe: width, batch …")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("runs/stacked-mnist"))
    parser.add_argument("--table", action="store_true", help="only print what was measured")
    parser.add_argument("--floors", action="store_true", help="only measure what perfect generators get")
    options = parser.parse_args()
    if options.floors:
        print(classifier_for(sparring.open_data("mnist")).note)
        print(markdown(["perfect generator", "modes", "KL", "KL to uniform"], [[n, *show(f)] for n, f in floors()]))
        return
    if not options.table:
        for name in options.recipe:
            measure(name, options)
    print(table())


if __name__ == "__main__":
    main()
