"""Every f-divergence: its conjugate, its activation and its optimum belong together."""

import math

import pytest
import torch

from sparring.objectives import DIVERGENCES, Divergence, f_gan, minimax, non_saturating
from sparring.objectives.divergences import TAME, tame, untame

each = pytest.mark.parametrize("name", DIVERGENCES)
AT_ONE = {"gan": -math.log(4)}
DOUBLE = torch.float64
RAW = torch.linspace(-4, 4, 81, dtype=DOUBLE)


@each
def test_convex_with_the_stated_value_at_one(name: str) -> None:
    f = DIVERGENCES[name].f
    u = torch.logspace(-3, 3, 400, dtype=DOUBLE)
    assert f(torch.ones(1, dtype=DOUBLE)).item() == pytest.approx(AT_ONE.get(name, 0.0), abs=1e-15)
    left, right = u[:-1], u[1:]
    assert (f((left + right) / 2) <= (f(left) + f(right)) / 2 + 1e-12).all()


@each
def test_the_conjugate_is_the_supremum(name: str) -> None:
    """f*(t) = sup_u (u t - f(u)) where f is convex, on a fine grid of u; and the formula on raw outputs is the same."""
    divergence: Divergence = DIVERGENCES[name]
    raw = RAW
    t = divergence.activation(raw)
    u = torch.logspace(-12, 12, 40_001, base=math.e, dtype=DOUBLE)
    if name == "pearson":  # a parabola, convex for all real u
        u = torch.cat([-u, u])
    found = (u * t[:, None] - divergence.f(u)).amax(1)
    torch.testing.assert_close(divergence.conjugate(t), found, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(divergence.conjugate(t), divergence.conjugate_of_raw(raw), rtol=1e-9, atol=1e-9)


def test_pearsons_conjugate_lies_above_the_supremum_over_ratios_only_below_minus_two() -> None:
    pearson = DIVERGENCES["pearson"]
    u = torch.linspace(0, 5, 5001, dtype=DOUBLE)
    over_ratios = (u * RAW[:, None] - pearson.f(u)).amax(1)
    slack = pearson.conjugate(RAW) - over_ratios
    torch.testing.assert_close(slack[RAW >= -2], torch.zeros_like(slack[RAW >= -2]), rtol=0, atol=1e-6)
    assert (slack[RAW < -2] > 1e-4).all()
    at = int((RAW + 3).abs().argmin())
    assert (pearson.conjugate(RAW)[at].item(), over_ratios[at].item()) == (pytest.approx(-0.75), pytest.approx(-1))


@each
def test_at_the_optimum_t_is_the_slope_of_f_and_the_bound_is_tight(name: str) -> None:
    """T = f'(u), and u T - f*(T) = f(u): Fenchel's equality."""
    divergence: Divergence = DIVERGENCES[name]
    ratio = torch.linspace(-3, 3, 62, dtype=DOUBLE)  # it leaves out 0, where the total variation has a corner
    u = ratio.exp().requires_grad_()
    (slope,) = torch.autograd.grad(divergence.f(u).sum(), u)
    raw = divergence.optimum(ratio)
    t = divergence.activation(raw)
    torch.testing.assert_close(t, slope)
    torch.testing.assert_close(u.detach() * t - divergence.conjugate_of_raw(raw), divergence.f(u).detach())


@each
def test_activation_grows(name: str) -> None:
    assert (DIVERGENCES[name].activation(RAW).diff() > 0).all()


def test_the_gan_divergence_is_the_original_game() -> None:
    real, fake = torch.randn(2, 50, dtype=DOUBLE)
    for part in ("discriminator", "generator"):
        expected = getattr(non_saturating, part)(real, fake)
        torch.testing.assert_close(getattr(f_gan(DIVERGENCES["gan"]), part)(real, fake), expected)
    saturating = -DIVERGENCES["gan"].conjugate_of_raw(fake)
    torch.testing.assert_close(saturating, minimax.generator(real, fake))


@each
def test_the_bound_holds_for_outputs_of_any_size(name: str) -> None:
    """u T - f*(T) <= f(u) at every point, also where the exponentials were tamed."""
    divergence: Divergence = DIVERGENCES[name]
    raw = torch.cat([torch.linspace(-100, 100, 401, dtype=DOUBLE), torch.tensor([-1e4, 1e4], dtype=DOUBLE)])
    u = torch.logspace(-3, 3, 25, dtype=DOUBLE)
    below = u * divergence.activation(raw)[:, None] - divergence.conjugate_of_raw(raw)[:, None]
    assert (below <= divergence.f(u) + 1e-9 * below.abs()).all()


def test_tame_is_the_identity_then_a_logarithm() -> None:
    v = torch.tensor([-50.0, -TAME, 0.0, 3.0, TAME, TAME + 1, 1e4], dtype=DOUBLE, requires_grad=True)
    tamed = tame(v)
    assert torch.equal(tamed[1:5], v[1:5])
    assert tamed[5].exp().item() == pytest.approx(2 * math.exp(TAME))
    torch.testing.assert_close(untame(tamed), v)
    (gradient,) = torch.autograd.grad(tamed.exp().sum(), v)
    torch.testing.assert_close(gradient[1:], v[1:].detach().clamp(max=TAME).exp())
