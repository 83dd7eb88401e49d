"""Plain settings: conversion, refusal, nearest names."""

import math
from dataclasses import replace
from typing import Literal

import pytest

from sparring.errors import UsageError
from sparring.settings import LARGEST_SEED, Settings, convert, nearest, parse_assignments, split


@pytest.mark.parametrize(
    ("value", "hint", "expected"),
    [
        ("3", int, 3),
        ("3_000", int, 3000),
        ("1e4", int, 10_000),
        (2.0, int, 2),
        ("9007199254740993", int, 9007199254740993),  # not by way of a float
        (9007199254740993, int, 9007199254740993),
        ("1e-4", float, 1e-4),
        (3, float, 3.0),
        ("Yes", bool, True),
        ("0", bool, False),
        (True, bool, True),
        ("b", Literal["a", "b"], "b"),
        ("4", int | None, 4),
        (4, str, "4"),
    ],
)
def test_values_become_the_type_that_is_asked_for(value, hint, expected) -> None:
    found = convert("x", value, hint)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("value", "hint", "says"),
    [
        ("2.5", int, "x=2.5 is not a whole number"),
        ("many", int, "not a whole number"),
        ("inf", int, "not a whole number"),
        ("nan", int, "not a whole number"),
        ("--5", int, "not a whole number"),
        ("²", int, "not a whole number"),
        ("fast", float, "not a number"),
        ("maybe", bool, "not true or false"),
        ("c", Literal["a", "b"], "not one of a, b"),
    ],
)
def test_values_that_do_not_fit(value, hint, says) -> None:
    with pytest.raises(UsageError, match=says):
        convert("x", value, hint)


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": 0},
        {"batch": 1},
        {"k": 0},
        {"pretrain": -1},
        {"decay_every": 0},
        {"seed": -1},
        {"seed": LARGEST_SEED + 1},
        {"lr_generator": -1e-3},
        {"lr_discriminator": math.nan},
        {"clip": math.inf},
        {"checkpoint_seconds": -1.0},
        {"decay_generator": 0.0},
        {"decay_discriminator": 1.1},
        {"ema": 1.0},
        {"ema": math.nan},
    ],
)
def test_settings_that_make_no_sense(wrong: dict[str, float]) -> None:
    (name,) = wrong
    with pytest.raises(UsageError, match=name) as caught:
        replace(Settings(), **wrong)
    assert "\n" not in str(caught.value)


def test_assignments() -> None:
    assert parse_assignments(["k=2", "lr-generator = 1e-3", "size=a=b"]) == {
        "k": "2",
        "lr_generator": "1e-3",
        "size": "a=b",
    }
    for wrong, says in ((["k"], "NAME=VALUE"), (["=2"], "NAME=VALUE"), (["k=1", "k=2"], "twice")):
        with pytest.raises(UsageError, match=says):
            parse_assignments(wrong)


def test_each_setting_goes_to_the_first_that_knows_it() -> None:
    own, general = split({"k": "2", "x": "3", "y": "4"}, {"k": float, "x": int}, {"k": int, "y": int})
    assert own == {"k": 2.0, "x": 3}
    assert general == {"y": 4}
    with pytest.raises(UsageError, match=r"'stpes'.*Did you mean steps"):
        split({"stpes": "2"}, {"steps": int})


def test_nearest_names() -> None:
    assert nearest("EPOCH", ["epochs", "M"]) == " Did you mean epochs?"
    assert nearest("m", ["epochs", "M"]) == " Did you mean M?"
    assert nearest("zzz", ["epochs", "M"]) == " Known: epochs, M."
