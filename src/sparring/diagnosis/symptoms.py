"""Symptoms: what a history says of the game in a few numbers that mean the same for every recipe and data set."""

from __future__ import annotations

import math

import numpy as np

from sparring.diagnosis.history import NOT_FINITE, History
from sparring.metrics.balance import FEWEST_EXPECTED, MISSING_SHARE
from sparring.metrics.ranking import SAMPLES

FEWEST = 4
"""Measurements below which nothing is said of their course."""

FROM_SAMPLES = ("precision", "recall", "spacing", "to_train", "copies", "modes", "on_modes")

Symptoms = dict[str, float]


def find_symptoms(history: History, shares: tuple[float, ...] = ()) -> Symptoms:
    """The symptoms of a history; ``shares`` are the data's classes' shares. What cannot be said is left out.

    ``learned``: how far the samples have come from the untrained generator's (0) to real examples' (1), on the
    logarithm of the ranking's figure, at the best measurement; ``kept``: the same at the end; ``lost``: their
    difference; ``above_floor``: how many times real examples' figure it is at the end. ``improving``: by which share
    the figure is to fall if the run is played as long again, as it fell over its late part; ``unsteady``: how far its
    logarithm is from a course that never rises, in the late part, as a deviation. ``precision`` and ``recall`` are
    shares of real examples', ``spacing``, ``modes`` and ``on_modes`` as ``SampleSurvey`` has them; ``to_train`` is a
    share of new real examples', ``copies`` how much larger their share is among samples. ``compared`` is how many
    held-out examples the figure compares with; ``classes`` the share of the data's classes that are not missing.
    ``told_apart`` is the discriminator's AUC on training examples against samples, ``held_out`` the same on held-out
    ones. What else there is are signals, under the names that SIGNALS gives them. ``finite`` is 0 if a
    value stopped being finite.
    """
    found = of_figure(history) | of_samples(history)
    found |= {name: history.late(f"signal_{signal}") for name, signal in SIGNALS.items()}
    found["classes"] = 1 - len(missing(history, shares)) / len(shares) if shares else math.nan
    found["finite"] = 0.0 if len(history.series(NOT_FINITE)[0]) else 1.0
    return {name: value for name, value in found.items() if math.isfinite(value)}


SIGNALS = {
    "told_apart": "auc_train",
    "held_out": "auc_held_out",
    "remembered": "auc_memory",
    "gradient": "gradient_at_fake",
    "rank": "rank",
    "spread": "spread",
    "oscillation": "oscillation",
    "cosine_generator": "cosine_generator",
    "cosine_discriminator": "cosine_discriminator",
    "largest_output": "largest_output",
    "largest_weight": "largest_weight",
    "live_from_average": "average_distance",
}


def of_figure(history: History) -> Symptoms:
    """What the course of the ranking's figure says; nothing where it has no floor, or one above the untrained
    generator's figure, as with very few examples."""
    steps, figures = history.series("figure")
    floor = history.first("real_figure")
    played = steps > 0
    if not played.any() or steps[0] > 0 or not 0 < floor < figures[0]:
        return {}
    logs = np.log(np.maximum(figures / floor, 1.0))
    span = float(logs[0])
    last = float(np.median(logs[played][-3:]))
    measured = int(played.sum())
    late = max(int((steps >= steps[-1] / 2).sum()), min(FEWEST, measured))
    x, y = np.log(steps[-late:]), np.log(figures[-late:])
    slope = np.polyfit(x, y, 1)[0] if measured >= FEWEST else math.nan
    return {
        "learned": 1 - float(logs[played].min()) / span,
        "kept": 1 - last / span,
        "above_floor": math.exp(last),
        "lost": (last - float(logs[played].min())) / span,
        "improving": float(1 - 2**slope),
        "unsteady": float(np.std(y - never_rising(y))) if measured >= FEWEST else math.nan,
    }


def never_rising(y: np.ndarray) -> np.ndarray:
    """The sequence nearest to ``y`` (n,) that never rises, in the mean square."""
    from scipy.optimize import isotonic_regression

    course: np.ndarray = isotonic_regression(y, increasing=False).x
    return course


def of_samples(history: History) -> Symptoms:
    """What the samples of the late measurements say, beside real examples where there is a figure of these."""
    late = {name: history.late(f"sample_{name}") for name in FROM_SAMPLES}
    real = {name: history.first(f"real_{name}") for name in (*FROM_SAMPLES, "held_out")}
    found = {name: late[name] for name in ("spacing", "modes", "on_modes")}
    for name in ("precision", "recall"):
        found[name] = late[name] / real[name] if real[name] > 0 else math.nan
    # New examples are as far away as examples are from one another: what is above 1 is the scatter of few of them, and
    # what is below, examples that are almost alike. Runs of earlier versions have no such floor: 1.
    found["to_train"] = late["to_train"] / min(real["to_train"], 1.0) if real["to_train"] > 0 else late["to_train"]
    found["copies"] = late["copies"] - real["copies"]
    found["compared"] = real["held_out"]
    return found


def missing(history: History, shares: tuple[float, ...]) -> list[int]:
    """The numbers of the classes that are missing among the late samples, as ``class_balance`` has it.

    ``shares`` are the data's, and sum to 1. Samples are told apart by their neighbours: a classifier's shares
    (``signal_class_0`` …) are of 128 samples only, there only if the data's classifier is in the cache, and in none of
    the runs that set the thresholds.
    """
    late = [history.late(f"class_{number}") for number in range(len(shares))]
    return [
        number
        for number, (share, due) in enumerate(zip(late, shares, strict=True))
        if share < MISSING_SHARE * due and due * SAMPLES >= FEWEST_EXPECTED
    ]
