"""Signals of every recipe: they are there, they are finite, and they move nothing."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import sparring
from sparring.metrics.classifier import classifier_for
from sparring.metrics.ranking import make_ranking
from sparring.recipes import RECIPES
from sparring.training.display import Display
from sparring.training.engine import make_step
from sparring.training.signals import Signals, signals_every
from sparring.training.state import read_checkpoint

POINTS = ("gan-1d", "gan-1d-mended")
CPU = torch.device("cpu")
QUIET = {"device": "cpu", "display": Display(quiet=True)}
OFTEN = {"steps": 5, "batch": 8, "log_every": 5, "grid_every": 5, "best_every": 5, "signals_every": 2}
ALWAYS = {"d_train", "d_fake", "auc_train", "largest_output", "gradient_generator", "gradient_discriminator"}
ALWAYS |= {"gradient_at_fake", "largest_gradient", "largest_weight", "spread", "rank"}
HELD_OUT = {"d_held_out", "auc_held_out", "auc_memory"}
OF_ONE_PLAYER = {"gradient_generator", "largest_gradient", "largest_weight", "spread", "rank"}


def signalled(run: sparring.Run) -> dict[int, dict[str, float]]:
    """The lines of metrics.jsonl that hold signals, by step."""
    lines = {row["step"]: row for row in run.metrics if "signal_rank" in row}
    return {step: {k.removeprefix("signal_"): v for k, v in row.items() if k != "step"} for step, row in lines.items()}


def same_with_and_without(data: str, recipe: str, folder: Path, **settings) -> dict[int, dict[str, float]]:
    """The signals of a run whose last checkpoint is that of a run without any."""
    with_them = sparring.train(data, recipe, out=folder / "with", **QUIET, **OFTEN | settings)
    without = sparring.train(data, recipe, out=folder / "without", **QUIET, **OFTEN | settings | {"signals_every": 99})
    assert signalled(without) == {}
    tensors = [read_checkpoint(run.checkpoint("last"))[1] for run in (with_them, without)]
    assert tensors[0].keys() == tensors[1].keys()
    assert [key for key in tensors[0] if not torch.equal(tensors[0][key], tensors[1][key])] == []
    return signalled(with_them)


@pytest.mark.parametrize("name", RECIPES)
def test_signals_move_no_bit_of_any_recipe(narrow, name: str, tmp_path: Path) -> None:
    data = "gaussian" if name in POINTS else "digits"
    found = same_with_and_without(data, name, tmp_path, **narrow(name))
    assert list(found) == [2, 4]
    for signals in found.values():
        assert all(math.isfinite(value) for value in signals.values())
        if name in ("ae", "vae"):
            assert signals.keys() >= OF_ONE_PLAYER
            assert not signals.keys() & {"gradient_discriminator", "auc_train", *HELD_OUT}
            continue
        assert signals.keys() >= ALWAYS | HELD_OUT
        assert all(0 <= signals[area] <= 1 for area in ("auc_train", "auc_held_out", "auc_memory"))


@pytest.mark.parametrize(
    ("recipe", "data", "settings"),
    [
        ("dcgan", "digits", {"augment": "ada", "width": 8}),
        ("dcgan", "digits", {"augment": "diffaugment", "width": 8, "precision": "bfloat16"}),
        ("cgan", "circle", {}),
        ("pacgan", "ring", {}),
        ("r3gan", "ring", {}),
        ("gan-mnist", "digits", {"hold": "discriminator"}),
        ("gan-mnist", "digits", {"clip": 1.0, "pretrain": 2}),
        ("gan-mnist", "digits", {"ema": 0.9}),
    ],
)
def test_signals_move_no_bit_of_what_else_there_is(recipe: str, data: str, settings: dict, tmp_path: Path) -> None:
    found = same_with_and_without(data, recipe, tmp_path, **settings)
    assert len(found) == 2
    averaged = recipe == "r3gan" or "ema" in settings
    assert all(("average_distance" in signals) == averaged for signals in found.values())
    assert all(("gradient_discriminator" in signals) != ("hold" in settings) for signals in found.values())


def test_a_measurement_leaves_random_states_layers_and_gradients_alone(digits) -> None:
    step = make_step(RECIPES["dcgan"](digits.spec, width=8), digits.train, CPU)
    step()
    signals = Signals(step, digits, make_ranking(digits))
    state = torch.get_rng_state()
    before = {name: tensor.clone() for name, tensor in step.state.tensors().items()}
    modes = [module.training for module in step.state.players.modules()]
    first = signals([])
    torch.randn(3)
    assert signals([]) == first
    torch.set_rng_state(state)
    signals([])
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(tensor, before[name]) for name, tensor in step.state.tensors().items())
    assert [module.training for module in step.state.players.modules()] == modes
    assert all(parameter.grad is None for parameter in step.state.players.parameters())
    assert not any(module._forward_hooks for module in step.state.players.modules())


def test_a_classifier_is_used_only_where_it_was_trained_before(digits, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path))  # other tests train one too
    step = make_step(RECIPES["gan-mnist"](digits.spec), digits.train, CPU)
    rank = make_ranking(digits)
    assert "signal_class_0" not in Signals(step, digits, rank)([])
    classifier_for(digits)
    found = Signals(step, digits, rank)([])
    assert sum(found[f"signal_class_{number}"] for number in range(10)) == pytest.approx(1)


def test_what_is_planted_is_seen(digits) -> None:
    """One image for all latent codes has no spread; a discriminator that says nothing has no gradient at G(z)."""
    step = make_step(RECIPES["gan-mnist"](digits.spec), digits.train, CPU)
    for _ in range(3):
        step()
    signals = Signals(step, digits, make_ranking(digits))
    healthy = signals([0.0, 1.0] * 20)
    assert healthy["signal_oscillation"] > 0.9
    assert healthy["signal_gradient_at_fake"] > 0
    with torch.no_grad():
        for player in step.state.players.children():
            for parameter in player.parameters():
                parameter.zero_()
    collapsed = signals([])
    assert "signal_oscillation" not in collapsed
    assert collapsed["signal_spread"] == pytest.approx(0, abs=1e-9)
    assert collapsed["signal_gradient_at_fake"] == 0
    assert collapsed["signal_auc_held_out"] == 0.5
    assert "signal_cosine_generator" not in collapsed


def test_without_signals_nothing_is_gathered_for_them(tiny, training) -> None:
    facts, _ = read_checkpoint(training(tiny(signals_every=1000)).checkpoint("last"))
    assert facts["since_signals"] == []


def test_signals_go_on_with_a_run_and_are_cheap_by_rule(tiny) -> None:
    assert signals_every(tiny(batch=8, log_every=50)) == 2000
    assert signals_every(tiny(batch=32, log_every=50)) == 500
    assert signals_every(tiny(batch=512, log_every=30)) == 120
    assert signals_every(tiny(signals_every=7)) == 7


def test_an_average_is_compared_with_the_live_generator(digits) -> None:
    recipe = replace(RECIPES["gan-mnist"](digits.spec), ema=0.99)
    step = make_step(recipe, digits.train, CPU)
    for _ in range(3):
        step()
    signals = Signals(step, digits, make_ranking(digits))
    apart = signals([])["signal_average_distance"]
    assert step.state.average is not None
    step.state.average.load_state_dict(step.state.players.generator.state_dict())
    assert 0 <= signals([])["signal_average_distance"] < apart
