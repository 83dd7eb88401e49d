"""What a critic proves of W1: a bound for any function, and figures that only one of slope about one fulfils."""

import pytest
import torch

from sparring.theory import normal
from sparring.theory.transport import (
    PAIRS,
    best_critic,
    by_distributions,
    gap,
    judged,
    lower_bound,
    region,
    shown,
    steepest,
)

GRID = shown()
X = GRID.x[:, 0]
each = pytest.mark.parametrize("name", PAIRS)


@each
def test_the_best_critic_passes(name: str) -> None:
    p, q = PAIRS[name]
    figures = judged("best", best_critic(p, q, GRID), p, q, GRID)
    assert all(figure.holds for figure in figures)
    assert [figure.found for figure in figures] == pytest.approx(
        [by_distributions(p, q, GRID), 1, normal.wasserstein(p, q)], rel=3e-3
    )


@each
@pytest.mark.parametrize("f", [-1000 * X, -0.5 * X, -X.pow(3), -torch.tanh(X), -torch.exp(X / 2), -X - X.sin()])
def test_a_critic_that_is_merely_monotone_fails(name: str, f: torch.Tensor) -> None:
    p, q = PAIRS[name]
    assert not all(figure.holds for figure in judged("monotone", f, p, q, GRID))


@each
def test_the_wrong_valley_fails(name: str) -> None:
    p, q = PAIRS[name]
    assert not any(
        figure.holds for figure in judged("wrong", -best_critic(p, q, GRID), p, q, GRID) if "slope" not in figure.what
    )


@each
def test_the_bound_is_never_above_w1(name: str) -> None:
    """Nor is it for functions that are steep outside of the region, whose own difference is."""
    p, q = PAIRS[name]
    generator = torch.Generator().manual_seed(0)
    exact = normal.wasserstein(p, q)
    for _ in range(50):
        a, b, c, d = 3 * torch.randn(4, generator=generator, dtype=torch.float64)
        assert lower_bound(a * X + b * (c * X).sin() + d * X.square(), p, q, GRID) <= exact + 1e-6
    _, last = region(p, q, GRID)
    inside = best_critic(p, q, GRID)
    steep = inside - 1000 * (X - X[last]).clamp(min=0)
    assert gap(steep, p, q, GRID) > exact
    assert lower_bound(steep, p, q, GRID) == pytest.approx(lower_bound(inside, p, q, GRID))
    assert lower_bound(inside, p, q, GRID) <= exact + 1e-6


@each
def test_the_region_holds_all_but_two_thousandths(name: str) -> None:
    p, q = PAIRS[name]
    first, last = region(p, q, GRID)
    mass = 0.5 * (p.log_prob(GRID.x).exp() + q.log_prob(GRID.x).exp())
    assert float(mass[first : last + 1].sum() * GRID.volume) == pytest.approx(0.998, abs=1e-4)
    assert steepest(torch.where(X[first] > X, 50 * X, 2 * X), p, q, GRID) == pytest.approx(2)
