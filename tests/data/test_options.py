from typing import get_type_hints

import pytest

from sparring.data import DataOptions, open_data
from sparring.errors import UsageError
from sparring.settings import split


def read(texts: dict[str, str]) -> DataOptions:
    (values,) = split(texts, get_type_hints(DataOptions))
    return DataOptions(**values)


def test_settings_are_read_as_texts() -> None:
    options = read({"size": "64x48", "holdout": "0.2", "points": "500", "mu": "-2"})
    assert options == DataOptions(size="64x48", holdout=0.2, points=500, mu=-2.0)
    assert options.height_width() == (64, 48)
    assert options.changed() == ("size", "holdout", "points", "mu")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": "big"}, "size=big"),
        ({"size": "0"}, "1 to 4096"),
        ({"fit": "shrink"}, "crop, pad, squash"),
        ({"channels": "4"}, "auto, 1, 3"),
        ({"range": "0-1"}, "0..1"),
        ({"range": "1..0"}, "black and white"),
        ({"range": "0..inf"}, "black and white"),
        ({"range": "0..nan"}, "black and white"),
        ({"holdout": "0.9"}, "0.5"),
        ({"holdout": "nan"}, "0.5"),
        ({"points": "0"}, "1 or more"),
        ({"points": "many"}, "whole number"),
        ({"sigma": "0"}, "above 0"),
        ({"mu": "inf"}, "-1e6 to 1e6"),
        ({"mu": "-1e30"}, "-1e6 to 1e6"),
        ({"mu": "nan"}, "-1e6 to 1e6"),
        ({"sigma": "1e30"}, "1e6 at most"),
        ({"chanels": "1"}, "Did you mean channels"),
    ],
)
def test_values_that_make_no_sense(settings: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        read(settings)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "settings"),
    [
        ("ring", {"size": "8"}),
        ("ring", {"mu": "1"}),
        ("digits", {"sigma": "1"}),
        ("digits", {"points": "5"}),
    ],
)
def test_options_without_meaning_are_refused(data: str, settings: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="has no meaning for"):
        open_data(data, read(settings))


def test_range_has_no_meaning_for_image_files(folder) -> None:
    with pytest.raises(UsageError, match="'range' has no meaning"):
        open_data(str(folder), DataOptions(range="0..1"))
