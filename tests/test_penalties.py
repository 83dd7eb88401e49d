"""One contract for every penalty: its closed form on critics whose gradient is known, and its own gradient."""

import math

import pytest
import torch
from torch import Tensor, nn

from sparring.penalties import DRAGAN, R1, R1R2, R2, WGANGP, LipschitzPenalty
from sparring.types import Penalty

DOUBLE = torch.float64
WEIGHT = 7.0
ALL: dict[str, Penalty] = {
    "r1": R1(WEIGHT),
    "r2": R2(WEIGHT),
    "r1r2": R1R2(WEIGHT),
    "wgan-gp": WGANGP(WEIGHT),
    "dragan": DRAGAN(WEIGHT),
    "lipschitz": LipschitzPenalty(WEIGHT),
}
LINEAR = {  # of ‖w‖, the slope of a linear critic
    "r1": lambda norm: 0.5 * WEIGHT * norm**2,
    "r2": lambda norm: 0.5 * WEIGHT * norm**2,
    "r1r2": lambda norm: WEIGHT * norm**2,
    "wgan-gp": lambda norm: WEIGHT * (norm - 1) ** 2,
    "dragan": lambda norm: WEIGHT * (norm - 1) ** 2,
    "lipschitz": lambda norm: WEIGHT * (norm - 1) ** 2,
}
each = pytest.mark.parametrize("name", ALL)


def examples(seed: int, n: int = 6, shape: tuple[int, ...] = (3, 2)) -> Tensor:
    return torch.randn(n, *shape, generator=torch.Generator().manual_seed(seed), dtype=DOUBLE)


@each
def test_on_a_linear_critic(name: str) -> None:
    """The value is a function of the slope alone, and its gradient with respect to the slope is that function's."""
    w = examples(0, 1).flatten().requires_grad_()
    value = ALL[name](lambda x: x.flatten(1) @ w + 3, (examples(1),), (examples(2),))
    expected = LINEAR[name](w.norm())
    torch.testing.assert_close(value, expected)
    for found, known in zip(torch.autograd.grad(value, w), torch.autograd.grad(expected, w), strict=True):
        torch.testing.assert_close(found, known)


@pytest.mark.parametrize(("name", "where"), [("r1", 1), ("r2", 2)])
def test_on_a_quadratic_critic(name: str, where: int) -> None:
    """D = ½ a ‖x‖² has the gradient a x, at real examples for R1 and at generated ones for R2."""
    a = torch.tensor(1.7, dtype=DOUBLE, requires_grad=True)
    value = ALL[name](lambda x: 0.5 * a * x.flatten(1).square().sum(1), (examples(1),), (examples(2),))
    mean = examples(where).flatten(1).square().sum(1).mean()
    torch.testing.assert_close(value, 0.5 * WEIGHT * a**2 * mean)
    torch.testing.assert_close(torch.autograd.grad(value, a)[0], WEIGHT * a * mean)


def test_both_at_once_are_the_sum_of_both() -> None:
    w = examples(0, 1).flatten().requires_grad_()
    one, other = (
        [p(lambda x: (x.flatten(1) @ w).tanh(), (examples(1),), (examples(2),)) for p in penalties]
        for penalties in ((R1R2(WEIGHT),), (R1(WEIGHT), R2(WEIGHT)))
    )
    torch.testing.assert_close(sum(one), sum(other))
    torch.testing.assert_close(torch.autograd.grad(sum(one), w), torch.autograd.grad(sum(other), w))


@pytest.mark.parametrize(("slope", "expected"), [(0.5, 0.0), (-1.0, 0.0), (1.5, 0.75), (-3.0, 12.0)])
def test_the_lipschitz_penalty_is_of_slopes_above_one(slope: float, expected: float) -> None:
    value = LipschitzPenalty(3.0)(lambda x: slope * x.flatten(1)[:, 0], (examples(1),), (examples(2),))
    assert value.item() == pytest.approx(expected)


def test_the_lipschitz_penalty_is_of_real_and_generated_examples() -> None:
    real, fake = torch.tensor([[2.0], [3.0]], dtype=DOUBLE), torch.tensor([[-4.0], [-1.0]], dtype=DOUBLE)
    value = LipschitzPenalty(1.0)(lambda x: 0.5 * x.square().sum(1), (real,), (fake,))
    assert value.item() == pytest.approx((1 + 4 + 9 + 0) / 4)


def seen_by(penalty: Penalty, real: Tensor, fake: Tensor) -> Tensor:
    shown = []

    def critic(x: Tensor) -> Tensor:
        shown.append(x.detach())
        return x.flatten(1).sum(1)

    penalty(critic, (real,), (fake,))
    (x,) = shown
    return x


def test_wgan_gp_looks_between_the_pairs() -> None:
    """One share for each pair, between 0 and 1, and the same for all values of an example."""
    real, fake = examples(1, 200), examples(2, 200)
    shares = ((seen_by(WGANGP(1), real, fake) - fake) / (real - fake)).flatten(1)
    torch.testing.assert_close(shares, shares[:, :1].expand_as(shares))
    assert shares.min() >= 0
    assert shares.max() <= 1
    assert shares[:, 0].std().item() == pytest.approx(1 / math.sqrt(12), abs=0.03)


def test_dragan_looks_around_the_real_ones() -> None:
    """By at most half a deviation, along a way that is drawn for each value and a share of it for each example."""
    real = 5 * examples(1, 5000)
    off = ((seen_by(DRAGAN(1, noise=0.5), real, examples(2, 5000)) - real) / (0.5 * real.std())).flatten(1)
    assert 0 <= off.min() < 0.01
    assert 0.9 < off.max() <= 1
    assert off.mean().item() == pytest.approx(1 / 4, abs=0.02)
    within, between = off.var(1).mean().item(), off.var().item()
    assert within == pytest.approx(1 / 36, rel=0.1)  # E[a²] · var(u)
    assert between == pytest.approx(1 / 9 - 1 / 16, rel=0.1)


@each
def test_where_the_critic_is_flat_everything_is_finite(name: str) -> None:
    w = torch.zeros(6, dtype=DOUBLE, requires_grad=True)
    value = ALL[name](lambda x: x.flatten(1) @ w, (examples(1),), (examples(2),))
    (gradient,) = torch.autograd.grad(value, w)
    assert torch.isfinite(value)
    assert torch.isfinite(gradient).all()


@each
def test_conditions_are_passed_on_and_not_differentiated(name: str) -> None:
    labels = torch.arange(6)
    scale = torch.arange(1, 7, dtype=DOUBLE)

    def critic(x: Tensor, y: Tensor) -> Tensor:
        return scale[y] * x.flatten(1)[:, 0]

    value = ALL[name](critic, (examples(1), labels), (examples(2), labels))
    torch.testing.assert_close(value, torch.stack([LINEAR[name](s) for s in scale]).mean())


@each
def test_every_weight_of_a_network_gets_a_gradient(name: str) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 1)).double()
    steep = 20.0  # so that some slopes are above one
    value = ALL[name](lambda x: steep * network(x).squeeze(1), (examples(1),), (examples(2),))
    value.backward()
    for key, parameter in network.named_parameters():
        if key != "3.bias":  # no gradient of the output depends on it
            assert parameter.grad.abs().max() > 0, key
