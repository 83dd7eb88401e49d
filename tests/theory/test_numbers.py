"""The numbers that are known, by closed form, by our rule and by scipy's adaptive one."""

import math

import pytest
import torch
from scipy.integrate import quad

from sparring.data.toys import SwissRoll
from sparring.objectives import DIVERGENCES
from sparring.theory import normal
from sparring.theory.normal import Normal
from sparring.theory.quadrature import bound, f_divergence, jsd, kl, line, square, value
from sparring.theory.transport import by_distributions

ONE, TWO, WIDE = Normal(0, 1), Normal(2, 1), Normal(1, 1.2)
GRID = line()
DOUBLE = torch.float64


def logs(p: Normal, q: Normal) -> tuple[torch.Tensor, torch.Tensor]:
    return p.log_prob(GRID.x), q.log_prob(GRID.x)


@pytest.mark.parametrize(
    ("name", "p", "q", "expected"),
    [
        ("kl", ONE, TWO, 2.0),
        ("pearson", ONE, TWO, math.exp(4) - 1),
        ("squared-hellinger", ONE, TWO, 2 * (1 - math.exp(-0.5))),
        ("total-variation", ONE, TWO, 0.68269),
        ("jensen-shannon", ONE, TWO, 2 * 0.33683),
        ("gan", ONE, TWO, -0.71263),
        ("kl", ONE, WIDE, 0.37677),
        ("reverse-kl", ONE, WIDE, 0.53768),
        ("pearson", ONE, WIDE, 0.78769),
        ("neyman", ONE, WIDE, 5.64126),
    ],
)
def test_published_figures(name: str, p: Normal, q: Normal, expected: float) -> None:
    """By the integral and by the best discriminator, to the digits that are given."""
    log_p, log_q = logs(p, q)
    divergence = DIVERGENCES[name]
    assert f_divergence(divergence, log_p, log_q, GRID) == pytest.approx(expected, abs=1e-5)
    best = divergence.optimum(log_p - log_q)
    assert bound(divergence, best, log_p, log_q, GRID) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("name", DIVERGENCES)
def test_no_other_discriminator_goes_beyond(name: str) -> None:
    log_p, log_q = logs(ONE, WIDE)
    divergence = DIVERGENCES[name]
    largest = f_divergence(divergence, log_p, log_q, GRID)
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        a, b, c = torch.randn(3, generator=generator, dtype=DOUBLE)
        raw = a + b * GRID.x[:, 0] + c * GRID.x[:, 0].sin()
        assert bound(divergence, raw, log_p, log_q, GRID) <= largest + 1e-8


def test_a_batch_may_promise_more_than_the_divergence() -> None:
    """P = Q, T = b x with the b that is best for ten samples: above 0 on them, not above 0 in expectation."""
    pearson = DIVERGENCES["pearson"]
    log_p, _ = logs(ONE, ONE)
    for seed in range(5):
        real, fake = torch.randn(2, 10, generator=torch.Generator().manual_seed(seed), dtype=DOUBLE)
        b = 2 * (real.mean() - fake.mean()) / fake.square().mean()
        on_samples = (pearson.activation(b * real) - pearson.conjugate_of_raw(b * fake)).mean()
        assert on_samples > 1e-4
        assert bound(pearson, b * GRID.x[:, 0], log_p, log_p, GRID) <= 1e-12


def test_jsd_and_value() -> None:
    log_p, log_q = logs(ONE, TWO)
    assert jsd(log_p, log_q, GRID) == pytest.approx(0.33683, abs=5e-6)
    assert value(log_p - log_q, log_p, log_q, GRID) == pytest.approx(-0.71263, abs=5e-6)
    assert jsd(log_p, log_p, GRID) == pytest.approx(0, abs=1e-14)
    wide = line(-12, 32)
    apart = jsd(ONE.log_prob(wide.x), Normal(20, 1).log_prob(wide.x), wide)
    assert apart == pytest.approx(math.log(2), abs=1e-12)


def test_the_rule_is_as_good_as_an_adaptive_one() -> None:
    """Half of the Jensen-Shannon divergence by scipy, which knows nothing of our grid."""

    def integrand(x: float) -> float:
        log_p, log_q = (float(d.log_prob(torch.tensor([[x]], dtype=DOUBLE))) for d in (ONE, WIDE))
        middle = math.log(math.exp(log_p) + math.exp(log_q)) - math.log(2)
        return 0.5 * (math.exp(log_p) * (log_p - middle) + math.exp(log_q) * (log_q - middle))

    expected, error = quad(integrand, -20, 20, epsabs=1e-12, limit=200)
    assert error < 1e-9
    assert jsd(*logs(ONE, WIDE), GRID) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("p", "q"), [(ONE, TWO), (ONE, WIDE), (WIDE, ONE), (Normal(-1, 0.7), Normal(0.5, 0.9))])
def test_closed_forms_of_normals(p: Normal, q: Normal) -> None:
    log_p, log_q = logs(p, q)
    assert normal.kl(p, q) == pytest.approx(kl(log_p, log_q, GRID), rel=1e-10)
    for name, closed in (
        ("pearson", normal.chi_squared),
        ("squared-hellinger", normal.squared_hellinger),
        ("total-variation", normal.total_variation),
    ):
        assert closed(p, q) == pytest.approx(f_divergence(DIVERGENCES[name], log_p, log_q, GRID), rel=1e-7)
    assert normal.wasserstein(p, q) == pytest.approx(by_distributions(p, q, GRID), abs=1e-7)


def test_wasserstein_to_the_digits_given() -> None:
    assert normal.wasserstein(ONE, Normal(1, 2)) == pytest.approx(1.16663, abs=5e-6)
    assert normal.wasserstein(ONE, TWO) == 2


def test_pearson_is_infinite_where_the_tails_are_too_heavy() -> None:
    assert normal.chi_squared(Normal(0, 2), ONE) == math.inf


def test_the_swiss_rolls_density_is_whole() -> None:
    grid = square(3.0, 301)
    assert grid.integrate(SwissRoll(0.1).log_prob(grid.x).exp()) == pytest.approx(1, abs=1e-9)
