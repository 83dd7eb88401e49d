import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparring.data.split import split


def hashes(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2**64, count, dtype=np.uint64)


@given(st.integers(1, 300), st.integers(0, 9), st.sampled_from([0.0, 0.1, 0.5]))
def test_parts_cover_everything_once(count: int, seed: int, holdout: float) -> None:
    parts, notes = split(hashes(count, seed), ["train"] * count, holdout)
    assert sorted(np.concatenate(list(parts.values()))) == list(range(count))
    assert len(parts["train"]) > 0
    assert notes
    if count < 10:
        assert set(parts) == {"train"}
    else:
        assert len(parts["validation"]) > 0
        assert ("test" in parts) == (holdout > 0)


def test_shares() -> None:
    parts, _ = split(hashes(200_000), ["train"] * 200_000, 0.1)
    assert len(parts["test"]) == pytest.approx(20_000, rel=0.03)
    assert len(parts["validation"]) == pytest.approx(5_000, rel=0.05)


def test_parts_are_stable_when_images_are_added_and_reordered() -> None:
    old = hashes(1_000)
    new = np.concatenate([hashes(200, seed=1), old[::-1]])
    before, _ = split(old, ["train"] * 1_000, 0.1)
    after, _ = split(new, ["train"] * 1_200, 0.1)
    assert set(old[before["test"]]) <= set(new[after["test"]])
    assert not set(old[before["train"]]) & set(new[after["test"]])


@pytest.mark.parametrize("count", [12, 400])
def test_duplicates_stay_together(count: int) -> None:
    doubled = np.tile(hashes(count // 2), 2)
    parts, _ = split(doubled, ["train"] * len(doubled), 0.1)
    sets = [set(doubled[positions]) for positions in parts.values()]
    assert not any(a & b for i, a in enumerate(sets) for b in sets[i + 1 :])


def test_images_that_are_all_alike_hold_nothing_out() -> None:
    for value in (0, 2**60, 2**63):
        parts, notes = split(np.full(50, value, np.uint64), ["train"] * 50, 0.1)
        assert len(parts["train"]) == 50
        assert any("alike" in note for note in notes)


def test_named_parts_are_kept() -> None:
    given = ["train"] * 100 + ["test"] * 20  # type: ignore[var-annotated]
    parts, _ = split(hashes(120), given, 0.1)
    assert parts["test"].tolist() == list(range(100, 120))
    assert 0 < len(parts["validation"]) < 40
