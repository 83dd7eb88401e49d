"""The same figures of several runs: whether they differ by more than noise, and one picture of their samples."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from rich.table import Table
from rich.text import Text
from torch import Tensor

from sparring.errors import UsageError
from sparring.evaluate import Evaluation, Figure, evaluate
from sparring.metrics.features import Features, named_features
from sparring.metrics.figures import Better, Once
from sparring.metrics.noise import difference_p, holm
from sparring.metrics.reading import Progress, no_progress
from sparring.runs.run import Run
from sparring.training.device import choose_device
from sparring.types import Dataset

LEVEL = 0.05
"""The largest probability that a comparison of equal runs calls any difference more than noise."""
DRAWS = 5
"""Independent sets of samples of each run."""
MOST_DRAWS = 1000
BESIDE = ("seed", "threads", "engine", "checkpoint_seconds")
"""Settings in which replicates may differ: apart from the seed they change the last bits at most."""
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

Verdict = Literal["better", "worse", "differs", "noise"]
"""``differs``: by more than noise, but better means nothing: both figures are better than that of real data, or one is
above and one below it where a figure is best ``as real``."""


@dataclass(frozen=True)
class Side:
    """One side of a comparison: a run, or several runs that differ by their seed only."""

    name: str
    """A letter."""
    runs: tuple[str, ...]
    """Their directories."""
    steps: tuple[int, ...]
    """The step of each one's checkpoint."""


@dataclass(frozen=True)
class Difference:
    """How a side's figure differs from that of the first side."""

    p: float
    """The p-value of equal means, adjusted (Holm) for all differences of the comparison."""
    verdict: Verdict


@dataclass(frozen=True)
class Compared:
    """One measure on all sides."""

    name: str
    better: Better
    floor: float | None
    """The measure of held-out real data, the same for all."""
    values: tuple[tuple[tuple[float, ...], ...], ...]
    """``values[side][run][draw]``."""
    differences: tuple[Difference, ...]
    """One for each side but the first; empty until they are judged."""

    def independent(self, side: int) -> tuple[float, ...]:
        """A side's independent values: its draws if it is one run, else the means of its runs."""
        runs = self.values[side]
        return runs[0] if len(runs) == 1 else tuple(statistics.fmean(draws) for draws in runs)

    def mean(self, side: int) -> float:
        """The mean of a side."""
        return statistics.fmean(self.independent(side))

    def spread(self, side: int) -> float:
        """The standard deviation of a side: from draw to draw if it is one run, else from training to training."""
        return statistics.stdev(self.independent(side))


@dataclass(frozen=True)
class RunComparison:
    """All figures of several runs, on n samples per draw, with notes for their reader."""

    sides: tuple[Side, ...]
    figures: tuple[Compared, ...]
    features: str
    n: int
    draws: int
    seed: int
    notes: tuple[str, ...]

    def __getitem__(self, name: str) -> Compared:
        """The figure of this name.

        Raises:
            KeyError: there is none.
        """
        for figure in self.figures:
            if figure.name == name:
                return figure
        raise KeyError(name)

    def to_json(self) -> dict[str, Any]:
        """The comparison as JSON values, with the mean and the spread of each side."""
        sides = range(len(self.sides))
        figures = [
            asdict(f) | {"means": [f.mean(i) for i in sides], "spreads": [f.spread(i) for i in sides]}
            for f in self.figures
        ]
        values: dict[str, Any] = json.loads(json.dumps(asdict(self) | {"figures": figures, "level": LEVEL}))
        return values

    def to_table(self) -> Table:
        """A table for people, the notes below it."""
        legend = [
            f"{side.name}: {run}, step {step}"
            for side in self.sides
            for run, step in zip(side.runs, side.steps, strict=True)
        ]
        # Names come from the user, and as Text they are no markup.
        caption = Text("\n".join([*legend, *self.notes]), style="table.caption")
        title = f"{self.draws} x {self.n} samples a run"
        table = Table(title=title, caption=caption, caption_justify="left")
        table.add_column("figure", no_wrap=True)
        for i, side in enumerate(self.sides):
            table.add_column(side.name, justify="right")
            if i:
                table.add_column(f"than {self.sides[0].name}")
        table.add_column("real", justify="right")
        table.add_column("better")
        for f in self.figures:
            cells = [said(f.mean(0), f.spread(0))]
            for i, difference in enumerate(f.differences, 1):
                cells += [said(f.mean(i), f.spread(i)), difference.verdict]
            floor = "unknown" if f.floor is None else f"{f.floor:.3g}"
            table.add_row(Text(f.name), *cells, floor, f.better)
        return table


def said(mean: float, spread: float) -> str:
    """A mean to three digits and its spread to two; numbers from 100 on are rounded to whole ones."""
    return " ± ".join(f"{x:.0f}" if abs(x) >= 100 else f"{x:.{digits}g}" for x, digits in ((mean, 3), (spread, 2)))


def compare_runs(
    runs: Sequence[Run],
    n: int = 2000,
    *,
    draws: int = DRAWS,
    seed: int = 0,
    features: str = "auto",
    download: bool = False,
    checkpoint: str = "best",
    device: str | torch.device = "cpu",
    progress: Progress = no_progress,
) -> RunComparison:
    """The figures of ``evaluate`` for several runs, and which of them differ by more than noise from the first one's.

    Of each run ``draws`` independent sets of samples are measured against the same real examples, so the scatter of a
    figure over them is the noise of sampling. Two single runs are compared by Welch's t-test over their draws: that
    tells whether the *generators* differ, not whether their settings do. Runs that differ by their seed only are one
    side; where a side has several, the test is over trainings, each the mean of its draws, and tells of the settings.
    All p-values are adjusted together (Holm), so that equal runs differ anywhere in at most LEVEL of all comparisons.
    A run that is given twice is two sides: a control. That the real examples are a sample too is noise that all share.

    Args:
        runs: at least two, of the same data.
        n: samples a draw, at most as many as the held-out data.
        draws: at least two.
        seed: decides samples and real examples.
        features: one of ``metrics.features.NAMES``.
        download: whether the network that these come from may be downloaded.
        checkpoint: ``best``, ``last`` or a step's number, the same for all.
        device: where the networks run.
        progress: called as ``progress(what, done, total)`` now and then.

    Raises:
        UsageError: fewer than two runs or draws, runs of different data, or what ``Run.evaluate`` refuses.
    """
    check_draws(draws)
    check_runs(runs)
    steps = [run.step(checkpoint) for run in runs]  # refuses a checkpoint that is not there before the work begins
    dataset, device = runs[0].dataset(), choose_device(device)
    plain = features == "auto" and dataset.spec.kind == "points"
    chosen = None if plain else named_features(features, dataset, device, progress, download=download)
    once, found = Once(), list[list[Evaluation]]()
    for i, run in enumerate(runs):
        seeds = [seed + i + len(runs) * draw for draw in range(draws)]
        found.append([])
        for at in seeds:
            made = measure(run, dataset, n, at, seed, chosen, once, checkpoint, device)
            found[-1].append(made)
            progress("comparing", i * draws + len(found[-1]), len(runs) * draws)
    groups = replicates(runs)
    sides = [
        Side(letter, tuple(str(runs[i].path) for i in group), tuple(steps[i] for i in group))
        for letter, group in zip(LETTERS, groups, strict=False)
    ]
    first = found[0][0]
    figures = judge([compared(figure, found, groups) for figure in first.figures])
    notes = (*explain(groups, draws), *cautions(runs, found, sides, groups))
    return RunComparison(tuple(sides), tuple(figures), first.features, first.n, draws, seed, notes)


def check_draws(draws: int) -> None:
    """Refuse numbers of draws that show no noise, or that take for ever.

    Raises:
        UsageError: fewer than two, or more than MOST_DRAWS.
    """
    if draws < 2:
        raise UsageError(f"{draws} draws show no noise: give at least 2.")
    if draws > MOST_DRAWS:
        raise UsageError(f"{draws} draws are too many: give at most {MOST_DRAWS}.")


def check_runs(runs: Sequence[Run]) -> None:
    """Refuse runs that cannot be compared.

    Raises:
        UsageError: fewer than two, more than there are letters, none of ``load``, or of different data.
    """
    if not all(isinstance(run, Run) for run in runs):
        raise UsageError("runs are compared, not their names: give sparring.load(directory) of each.")
    if not 2 <= len(runs) <= len(LETTERS):
        raise UsageError(f"{len(runs)} cannot be compared: give from two to {len(LETTERS)} runs.")
    for run in runs[1:]:
        if run.identity.fingerprint != runs[0].identity.fingerprint:
            raise UsageError(
                f"{runs[0].path} and {run.path} are of different data ({runs[0].identity.data} and "
                f"{run.identity.data}, or read with other settings): their figures cannot be compared."
            )


def measure(
    run: Run,
    dataset: Dataset,
    n: int,
    at: int,
    seed: int,
    features: Features | None,
    once: Once,
    checkpoint: str,
    device: str | torch.device,
) -> Evaluation:
    """The figures of the samples that the seed ``at`` draws; ``seed`` draws the real examples, the same for all."""

    def sample(count: int) -> Tensor:
        return run.sample(count, at, checkpoint=checkpoint, device=device)

    return evaluate(sample, dataset, n=n, device=choose_device(device), seed=seed, features=features, once=once)


def replicates(runs: Sequence[Run]) -> list[list[int]]:
    """The runs' positions, those together that differ by their seed only; the same training twice is no replicate."""
    groups: dict[str, list[int]] = {}
    for i, run in enumerate(runs):
        groups.setdefault(settings_but_seed(run), []).append(i)
    found: list[list[int]] = []
    for group in groups.values():
        seeds = {runs[i].recipe.seed for i in group}
        found += [group] if len(seeds) == len(group) else [[i] for i in group]
    return sorted(found)


def settings_but_seed(run: Run) -> str:
    """All that decides a training but its seed, as text to be compared."""
    it = run.identity
    general = {name: value for name, value in it.general.items() if name not in BESIDE}
    remedies = [dict(one.settings) for one in it.remedies]
    return json.dumps([it.recipe, it.recipe_digest, it.data_options, it.own, general, remedies], sort_keys=True)


def compared(figure: Figure, found: Sequence[Sequence[Evaluation]], groups: Sequence[Sequence[int]]) -> Compared:
    """One figure of all evaluations (runs, draws), not judged yet."""
    values = tuple(tuple(tuple(one[figure.name].value for one in found[i]) for i in group) for group in groups)
    return Compared(figure.name, figure.better, figure.floor, values, ())


def judge(figures: Sequence[Compared]) -> list[Compared]:
    """The figures with their differences from the first side."""
    later = range(1, len(figures[0].values))
    p_values = [difference_p(f.independent(0), f.independent(side)) for f in figures for side in later]
    adjusted = iter(holm(p_values))
    return [
        Compared(
            f.name,
            f.better,
            f.floor,
            f.values,
            tuple(Difference(p, verdict(f, side, p)) for side, p in zip(later, adjusted, strict=False)),
        )
        for f in figures
    ]


def verdict(figure: Compared, side: int, p: float) -> Verdict:
    """What a side is against the first, if its adjusted p-value says that they differ."""
    if p >= LEVEL:
        return "noise"
    first, this, real = figure.mean(0), figure.mean(side), figure.floor
    higher = figure.better == "higher"
    if figure.better == "as real":
        if real is None or (first > real) != (this > real):
            return "differs"
        higher = first < real
    elif real is not None and (min(first, this) >= real if higher else max(first, this) <= real):
        return "differs"
    return "better" if (this > first) == higher else "worse"


def explain(groups: Sequence[Sequence[int]], draws: int) -> list[str]:
    """What ± and the verdicts mean here, and what they do not."""
    alone = [LETTERS[i] for i, group in enumerate(groups) if len(group) == 1]
    several = [LETTERS[i] for i, group in enumerate(groups) if len(group) > 1]
    notes = []
    if several:
        notes.append(f"{', '.join(several)}: trainings that differ by their seed only; ± is their standard deviation")
    if alone:
        notes.append(f"{', '.join(alone)}: ± is the standard deviation over {draws} independent draws of samples")
    if len(groups) == 1:
        return [*notes, "there are no other settings here to compare with: what is shown is the noise between seeds"]
    test = "Welch's t-test, Student's where a side has one training" if several else "Welch's t-test over draws"
    notes.append(
        f"better, worse, differs (both past real data, or one on either side of it): more than noise, at the level "
        f"{LEVEL:g} for the whole table ({test}, adjusted by Holm); "
        "noise: not shown to differ, which does not mean equal"
    )
    if len(alone) > 1 or not several:
        notes.append(
            "a difference between single trainings is one between these generators, not between their settings: from "
            "seed to seed trainings differ too, which one run a side cannot show; train each with several --seed and "
            "give all"
        )
    return notes


def cautions(
    runs: Sequence[Run], found: Sequence[Sequence[Evaluation]], sides: Sequence[Side], groups: Sequence[Sequence[int]]
) -> list[str]:
    """What is said of the figures of all runs, and of single ones after the letter of their side."""
    said_of = [(*runs[i].unmeasured(), *found[i][0].notes) for i in range(len(runs))]
    common = [note for note in said_of[0] if all(note in notes for notes in said_of)]
    own = []
    for side, group in zip(sides, groups, strict=True):
        for i in group:
            own += [f"{side.name}: {note}" for note in said_of[i] if note not in common]
            done = runs[i].step("last")
            if done < runs[i].recipe.steps:
                own.append(f"WARNING: {runs[i].path} is unfinished: step {done} of {runs[i].recipe.steps}")
    return [*common, *own]
