"""Directions found by regression, on generators whose directions are known."""

import io

import pytest
import torch
from rich.console import Console

from sparring.errors import UsageError
from sparring.latents.evidence import Direction, components_table, find, measure_effects
from sparring.latents.supervised import direction, slopes

DIM, N = 6, 400
WEIGHT = torch.randn(3, DIM, generator=torch.Generator().manual_seed(7))
MEASURES = {name: (lambda images, i=i: images[:, i]) for i, name in enumerate("abc")}
Z = torch.randn(N, DIM, generator=torch.Generator().manual_seed(8))


def linear(inputs):
    """Three numbers for "pixels", each a linear function of the code, and a constant."""
    return inputs[0] @ WEIGHT.T + 5


def unit(vector: torch.Tensor) -> torch.Tensor:
    return vector / vector.norm()


def test_a_linear_generators_direction_is_found() -> None:
    found = find(linear, (Z,), MEASURES, "b", ())
    torch.testing.assert_close(found.vector, unit(WEIGHT[1]))
    effect = found["b"]
    assert effect.role == "change"
    assert effect.change == pytest.approx(WEIGHT[1].norm().item(), rel=1e-4)
    assert effect.correlation == pytest.approx(1, abs=1e-4)
    assert effect.deviation == pytest.approx(WEIGHT[1].norm().item(), rel=0.2)
    assert effect.rises == 1
    assert effect.floor < 0.8 * effect.change
    for i, name in ((0, "a"), (2, "c")):
        assert found[name].role == ""
        assert found[name].change == pytest.approx((WEIGHT[i] @ unit(WEIGHT[1])).item(), abs=1e-4)


def test_what_is_kept_stays() -> None:
    """Of a linear generator exactly; and the direction is the one that changes the wanted most among all such."""
    found = find(linear, (Z,), MEASURES, "a", ("b", "c"))
    assert abs(found["b"].change) < 1e-5
    assert abs(found["c"].change) < 1e-5
    assert (found["b"].role, found["c"].role) == ("keep", "keep")
    null = torch.linalg.svd(WEIGHT[1:]).Vh[2:]  # codes that b and c do not see
    torch.testing.assert_close(found.vector, unit(null.T @ (null @ WEIGHT[0])), atol=1e-5, rtol=1e-4)
    assert 0 < found["a"].change < WEIGHT[0].norm()


def test_the_slope_is_the_mean_gradient() -> None:
    """Stein's lemma: for f = sin(u z) with normal z, E f' = u exp(-|u|² / 2), whatever else f depends on."""
    z = torch.randn(200_000, 2, generator=torch.Generator().manual_seed(0))
    u = torch.tensor([0.8, -0.5])
    found = slopes(z, ((z @ u).sin() + z[:, 0] * z[:, 1])[:, None])[:, 0]
    torch.testing.assert_close(found.float(), u * (-u.square().sum() / 2).exp(), atol=0.01, rtol=0)


def test_slopes_of_codes_that_are_not_independent() -> None:
    """A number that never changes gets no slope; twins share theirs."""
    z = torch.cat([Z[:, :2], torch.ones(N, 1), Z[:, :1]], 1)
    found = slopes(z, (2 * z[:, 0] + 3 * z[:, 1])[:, None])[:, 0]
    torch.testing.assert_close(found, torch.tensor([1.0, 3.0, 0.0, 1.0], dtype=torch.float64), atol=1e-6, rtol=0)


def test_nothing_is_left() -> None:
    wanted = torch.tensor([1.0, 2.0])
    with pytest.raises(UsageError, match="without changing what shall be kept"):
        direction(wanted, torch.stack([wanted, 3 * wanted], 1))
    with pytest.raises(UsageError, match="cannot be changed and kept"):
        find(linear, (Z,), MEASURES, "a", ("a",))


def test_too_few_or_constant() -> None:
    with pytest.raises(UsageError, match="too few for 6 latent numbers: give -n 24"):
        find(linear, (Z[:12],), MEASURES, "a", ())
    with pytest.raises(UsageError, match="a is the same in every sample"):
        find(lambda inputs: torch.zeros(len(inputs[0]), 3), (Z,), MEASURES, "a", ())


def test_held_out_codes_tell_a_direction_of_nothing() -> None:
    """Noise that the code does not decide is fitted, but on other codes nothing of it is left."""
    noise = torch.randn(N, generator=torch.Generator().manual_seed(9))
    seen = {"noise": lambda images: noise[: len(images)]}
    found = find(lambda inputs: inputs[0], (Z,), seen, "noise", ())
    assert abs(found["noise"].correlation) < 0.3
    assert found["noise"].change == 0


def test_conditions_stay_with_their_codes() -> None:
    """What the condition adds is the same on both sides of a step, so it is no change."""
    conditions = Z[:, 5].sign()
    (effects,) = measure_effects(
        lambda inputs: linear(inputs) + 10 * inputs[1][:, None], (Z, conditions), torch.eye(DIM)[:1], MEASURES, {}
    )
    assert effects[0].change == pytest.approx(WEIGHT[0, 0].item(), abs=1e-5)


def test_tables() -> None:
    found = find(linear, (Z,), MEASURES, "b", ("c",))
    assert isinstance(found, Direction)
    console = Console(record=True, width=80, file=io.StringIO())
    console.print(found.to_table())
    console.print(components_table([found], [0.5]))
    text = console.export_text()
    lines = [line for line in text.splitlines() if line.startswith("│")]
    assert [line.split()[1] for line in lines] == ["b", "c", "a", "b"]
    assert "50.0%" in text
