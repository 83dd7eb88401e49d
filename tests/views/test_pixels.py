"""Looking pixels up: what must be exact is exact, the rest is worked out by hand."""

import pytest
import torch
from torch import Tensor

from sparring.views.pixels import at, mirrored, warp

DOUBLE = torch.float64


def rows(*values: float, n: int = 1) -> Tensor:
    return torch.tensor([values], dtype=DOUBLE).expand(n, 3)


def test_beyond_the_edge_lies_the_mirror_image() -> None:
    places = torch.tensor([-4.0, -3, -1, -0.25, 0, 2.5, 3, 3.5, 4, 6, 7])
    assert mirrored(places, 4).tolist() == [2, 3, 1, 0.25, 0, 2.5, 3, 2.5, 2, 0, 1]
    assert mirrored(places, 1).tolist() == [0] * len(places)


@pytest.mark.parametrize("shape", [(2, 1, 8, 8), (3, 3, 7, 7), (1, 3, 28, 28), (1, 1, 1, 1)])
@pytest.mark.parametrize(("cosine", "sine"), [(1, 0), (0, 1), (-1, 0), (0, -1)])
@pytest.mark.parametrize("flip", [1, -1])
def test_flips_and_quarter_turns_are_exact(shape, cosine: int, sine: int, flip: int) -> None:
    x = torch.randn(*shape)
    turns = {(1, 0): 0, (0, 1): -1, (-1, 0): 2, (0, -1): 1}[cosine, sine]
    expected = torch.rot90(x if flip > 0 else x.flip(3), turns, (2, 3))
    n = len(x)
    assert torch.equal(warp(x, rows(flip * cosine, flip * sine, 0, n=n), rows(-sine, cosine, 0, n=n)), expected)


def test_whole_shifts_are_exact() -> None:
    x = torch.randn(2, 3, 6, 9)
    shown = warp(x, rows(1, 0, -2, n=2), rows(0, 1, 1, n=2))  # two pixels to the right, one up
    assert torch.equal(shown[:, :, :5, 2:], x[:, :, 1:, :-2])
    assert torch.equal(shown[:, :, :5, :2], x[:, :, 1:, [2, 1]])
    assert torch.equal(shown[:, :, 5, 2:], x[:, :, 4, :-2])


def test_between_pixels_by_hand() -> None:
    x = torch.tensor([[[[0.0, 4, 8], [16, 20, 24]]]], dtype=DOUBLE)
    quarter = warp(x, rows(1, 0, 0.25), rows(0, 1, 0))
    assert quarter.tolist() == [[[[1, 5, 7], [17, 21, 23]]]]
    half_size = warp(x, rows(2, 0, 0), rows(0, 1, 0.5))  # columns -1, 1, 3 are mirrored to 1; rows .5 and 1.5 to .5
    assert half_size.tolist() == [[[[12, 12, 12], [12, 12, 12]]]]


def test_each_image_has_its_own_map() -> None:
    x = torch.randn(1, 1, 5, 5).expand(2, 1, 5, 5)
    right, down = torch.tensor([[1.0, 0, 0], [-1, 0, 0]]), rows(0, 1, 0, n=2)
    assert torch.equal(warp(x, right, down), torch.stack([x[0], x[1].flip(2)]))


def test_can_be_differentiated_twice() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 1, 3, 4, dtype=DOUBLE, requires_grad=True)
    right, down = (torch.randn(2, 3, dtype=DOUBLE) for _ in range(2))
    assert torch.autograd.gradcheck(lambda x: warp(x, right, down), x)
    assert torch.autograd.gradgradcheck(lambda x: warp(x, right, down), x)


def test_pixels_are_looked_up_by_row_and_column() -> None:
    x = torch.arange(24.0).view(2, 1, 3, 4)
    found = at(x, torch.tensor([[[2], [0]], [[1], [1]]]), torch.tensor([[[3, 0, 0]], [[1, 1, 2]]]))
    assert found.tolist() == [[[[11, 8, 8], [3, 0, 0]]], [[[17, 17, 18], [17, 17, 18]]]]
