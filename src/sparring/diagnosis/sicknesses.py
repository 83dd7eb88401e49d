"""The sicknesses of adversarial training: by which signs each is known, and what each means."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from sparring.diagnosis.symptoms import Symptoms

MEASURED = "measured.json"
"""The thresholds, and what they call planted failures and healthy runs: benchmarks/diagnosis.py."""


@dataclass(frozen=True)
class Sign:
    """A symptom on the wrong side of its threshold."""

    symptom: str
    side: Literal["above", "below"]

    def holds(self, symptoms: Symptoms, threshold: float) -> bool:
        """Whether it is there; a symptom that could not be measured is none."""
        value = symptoms.get(self.symptom)
        if value is None:
            return False
        return value > threshold if self.side == "above" else value < threshold


@dataclass(frozen=True)
class Sickness:
    """Something that is wrong with a game. It is there if all signs of one of its ``forms`` are."""

    name: str
    meaning: str
    forms: tuple[tuple[Sign, ...], ...]

    def signs(self, symptoms: Symptoms, thresholds: Mapping[str, float]) -> tuple[Sign, ...]:
        """The signs of the first form that is there in full; none if none is."""
        for form in self.forms:
            if all(sign.holds(symptoms, thresholds[threshold_name(self, sign)]) for sign in form):
                return form
        return ()


def threshold_name(sickness: Sickness, sign: Sign) -> str:
    """Under which name a threshold is kept."""
    return f"{sickness.name}: {sign.symptom} {sign.side}"


def above(symptom: str) -> Sign:
    """A symptom that is too large."""
    return Sign(symptom, "above")


def below(symptom: str) -> Sign:
    """A symptom that is too small."""
    return Sign(symptom, "below")


SICKNESSES = (
    Sickness(
        "divergence",
        "values grow without bounds, or the samples became much worse than they had been",
        ((below("finite"),), (above("lost"),), (above("largest_output"),)),
    ),
    Sickness(
        "memorisation",
        "the samples, or many of them, are training examples, or almost",
        ((below("to_train"),), (above("copies"),)),
    ),
    Sickness(
        "generator overpowers",
        "the discriminator cannot tell samples from examples although they differ: it teaches nothing",
        ((below("told_apart"), below("kept")),),
    ),
    Sickness(
        "generator gradient vanishes",
        "the discriminator tells all samples, and the generator's loss hardly changes with them: it has nowhere to go",
        ((below("gradient"), above("told_apart")),),
    ),
    Sickness(
        "collapse to few images",
        "the samples are almost all alike",
        ((below("spacing"), below("recall")),),
    ),
    Sickness(
        "discriminator overpowers",
        "the discriminator tells samples from examples almost without error, and they do not become better",
        ((above("held_out"), below("kept"), below("improving")),),
    ),
    Sickness(
        "oscillation",
        "the players go round in circles: the samples change, and become no better",
        ((above("unsteady"), below("kept")),),
    ),
    Sickness(
        "undertrained",
        "the samples still become better: the training ended too early",
        ((above("improving"), below("kept"), below("precision")),),
    ),
    Sickness(
        "nothing learned",
        "the samples are hardly nearer to the data than those of the untrained generator",
        ((below("learned"),),),
    ),
    Sickness(
        "modes missing",
        "kinds of examples are missing among the samples",
        ((below("modes"),), (below("classes"),), (below("recall"), above("precision"))),
    ),
)
"""Ordered by cause: an earlier sickness explains a later one that is found beside it."""

FAR = Sickness(
    "far from the data",
    "nothing that is known to go wrong was found, but the samples are further from the data than those of healthy runs",
    ((below("precision"),), (below("recall"),), (below("kept"),)),
)
"""What a healthy run shows no sign of. Its thresholds are for a kind of data."""


@cache
def measured() -> dict[str, Any]:
    """What benchmarks/diagnosis.py found: ``thresholds`` by name; ``far``, those of FAR by the kind of data and name;
    ``confusion``, how many test runs got a verdict, by what they were planted as and verdict; ``false_alarms`` …"""
    found: dict[str, Any] = json.loads(files("sparring.diagnosis").joinpath(MEASURED).read_text(encoding="utf-8"))
    return found
