"""A verdict and what helps, as words and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sparring.diagnosis.history import Row
from sparring.diagnosis.remedies import Remedy, prescribe
from sparring.diagnosis.sicknesses import measured
from sparring.diagnosis.verdict import Verdict, diagnose
from sparring.identity import Identity
from sparring.types import DataSpec


class Diagnosis(NamedTuple):
    """What was found in a run, and the remedy with its command; empty where there is none."""

    verdict: Verdict
    remedy: Remedy | None
    command: str

    def lines(self) -> list[str]:
        """All of it in plain words."""
        verdict = self.verdict
        if not verdict.findings:
            told = [f"{verdict.name}, as far as step {verdict.step}"]
            return told if verdict.early else [*told, reliability(None)]
        told = []
        for finding in verdict.findings:
            told.append(f"{'also' if told else f'sick at step {verdict.step}'}: {finding.sickness}")
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
    verdict = diagnose(rows, spec)
    remedy = prescribe(verdict, identity)
    return Diagnosis(verdict, remedy, remedy.command(identity.data, path) if remedy else "")


def reliability(sickness: str | None) -> str:
    """How often such a verdict was right where the truth is known."""
    known = measured()
    healthy, found = known["false_alarms"], known["detection"].get(sickness)
    low, high = healthy["interval"]
    told = f"how sure: {healthy['count']} of {healthy['of']} healthy runs were called sick"
    told += f" (95 % interval {low:.1%} to {high:.1%})"
    return told + (f"; {found['count']} of {found['of']} planted failures of this kind were found" if found else "")
