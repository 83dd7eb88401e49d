"""One contract for every objective: finite, per sample, and best where its declared optimum says."""

import math

import pytest
import torch

from sparring import objectives
from sparring.errors import UsageError
from sparring.objectives import DIVERGENCES, Objective, f_gan, smooth

OBJECTIVES = {name: value for name, value in vars(objectives).items() if isinstance(value, Objective)}
OBJECTIVES |= {f"f-gan of {name}": f_gan(divergence) for name, divergence in DIVERGENCES.items()}
SMOOTHED = {
    f"smooth {name}": smooth(objective, share)
    for name, objective in OBJECTIVES.items()
    if objective.optimum is not None and not objective.relativistic
    for share in (0.1,)
}
SATURATING = {f"saturating {name}": f_gan(divergence, saturating=True) for name, divergence in DIVERGENCES.items()}
ALL = OBJECTIVES | SMOOTHED | SATURATING
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


def loss_at(objective: Objective, raw: torch.Tensor, p: float, q: float) -> torch.Tensor:
    """The discriminator's expected loss at a point with p on real and q on fake, less that of the output 0.

    The loss is a sum of a real and a fake part: each part alone is what is left when the other one is held fixed.
    """
    none = torch.zeros_like(raw)
    on_real = objective.discriminator(raw, none) - objective.discriminator(none, none)
    on_fake = objective.discriminator(none, raw) - objective.discriminator(none, none)
    return p * on_real + q * on_fake


@each
@pytest.mark.parametrize(("p", "q"), [(0.5, 0.5), (0.9, 0.1), (0.2, 1.4), (1e-3, 1.0), (2.0, 0.03)])
def test_the_declared_optimum_is_the_best_raw_output(objective: Objective, p: float, q: float) -> None:
    """No output does better; where the loss is curved, the best one of a grid lies at the declared one."""
    if objective.optimum is None or objective.relativistic:
        pytest.skip("no optimum at a point is known")
    best = objective.optimum(torch.tensor(math.log(p / q), dtype=torch.float64))
    grid = torch.linspace(-12, 12, 24_001, dtype=torch.float64)
    if torch.isfinite(best):
        grid = torch.cat([grid, best + torch.linspace(-3, 3, 6_001, dtype=torch.float64)])
    losses = loss_at(objective, grid, p, q)
    least = loss_at(objective, best, p, q)
    assert least <= losses.min() + 1e-12
    if torch.isfinite(best) and not torch.isclose(losses.max(), losses.min(), rtol=0, atol=1e-12):
        near = grid[losses < losses.min() + 1e-9]
        assert (near - best).abs().min() < 2e-3
    if torch.isinf(best):  # and nothing finite is as good
        assert torch.equal(torch.sign(grid[losses.argmin()]), torch.sign(best))


def test_the_pairing_finds_the_log_ratio_up_to_a_constant() -> None:
    """Three points with known weights: gradient descent on the exact expected loss over all pairs."""
    p = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
    q = torch.tensor([0.1, 0.2, 0.7], dtype=torch.float64)
    raw = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    pairs = torch.cartesian_prod(torch.arange(3), torch.arange(3))
    optimiser = torch.optim.LBFGS([raw], max_iter=200, tolerance_grad=1e-12, tolerance_change=1e-14)

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        each_pair = objectives.relativistic.discriminator(raw[pairs[:, 0]], raw[pairs[:, 1]])
        total = (p[pairs[:, 0]] * q[pairs[:, 1]] * each_pair).sum()
        total.backward()
        return total

    optimiser.step(loss)
    expected = objectives.relativistic.optimum((p / q).log())
    found = raw.detach()
    torch.testing.assert_close(found - found[0], expected - expected[0], rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["minimax", "non_saturating"])
def test_at_equilibrium_the_loss_is_log_4(name: str) -> None:
    objective: Objective = getattr(objectives, name)
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


@pytest.mark.parametrize("share", [0.1, 0.3])
def test_smoothed_cross_entropy_is_that_of_soft_labels(share: float) -> None:
    """Binary cross-entropy with the target 1 - share on real examples; D = (1 - share) p/(p + q) is best."""
    objective = smooth(objectives.non_saturating, share)
    real, fake = torch.randn(2, 50, dtype=torch.float64)
    entropy = torch.nn.functional.binary_cross_entropy_with_logits
    expected = entropy(real, torch.full_like(real, 1 - share), reduction="none") + entropy(
        fake, torch.zeros_like(fake), reduction="none"
    )
    torch.testing.assert_close(objective.discriminator(real, fake), expected)
    ratio = torch.tensor([0.01, 0.5, 1.0, 40.0], dtype=torch.float64)
    torch.testing.assert_close(objective.optimum(ratio.log()).sigmoid(), (1 - share) * ratio / (ratio + 1))


def test_smoothed_least_squares_has_the_target_moved() -> None:
    """Its gradient is that of least squares with the target 1 - share."""
    raw = torch.randn(20, dtype=torch.float64, requires_grad=True)
    none = torch.zeros(20, dtype=torch.float64)
    gradients = [
        torch.autograd.grad(objective.discriminator(raw, none).sum(), raw)[0]
        for objective in (smooth(objectives.least_squares_01, 0.1), objectives.least_squares(0, 0.9, 1))
    ]
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("name", ["wasserstein", "relativistic"])
def test_what_has_no_labels_cannot_be_smoothed(name: str) -> None:
    with pytest.raises(UsageError, match="needs an objective with labels"):
        smooth(OBJECTIVES[name])


@pytest.mark.parametrize("share", [-0.1, 0.0, 0.5, 0.99, math.nan])
def test_labels_are_smoothed_but_not_reversed(share: float) -> None:
    with pytest.raises(UsageError, match=f"smoothing={share} makes no sense: it must be above 0 and below .5"):
        smooth(objectives.hinge, share)


def test_which_outputs_are_log_ratios() -> None:
    """Of these alone may the sigmoid be drawn as a probability."""
    names = {name for name, objective in OBJECTIVES.items() if objective.judges_by_log_ratio}
    assert names == {
        "minimax",
        "non_saturating",
        *(f"f-gan of {name}" for name in ("gan", "jensen-shannon", "reverse-kl")),
    }
