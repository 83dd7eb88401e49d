"""One contract for every objective: finite, per sample, and best where its declared optimum says."""

import math

import pytest
import torch

from sparring import objectives
from sparring.objectives import Objective

ALL = {name: value for name, value in vars(objectives).items() if isinstance(value, Objective)}
each = pytest.mark.parametrize("objective", ALL.values(), ids=ALL.keys())


@each
@pytest.mark.parametrize("size", [0.0, 1.0, 50.0, 1e4])
def test_values_and_gradients_are_finite(objective: Objective, size: float) -> None:
    real = torch.tensor([size, -size, size, -size], requires_grad=True)
    fake = torch.tensor([size, size, -size, -size], requires_grad=True)
    for loss in (objective.discriminator(real, fake), objective.generator(real, fake)):
        assert loss.shape == (4,)
        gradients = torch.autograd.grad(loss.sum(), (real, fake), allow_unused=True)
        for values in (loss, *(g for g in gradients if g is not None)):
            assert torch.isfinite(values).all()


@each
def test_the_generator_needs_no_real_examples_unless_it_says_so(objective: Objective) -> None:
    if not objective.relativistic:
        assert objective.generator(torch.empty(0), torch.randn(5)).shape == (5,)


@each
@pytest.mark.parametrize(("p", "q"), [(0.5, 0.5), (0.9, 0.1), (0.2, 1.4), (1e-3, 1.0), (2.0, 0.03)])
def test_the_declared_optimum_is_the_best_raw_output(objective: Objective, p: float, q: float) -> None:
    """The discriminator's expected loss at a point, p on real and q on fake, as a function of its raw output there."""
    if objective.optimum is None:
        pytest.skip("no optimum is known")
    grid = torch.linspace(-12, 12, 24_001, dtype=torch.float64)
    none = torch.zeros_like(grid)
    # The loss is a sum of a real and a fake part: each part alone is what is left when the other one is held fixed.
    on_real = objective.discriminator(grid, none) - objective.discriminator(none, none)
    on_fake = objective.discriminator(none, grid) - objective.discriminator(none, none)
    best = objective.optimum(torch.tensor([math.log(p / q)], dtype=torch.float64))
    zero = torch.zeros_like(best)
    declared = p * (objective.discriminator(best, zero) - objective.discriminator(zero, zero))
    declared += q * (objective.discriminator(zero, best) - objective.discriminator(zero, zero))
    # No point of the grid is better than the declared one; where a whole interval is best it need not be the same.
    assert declared.item() <= (p * on_real + q * on_fake).min().item() + 1e-12


@pytest.mark.parametrize("name", ["minimax", "non_saturating"])
def test_at_equilibrium_the_loss_is_log_4(name: str) -> None:
    objective = ALL[name]
    assert objective.optimum is not None
    raw = objective.optimum(torch.zeros(1, dtype=torch.float64))
    assert objective.discriminator(raw, raw).item() == pytest.approx(math.log(4))


def test_minimax_is_one_value_and_its_negative() -> None:
    """The generator's loss differs from the negative of the discriminator's only by what does not depend on it."""
    real, fake = torch.randn(2, 100, dtype=torch.float64)
    difference = objectives.minimax.generator(real, fake) + objectives.minimax.discriminator(real, fake)
    expected = -torch.nn.functional.logsigmoid(real)
    torch.testing.assert_close(difference, expected)


def test_the_non_saturating_generator_moves_where_the_saturating_one_stands() -> None:
    """At a fake that is surely found out, d/df of softplus(-f) is -1, and of -softplus(f) it is 0 (section 3)."""
    fake = torch.tensor([-30.0], requires_grad=True)
    none = torch.empty(0)
    (moving,) = torch.autograd.grad(objectives.non_saturating.generator(none, fake).sum(), fake)
    (standing,) = torch.autograd.grad(objectives.minimax.generator(none, fake).sum(), fake)
    assert moving.item() == pytest.approx(-1)
    assert standing.item() == pytest.approx(0, abs=1e-12)


def test_hinge_stops_at_the_margin() -> None:
    """No gradient beyond ±1 for the discriminator; the generator's never stops (Miyato et al. 2018, eq. 16, 17)."""
    real, fake = torch.tensor([2.0, 0.5], requires_grad=True), torch.tensor([-2.0, -0.5], requires_grad=True)
    loss = objectives.hinge.discriminator(real, fake)
    assert loss.tolist() == [0.0, 1.0]
    for gradient, expected in zip(torch.autograd.grad(loss.sum(), (real, fake)), ([0, -1], [0, 1]), strict=True):
        assert gradient.tolist() == expected
    assert torch.autograd.grad(objectives.hinge.generator(real, fake).sum(), fake)[0].tolist() == [-1, -1]
