"""What signals cost: the share of a training's time at the default ``signals_every``.

    python benchmarks/signals.py [--rounds 10] [--case RECIPE:DATA]

Two trainings of a recipe take turns in one process, one that measures signals and one that does not, each for as many
steps as there are from one signal to the next; compared are the process's CPU seconds, which other work on the machine
moves least. The first round warms up and does not count. As the difference is small beside the noise of both, the
signals are also timed alone, as a share of the other training's steps.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch

from rows import markdown
from sparring.data import open_data
from sparring.metrics.ranking import make_ranking
from sparring.recipes import CHOOSERS
from sparring.recipes.build import build, find, share_out
from sparring.settings import Value
from sparring.training.engine import make_step
from sparring.training.signals import Signals, signals_every
from sparring.types import Dataset, Machine, Recipe

CASES = ("gan-mnist:digits", "gan-mnist:mnist", "auto:digits", "auto:mnist")


def recipe_for(name: str, dataset: Dataset) -> Recipe:
    """A recipe with its defaults, as ``spar train`` has them on this machine."""
    named = find(name)
    chosen: dict[str, Value] = {}
    if name in CHOOSERS:
        machine = Machine("cpu", torch.get_num_threads())
        chosen = CHOOSERS[name](dataset.spec, len(dataset.train), machine).settings
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


def measure(case: str, rounds: int) -> list[object]:
    """One row of the table."""
    name, _, data = case.partition(":")
    dataset = open_data(data)
    recipe = recipe_for(name, dataset)
    steps = signals_every(recipe)
    sides = Side(recipe, dataset), Side(recipe, dataset)
    ratios, shares = [], []
    for number in range(rounds + 1):
        (with_them, signals), (without, _) = (sides[0](steps, measures=True), sides[1](steps, measures=False))
        if number:
            ratios.append(100 * (with_them / without - 1))
            shares.append(100 * signals / without)
    low, *_, high = statistics.quantiles(ratios, n=4) if rounds > 1 else ratios * 2
    return [
        f"`{name}` on {data}",
        recipe.batch,
        steps,
        f"{1e3 * without / steps:.1f} ms",
        f"{statistics.median(ratios):.1f} % ({low:.1f} to {high:.1f})",
        f"{statistics.median(shares):.2f} % (at most {max(shares):.2f})",
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--case", action="append", choices=CASES)
    options = parser.parse_args()
    rows = [measure(case, options.rounds) for case in options.case or CASES]
    print(f"threads {torch.get_num_threads()}, {options.rounds} rounds")
    print(markdown(("training", "batch", "every", "a step", "longer by (quartiles)", "signals alone"), rows))


if __name__ == "__main__":
    main()
