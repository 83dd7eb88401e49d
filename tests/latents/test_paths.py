"""Arcs and straight ways between latent codes."""

import math

import pytest
import torch

from sparring.latents.paths import along, linear, spherical

T = torch.linspace(0, 1, 11)


def codes(n: int, dim: int = 100) -> torch.Tensor:
    return torch.randn(n, dim, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("way", [linear, spherical])
def test_the_ends_are_exact(way) -> None:
    a, b = codes(2).split(1)
    path = way(a, b, T)
    assert torch.equal(path[:1], a)
    assert torch.equal(path[-1:], b)
    assert path.dtype == a.dtype


def test_an_arc_stays_on_the_sphere_and_has_one_speed() -> None:
    a, b = codes(2).split(1)
    path = spherical(a / a.norm(), b / b.norm(), T)
    torch.testing.assert_close(path.norm(dim=1), torch.ones(11))
    angles = (path[1:] * path[:-1]).sum(1).arccos()
    torch.testing.assert_close(angles, angles[:1].expand(10), rtol=1e-3, atol=0)
    assert linear(a / a.norm(), b / b.norm(), T).norm(dim=1)[5] < 0.8  # what the straight way does


def test_a_quarter_circle() -> None:
    path = spherical(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]]), torch.tensor([1 / 3]))
    torch.testing.assert_close(path[0], torch.tensor([math.cos(math.pi / 6), math.sin(math.pi / 6)]))


@pytest.mark.parametrize("way", [linear, spherical])
def test_pairs_go_their_own_ways(way) -> None:
    """Also where one of them has no arc."""
    a, b = codes(11).view(11, 4, 25), codes(22)[11:].view(11, 4, 25)
    b[3] = -a[3]
    alone = [way(a[i : i + 1], b[i : i + 1], T[i : i + 1]) for i in range(11)]
    torch.testing.assert_close(way(a, b, T), torch.cat(alone))


def test_codes_on_one_line_through_the_centre() -> None:
    """Equal, opposite, scaled or zero: nothing is divided by zero, and the way is straight."""
    a = codes(1)
    for b in (a, -a, 2 * a, 0 * a):
        torch.testing.assert_close(spherical(a, b, T), linear(a, b, T))


@pytest.mark.parametrize("on_sphere", [True, False])
def test_a_path_meets_its_keys(on_sphere: bool) -> None:
    keys = codes(4)
    path = along(keys, 13, on_sphere=on_sphere)
    assert path.shape == (13, 100)
    assert torch.equal(path[::4], keys)


def test_a_loop_does_not_show_its_first_frame_twice() -> None:
    a, b, c = codes(3)
    path = along(torch.stack([a, b, c, a]), 12, on_sphere=True)
    assert len(path) == 12
    for i, key in ((0, a), (4, b), (8, c)):
        torch.testing.assert_close(path[i], key)
    assert not torch.allclose(path[-1], a)


def test_one_leg_there_and_back_is_no_loop_of_one() -> None:
    a = codes(1)[0]
    assert torch.equal(along(torch.stack([a, a]), 3, on_sphere=True)[-1], a)
    assert along(codes(2), 2, on_sphere=False).shape == (2, 100)
