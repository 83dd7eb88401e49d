"""What each move is given: real examples and latent codes, as a function of seed and step alone."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from itertools import groupby
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sparring.data import draw_indices
from sparring.types import Batch, DataSource, DataSpec, Drawn, Inputs, Memory, Recipe, Turn

PRETRAINING, GAME = 0, 1
AHEAD = 256
"""Steps whose examples' positions are sent to a device at once: sending them at each step would wait for the last."""


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

    ``prepare`` reads the real examples of a whole step from an endless stream of shuffled epochs, by position, so that
    going on at step s needs no replay. Latent codes, and everything else that is random in a step, come from torch's
    own generator, which it seeds. What the moves are then handed is made from these on the device alone; a ``static``
    one lays the examples of each step where those of the last one lay, so that a captured step finds them.
    """

    def __init__(self, recipe: Recipe, source: DataSource, device: torch.device, *, static: bool = False) -> None:
        self.recipe, self.spec, self.source, self.device = recipe, source.spec, source, device
        self.static = static
        self.moves = {stage: list_moves(recipe, pretraining=stage == PRETRAINING) for stage in (PRETRAINING, GAME)}
        self.per_step = {stage: sum(move.turn.real for move in moves) for stage, moves in self.moves.items()}
        self.whole = put_whole(source, device)
        self.attributes = attributes_of(source, device)
        self.frequencies = self.spec.frequencies.to(device)
        self.stored = Batch(torch.empty(0))
        self.places: dict[int, Batch] = {}
        """If static: where the real examples of a step lie, for each stage."""
        self.sent: tuple[tuple[int, int], Tensor] = ((-1, -1), torch.empty(0))
        """Which steps' positions were sent to the device last, and these, (AHEAD, examples a step)."""

    def prepare(self, step: int) -> None:
        """Seed torch and read the real examples of a step, which is negative while pretraining."""
        self.seed(step)
        stage, number = (GAME, step) if step >= 0 else (PRETRAINING, step + self.recipe.pretrain)
        if self.per_step[stage] == 0:
            return
        found = self.read(stage, number)
        self.stored = self.places.setdefault(stage, found) if self.static else found
        for place, part in zip(self.stored, found, strict=True):
            if place is not part and place is not None and part is not None:
                place.copy_(part)

    def seed(self, step: int) -> None:
        """Make torch's random numbers of this step a function of the seed and the step."""
        seed = mix(self.recipe.seed, step)
        torch.default_generator.manual_seed(seed)  # torch.manual_seed, less a search for every kind of device
        if self.device.type == "cuda":
            index = self.device.index if self.device.index is not None else torch.cuda.current_device()
            torch.cuda.default_generators[index].manual_seed(seed)
        elif self.device.type != "cpu":
            torch.get_device_module(self.device).manual_seed(seed)

    def __call__(self, move: Move, memory: Memory) -> Drawn:
        """The real examples and the latent codes of one move of the step that was prepared."""
        return Drawn(self.real(move), self.latent(move.turn.fake), memory)

    def real(self, move: Move) -> Inputs:
        """Encoded real examples, with their conditions where the players are given them."""
        if move.turn.real == 0:
            return ()
        own = slice(move.offset, move.offset + move.turn.real)
        x = self.spec.encode(self.stored.x[own])
        if not self.recipe.conditional:
            return (x,)
        assert self.stored.y is not None
        return (x, self.stored.y[own])

    def read(self, stage: int, number: int) -> Batch:
        """Stored examples of a step on the device: gathered there from the whole part, or read and sent."""
        if self.whole is None:
            return put(conditioned(self.spec, self.source.read(self.indices(stage, number, 1))), self.device)
        x, y = self.whole
        at = self.positions(stage, number)
        return Batch(x.index_select(0, at), None if y is None else y.index_select(0, at))

    def indices(self, stage: int, number: int, steps: int) -> NDArray[np.int64]:
        """Which examples some steps of a stage are given, from one of this number on."""
        count = self.per_step[stage]
        return draw_indices(len(self.source), self.recipe.seed, stage, number * count, steps * count)

    def positions(self, stage: int, number: int) -> Tensor:
        """The same for one step, as a tensor on the device."""
        block, row = divmod(number, AHEAD)
        if self.sent[0] != (stage, block):
            ahead = torch.from_numpy(self.indices(stage, block * AHEAD, AHEAD)).view(AHEAD, -1)
            self.sent = (stage, block), ahead.to(self.device)
        return self.sent[1][row]

    def latent(self, n: int) -> Inputs:
        """Latent codes; where the players are given conditions, with conditions as frequent as the real ones."""
        if n == 0:
            return ()
        with on(self.device):
            z = self.recipe.latent(None, n)
            return (z, self.condition(n)) if self.recipe.conditional else (z,)

    def condition(self, n: int) -> Tensor:
        """Labels, or encoded attributes, of n training examples drawn at random."""
        if self.attributes is None:
            return self.spec.draw_labels(n, frequencies=self.frequencies)
        return self.attributes[torch.randint(len(self.attributes), (n,))]


def attributes_of(source: DataSource, device: torch.device) -> Tensor | None:
    """The attributes of all training examples (n, a), encoded, on the device; None where the data have none."""
    attributes = getattr(source, "attributes", None)
    if attributes is None:
        return None
    return source.spec.encode_condition(torch.from_numpy(attributes)).to(device)


def on(device: torch.device) -> AbstractContextManager[object]:
    """Within, new tensors are made on a device; on the CPU this costs nothing."""
    return nullcontext() if device.type == "cpu" else device


def put_whole(source: DataSource, device: torch.device) -> Batch | None:
    """The whole source on the device, where the device is not the CPU and the source hands itself out whole."""
    whole: Batch | None = None if device.type == "cpu" or not hasattr(source, "tensors") else source.tensors()
    return None if whole is None else put(conditioned(source.spec, whole), device)


def conditioned(spec: DataSpec, batch: Batch) -> Batch:
    """A batch as it is stored, but for its conditions, which are what the networks see: small, and encoded once."""
    return Batch(batch.x, None if batch.y is None else spec.encode_condition(batch.y))


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
