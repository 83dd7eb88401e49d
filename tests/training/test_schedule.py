"""Learning rates against their closed forms."""

import math
from dataclasses import replace

import pytest
import torch

from sparring.recipes.build import build, find
from sparring.training.schedule import learning_rate, rates_change, schedule_factor
from sparring.types import DataSpec

BASE = replace(
    build(find("gan-1d"), DataSpec("points", (1,)), {}, {}),
    steps=1000,
    lr_generator=0.3,
    lr_discriminator=0.2,
    decay_generator=1.0,
    decay_discriminator=1.0,
)


@pytest.mark.parametrize("step", [0, 1, 250, 999, 1000])
def test_shapes_over_the_run(step: int) -> None:
    t = step / 1000
    expected = {"constant": 1.0, "linear": 1 - t, "late": min(1, 3 * (1 - t)), "cosine": math.cos(math.pi * t / 2) ** 2}
    for schedule, share in expected.items():
        one, other = (replace(BASE, **{f"schedule_{player}": schedule}) for player in ("generator", "discriminator"))
        assert learning_rate(one, "generator", step) == pytest.approx(0.3 * share, abs=1e-15)
        assert learning_rate(other, "discriminator", step) == pytest.approx(0.2 * share, abs=1e-15)
        assert learning_rate(one, "discriminator", step) == pytest.approx(0.2)  # each side has its own
        assert learning_rate(other, "generator", step) == pytest.approx(0.3)
        assert rates_change(one) == rates_change(other) == (schedule != "constant")


def test_each_side_decays_in_stairs() -> None:
    recipe = replace(BASE, decay_generator=0.5, decay_discriminator=0.9, decay_every=10)
    assert [learning_rate(recipe, "generator", s) for s in (0, 9, 10, 19, 20)] == pytest.approx(
        [0.3, 0.3, 0.15, 0.15, 0.075]
    )
    assert learning_rate(recipe, "discriminator", 30) == pytest.approx(0.2 * 0.9**3)


def test_beyond_the_end_nothing_turns_negative() -> None:
    assert schedule_factor("linear", 1.5) == 0
    assert schedule_factor("cosine", 1.5) == pytest.approx(0)


def test_published_rates_of_gan_1d() -> None:
    """.01 and .1, each times .999 every 10 epochs."""
    recipe = build(find("gan-1d"), DataSpec("points", (1,)), {}, {})
    assert learning_rate(recipe, "generator", 399) == pytest.approx(0.01 * 0.999**39)
    assert learning_rate(recipe, "discriminator", 399) == pytest.approx(0.1 * 0.999**39)


def test_the_rates_reach_the_optimisers(play) -> None:
    recipe = replace(BASE, steps=10, schedule_generator="linear", schedule_discriminator="linear", batch=4, k=1)
    state = play(recipe, 4)
    assert state.optimisers["generator"].param_groups[0]["lr"] == pytest.approx(0.3 * 0.7)
    assert state.optimisers["discriminator"].param_groups[0]["lr"] == pytest.approx(0.2 * 0.7)
    assert torch.isfinite(next(state.players.parameters())).all()
