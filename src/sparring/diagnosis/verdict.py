"""The verdict on a run, in plain words, with its evidence."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from sparring.diagnosis.history import History, Row
from sparring.diagnosis.sicknesses import FAR, SICKNESSES, Sickness, Sign, measured, threshold_name
from sparring.diagnosis.symptoms import FEWEST, Symptoms, find_symptoms, missing
from sparring.types import DataSpec

HEALTHY, EARLY, UNKNOWN, SO_FAR = "healthy", "too early to tell", "cannot tell", "nothing wrong so far"
FEWEST_COMPARED = 30
"""Held-out examples below which nobody can tell that samples are like them."""
UNFINISHED = ("undertrained", "modes missing")
"""Sicknesses that may pass as the training goes on, and with them what they explain: said of a finished run only."""

SURE = ("finite",)
"""Symptoms that need no course of the run to be believed."""

IN_WORDS = {
    "finite": "whether all values stayed finite (1) or not (0)",
    "largest_output": "largest output of the discriminator",
    "lost": "share of what was learned that was lost again since the best measurement",
    "learned": "how far the best samples came from the untrained generator's (0) to real examples (1)",
    "kept": "how far the last samples came from the untrained generator's (0) to real examples (1)",
    "improving": "share by which the figure would still fall if the run were as long again",
    "unsteady": "how much the figure goes up and down (deviation of its logarithm from a course that never rises)",
    "to_train": "distance of samples from the nearest training example (copies: 0, new real examples: about 1)",
    "copies": "share of samples three times nearer to a training example than that is to any other (new real ones: 0)",
    "spacing": "distance between neighbouring samples (all alike: 0, real examples: 1)",
    "told_apart": "share of pairs (training example, sample) that the discriminator orders rightly",
    "held_out": "share of pairs (held-out example, sample) that the discriminator orders rightly",
    "gradient": "length of the gradient of the generator's loss at a sample",
    "modes": "share of the mixture's modes that samples fall on",
    "classes": "share of the classes that samples fall into",
    "recall": "share of examples that lie near samples (real examples: 1)",
    "precision": "share of samples that lie near examples (real examples: 1)",
}
"""What a symptom is, in words."""


@dataclass(frozen=True)
class Evidence:
    """A symptom, and the threshold that it is on the wrong side of."""

    symptom: str
    value: float
    side: str
    threshold: float

    def __str__(self) -> str:
        return f"{IN_WORDS[self.symptom]}: {self.value:.3g}, which is {self.side} {self.threshold:.3g}"


@dataclass(frozen=True)
class Finding:
    """A sickness that was found, and by what."""

    sickness: str
    meaning: str
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True)
class Verdict:
    """What was found in a run's records up to a step: sicknesses, what explains most first, or that none was found."""

    step: int
    findings: tuple[Finding, ...]
    missing: tuple[str, ...]
    """The classes that are missing among the samples, by name, where modes are missing."""
    symptoms: Symptoms
    rate: float = math.nan
    """Images a second."""
    undecided: str = ""
    """Why a run in which nothing was found need not be healthy: EARLY, too little is recorded to say more than that a
    value stopped being finite; UNKNOWN, there was too little that the samples could be compared with; FAR's name, they
    are not near the data; or SO_FAR, the training is not over, and they are not near the data yet."""
    far: tuple[Evidence, ...] = ()
    """How the samples are further from the data than those of healthy runs."""

    @property
    def healthy(self) -> bool | None:
        """Whether nothing was found, and the samples are near the data; None: the training is not over, so they may
        come there."""
        return None if self.name == SO_FAR else self.name == HEALTHY

    @property
    def name(self) -> str:
        """The verdict in a few words."""
        return self.findings[0].sickness if self.findings else self.undecided or HEALTHY

    def midway(self) -> Verdict:
        """The same without what may be said only of a run that is over. Where nothing is left, that is no health."""
        lasting = tuple(itertools.takewhile(lambda found: found.sickness not in UNFINISHED, self.findings))
        passing = (self.findings and not lasting) or self.undecided == FAR.name
        return replace(self, findings=lasting, missing=(), undecided=SO_FAR if passing else self.undecided)

    def to_json(self) -> dict[str, Any]:
        """The verdict as JSON values; ``rate`` is null where it is not known."""
        rate = self.rate if math.isfinite(self.rate) else None
        return {"verdict": self.name, "healthy": self.healthy} | asdict(self) | {"rate": rate}


def diagnose(rows: Sequence[Row], spec: DataSpec) -> Verdict:
    """The verdict on what a run recorded: the lines of its metrics.jsonl."""
    history = History(rows)
    shares = class_shares(spec)
    symptoms = find_symptoms(history, shares)
    thresholds: Mapping[str, float] = measured()["thresholds"]
    found = [finding for sickness in SICKNESSES if (finding := examine(sickness, symptoms, thresholds)) is not None]
    early = len(history.series("figure")[0]) <= FEWEST
    far = () if early or "learned" not in symptoms else distance(symptoms, spec.kind)
    undecided = EARLY if early else doubt(symptoms, far)
    if early:
        found = [finding for finding in found if any(known.symptom in SURE for known in finding.evidence)]
    named = "modes missing" in [finding.sickness for finding in found]
    lost = tuple(spec.classes[number] for number in missing(history, shares)) if named else ()
    return Verdict(history.step, tuple(found), lost, symptoms, history.late("images_per_second"), undecided, far)


def distance(symptoms: Symptoms, kind: str) -> tuple[Evidence, ...]:
    """By what samples are far from data of a kind."""
    thresholds: Mapping[str, float] = measured()["far"][kind]
    signs = [(sign, thresholds[threshold_name(FAR, sign)]) for form in FAR.forms for sign in form]
    return tuple(
        Evidence(sign.symptom, symptoms[sign.symptom], sign.side, value)
        for sign, value in signs
        if sign.holds(symptoms, value)
    )


def doubt(symptoms: Symptoms, far: Sequence[Evidence]) -> str:
    """Why nobody may say that samples in which nothing was found are healthy; empty if there is no reason.

    Runs of earlier versions did not record how many examples are held out: they are taken to be enough.
    """
    if far:
        return FAR.name
    needed = {sign.symptom for form in FAR.forms for sign in form}
    enough = symptoms.get("compared", FEWEST_COMPARED) >= FEWEST_COMPARED
    return "" if enough and needed <= symptoms.keys() else UNKNOWN


def examine(sickness: Sickness, symptoms: Symptoms, thresholds: Mapping[str, float]) -> Finding | None:
    """The finding if a sickness's signs are there."""

    def evidence(sign: Sign) -> Evidence:
        return Evidence(sign.symptom, symptoms[sign.symptom], sign.side, thresholds[threshold_name(sickness, sign)])

    signs = sickness.signs(symptoms, thresholds)
    return Finding(sickness.name, sickness.meaning, tuple(map(evidence, signs))) if signs else None


def class_shares(spec: DataSpec) -> tuple[float, ...]:
    """The share of each class among the training examples; they sum to 1."""
    shares = spec.shares or (1.0,) * len(spec.classes)
    return tuple(share / sum(shares) for share in shares)
