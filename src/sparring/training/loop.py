"""The one training loop: steps, and between them figures, pictures, measurements and checkpoints."""

from __future__ import annotations

import json
import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch

from sparring.diagnosis.history import NOT_FINITE
from sparring.diagnosis.remedies import HARMLESS, LENGTH, suspects
from sparring.diagnosis.verdict import Verdict, diagnose
from sparring.errors import SparringError
from sparring.files import save_png
from sparring.identity import Planned
from sparring.metrics.ranking import make_ranking
from sparring.metrics.survey import SampleSurvey, Surveyed
from sparring.training.chunks import in_chunks
from sparring.training.directory import Directory
from sparring.training.display import Display
from sparring.training.draw import mix
from sparring.training.engine import make_step
from sparring.training.interrupt import listening
from sparring.training.pictures import picture
from sparring.training.sampling import draw_latents
from sparring.training.schedule import learning_rate
from sparring.training.sickness import Sick, helped_at, lasting_sickness, what_to_ask
from sparring.training.signals import Signals, signals_every
from sparring.training.state import read_facts
from sparring.types import Dataset, DataSpec, PlayerName, Recipe, Statistics

FIRST_WEIGHTS = -(1 << 40)
"""The step whose random numbers draw the first weights."""
Scalars = Callable[[int, dict[str, float]], None]


class Interrupted(SparringError):
    """The user stopped the training; everything is saved."""

    exit_code = 130


class Loop:
    """Trains a recipe in a directory, from the newest checkpoint there to the last step."""

    def __init__(
        self,
        recipe: Recipe,
        directory: Directory,
        dataset: Dataset,
        device: torch.device,
        display: Display,
        scalars: Scalars,
    ) -> None:
        self.recipe, self.directory = recipe, directory
        self.dataset, self.device, self.display, self.scalars = dataset, device, display, scalars
        torch.default_generator.manual_seed(mix(self.recipe.seed, FIRST_WEIGHTS))
        self.step = make_step(self.recipe, dataset.train, device)
        self.state = self.step.state
        self.rank = make_ranking(dataset, device)
        self.survey = SampleSurvey(dataset, self.rank)
        self.signals, self.signals_every = Signals(self.step, dataset, self.rank), signals_every(recipe)
        self.rows: list[dict[str, float]] = []
        """The lines of metrics.jsonl."""
        self.helped_at = helped_at(directory)
        self.unread: list[list[Statistics]] = []
        self.best_every = self.recipe.best_every or max(self.recipe.steps // 20, self.recipe.log_every)

    def __call__(self) -> None:
        """Train to the last step.

        Raises:
            Interrupted: Ctrl-C; saved.
            Sick: the run is sick, and ``on_sick`` is not ``continue``; saved.
            SparringError: a value is not finite, or the disk refuses.
        """
        self.resume()
        self.display.start(self.state.step, self.recipe.steps, self.recipe.batch)
        self.saved_at = time.monotonic()
        try:
            with listening() as stop:
                if self.state.first_figure is None:
                    self.begin()
                elif self.rows and "figure" in self.rows[-1]:
                    self.examine()  # which a process that was killed then did not come to
                while self.state.step < self.recipe.steps and not stop.asked:
                    self.unread.append(self.step())
                    self.display.step(self.state.step)
                    self.between_steps()
        finally:
            self.display.stop()
        if self.state.step < self.recipe.steps:
            self.read()
            self.save()
            raise Interrupted(
                f"stopped at step {self.state.step} of {self.recipe.steps}, and saved in {self.directory.path}. "
                "Give the same command again to go on."
            )
        self.finish()
        if stop.asked:  # whatever would come after this training
            raise Interrupted(f"stopped after the last step: the training in {self.directory.path} is complete.")

    def resume(self) -> None:
        """Take up the newest checkpoint, if there is one."""
        self.directory.prune()
        if numbered := self.directory.numbered():
            self.state.load(numbered[-1])
            self.directory.cut_metrics(self.state.step)
            if self.state.best is not None and self.state.best[0] == self.state.step:
                self.directory.mark_best(self.state.step)
            self.display.say(f"going on from step {self.state.step}")
        else:
            self.directory.cut_metrics(None)
        self.rows = self.directory.read_metrics()

    def begin(self) -> None:
        """Measure and picture the untrained generator, which training must beat."""
        found = self.measure(untrained=True)
        self.state.first_figure = found["figure"]
        self.record(found | self.survey.floors())
        self.picture()

    def between_steps(self) -> None:
        """Whatever is due after the step just played."""
        step, recipe = self.state.step, self.recipe
        last = step == recipe.steps
        log, grid, best = (
            last or step % every == 0 for every in (recipe.log_every, recipe.grid_every, self.best_every)
        )
        signals = step > 0 and step % self.signals_every == 0
        if not (log or grid or best or signals):
            return
        self.tick()
        if signals:
            self.record(self.signals(self.state.since_signals))
            self.state.since_signals.clear()
        if grid and step > 0:
            self.picture()
        if best and step > 0:
            self.choose_best()
            self.examine()
        if last or time.monotonic() - self.saved_at >= recipe.checkpoint_seconds:
            self.save()

    def tick(self) -> None:
        """Write a line of the statistics since the last one."""
        self.read()
        means = {name: torch.tensor(values).mean().item() for name, values in self.state.since_line.items()}
        self.state.since_line.clear()
        if means:
            self.display.figures(means)
            self.record(means | {"images_per_second": round(self.display.rate, 1)})

    def read(self) -> None:
        """Fetch the statistics since the last time from the device, and give up if one is not finite."""
        columns: dict[str, list[torch.Tensor]] = defaultdict(list)
        for statistics in (moved for step in self.unread for moved in step):
            for name, value in statistics.items():
                columns[name].append(value)
        rows = {name: torch.stack(values).float().cpu() for name, values in columns.items()}
        if bad := [name for name, values in rows.items() if not torch.isfinite(values).all()]:
            self.stop_at_non_finite(bad)
        self.unread.clear()
        for name, values in rows.items():
            self.state.since_line.setdefault(name, []).extend(values.tolist())
        if self.signals_every <= self.recipe.steps and "g_loss" in rows:
            self.state.since_signals += rows["g_loss"].tolist()

    def stop_at_non_finite(self, names: list[str]) -> None:
        """Give up with the step at which a value first was not finite."""
        first = self.state.step - len(self.unread)
        for number, step in enumerate(self.unread):
            if any(not math.isfinite(moved[name]) for moved in step for name in names if name in moved):
                first += number + 1
                break
        self.give_up(f"{' and '.join(names)} stopped being finite at step {first}")

    def give_up(self, what: str) -> None:
        """Stop the training as failed; its checkpoints stay as they are.

        Raises:
            SparringError: always.
        """
        self.record({NOT_FINITE: 1.0})
        good = self.directory.numbered()
        players = ["generator"] + ["discriminator"] * (self.recipe.discriminator is not None)
        rates = [f"--set lr_{player}={getattr(self.recipe, f'lr_{player}') / 2:g}" for player in players]
        kept = f"The last good checkpoint is {good[-1]}." if good else "No checkpoint was made yet."
        identity = self.directory.read_identity()
        suspected = ", ".join(suspects(identity, (*HARMLESS, *LENGTH))) if identity else ""
        first = f"First leave out what you set, {suspected}, or else lower" if suspected else "Lower"
        raise SparringError(
            f"{what}. {kept} {first} the learning rates or limit the gradients, in a new directory: for example "
            f"--fresh --set clip=1 {' '.join(rates)}."
        )

    def measure(self, *, untrained: bool = False) -> Surveyed:
        """The ``figure`` that ranks checkpoints (lower is better), and what else the samples show (``SampleSurvey``).

        Before training, batch norm uses the batch's statistics, as its running averages mean nothing yet.
        """
        inputs = draw_latents(self.recipe, self.dataset.spec, self.rank.n, self.recipe.seed + 1)
        samples = in_chunks(self.state.generator, inputs, self.device, by_batch=untrained)
        if not torch.isfinite(samples).all():
            self.give_up(f"the generator's samples stopped being finite by step {self.state.step}")
        features = self.rank.features(samples)
        return {"figure": self.rank.figure(features)} | self.survey(features)

    def choose_best(self) -> None:
        """Measure, and mark this state as the best if its figure is the lowest so far."""
        found = self.measure()
        figure = found["figure"]
        self.record(found)
        if self.state.best is None or figure < self.state.best[1]:
            self.state.best = (self.state.step, figure)
            self.save()
            self.directory.mark_best(self.state.step)

    def examine(self) -> None:
        """Diagnose the run; stop it if it is sick at two measurements in a row and ``on_sick`` says so.

        Raises:
            Sick: it is.
        """
        self.display.verdict(diagnose(self.rows, self.dataset.spec).midway().name)
        verdict = lasting_sickness(self.rows, self.recipe, self.dataset.spec, self.helped_at)
        if verdict is not None:
            self.save()
            raise Sick(self.directory, verdict)

    def save(self) -> None:
        """Write a checkpoint and remove old ones."""
        if not all(torch.isfinite(t).all() for t in self.state.tensors().values() if t.is_floating_point()):
            self.give_up(f"a weight stopped being finite by step {self.state.step}")
        path = self.directory.checkpoint(self.state.step)
        if not path.exists():
            self.state.save(path)
        self.directory.prune()
        self.saved_at = time.monotonic()

    def picture(self) -> None:
        """Save the picture of this step."""
        image = picture(self.recipe, self.dataset, self.state, self.device)
        save_png(image, self.directory.samples / f"{max(self.state.step, 0):06d}.png")

    def record(self, values: dict[str, float]) -> None:
        """One line of metrics.jsonl."""
        self.rows.append({"step": self.state.step} | values)
        self.directory.append("metrics.jsonl", json.dumps(self.rows[-1]))
        self.scalars(self.state.step, values)

    def finish(self) -> None:
        """Tell the user, and log.txt, how the training ended."""
        if self.state.first_figure is None or self.state.best is None:
            return
        verdict = diagnose(self.rows, self.dataset.spec)
        for line in last_words(self.directory, self.rank.name, self.state.first_figure, self.state.best, verdict):
            self.display.say(line)
            self.directory.append("log.txt", line)


def last_words(directory: Directory, name: str, first: float, best: tuple[int, float], verdict: Verdict) -> list[str]:
    """What is told of a finished training: its best figure and the verdict."""
    lines = [f"best at step {best[0]}: {name} {best[1]:.4g} (untrained: {first:.4g})", *judged(verdict)]
    if not verdict.findings and not verdict.far:
        return lines
    return [*lines, f"{what_to_ask(directory)} shows the evidence{' and what helps' if verdict.findings else ''}"]


def judged(verdict: Verdict) -> list[str]:
    """The verdict in lines: one, or one for each sickness."""
    warnings = [f"WARNING: {found.sickness}: {found.meaning}" for found in verdict.findings]
    return warnings or [f"verdict: {verdict.name}"]


def what_was_extended(recipe: Recipe, before: Planned) -> str:
    """That a run goes on to more steps than it was planned for, and how that changes its learning rates: one line."""
    done, planned = before.step, replace(recipe, steps=before.steps)
    players: list[PlayerName] = ["generator", "discriminator"] if recipe.discriminator else ["generator"]
    changes = [
        f"lr_{player} goes from {learning_rate(planned, player, done - 1):.2g} to {now:.2g}"
        for player in players
        if (now := learning_rate(recipe, player, done)) != learning_rate(planned, player, done)
    ]
    line = f"planned for {before.steps} steps, this run goes on from step {done} to {recipe.steps}"
    return f"{line}, so that {done / recipe.steps:.0%} of it are over: {', '.join(changes)}" if changes else line


def complete_ending(directory: Directory, spec: DataSpec) -> None:
    """Complete a training that was killed after its last checkpoint: mark the best, end log.txt with the last words."""
    facts = read_facts(directory.numbered()[-1])
    if facts["best"] is None or facts["first_figure"] is None:
        return
    if facts["best"][0] == facts["step"]:
        directory.mark_best(facts["step"])
    log = directory.path / "log.txt"
    told = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    verdict = diagnose(directory.read_metrics(), spec)
    words = last_words(directory, "figure", facts["first_figure"], facts["best"], verdict)
    if not set(judged(verdict)) <= set(told[-len(words) :]):
        for line in words:
            directory.append("log.txt", line)


def train(
    recipe: Recipe,
    directory: Directory,
    dataset: Dataset,
    device: torch.device,
    display: Display,
    scalars: Scalars,
) -> None:
    """Train a recipe to its last step, in its own stream of random numbers. The caller holds the directory's lock.

    Raises:
        SparringError: as ``Loop``.
        UsageError: a checkpoint cannot be used.
    """
    own = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(own), computing_with(recipe.threads):
        Loop(recipe, directory, dataset, device, display, scalars)()


@contextmanager
def computing_with(threads: int) -> Iterator[None]:
    """Within, torch computes with this many CPU threads (0: as many as it does anyway)."""
    before = torch.get_num_threads()
    # Also where the number stays: the first call changes how the matrix library works, and must not come in mid-run.
    torch.set_num_threads(threads or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
