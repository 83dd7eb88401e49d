"""What each move is given: real examples and latent codes, as a function of seed and step alone."""

from __future__ import annotations

from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from sparring.data import draw_indices
from sparring.types import Batch, DataSource, Drawn, Inputs, Recipe, Turn

PRETRAINING, GAME = 0, 1


class Move(NamedTuple):
    """One optimiser step of one player, and where its real examples begin among those of its step."""

    turn: Turn
    offset: int


def list_moves(recipe: Recipe, *, pretraining: bool) -> list[Move]:
    """The moves of one step, in order; before the first step, only the discriminator's."""
    moves: list[Move] = []
    offset = 0
    for player, together in groupby(recipe.game.turns(recipe.batch), key=lambda turn: turn.player):
        if player == recipe.hold or (pretraining and player == "generator"):
            continue
        once = [turn for turn in together for _ in range(turn.times)]
        for turn in once * (recipe.k if player == "discriminator" and not pretraining else 1):
            moves.append(Move(turn, offset))
            offset += turn.real
    return moves


class Draw:
    """Draws for the moves of a training.

    Real examples come from an endless stream of shuffled epochs, read by position, so that going on at step s needs no
    replay. Latent codes, and everything else that is random in a step, come from torch's own generator, which ``seed``
    sets at the start of each step.
    """

    def __init__(self, recipe: Recipe, source: DataSource, device: torch.device) -> None:
        self.recipe, self.spec, self.source, self.device = recipe, source.spec, source, device
        self.moves = {stage: list_moves(recipe, pretraining=stage == PRETRAINING) for stage in (PRETRAINING, GAME)}
        self.per_step = {stage: sum(move.turn.real for move in moves) for stage, moves in self.moves.items()}
        self.whole = put_whole(source, device)
        self.attributes = attributes_of(source, device)

    def seed(self, step: int) -> None:
        """Make torch's random numbers of this step a function of the seed and the step."""
        seed = mix(self.recipe.seed, step)
        torch.default_generator.manual_seed(seed)  # torch.manual_seed, less a search for every kind of device
        if self.device.type == "cuda":
            torch.cuda.manual_seed_all(seed)
        elif self.device.type != "cpu":
            torch.get_device_module(self.device).manual_seed(seed)

    def __call__(self, move: Move, step: int) -> Drawn:
        """The real examples and the latent codes of one move; ``step`` is negative while pretraining."""
        return Drawn(self.real(move, step), self.latent(move.turn.fake))

    def real(self, move: Move, step: int) -> Inputs:
        """Encoded real examples, with their conditions where the players are given them."""
        if move.turn.real == 0:
            return ()
        stage, number = (GAME, step) if step >= 0 else (PRETRAINING, step + self.recipe.pretrain)
        start = number * self.per_step[stage] + move.offset
        batch = self.read(draw_indices(len(self.source), self.recipe.seed, stage, start, move.turn.real))
        x = self.spec.encode(batch.x)
        if not self.recipe.conditional:
            return (x,)
        assert batch.y is not None
        return (x, self.spec.encode_condition(batch.y))

    def read(self, indices: np.ndarray[Any, np.dtype[np.int64]]) -> Batch:
        """Stored examples on the device: gathered there from the whole part, or read and sent."""
        if self.whole is None:
            return put(self.source.read(indices), self.device)
        x, y = self.whole
        at = torch.from_numpy(indices).to(self.device)
        return Batch(x.index_select(0, at), None if y is None else y.index_select(0, at))

    def latent(self, n: int) -> Inputs:
        """Latent codes; where the players are given conditions, with conditions as frequent as the real ones."""
        if n == 0:
            return ()
        z = self.recipe.latent(None, n).to(self.device)
        if not self.recipe.conditional:
            return (z,)
        if self.attributes is None:
            return (z, self.spec.draw_labels(n).to(self.device))
        return (z, self.attributes[torch.randint(len(self.attributes), (n,)).to(self.device)])


def attributes_of(source: DataSource, device: torch.device) -> Tensor | None:
    """The attributes of all training examples (n, a), encoded, on the device; None where the data have none."""
    attributes = getattr(source, "attributes", None)
    if attributes is None:
        return None
    return source.spec.encode_condition(torch.from_numpy(attributes)).to(device)


def put_whole(source: DataSource, device: torch.device) -> Batch | None:
    """The whole source on the device, where the device is not the CPU and the source hands itself out whole."""
    whole: Batch | None = None if device.type == "cpu" or not hasattr(source, "tensors") else source.tensors()
    return None if whole is None else put(whole, device)


def put(batch: Batch, device: torch.device) -> Batch:
    """A batch on a device."""
    x, y = batch
    return Batch(x.to(device, non_blocking=True), None if y is None else y.to(device, non_blocking=True))


def mix(seed: int, step: int) -> int:
    """A 63-bit seed from two numbers: neighbours give unrelated values (the finaliser of SplitMix64)."""
    z = (seed * 0x9E3779B97F4A7C15 + step * 0xD1B54A32D192ED03 + 0x632BE59BD9B4E019) & 0xFFFFFFFFFFFFFFFF
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
    return (z ^ (z >> 31)) >> 1
