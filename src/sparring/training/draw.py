"""What each move is given: real examples and latent codes, as a function of seed and step alone."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from itertools import groupby
from typing import NamedTuple

import torch
from torch import Tensor

from sparring.data.source import labelled_part
from sparring.training.stream import Stream
from sparring.types import DataSource, Drawn, Inputs, Memory, Recipe, Turn

PRETRAINING, GAME = 0, 1
STAGES = (PRETRAINING, GAME)
REAL_STREAMS, LABELLED_STREAMS = {PRETRAINING: 0, GAME: 1}, {PRETRAINING: 2, GAME: 3}
"""Which of the seed's streams of examples each stage reads; other numbers would give other bits."""


class Move(NamedTuple):
    """One optimiser step of one player, and where its examples begin among the step's: real and labelled ones."""

    turn: Turn
    offset: int
    labelled: int


def list_moves(recipe: Recipe, *, pretraining: bool) -> list[Move]:
    """The moves of one step, in order; before the first step, only the discriminator's."""
    moves: list[Move] = []
    offset = labelled = 0
    for player, together in groupby(recipe.game.turns(recipe.batch), key=lambda turn: turn.player):
        if player == recipe.hold or (pretraining and player == "generator"):
            continue
        once = [turn for turn in together for _ in range(turn.times)]
        for turn in once * (recipe.k if player == "discriminator" and not pretraining else 1):
            moves.append(Move(turn, offset, labelled))
            offset, labelled = offset + turn.real, labelled + turn.labelled
    return moves


class Draw:
    """Draws what the moves of a training are given.

    ``prepare`` reads the real examples of a whole step (from one stream, or from two where the game asks for labelled
    ones) and seeds torch's own generator, from which latent codes and all else that is random in the step come. A call
    then hands a move its share, by work on the device alone. ``static`` is passed on to the streams.
    """

    def __init__(self, recipe: Recipe, source: DataSource, device: torch.device, *, static: bool = False) -> None:
        self.recipe, self.spec, self.device = recipe, source.spec, device
        self.moves = {stage: list_moves(recipe, pretraining=stage == PRETRAINING) for stage in STAGES}
        real, labelled = (
            {stage: sum(getattr(move.turn, kind) for move in self.moves[stage]) for stage in STAGES}
            for kind in ("real", "labelled")
        )
        self.real_stream = Stream(source, recipe.seed, device, REAL_STREAMS, real, static=static)
        self.labelled_stream: Stream | None = None
        if any(labelled.values()):
            part = labelled_part(source)
            self.labelled_stream = Stream(part, recipe.seed, device, LABELLED_STREAMS, labelled, static=static)
        self.attributes = attributes_of(source, device)
        self.cumulative_shares = self.spec.cumulative_shares.to(device)

    def prepare(self, step: int) -> None:
        """Seed torch and read the real examples of a step, which is negative while pretraining."""
        self.seed(step)
        stage, number = (GAME, step) if step >= 0 else (PRETRAINING, step + self.recipe.pretrain)
        self.real_stream.prepare(stage, number)
        if self.labelled_stream is not None:
            self.labelled_stream.prepare(stage, number)

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
        return Drawn(self.real(move), self.latent(move.turn.fake), memory, self.labelled(move))

    def real(self, move: Move) -> Inputs:
        """Encoded real examples, with their conditions where the players are given them."""
        if move.turn.real == 0:
            return ()
        own = slice(move.offset, move.offset + move.turn.real)
        stored = self.real_stream.stored
        x = self.spec.encode(stored.x[own])
        if not self.recipe.conditional:
            return (x,)
        assert stored.y is not None
        return (x, stored.y[own])

    def labelled(self, move: Move) -> Inputs:
        """Encoded labelled examples and their labels, where the move asks for them."""
        if move.turn.labelled == 0:
            return ()
        assert self.labelled_stream is not None
        own = slice(move.labelled, move.labelled + move.turn.labelled)
        x, y = self.labelled_stream.stored
        assert y is not None
        return (self.spec.encode(x[own]), y[own])

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
            return self.spec.draw_labels(n, cumulative_shares=self.cumulative_shares)
        return self.attributes[torch.randint(len(self.attributes), (n,))]


def attributes_of(source: DataSource, device: torch.device) -> Tensor | None:
    """The attributes of all training examples (n, a), encoded, on the device; None where the data have none."""
    if source.attributes is None:
        return None
    return source.spec.encode_condition(torch.from_numpy(source.attributes)).to(device)


def on(device: torch.device) -> AbstractContextManager[object]:
    """Within, new tensors are made on a device; on the CPU this costs nothing."""
    return nullcontext() if device.type == "cpu" else device


def mix(seed: int, step: int) -> int:
    """A 63-bit seed from two numbers: neighbours give unrelated values (the finaliser of SplitMix64)."""
    z = (seed * 0x9E3779B97F4A7C15 + step * 0xD1B54A32D192ED03 + 0x632BE59BD9B4E019) & 0xFFFFFFFFFFFFFFFF
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
    return (z ^ (z >> 31)) >> 1
