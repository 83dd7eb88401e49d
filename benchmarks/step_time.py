"""Time of one step of `gan-mnist`: Sparring against the tutorials' loop and against the step's floor.

    python benchmarks/step_time.py [--batch 32] [--rounds 40]
    python benchmarks/step_time.py --table                 # what is finished so far, as Markdown

All are timed in turn in one run, a block of steps each, so that whatever else the machine does falls on all alike. Both
loops see the same real images in the same order; the first losses are compared, to show that it is the same game. Each
round is one line of results/step_time.jsonl; a sitting adds those that are missing.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Sampler

from rows import HERE, Rows, commit, markdown
from sparring.data import draw_indices, open_data
from sparring.recipes import RECIPES
from sparring.training.draw import GAME, Draw, mix
from sparring.training.state import State
from sparring.training.step import Step
from sparring.types import DataSource
from tutorial import Tutorial

RESULTS = Rows(HERE / "results" / "step_time.jsonl", ("batch", "threads", "round"))
SIDES = ("tutorial", "sparring", "matrices", "traffic")
"""The two loops; the floor's matrix products alone, and its memory traffic alone."""
WARM_UP = 2
"""Rounds that do not count."""
BLOCK = 50
Side = Callable[[], object]


class SameOrder(Sampler[int]):
    """The positions that Sparring draws, one at a time."""

    def __init__(self, length: int, seed: int) -> None:
        self.length, self.seed = length, seed
        self.start = 0

    def __iter__(self) -> Iterator[int]:
        """An epoch."""
        yield from draw_indices(self.length, self.seed, GAME, self.start, self.length).tolist()
        self.start += self.length

    def __len__(self) -> int:
        """Examples an epoch."""
        return self.length


def sparring_step(source: DataSource, batch: int) -> Step:
    """Sparring's own step on its own recipe."""
    recipe = replace(RECIPES["gan-mnist"](source.spec), batch=batch)
    device = torch.device("cpu")
    return Step(recipe, State(recipe, device), Draw(recipe, source, device))


def same_losses(step: Step, tutorial: Tutorial, steps: int = 20) -> float:
    """Largest difference of any loss over the first steps, from the same weights and the same latent codes."""
    tutorial.generator.load_state_dict(
        dict(zip(tutorial.generator.state_dict(), step.state.players.generator.state_dict().values(), strict=True))
    )
    assert step.state.players.discriminator is not None
    tutorial.discriminator.load_state_dict(
        dict(
            zip(
                tutorial.discriminator.state_dict(), step.state.players.discriminator.state_dict().values(), strict=True
            )
        )
    )
    worst = 0.0
    for number in range(steps):
        moves = step()
        torch.default_generator.manual_seed(mix(step.recipe.seed, number))
        d_loss, g_loss = tutorial()
        worst = max(worst, abs(moves[0]["d_loss"].item() / 2 - d_loss), abs(moves[1]["g_loss"].item() - g_loss))
    return worst


class Floor:
    """What no implementation of this step avoids: its matrix products, and its optimisers' memory traffic."""

    def __init__(self, step: Step, batch: int) -> None:
        self.parameters = [p for side in step.state.parameters.values() for p in side]
        weights = [p.detach() for p in self.parameters if p.dim() == 2]
        self.g_weights, self.d_weights = weights[:4], weights[4:]
        half = batch // 2
        self.products: list[tuple[Tensor, Tensor, Tensor]] = []
        self.add_passes(self.g_weights, half, weight_gradients=False, input_gradients=None)
        self.add_passes(self.d_weights, batch, weight_gradients=True, input_gradients=slice(1, None))
        self.add_passes(self.g_weights, batch, weight_gradients=True, input_gradients=slice(1, None))
        self.add_passes(self.d_weights, batch, weight_gradients=False, input_gradients=slice(None))
        # Adam reads parameter, gradient and both averages, and writes all but the gradient: 7 passes over the numbers.
        count = sum(p.numel() for p in self.parameters)
        self.streams = [torch.zeros(count) for _ in range(7)]

    def add_passes(
        self, weights: list[Tensor], n: int, *, weight_gradients: bool, input_gradients: slice | None
    ) -> None:
        """The products of one pass of n examples through dense layers."""
        for w in weights:
            self.products.append((torch.randn(n, w.shape[1]), w.t(), torch.empty(n, w.shape[0])))
            if weight_gradients:
                left, right = torch.randn(n, w.shape[0]), torch.randn(n, w.shape[1])
                self.products.append((left.t(), right, torch.empty(w.shape)))
        if input_gradients is not None:
            for w in weights[input_gradients]:
                self.products.append((torch.randn(n, w.shape[0]), w, torch.empty(n, w.shape[1])))

    def matrices(self) -> None:
        """The step's matrix products alone."""
        for left, right, out in self.products:
            torch.mm(left, right, out=out)

    def traffic(self) -> None:
        """As many bytes as the optimisers move, by plain copies (a copy reads and writes: 3.5 of them)."""
        s = self.streams
        s[0].copy_(s[1])
        s[2].copy_(s[3])
        s[4].copy_(s[5])
        s[6][: len(s[6]) // 2].copy_(s[0][: len(s[6]) // 2])


def measure(sides: dict[str, Side]) -> dict[str, float]:
    """Milliseconds a call of each side, in blocks that take turns: one round."""
    times = {}
    for name, side in sides.items():
        began = time.perf_counter()
        for _ in range(BLOCK):
            side()
        times[name] = (time.perf_counter() - began) / BLOCK * 1e3
    return times


def play(batch: int, rounds: int) -> None:
    """Time the rounds that are missing."""
    missing = [{"batch": batch, "threads": torch.get_num_threads(), "round": number} for number in range(rounds)]
    missing = [row for row in missing if row not in RESULTS]
    if not missing:
        return
    source = open_data("mnist").train
    images = source.spec.encode(source.read(np.arange(len(source))).x).flatten(1)
    torch.manual_seed(0)
    step = sparring_step(source, batch)
    tutorial = Tutorial(images, batch, SameOrder(len(source), step.recipe.seed))
    print(f"same game: first losses differ by at most {same_losses(step, tutorial):.1e}")
    floor = Floor(step, batch)
    sides: dict[str, Side] = dict(zip(SIDES, (tutorial, step, floor.matrices, floor.traffic), strict=True))
    for _ in range(WARM_UP):
        measure(sides)
    for row in missing:
        RESULTS.add(row | measure(sides) | {"torch": torch.__version__, "commit": commit()})


def table() -> str:
    """Medians over the rounds, and quartiles of the ratios within each."""
    lines = []
    for key, rows in RESULTS.groups("batch", "threads").items():
        medians = [f"{statistics.median(row[name] for row in rows):.2f}" for name in SIDES]
        ratios = sorted(row["tutorial"] / row["sparring"] for row in rows)
        of_floor = statistics.median(row["sparring"] / (row["matrices"] + row["traffic"]) for row in rows)
        quartiles = f"{ratios[len(ratios) // 4]:.2f} to {ratios[3 * len(ratios) // 4]:.2f}"
        lines.append((*key, len(rows), *medians, f"{statistics.median(ratios):.2f} ({quartiles})", f"{of_floor:.2f}"))
    names = ("batch", "threads", "rounds", *(f"{name}, ms" for name in SIDES))
    return markdown((*names, "tutorial / sparring (quartiles)", "sparring / floor"), lines)


def main() -> None:
    """Measure what is missing, or show what there is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    if not options.table:
        play(options.batch, options.rounds)
    print(table())


if __name__ == "__main__":
    main()
