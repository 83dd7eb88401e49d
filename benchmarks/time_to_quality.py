"""Time to quality on MNIST: `auto` beside the tutorials' loop, in one interleaved run.

    python benchmarks/time_to_quality.py [--steps 30000] [--seed 0] [--threads 2] [--table]

The two take turns, a block of the plain loop's steps and then as long of auto's, so that whatever else the machine does
falls on both alike; each has its own clock, which stands still while anything is measured or saved. Now and then the
Fréchet distance of auto's averaged generator is measured; at the end that of the plain loop, and the time at which auto
was as good. Each measurement is a line of results/time_to_quality.jsonl; a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from plain_loop import Plain
from rows import HERE, Row, Rows, commit, markdown, with_floor
from sparring.data import open_data
from sparring.evaluate import Evaluation, evaluate
from sparring.files import write_atomically
from sparring.metrics.features import features_for
from sparring.metrics.frechet import frechet_from_moments, moments
from sparring.metrics.reading import draw
from sparring.recipes.auto import choose
from sparring.recipes.build import build, find, share_out
from sparring.training.chunks import in_chunks
from sparring.training.device import machine_with
from sparring.training.draw import Draw
from sparring.training.sampling import draw_latents
from sparring.training.state import State
from sparring.training.step import Step
from sparring.types import Dataset

RESULTS = Rows(HERE / "results" / "time_to_quality.jsonl", ("seed", "threads", "steps", "at"))
BLOCK = 50
"""Steps of the plain loop between two of auto's turns."""
MARKS = (*range(2, 20), *range(20, 50, 5), *range(50, 101, 10))
"""Where auto is measured, in percent of the plain loop's steps."""
N = 10_000
CPU = torch.device("cpu")
SHOWN = ("precision", "recall", "density", "coverage")


class Auto:
    """Sparring's default recipe with a clock."""

    def __init__(self, dataset: Dataset, seed: int, settings: dict[str, Any]) -> None:
        named = find("auto")
        own, general, _ = share_out(named, settings | {"seed": seed}, {})
        self.recipe = build(named, dataset.spec, own, general)
        self.spec = dataset.spec
        torch.manual_seed(seed)
        self.state = State(self.recipe, CPU)
        self.move = Step(self.recipe, self.state, Draw(self.recipe, dataset.train, CPU))
        self.seconds = 0.0

    def play(self, until: float) -> None:
        """Step after step until the clock stands there, or to the last one."""
        while self.seconds < until and self.state.step < self.recipe.steps:
            began = time.perf_counter()
            self.move()
            self.seconds += time.perf_counter() - began

    def sample(self, n: int) -> Tensor:
        """Images (n, 1, 28, 28) of the averaged generator."""
        return in_chunks(self.state.generator, draw_latents(self.recipe, self.spec, n, 0), CPU)


def measurer(dataset: Dataset) -> Callable[[Tensor], float]:
    """The Fréchet distance of samples to N training images, on the classifier's features, as ``evaluate`` has it."""
    features = features_for(dataset)
    base = moments(features(draw(dataset.train, N, 0)))

    def distance(samples: Tensor) -> float:
        found = moments(features(dataset.spec.decode(samples)))
        return frechet_from_moments(found.mean, found.covariance, base.mean, base.covariance)

    return distance


class Race:
    """Both, from where they stand to the plain loop's last step."""

    def __init__(self, dataset: Dataset, options: argparse.Namespace) -> None:
        self.dataset, self.options = dataset, options
        self.folder = options.out / f"{options.steps}-{options.seed}-{options.threads}"
        self.key = {"seed": options.seed, "threads": options.threads, "steps": options.steps}
        self.plain = Plain(dataset, options.seed)
        kept = sorted(self.folder.glob("*/facts.json"))
        facts = json.loads(kept[-1].read_text()) if kept else {}
        machine = machine_with(CPU, options.threads)
        chosen = choose(dataset.spec, len(dataset.train), machine).settings
        self.settings = facts.get("settings", chosen)
        self.auto = Auto(dataset, options.seed, self.settings)
        if kept:
            self.plain.load(kept[-1].with_name("plain.safetensors"))
            self.auto.state.load(kept[-1].with_name("auto.safetensors"))
            self.plain.step, self.plain.seconds = facts["step"], facts["seconds"]
            self.auto.seconds = facts["auto_seconds"]

    def __call__(self) -> None:
        """Play on, save and measure at every mark."""
        distance = measurer(self.dataset)
        for mark in MARKS:
            until = mark * self.options.steps // 100
            if until < self.plain.step:
                continue
            self.play(until)
            row: Row = self.key | {"at": mark}
            if row not in RESULTS:
                row |= {"plain_seconds": self.plain.seconds, "auto_seconds": self.auto.seconds}
                row |= {"auto_step": self.auto.state.step, "fd": distance(self.auto.sample(N)), "commit": commit()}
                RESULTS.add(row)
                print(
                    f"{mark:3} %  {row['auto_seconds']:7.1f} s  auto: step {row['auto_step']}, FD {row['fd']:.2f}",
                    flush=True,
                )
        for name, side in (("plain", self.plain), ("auto", self.auto)):
            row = self.key | {"at": name}
            if row not in RESULTS:
                row |= {"settings": self.settings, "seconds": side.seconds, "commit": commit()}
                RESULTS.add(row | {"evaluation": evaluate(side.sample, self.dataset, n=N).to_json()})

    def play(self, until: int) -> None:
        """Blocks in turn until the plain loop is at a step; then save."""
        if self.plain.step == until:
            return
        while self.plain.step < until:
            self.plain.play(min(BLOCK, until - self.plain.step))
            self.auto.play(self.plain.seconds)
        self.save()

    def save(self) -> None:
        """Everything in a folder of its own, its facts last; then the older ones go."""
        place = self.folder / f"{self.plain.step:06d}"
        place.mkdir(parents=True, exist_ok=True)
        self.plain.save(place / "plain.safetensors")
        self.auto.state.save(place / "auto.safetensors")
        facts = {"step": self.plain.step, "seconds": self.plain.seconds, "auto_seconds": self.auto.seconds}
        write_atomically(place / "facts.json", json.dumps(facts | {"settings": self.settings}).encode())
        for older in self.folder.iterdir():
            if older != place:
                shutil.rmtree(older)


def table(rows: Sequence[Row]) -> str:
    """What finished races found, as Markdown; floors (test images in place of the samples) in brackets."""
    lines = []
    for plain in (row for row in rows if row["at"] == "plain"):
        own = [row for row in rows if all(row[name] == plain[name] for name in RESULTS.key[:-1])]
        marks = [row for row in own if isinstance(row["at"], int)]
        last = next(row for row in own if row["at"] == "auto")
        theirs, ours = (Evaluation.from_json(row["evaluation"]) for row in (plain, last))
        name, whole = f"FD-{theirs.features}", plain["seconds"]
        reached = [row["auto_seconds"] / whole for row in marks if row["fd"] <= theirs[name].value]
        head = [plain["seed"], plain["threads"], plain["steps"], f"{whole:.0f} s"]
        lines.append([*head, "plain loop", "1", *(with_floor(theirs[figure]) for figure in (name, *SHOWN))])
        share = f"{reached[0]:.3f}" if reached else "never"
        lines.append([*head, "auto", share, *(with_floor(ours[figure]) for figure in (name, *SHOWN))])
    header = ["seed", "threads", "steps", "time", "", "as good as the plain loop at", "distance at the end", *SHOWN]
    return markdown(header, lines)


def main() -> None:
    """Race, unless only the table is wanted, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=30_000, help="the plain loop's steps")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("runs/time-to-quality"))
    parser.add_argument("--table", action="store_true", help="only print what was measured")
    options = parser.parse_args()
    if not options.table:
        torch.set_num_threads(options.threads)
        Race(open_data("mnist"), options)()
    print(table(RESULTS.read()))


if __name__ == "__main__":
    main()
