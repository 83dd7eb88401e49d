"""A verdict and what helps, as words and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sparring.diagnosis.history import Row
from sparring.diagnosis.remedies import Remedy, prescribe
from sparring.diagnosis.sicknesses import measured
from sparring.diagnosis.verdict import EARLY, UNKNOWN, Verdict, diagnose
from sparring.identity import Identity
from sparring.types import DataSpec

NOTHING_FOUND = {
    EARLY: "the samples were measured too seldom yet: five times is the least",
    UNKNOWN: "no examples are held out to compare the samples with, or these are no nearer than untrained samples were",
}
"""What is said where nothing was found, and that is no good news."""


class Diagnosis(NamedTuple):
    """What was found in a run, and the remedy with its command; empty where there is none."""

    verdict: Verdict
    planned: int
    """Steps that the run is to have."""
    remedy: Remedy | None
    command: str

    @property
    def reach(self) -> str:
        """How far it reaches, in words."""
        step = f"as far as step {self.verdict.step}"
        return step if self.verdict.step >= self.planned else f"{step} of {self.planned}: the training is not over"

    def lines(self) -> list[str]:
        """All of it in plain words."""
        verdict = self.verdict
        if not verdict.findings:
            return [f"{verdict.name}, {self.reach}", NOTHING_FOUND.get(verdict.undecided) or reliability(None)]
        told: list[str] = []
        for finding in verdict.findings:
            told.append(f"{'also' if told else f'sick, {self.reach}'}: {finding.sickness}")
            told.append(f"  {finding.meaning}")
            told += [f"  evidence: {evidence}" for evidence in finding.evidence]
        if verdict.missing:
            told.append(f"  missing: {', '.join(verdict.missing)}")
        if self.remedy is None:
            told.append("remedy: none that a setting could be")
        else:
            told += [f"remedy: {self.remedy.why}", f"  {self.command}"]
        return [*told, reliability(verdict.name)]

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON values."""
        remedy = None if self.remedy is None else {"why": self.remedy.why, "command": self.command}
        known = measured()
        reliable = {"false_alarms": known["false_alarms"], "detection": known["detection"].get(self.verdict.name)}
        return self.verdict.to_json() | {"remedy": remedy, "measured": reliable}


def diagnose_run(rows: Sequence[Row], spec: DataSpec, identity: Identity, path: str) -> Diagnosis:
    """The diagnosis of a run by its metrics.jsonl, its data and its recipe.json; ``path`` is its directory."""
    verdict, planned = diagnose(rows, spec), int(identity.general["steps"])
    if verdict.step < planned:
        verdict = verdict.midway()
    remedy = prescribe(verdict, identity)
    return Diagnosis(verdict, planned, remedy, remedy.command(identity.data, path) if remedy else "")


def reliability(sickness: str | None) -> str:
    """How often such a verdict was right where the truth is known."""
    known = measured()
    healthy, found = known["false_alarms"], known["detection"].get(sickness)
    low, high = healthy["interval"]
    told = f"how sure: {healthy['count']} of {healthy['of']} healthy runs were called sick"
    told += f" (95 % interval {low:.1%} to {high:.1%})"
    return told + (f"; {found['count']} of {found['of']} planted failures of this kind were found" if found else "")
