"""The report's curves: all that was recorded is drawn, and under a name that is in use."""

import math
import re

import pytest

import sparring
from sparring.report.course import COUNT, GROUPED, SMALL, beside_each_other, curves, rarest_and_commonest
from sparring.report.curves import read_curves

OFTEN = {"steps": 40, "log_every": 20, "best_every": 20, "signals_every": 20}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> list[sparring.Run]:
    """Images with a penalty, augmentation and labels, and points with modes."""
    folder = tmp_path_factory.mktemp("runs")
    images = sparring.train("digits", "auto", out=folder / "digits", augment="ada", width=4, batch=8, **OFTEN)
    return [images, sparring.train("ring", "r3gan", out=folder / "ring", **OFTEN)]


def test_what_belongs_together_is_what_a_training_records(recorded: list[sparring.Run]) -> None:
    names = set().union(*(read_curves(run.metrics) for run in recorded))
    assert names >= GROUPED
    assert {name for name in names - GROUPED if "class" not in name} == {COUNT}


def test_every_value_is_drawn_once(recorded: list[sparring.Run]) -> None:
    run = recorded[0]
    page = str(curves(run))
    values = [name for name in read_curves(run.metrics) if name != COUNT and not name.startswith(SMALL)]
    of_classes = len(run.spec.classes)
    drawn = len(re.findall(r"<li>", page))
    # Beside the values themselves: the two ends of all classes' shares, and for each class its due.
    assert drawn == len(values) + 2 + of_classes
    assert f"each of {of_classes} classes" in page


def test_a_floor_is_a_level_line_along_the_curve_that_it_is_for() -> None:
    curve = [(1.0, 5.0), (2.0, 4.0), (9.0, 3.0)]
    floor = {"held-out real data": [(0.0, 0.5)]}
    assert beside_each_other({"samples": curve} | floor)["held-out real data"] == [(1.0, 0.5), (9.0, 0.5)]
    assert beside_each_other({"samples": curve}) == {"samples": curve}
    assert beside_each_other(dict(floor)) == floor


def test_the_rarest_class_may_be_another_one_at_each_step() -> None:
    shares = {"class_0": [(0.0, 0.9), (5.0, 0.2)], "class_1": [(0.0, 0.1), (5.0, 0.8)]}
    ends = rarest_and_commonest(shares)
    assert ends == {"commonest class": [(0.0, 0.9), (5.0, 0.8)], "rarest class": [(0.0, 0.1), (5.0, 0.2)]}
    assert all(math.isclose(a + b, 1.0) for (_, a), (_, b) in zip(*ends.values(), strict=True))
