"""Which images are copies: planted ones are found, and nothing else."""

import pytest
import torch

from sparring.errors import UsageError
from sparring.metrics.copies import copy_finder, rows, told_by_all


def test_finds_planted_copies_and_hardly_calls_real_ones_so(digit_images) -> None:
    x, _ = digit_images
    train, held_out = x[:1000], x[1000:1300]
    noise = torch.randint(-3, 4, train[:50].shape, generator=torch.Generator().manual_seed(0))
    near = (train[:50] + noise).clamp(0, 255).to(torch.uint8)
    copied = copy_finder([train])
    assert copied(train[:50]).all()
    assert copied(near).all()
    assert copied(held_out).double().mean() < 0.01


def test_training_images_that_repeat_each_other_hide_no_copy(digit_images) -> None:
    x, _ = digit_images
    copied = copy_finder([x[:200], x[:200]])
    assert copied(x[:20]).all()


def test_large_images_are_compared_small() -> None:
    x = torch.randint(0, 256, (20, 3, 70, 40), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    copied = copy_finder([x[:10]])
    assert copied(x).tolist() == [True] * 10 + [False] * 10


@pytest.mark.parametrize("n", [1, 5])
def test_refuses_training_images_that_are_all_alike(n: int) -> None:
    with pytest.raises(UsageError, match="two different"):
        copy_finder([torch.zeros(n, 1, 8, 8, dtype=torch.uint8)])


def test_few_directions_tell_as_all_pixels_do(digit_images, monkeypatch: pytest.MonkeyPatch) -> None:
    """Copies blurred by all degrees with other images; once hardly any can be told by two directions alone."""
    x, _ = digit_images
    train, held_out = x[:1000], x[1000:1400].float()
    share = torch.linspace(0, 1, len(held_out))[:, None, None, None]
    mixed = (train[:400].float() * (1 - share) + held_out * share).round().byte()
    known = rows(train).unique(dim=0)
    expected = told_by_all(rows(mixed), known)
    assert 0.1 < expected.double().mean() < 0.9
    for directions in (64, 2):
        monkeypatch.setattr("sparring.metrics.copies.DIRECTIONS", directions)
        assert copy_finder([train])(mixed).equal(expected)
