"""What a training spends on watching itself: signals at the default ``signals_every``, measurements at ``best_every``.

    python benchmarks/signals.py [--rounds 20] [--case RECIPE:DATA]
    python benchmarks/signals.py --table                   # what is finished so far, as Markdown

Two trainings of a recipe take turns in one process, one that measures signals after every block of 20 steps and one
that does not; compared are the process's CPU seconds, which other work on the machine moves least. What the first
takes longer, and what its signals take alone, are given as shares of as many of the other's steps as there are by
default from one signal to the next. A measurement is what chooses the best checkpoint and what the verdict reads: 2 000
samples, their figure and their survey; it is timed alone, after blocks of 20 steps, as a share of the steps from one to
the next (a twentieth of the training). The first round warms up and does not count. Each case is one line of
results/signals.jsonl and one of results/measurements.jsonl, and none is done twice.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch

from rows import HERE, Row, Rows, commit, markdown
from sparring.data import open_data
from sparring.metrics.ranking import make_ranking
from sparring.metrics.survey import SampleSurvey
from sparring.recipes import CHOOSERS
from sparring.recipes.build import build, find, share_out
from sparring.settings import Value
from sparring.training.chunks import in_chunks
from sparring.training.device import machine_with
from sparring.training.engine import make_step
from sparring.training.sampling import draw_latents
from sparring.training.signals import Signals, signals_every
from sparring.training.step import Step
from sparring.types import Dataset, Recipe

SIGNALS, MEASUREMENTS = (
    Rows(HERE / "results" / f"{name}.jsonl", ("case", "rounds", "threads")) for name in ("signals", "measurements")
)
BLOCK = 20
CASES = ("gan-mnist:digits", "gan-mnist:mnist", "auto:digits", "auto:mnist")


def recipe_for(name: str, dataset: Dataset) -> Recipe:
    """A recipe with its defaults, as ``spar train`` has them on this machine."""
    named = find(name)
    chosen: dict[str, Value] = {}
    if name in CHOOSERS:
        machine = machine_with(torch.device("cpu"), torch.get_num_threads())
        chosen = CHOOSERS[name](dataset.spec, len(dataset.train), machine, {}).settings
    own, general, _ = share_out(named, chosen, {})
    return build(named, dataset.spec, own, general)


class Side:
    """One training, from signal to signal."""

    def __init__(self, recipe: Recipe, dataset: Dataset) -> None:
        torch.manual_seed(0)
        self.step = make_step(recipe, dataset.train, torch.device("cpu"))
        self.signals = Signals(self.step, dataset, make_ranking(dataset))

    def __call__(self, steps: int, *, measures: bool) -> tuple[float, float]:
        """CPU seconds of so many steps with what follows them, and of the latter alone."""
        began = time.process_time()
        losses = [self.step()[-1]["g_loss"] for _ in range(steps)]
        played = time.process_time()
        if measures:
            self.signals([float(loss) for loss in losses])
        ended = time.process_time()
        return ended - began, ended - played


class Measurement:
    """What ``Loop.measure`` does."""

    def __init__(self, step: Step, dataset: Dataset) -> None:
        self.step, self.spec, self.rank = step, dataset.spec, make_ranking(dataset)
        self.survey = SampleSurvey(dataset, self.rank)

    def __call__(self) -> float:
        """CPU seconds of one."""
        began = time.process_time()
        recipe = self.step.recipe
        inputs = draw_latents(recipe, self.spec, self.rank.n, recipe.seed + 1)
        samples = in_chunks(self.step.state.generator, inputs, torch.device("cpu"))
        features = self.rank.features(samples)
        self.rank.figure(features)
        self.survey(features)
        return time.process_time() - began


def measure_measurement(case: str, rounds: int) -> Row:
    """One row: medians over the rounds, in seconds of CPU time."""
    name, _, data = case.partition(":")
    dataset = open_data(data)
    recipe = recipe_for(name, dataset)
    side = Side(recipe, dataset)
    measurement = Measurement(side.step, dataset)
    found = [(side(BLOCK, measures=False)[0] / BLOCK, measurement()) for _ in range(rounds + 1)][1:]
    steps, seconds = zip(*found, strict=True)
    measured = {
        "every": recipe.best_every or max(recipe.steps // 20, recipe.log_every),
        "step": statistics.median(steps),
        "measurement": statistics.median(seconds),
    }
    return identity(case, rounds) | measured | {"commit": commit()}


def measure_signals(case: str, rounds: int) -> Row:
    """One row: medians over the rounds, in seconds of CPU time."""
    name, _, data = case.partition(":")
    dataset = open_data(data)
    recipe = recipe_for(name, dataset)
    sides = Side(recipe, dataset), Side(recipe, dataset)
    longer, alone, steps = [], [], []
    for number in range(rounds + 1):
        (with_them, signals), (without, _) = (sides[0](BLOCK, measures=True), sides[1](BLOCK, measures=False))
        if number:
            longer.append(with_them - without)
            alone.append(signals)
            steps.append(without / BLOCK)
    measured = {
        "batch": recipe.batch,
        "every": signals_every(recipe),
        "step": statistics.median(steps),
        "signals": statistics.median(alone),
        "longer": statistics.quantiles(longer, n=4),
    }
    return identity(case, rounds) | measured | {"commit": commit()}


def identity(case: str, rounds: int) -> Row:
    """What tells a row from others."""
    return {"case": case, "rounds": rounds, "threads": torch.get_num_threads()}


def table() -> str:
    """All rows: what signals and measurements cost, as shares of the steps from one to the next."""
    lines = []
    of_measurement = {row["case"]: row for row in MEASUREMENTS.read()}
    for row in SIGNALS.read():
        name, _, data = row["case"].partition(":")
        between = row["every"] * row["step"]
        low, middle, high = (100 * seconds / between for seconds in row["longer"])
        lines.append(
            (
                f"`{name}` on {data}",
                *(row[name] for name in ("threads", "rounds", "batch", "every")),
                f"{1e3 * row['step']:.1f} ms",
                f"{1e3 * row['signals']:.0f} ms",
                f"{middle:.2f} % ({low:.2f} to {high:.2f})",
                f"{100 * row['signals'] / between:.2f} %",
                *measurement_cells(of_measurement.get(row["case"])),
            )
        )
    names = ("training", "threads", "rounds", "batch", "every", "a step", "signals", "longer by (quartiles)")
    return markdown((*names, "signals alone", "a measurement every", "takes", "share"), lines)


def measurement_cells(row: Row | None) -> tuple[str, ...]:
    """The three columns of a measurement."""
    if row is None:
        return ("", "", "")
    share = row["measurement"] / (row["every"] * row["step"])
    return str(row["every"]), f"{1e3 * row['measurement']:.0f} ms", f"{100 * share:.2f} %"


def main() -> None:
    """Measure what is missing, or show what there is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--case", action="append", choices=CASES)
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    for case in () if options.table else options.case or CASES:
        for rows, measure in ((SIGNALS, measure_signals), (MEASUREMENTS, measure_measurement)):
            if identity(case, options.rounds) not in rows:
                rows.add(measure(case, options.rounds))
    print(table())


if __name__ == "__main__":
    main()
