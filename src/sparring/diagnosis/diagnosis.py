"""A verdict and what helps, as words and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sparring.diagnosis.history import Row
from sparring.diagnosis.remedies import Remedy, prescribe
from sparring.diagnosis.sicknesses import FAR, measured
from sparring.diagnosis.verdict import EARLY, FEWEST_COMPARED, HEALTHY, IN_WORDS, SO_FAR, UNKNOWN, Verdict, diagnose
from sparring.identity import Identity
from sparring.types import DataSpec

NOTHING_FOUND = {
    EARLY: "the samples were measured too seldom yet: five times is the least",
    UNKNOWN: "no examples are held out to compare the samples with, or too few (the least is "
    f"{FEWEST_COMPARED}), or these are no nearer than untrained samples were",
    FAR.name: FAR.meaning,
    SO_FAR: "no sickness was found that would last, but the samples are not near the data yet, or still become better",
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
            told = [f"{verdict.name}, {self.reach}"]
            told += [NOTHING_FOUND[verdict.undecided]] if verdict.undecided else []
            told += [
                f"  evidence: {evidence}" for evidence in verdict.far or (near(verdict) if verdict.healthy else ())
            ]
            return [*told, *reliability(verdict.name)]
        told = []
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
        return [*told, *reliability(verdict.name)]

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON values."""
        remedy = None if self.remedy is None else {"why": self.remedy.why, "command": self.command}
        reliable = {"false_alarms": measured()["false_alarms"], "named": named(self.verdict.name)}
        return self.verdict.to_json() | {"remedy": remedy, "measured": reliable}


def diagnose_run(rows: Sequence[Row], spec: DataSpec, identity: Identity, path: str) -> Diagnosis:
    """The diagnosis of a run by its metrics.jsonl, its data and its recipe.json; ``path`` is its directory."""
    verdict, planned = diagnose(rows, spec), int(identity.general["steps"])
    if verdict.step < planned:
        verdict = verdict.midway()
    remedy = prescribe(verdict, identity)
    return Diagnosis(verdict, planned, remedy, remedy.command(identity.data, path) if remedy else "")


def near(verdict: Verdict) -> list[str]:
    """By what the samples of a healthy run are near the data."""
    symptoms = [sign.symptom for form in FAR.forms for sign in form]
    return [f"{IN_WORDS[symptom]}: {verdict.symptoms[symptom]:.3g}" for symptom in symptoms]


def named(verdict: str) -> dict[str, int] | None:
    """Of how many test runs this was the verdict, and of how many of these rightly; None for a verdict that is planted
    nowhere, as that nobody can tell."""
    confusion: dict[str, dict[str, int]] = measured()["confusion"]
    if verdict not in confusion:
        return None
    return {"count": confusion[verdict].get(verdict, 0), "of": sum(row.get(verdict, 0) for row in confusion.values())}


def reliability(verdict: str) -> list[str]:
    """How often such a verdict was right where the truth is known: a line; none for what is no verdict on a game."""
    known, alarms = named(verdict), measured()["false_alarms"]
    if known is None:
        return []
    planted = "were healthy" if verdict == HEALTHY else "had been made so"
    told = f"{known['count']} of {known['of']} test runs with this verdict {planted}"
    low, high = alarms["interval"]
    told = told if known["of"] else "no test run had this verdict"
    told += (
        f"; {alarms['count']} of {alarms['of']} healthy runs were called sick (95 % interval {low:.1%} to {high:.1%})"
    )
    return [f"how sure: {told}"]
