"""What a classifier is worth stands in the report of its run, as spar classify has kept it."""

import json
from pathlib import Path

import pytest

import sparring
from sparring.report.write import report
from sparring.tasks.classification import ALL, ALONE, GAME, SPREADING, Classification


def test_the_errors_of_a_classifier_with_their_intervals(digits_copy: Path) -> None:
    """None of 20 wrong: the true error is under 1 - .025^(1/20) = 16.84 %."""
    run = sparring.load(digits_copy)
    assert "Classification" not in report(run)
    errors, steps = {GAME: 0.0, ALONE: 0.25, SPREADING: 0.3, ALL: 1.0}, {GAME: 30, ALONE: 30, ALL: 30}
    kept = Classification(run, 1, 40, 1500, 20, errors, steps).to_json()
    (digits_copy / "classification.json").write_text(json.dumps(kept))
    page = report(run)
    assert "labels of 40 of 1500 training images" in page
    assert "the same 20 held-out images" in page
    numbers = ["0.00 %", "0 of 20", "0.00 to 16.84 %", "30"]
    cells = "".join(f'<td class="number">{number}</td>' for number in numbers)
    assert f'<th scope="row">{GAME}</th>{cells}' in page
    assert all(said in page for said in (ALONE, "6 of 20", ALL, "83.16 to 100.00 %"))


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "{}",
        '{"labelled": 1, "examples": 2, "held_out": 3, "errors": {"a": 2}, "steps": {}}',
        '{"labelled": 1, "examples": 2, "held_out": 0, "errors": {"a": 0}, "steps": {}}',
        '{"labelled": 1, "examples": 2, "held_out": 3, "errors": {"a": "b"}, "steps": {}}',
        '{"labelled": 1, "examples": 2, "held_out": 3, "errors": {"a": 1}, "steps": 3}',
    ],
)
def test_a_damaged_file_is_one_clear_line(digits_copy: Path, text: str) -> None:
    (digits_copy / "classification.json").write_text(text)
    page = report(sparring.load(digits_copy))
    assert "classification.json is damaged" in page
    assert "spar classify, given again, measures anew" in page
