"""One step of the game: each move draws, measures its loss, and changes its own player alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.utils.parametrizations import _SpectralNorm

from sparring.training.balance import SHARE, rebalance
from sparring.training.draw import GAME, PRETRAINING, Draw, Move
from sparring.training.precision import in_bfloat16
from sparring.training.schedule import ema_decay, learning_rate, rates_change
from sparring.training.state import State
from sparring.types import PROGRESS, PlayerName, Recipe, Statistics


class Step:
    """Plays one step after another on a state. Nothing here waits for the device."""

    def __init__(self, recipe: Recipe, state: State, draw: Draw) -> None:
        self.recipe, self.state, self.draw = recipe, state, draw
        self.players = in_bfloat16(state.players) if recipe.precision == "bfloat16" else state.players
        self.moving: dict[PlayerName, list[nn.Module]] = {
            "generator": moved_by_batches(state.players.generator),
            "discriminator": moved_by_batches(state.players.discriminator),
        }
        self.scheduled = rates_change(recipe) or bool(recipe.balance)
        self.ema_decay = state.as_rate(recipe.ema, draw.device) if recipe.ema_rampup else recipe.ema

    def __call__(self) -> list[Statistics]:
        """Play one step, count it, and return what each move measured (tensors on the device)."""
        stage = GAME if self.state.step >= 0 else PRETRAINING
        self.prepare()
        statistics = self.play(stage)
        self.state.step += 1
        return statistics

    def prepare(self) -> None:
        """All that differs from step to step: the random numbers' seed, real examples, learning rates, progress."""
        step = self.state.step
        self.draw.prepare(step)
        if self.scheduled:
            self.set_rates(max(step, 0))
        if self.recipe.ema_rampup:
            self.ema_decay = put_rate(self.ema_decay, ema_decay(self.recipe, max(step, 0)))
        self.state.memory[PROGRESS].fill_(max(step, 0) / self.recipe.steps)

    def play(self, stage: int) -> list[Statistics]:
        """The moves of the step that was prepared, and the average: work on the device alone."""
        statistics = [self.move(move) for move in self.draw.moves[stage]]
        if stage == GAME:
            for average, network in self.state.averaged():
                update_average(average, network, self.ema_decay)
        return statistics

    def move(self, move: Move) -> Statistics:
        """One move: the gradient of its loss with respect to its own player's parameters, and one optimiser step."""
        player = move.turn.player
        other: PlayerName = "generator" if player == "discriminator" else "discriminator"
        parameters = self.state.parameters[player]
        drawn = self.draw(move, self.state.memory)
        with standing_still(self.moving[other]):
            loss, statistics = move.turn.loss(self.players, drawn)
        loss.backward(inputs=parameters)  # type: ignore[no-untyped-call]
        if self.recipe.clip:
            nn.utils.clip_grad_norm_(parameters, self.recipe.clip)
        self.state.optimisers[player].step()
        for parameter in parameters:
            parameter.grad = None  # the next gradients take the same memory
        self.recipe.game.after_step(self.state.players, player, self.state.memory, statistics)
        if self.recipe.balance and player == "discriminator":
            rebalance(self.recipe, self.state.memory, statistics)
        return statistics

    def set_rates(self, step: int) -> None:
        """Both learning rates as the schedule and the balance have them at this step."""
        for player, optimiser in self.state.optimisers.items():
            rate: float | Tensor = learning_rate(self.recipe, player, step)
            if self.recipe.balance:
                rate = rate * self.state.memory[SHARE[player]]
            for group in optimiser.param_groups:
                group["lr"] = put_rate(group["lr"], rate)


def put_rate(place: float | Tensor, rate: float | Tensor) -> float | Tensor:
    """A number that changes from step to step, as ``State.as_rate`` made it, at its new value."""
    return place.fill_(rate) if isinstance(place, Tensor) else float(rate)


def batch_norms(network: nn.Module | None) -> list[_NormBase]:
    """The layers of a network that keep running averages."""
    if network is None:
        return []
    return [m for m in network.modules() if isinstance(m, _NormBase) and m.track_running_stats]


def power_iterations(network: nn.Module | None) -> list[_SpectralNorm]:
    """The parts of a network that follow the largest singular value of a weight."""
    return [] if network is None else [m for m in network.modules() if isinstance(m, _SpectralNorm)]


def moved_by_batches(network: nn.Module | None) -> list[nn.Module]:
    """The parts of a network that change with every batch they see in training mode."""
    return [*batch_norms(network), *power_iterations(network)]


@contextmanager
def standing_still(layers: Sequence[nn.Module]) -> Iterator[None]:
    """Within, batch norms normalise by the batch as ever and spectral norms by what they know, but neither moves."""
    flags = [(layer, "track_running_stats" if isinstance(layer, _NormBase) else "training") for layer in layers]
    before = [getattr(layer, flag) for layer, flag in flags]
    for layer, flag in flags:
        setattr(layer, flag, False)
    try:
        yield
    finally:
        for (layer, flag), value in zip(flags, before, strict=True):
            setattr(layer, flag, value)


@torch.no_grad()
def update_average(average: nn.Module, network: nn.Module, keep: float | Tensor) -> None:
    """average ← keep · average + (1 - keep) · network; running statistics are copied."""
    mean = cast("list[Tensor]", list(average.parameters()))
    new = cast("list[Tensor]", list(network.parameters()))
    if isinstance(keep, Tensor):
        torch._foreach_lerp_(mean, new, [1 - keep] * len(mean))
    else:
        torch._foreach_lerp_(mean, new, 1 - keep)
    for old, now in zip(average.buffers(), network.buffers(), strict=True):
        old.copy_(now)
