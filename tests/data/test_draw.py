import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparring.data import draw_indices


@given(st.integers(1, 60), st.integers(0, 2**32), st.integers(0, 3), st.integers(0, 5))
def test_each_epoch_is_a_permutation(length: int, seed: int, stream: int, epoch: int) -> None:
    drawn = draw_indices(length, seed, stream, epoch * length, length)
    assert drawn.dtype == np.int64
    assert sorted(drawn) == list(range(length))


@given(st.integers(1, 40), st.integers(0, 200), st.lists(st.integers(0, 50), max_size=6))
def test_any_split_of_a_range_gives_the_same(length: int, start: int, counts: list[int]) -> None:
    whole = draw_indices(length, 7, 1, start, sum(counts))
    starts = start + np.cumsum([0, *counts])
    pieces = [draw_indices(length, 7, 1, int(s), c) for s, c in zip(starts, counts, strict=False)]
    assert np.array_equal(whole, np.concatenate([*pieces, np.empty(0, np.int64)]))


def test_seeds_streams_and_epochs_differ() -> None:
    draws = [draw_indices(100, *key, 100) for key in ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 100))]
    assert len({tuple(d) for d in draws}) == 4


def test_drawn_indices_may_be_changed() -> None:
    first = draw_indices(10, 0, 0, 0, 5)
    kept = first.copy()
    first[:] = 0
    assert np.array_equal(draw_indices(10, 0, 0, 0, 5), kept)


def test_nothing_to_draw_from() -> None:
    with pytest.raises(ValueError, match="nothing to draw"):
        draw_indices(0, 0, 0, 0, 1)
