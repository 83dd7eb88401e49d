"""The theory of the game, checked by running it: each lesson is a picture, a table of figures, and a test."""

from __future__ import annotations

from collections.abc import Callable

from sparring.theory.discriminator import discriminator
from sparring.theory.divergences import divergences
from sparring.theory.lesson import Check, Lesson
from sparring.theory.likelihood import likelihood
from sparring.theory.motion import dirac
from sparring.theory.saturation import saturation
from sparring.theory.transport import transport
from sparring.theory.value import value

LESSONS: dict[str, Callable[[], Lesson]] = {
    "discriminator": discriminator,
    "value": value,
    "saturation": saturation,
    "likelihood": likelihood,
    "divergences": divergences,
    "transport": transport,
    "dirac": dirac,
}
"""Every lesson, in the order in which they are read."""

__all__ = ["LESSONS", "Check", "Lesson"]
