"""Steps on a GPU, eager and captured, in float32 and bfloat16, beside the floor that their operations and bytes give.

    python benchmarks/gpu.py            # one CUDA device, a few minutes; adds to benchmarks/results/gpu.jsonl

`gan-mnist` plays on MNIST where SPARRING_DATA has it, else on noise of its shape; `dcgan` and `r3gan` on noise: what
the pixels are changes no time. Each side of a game has the device for itself. Then `gan-mnist`'s whole run is timed:
its steps alone, and `sparring.train` with all its pictures and measurements. What is measured already is left out.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

import sparring
from rows import HERE, Row, Rows, commit, markdown
from sparring.data import open_data
from sparring.data.source import PackedSource
from sparring.errors import UsageError
from sparring.recipes.build import build, find, own_defaults
from sparring.settings import Value
from sparring.training.display import Display
from sparring.training.draw import GAME, Draw
from sparring.training.engine import Captured, CudaRecorder
from sparring.training.state import State
from sparring.training.step import Step
from sparring.types import DataSource, DataSpec, Recipe

COMPARED = 20
"""First steps whose losses are compared; they capture, too."""
LAYOUTS = {"last": torch.channels_last, "first": torch.contiguous_format}
Side = tuple[str, Literal["float32", "bfloat16"], str]
"""Engine, precision, and where the channels lie."""


@dataclass(frozen=True)
class Machine:
    """A device, and what it does in a second at the most: operations by kind, and bytes copied."""

    device: torch.device
    name: str
    operations: dict[str, float]
    bytes: float

    @classmethod
    def measured(cls, device: torch.device, size: int) -> Machine:
        """By products of size x size matrices, and copies of as many numbers times 16."""
        kinds = {"float32": (torch.float32, "highest"), "tf32": (torch.float32, "high")}
        kinds["bfloat16"] = (torch.bfloat16, "highest")
        peaks = {}
        before = torch.get_float32_matmul_precision()
        for kind, (dtype, precision) in kinds.items():
            torch.set_float32_matmul_precision(precision)
            a, b = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
            peaks[kind] = 2 * size**3 / quickest(partial(torch.mm, a, b), device)
        torch.set_float32_matmul_precision(before)
        source = torch.zeros(16 * size**2, device=device)
        target = torch.empty_like(source)
        bandwidth = 2 * source.nbytes / quickest(lambda: target.copy_(source), device)
        name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
        return cls(device, name, peaks, bandwidth)

    def floor(self, step: Step, precision: str) -> tuple[float, float]:
        """The operations of one step, and the seconds that they and the optimisers' bytes take at the least.

        An optimiser waits for its gradients, so both times add up. Convolutions in float32 count at TF32's rate, which
        is what torch gives them unasked.
        """
        with FlopCounterMode(display=False) as counter:
            step()
        seconds = 0.0
        for operation, count in counter.get_flop_counts()["Global"].items():
            kind = "tf32" if precision == "float32" and "conv" in str(operation) else precision
            seconds += count / self.operations[kind]
        return counter.get_total_flops(), seconds + optimiser_bytes(step) / self.bytes


def optimiser_bytes(step: Step) -> int:
    """Bytes that a step's optimisers read and write: gradients once, weights and averages of their size twice."""
    total = 0
    for move in step.draw.moves[GAME]:
        optimiser = step.state.optimisers[move.turn.player]
        for parameter in step.state.parameters[move.turn.player]:
            kept = optimiser.state.get(parameter, {}).values()
            like = sum(1 for t in kept if isinstance(t, torch.Tensor) and t.shape == parameter.shape)
            total += parameter.nbytes * (3 + 2 * like)
    return total


def quickest(work: Callable[[], object], device: torch.device, calls: int = 10, rounds: int = 5) -> float:
    """Seconds a call, in the quickest of some rounds."""
    work()
    return min(timed(work, calls, device) for _ in range(rounds))


def timed(work: Callable[[], object], calls: int, device: torch.device) -> float:
    """Seconds a call."""
    wait(device)
    began = time.perf_counter()
    for _ in range(calls):
        work()
    wait(device)
    return (time.perf_counter() - began) / calls


def wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def give_back(device: torch.device) -> None:
    """Let go of the memory of what is not used any more."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


@dataclass(frozen=True)
class Played:
    """A recipe, and what it plays on."""

    name: str
    recipe: Recipe
    source: DataSource

    def step(self, side: Side, device: torch.device) -> Step:
        """The first step of this game on one side; all sides begin with the same weights."""
        engine, precision, layout = side
        recipe = replace(self.recipe, precision=precision)
        static = engine == "captured"
        torch.default_generator.manual_seed(0)
        state = State(recipe, device, static=static, layout=LAYOUTS[layout])
        draw = Draw(recipe, self.source, device, static=static)
        return Captured(recipe, state, draw, CudaRecorder(device)) if static else Step(recipe, state, draw)

    def sides(self, device: torch.device) -> list[Side]:
        """Both engines in both precisions; for convolutions, the captured one with channels first, too."""
        engines = ("eager", "captured") if device.type == "cuda" else ("eager",)
        precisions: tuple[Literal["float32"], Literal["bfloat16"]] = ("float32", "bfloat16")
        sides: list[Side] = [(engine, precision, "last") for engine in engines for precision in precisions]
        convolutions = any(parameter.dim() == 4 for parameter in self.recipe.generator().parameters())
        return sides + [(engines[-1], precision, "first") for precision in precisions if convolutions]


def noise(shape: tuple[int, ...], n: int) -> DataSource:
    """Images of noise."""
    images = np.random.default_rng(0).integers(0, 256, (n, *shape), dtype=np.uint8)
    return PackedSource(DataSpec("image", shape, name="noise"), images, None, np.arange(n))


def games(mnist: str, options: argparse.Namespace) -> Iterator[Played]:
    """What is timed. A recipe that takes no images plays on points."""
    colour = noise((3, options.side, options.side), 4 * options.batch)
    small = noise((3, options.side // 2, options.side // 2), 4 * options.batch)
    for name, source in (("gan-mnist", open_data(mnist).train), ("dcgan", colour), ("r3gan", small)):
        own: dict[str, Value] = {"width": options.width} if options.width else {}
        own = {key: value for key, value in own.items() if key in own_defaults(find(name).function)}
        general: dict[str, Value] = {} if name == "gan-mnist" else {"batch": options.batch}
        try:
            yield Played(name, build(find(name), source.spec, own, general), source)
        except UsageError:
            ring = open_data("ring").train
            yield Played(name, build(find(name), ring.spec, {}, general), ring)


def losses(step: Step) -> torch.Tensor:
    """Of the next steps."""
    measured = [pair for _ in range(COMPARED) for move in step() for pair in move.items()]
    return torch.stack([value for name, value in measured if name.endswith("loss")]).float().cpu()


def measure(game: Played, sides: list[Side], machine: Machine, options: argparse.Namespace) -> Iterator[Row]:
    """A row for each side of a game."""
    device = machine.device
    first: dict[Side, torch.Tensor] = {}
    for side in sides:
        engine, precision, layout = side
        operations, floor = machine.floor(game.step(("eager", precision, layout), device), precision)
        step = game.step(side, device)
        first[side] = losses(step)
        calls = max(1, round(options.seconds / timed(step, 3, device)))
        times = [timed(step, calls, device) for _ in range(options.rounds)]
        del step
        give_back(device)
        reference = first.get(("eager", precision, layout))
        apart = None if reference is None else (first[side] - reference).abs().max().item()
        seconds = statistics.median(times)
        yield {
            "game": game.name,
            "data": f"{game.source.spec.name} {'x'.join(map(str, game.source.spec.shape))}",
            "batch": game.recipe.batch,
            "engine": engine,
            "precision": precision,
            "channels": layout,
            "steps_per_second": 1 / seconds,
            "images_per_second": game.recipe.batch / seconds,
            "milliseconds": 1e3 * seconds,
            "quickest": 1e3 * min(times),
            "floor": 1e3 * floor,
            "gigaoperations": operations / 1e9,
            "apart": apart,
            "rounds": options.rounds,
            "calls": calls,
        }


def whole_run(mnist: str, engine: str, machine: Machine, steps: int) -> Row:
    """Seconds of all steps of `gan-mnist` with their figures read every 50, and of the whole of `sparring.train`."""
    source = open_data(mnist).train
    recipe = build(find("gan-mnist"), source.spec, {}, {"steps": steps})
    step = Played("gan-mnist", recipe, source).step((engine, "float32", "last"), machine.device)
    wait(machine.device)
    began = time.perf_counter()
    unread: list[torch.Tensor] = []
    for number in range(steps):
        unread += [value for move in step() for value in move.values()]
        if (number + 1) % recipe.log_every == 0:
            assert torch.stack(unread).isfinite().all()
            unread.clear()
    wait(machine.device)
    alone = time.perf_counter() - began
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        place, quiet = machine.device.type, Display(quiet=True)
        sparring.train(mnist, "gan-mnist", out=folder, device=place, display=quiet, steps=steps, engine=engine)
        everything = time.perf_counter() - began
    return {
        "game": "gan-mnist, whole",
        "engine": engine,
        "precision": "float32",
        "channels": "last",
        "steps": steps,
        "seconds": alone,
        "seconds_train": everything,
    }


def show(rows: Rows, name: str) -> None:
    """Tables of what was measured on a machine."""
    mine = [row for row in rows.read() if row["machine"] == name]
    header = ["game", "data", "batch", "engine", "precision", "channels", "steps/s", "images/s", "ms", "floor ms", "/"]
    table = [
        (
            *(row[key] for key in ("game", "data", "batch", "engine", "precision", "channels")),
            f"{row['steps_per_second']:.1f}",
            f"{row['images_per_second']:,.0f}",
            f"{row['milliseconds']:.3f}",
            f"{row['floor']:.3f}",
            f"{row['milliseconds'] / row['floor']:.1f}",
            "" if row["apart"] is None else f"{row['apart']:.1e}",
        )
        for row in mine
        if "floor" in row
    ]
    print(f"{name}, torch {torch.__version__}\n\n{markdown([*header, 'losses apart'], table)}\n")
    whole = [
        (row["engine"], row["steps"], f"{row['seconds']:.1f}", f"{row['seconds_train']:.1f}")
        for row in mine
        if "seconds" in row
    ]
    print(markdown(("`gan-mnist`", "steps", "seconds, steps alone", "seconds, sparring.train"), whole))


def find_mnist(folder: Path) -> str:
    """MNIST where it is at hand, else a file of as many images of noise."""
    data = os.environ.get("SPARRING_DATA")
    if data and (Path(data) / "mnist").is_dir():
        return "mnist"
    file = folder / "noise.npy"
    np.save(file, np.random.default_rng(0).integers(0, 256, (60_000, 28, 28), dtype=np.uint8))
    return str(file)


def main() -> None:
    """Measure what is missing, print all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "gpu.jsonl")
    parser.add_argument("--batch", type=int, default=128, help="of dcgan and r3gan")
    parser.add_argument("--side", type=int, default=64, help="of dcgan's images, twice that of r3gan's")
    parser.add_argument("--width", type=int, default=0, help="of their networks; 0: the recipes' own")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=0.5, help="that a side takes in each round")
    parser.add_argument("--steps", type=int, default=30_000, help="of gan-mnist's whole run")
    parser.add_argument("--matrix", type=int, default=8192, help="side of the matrices that measure the machine")
    options = parser.parse_args()
    machine = Machine.measured(torch.device(options.device), options.matrix)
    peaks = ", ".join(f"{kind} {rate / 1e12:.3g}" for kind, rate in machine.operations.items())
    print(f"{machine.name}: 10^12 operations a second: {peaks}; {machine.bytes / 1e9:.4g} GB/s copied", flush=True)
    rows = Rows(options.out, ("machine", "game", "engine", "precision", "channels"))
    told: Row = {"machine": machine.name, "commit": commit(), "torch": torch.__version__}
    told |= {"peaks": machine.operations, "bandwidth": machine.bytes}
    with tempfile.TemporaryDirectory() as folder:
        mnist = find_mnist(Path(folder))
        for game in games(mnist, options):
            sides = game.sides(machine.device)
            keys = [dict(zip(("engine", "precision", "channels"), side, strict=True)) for side in sides]
            if all({"machine": machine.name, "game": game.name, **key} in rows for key in keys):
                continue
            for row in measure(game, sides, machine, options):
                if (complete := told | row) not in rows:
                    rows.add(complete)
                print(f"{row['game']} {row['engine']} {row['precision']}: {row['milliseconds']:.3f} ms", flush=True)
        for engine in ("eager", "captured") if machine.device.type == "cuda" else ("eager",):
            key = {"game": "gan-mnist, whole", "engine": engine, "precision": "float32", "channels": "last"}
            if {"machine": machine.name, **key} not in rows:
                rows.add(told | whole_run(mnist, engine, machine, options.steps))
    show(rows, machine.name)


if __name__ == "__main__":
    main()
