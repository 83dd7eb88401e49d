"""Every lesson: its figures are what theory says, its picture and its table can be read, the command shows them."""

import math
from pathlib import Path

import numpy as np
import pytest

from sparring.theory import LESSONS, Check, Lesson
from sparring.theory.show import page

TRAINED = ("discriminator", "transport", "dirac")
each = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in TRAINED else name for name in LESSONS]
)


@each
def test_holds_and_can_be_read(name: str) -> None:
    lesson = LESSONS[name]()
    assert [figure for figure in lesson.figures if not figure.holds] == []
    text = page(lesson)
    assert lesson.title in text
    assert all(figure.what in text for figure in lesson.figures)
    picture = np.asarray(lesson.picture())
    assert picture.shape[2] == 3
    assert picture.shape[1] > 1000
    assert picture.std() > 10


def lesson(found: float) -> Lesson:
    return Lesson("a title", "a text", (Check("one is one", 1.0, found, 1e-3),), lambda canvas: canvas.subplots())


@pytest.mark.parametrize(("found", "holds"), [(1.0005, True), (1.002, False), (math.nan, False), (math.inf, False)])
def test_a_figure_beyond_its_tolerance_fails(found: float, holds: bool) -> None:
    assert lesson(found).holds is holds
    assert ("FAILS" in lesson(found).table()) is not holds


def test_the_command_writes_picture_and_table(spar, tmp_path: Path) -> None:
    result = spar("theory", "value", "--out", tmp_path / "out")
    assert result.code == 0
    assert result.err == ""
    assert result.out.startswith("lesson 1 of 1, value …\n")
    assert "-0.712632720" in result.out
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["value.png", "value.txt"]
    assert (tmp_path / "out" / "value.txt").read_text() in result.out


def test_an_unknown_lesson_is_one_line(spar, tmp_path: Path) -> None:
    result = spar("theory", "valeu", "--out", tmp_path)
    assert result.code == 2
    assert result.err == "spar: there is no lesson 'valeu'. Did you mean value?\n"


def test_a_figure_that_fails_fails_the_command(spar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LESSONS, "value", lambda: lesson(2.0))
    result = spar("theory", "value", "--out", tmp_path)
    assert result.code == 1
    assert result.err == "spar: not every figure is what theory says: value.\n"
