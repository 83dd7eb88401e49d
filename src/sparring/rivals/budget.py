"""Trainings that are given seconds, not steps: CPU seconds, because other processes share the machine.

Schedules must know the number of steps beforehand, so it is chosen once, from a short throw-away run of the same
settings, and kept beside the run. A training that was stopped goes on with it; its seconds add up over all sittings.
"""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from sparring.api import train
from sparring.files import write_atomically
from sparring.runs.run import Run
from sparring.training.display import Display

WARM_UP, TIMED = 5, 30
MEASUREMENTS = 21
"""Measurements of a run that choose its best checkpoint: before the first step and at every twentieth of the steps."""
KEEP_EVERY = 10.0
"""Seconds after which a meter writes down how long the training has taken."""


@dataclass(frozen=True)
class Clock:
    """Counts CPU seconds, over all threads; where the work is a GPU's, plain seconds."""

    device: str
    """Its name: cpu, cuda:1 …"""

    @property
    def name(self) -> str:
        """What it counts."""
        return "CPU seconds" if self.device == "cpu" else "seconds"

    def __call__(self) -> float:
        """Now."""
        if self.device == "cpu":
            return time.process_time()
        if self.device.startswith("cuda"):
            torch.cuda.synchronize(self.device)
        return time.perf_counter()


class Stopwatch(Display):
    """Notes the time at the start and after every step."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(quiet=True)
        self.clock = clock
        self.times: list[float] = []

    def start(self, step: int, steps: int, batch: int) -> None:
        """Begin."""
        super().start(step, steps, batch)
        self.times.append(self.clock())

    def step(self, step: int) -> None:
        """Count a step."""
        super().step(step)
        self.times.append(self.clock())


class Meter(Display):
    """Adds up a training's seconds over all sittings, in a file that outlives a killed process."""

    def __init__(self, clock: Clock, file: Path, *, quiet: bool = False) -> None:
        super().__init__(quiet=quiet)
        self.clock, self.file = clock, file

    def start(self, step: int, steps: int, batch: int) -> None:
        """Begin a sitting."""
        super().start(step, steps, batch)
        self.since, self.due_to_keep = self.clock(), time.monotonic() + KEEP_EVERY

    def step(self, step: int) -> None:
        """Count a step."""
        super().step(step)
        if time.monotonic() >= self.due_to_keep:
            self.keep()

    def stop(self) -> None:
        """The training is over or interrupted."""
        super().stop()
        self.keep()

    def keep(self) -> None:
        """Add the seconds since the last time."""
        now = self.clock()
        notes = json.loads(self.file.read_text())
        notes["seconds"] += now - self.since
        write_atomically(self.file, json.dumps(notes).encode())
        self.since, self.due_to_keep = now, time.monotonic() + KEEP_EVERY


def affordable(data: str, recipe: str, seconds: float, clock: Clock, settings: dict[str, Any]) -> int:
    """How many steps fit into the seconds, measurements included; a multiple of 100, at least 50."""
    with tempfile.TemporaryDirectory() as folder:
        watch = Stopwatch(clock)
        own = {**settings, "steps": WARM_UP + TIMED}
        train(data, recipe, out=Path(folder) / "run", device=clock.device, display=watch, **own)
    a_step = (watch.times[-1] - watch.times[-1 - TIMED]) / TIMED
    a_measurement = max(0.0, watch.times[1] - watch.times[0] - a_step)
    measurements = 1 if "best_every" in settings else MEASUREMENTS
    steps = int((seconds - measurements * a_measurement) / a_step)
    return max(50, steps // 100 * 100)


def train_for(
    seconds: float,
    data: str,
    recipe: str,
    *,
    out: Path,
    device: str,
    steps: int | None = None,
    quiet: bool = False,
    **settings: Any,
) -> tuple[Run, float]:
    """Train a recipe for about so many seconds, or for ``steps`` if they are given, or go on where that was stopped.

    Returns:
        The finished run, and the seconds that it took over all sittings, from the first measurement to the last.
    """
    clock = Clock(device)
    file = out.with_name(f"{out.name}.json")
    if not file.exists():
        steps = steps or affordable(data, recipe, seconds, clock, settings)
        write_atomically(file, json.dumps({"steps": steps, "seconds": 0.0}).encode())
    steps = json.loads(file.read_text())["steps"]
    meter = Meter(clock, file, quiet=quiet)
    run = train(data, recipe, out=out, device=device, display=meter, **settings, steps=steps)
    return run, json.loads(file.read_text())["seconds"]
