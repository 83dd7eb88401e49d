"""The verdict on the run, its evidence, and what helps."""

from __future__ import annotations

from collections.abc import Sequence

from sparring.diagnosis.diagnosis import NOTHING_FOUND, diagnose_run, near, reliability
from sparring.diagnosis.verdict import IN_WORDS, Evidence, Finding
from sparring.errors import UsageError
from sparring.report.html import Html, joined, table, tag
from sparring.report.subject import Subject


def verdict(run: Subject) -> Html:
    """Healthy or what is wrong, by which evidence, the command that helps, and how often such a verdict is right.

    Raises:
        UsageError: nothing is recorded yet.
    """
    if not run.metrics:
        raise UsageError("nothing is measured yet: training does that every best_every steps.")
    found = diagnose_run(run.metrics, run.spec, run.identity, str(run.directory.path))
    said = found.verdict
    parts = [tag("p", tag("strong", said.name), f", {found.reach}")]
    parts += [sickness(finding) for finding in said.findings]
    if said.missing:
        parts.append(tag("p", f"Missing among the samples: {', '.join(said.missing)}."))
    if found.remedy is not None:
        parts += [tag("p", f"What helps: {found.remedy.why}."), tag("pre", tag("code", found.command))]
    if said.healthy:
        parts += [tag("p", sentence(line)) for line in near(said)]
    if not said.findings and said.undecided:
        parts.append(tag("p", sentence(NOTHING_FOUND[said.undecided])))
        parts += [shown(said.far, "too far")] if said.far else []
    return joined([*parts, *(tag("p", sentence(line), class_="soft") for line in reliability(said.name))])


def sickness(finding: Finding) -> Html:
    """One finding and its evidence."""
    return joined([tag("h3", finding.sickness), tag("p", finding.meaning), shown(finding.evidence, "sick")])


def shown(evidence: Sequence[Evidence], head: str) -> Html:
    """Evidence as a table, whose last column says beyond what a symptom is evidence of ``head``."""
    rows = [[IN_WORDS[e.symptom], f"{e.value:.3g}", f"{e.side} {e.threshold:.3g}"] for e in evidence]
    return table(("evidence", "this run", head), rows, (1,))


def sentence(words: str) -> str:
    """Words as a sentence."""
    return words[:1].upper() + words[1:] + "."
