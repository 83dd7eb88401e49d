"""A training that is sick: when it is to stop for that, and what the user is told."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from sparring.diagnosis.history import Row
from sparring.diagnosis.verdict import Verdict, diagnose
from sparring.errors import SparringError
from sparring.training.directory import Directory
from sparring.types import DataSpec, Recipe

SETTLING = 1 / 3
"""The share of a run, at its beginning, in which it is not stopped for being sick."""


class Sick(SparringError):
    """The run is sick, and the user wants it to stop then."""

    exit_code = 3

    def __init__(self, directory: Directory, verdict: Verdict, why: str = "") -> None:
        """``why``: a clause that says why the run was not taken back although the user wants that."""
        found = verdict.findings[0]
        super().__init__(
            f"stopped at step {verdict.step}: {found.sickness}: {found.meaning}. "
            + (f"It is not taken back, as {why}. " if why else "")
            + f"{what_to_ask(directory)} shows the evidence and what helps."
        )
        self.directory, self.verdict = directory, verdict


def helped_at(directory: Directory) -> int:
    """The step that a run's newest remedy began at; 0: it had none."""
    identity = directory.read_identity()
    return identity.remedies[-1].step if identity and identity.remedies else 0


def lasting_sickness(rows: Sequence[Row], recipe: Recipe, spec: DataSpec, since: int) -> Verdict | None:
    """What a run is sick of at two measurements in a row, where ``on_sick`` asks for that and the run has settled.

    From the records, not from memory: a run that was killed in between finds the same.
    """
    measured = [number for number, row in enumerate(rows) if "figure" in row]
    if recipe.on_sick == "continue" or len(measured) < 2:
        return None
    if rows[measured[-1]]["step"] - since < SETTLING * recipe.steps:
        return None
    before, now = (diagnose(rows[: number + 1], spec).midway() for number in measured[-2:])
    return now if now.findings and before.name == now.name else None


def sick_ending(recipe: Recipe, directory: Directory, spec: DataSpec) -> Sick | None:
    """What a training that is finished would have stopped with, had it not been killed at its end."""
    verdict = lasting_sickness(directory.read_metrics(), recipe, spec, helped_at(directory))
    return Sick(directory, verdict) if verdict else None


def what_to_ask(directory: Directory) -> str:
    """The command that diagnoses a run, as a shell reads it."""
    identity = directory.read_identity()
    file = identity.recipe_file if identity else ""
    return shlex.join(["spar", "diagnose", str(directory.path), *(["--recipe", file] if file else [])])
