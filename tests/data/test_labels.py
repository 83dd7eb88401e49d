"""Few labels: which are shown is a function of the seed, as many a class, and nothing else is."""

import numpy as np
import pytest

from sparring.data import DataOptions, open_data
from sparring.data.source import labelled_part
from sparring.errors import UsageError


def shown(seed: int, per_class: int = 3) -> np.ndarray:
    return open_data("digits", DataOptions(labels_per_class=per_class, labels_seed=seed)).train.labels


def test_each_class_shows_as_many_and_true_ones() -> None:
    full, few = open_data("digits").train, shown(0)
    kept = np.flatnonzero(few >= 0)
    assert np.array_equal(few[kept], full.labels[kept])
    assert np.bincount(few[kept]).tolist() == [3] * 10
    assert np.array_equal(few, shown(0))
    assert not np.array_equal(few, shown(1))


def test_what_is_read_shows_no_other_label() -> None:
    few = open_data("digits", DataOptions(labels_per_class=2))
    every = np.arange(len(few.train))
    assert np.array_equal(few.train.read(every).y.numpy(), few.train.labels)
    assert (few.validation.read(np.arange(5)).y == -1).all()
    assert (few.test.read(np.arange(5)).y >= 0).all()
    part = labelled_part(few.train)
    assert len(part) == 20
    assert (part.read(np.arange(20)).y >= 0).all()
    full = open_data("digits")
    assert few.fingerprint != full.fingerprint
    assert np.array_equal(few.train.read(every).x, full.train.read(every).x)


def test_more_draws_of_one_seed_hold_the_smaller_ones() -> None:
    assert set(np.flatnonzero(shown(4, 2) >= 0)) <= set(np.flatnonzero(shown(4, 5) >= 0))


@pytest.mark.parametrize(
    ("data", "options", "why"),
    [
        ("digits", {"labels_per_class": 1000}, "digits has 1.. labelled training images of the class '.', fewer than"),
        ("digits", {"labels_per_class": 0}, "labels_per_class"),
        ("digits", {"labels_per_class": 1, "labels_seed": -1}, "labels_seed"),
        ("ring", {"labels_per_class": 1}, "labels_per_class"),
    ],
)
def test_what_cannot_be_drawn_is_refused(data: str, options: dict, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        open_data(data, DataOptions(**options))


def test_the_validation_part_may_train() -> None:
    """All that is not of the test part then trains, in the order in which it was read, and shows labels."""
    apart, whole = open_data("digits"), open_data("digits", DataOptions(validation="train"))
    assert whole.validation is None
    assert whole.fingerprint != apart.fingerprint
    assert len(whole.train) == len(apart.train) + len(apart.validation)
    assert np.array_equal(whole.test.labels, apart.test.labels)
    rows = [
        np.concatenate([part.read(np.arange(len(part))).x.flatten(1).numpy() for part in parts])
        for parts in ([whole.train], [apart.train, apart.validation])
    ]
    assert np.array_equal(*(row[np.lexsort(row.T)] for row in rows))
    few = open_data("digits", DataOptions(validation="train", labels_per_class=2))
    assert (few.train.labels >= 0).sum() == 20
    assert len(few.train) == len(whole.train)
