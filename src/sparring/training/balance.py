"""The balance of the two players: the one that is too far ahead learns more slowly until it no longer is.

Who is ahead is told by how often the discriminator is right, each objective by its own threshold, which means the same
in every game (``game.critic.skill``). Hazimeh & Ponomareva 2023 (arXiv:2302.00089) steer the discriminator's learning
rate by its loss, whose best value must be known for that.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sparring.errors import UsageError
from sparring.types import Memory, PlayerName, Recipe, Statistics

SHARE: dict[PlayerName, str] = {"generator": "balance_generator", "discriminator": "balance_discriminator"}
"""Entries of the memory: the share of its learning rate that each player has, a scalar from SLOWEST to 1."""
SLOWEST = 0.01
QUICKNESS = 0.1
"""How fast a share changes: by e^(QUICKNESS · difference) a move, the difference being one of accuracies in [0, 1]."""
CHANCE = 0.5


def full_shares(recipe: Recipe) -> Memory:
    """What a balanced training keeps: both shares, at first 1. Nothing where the sides are not balanced."""
    return {name: torch.ones(()) for name in SHARE.values()} if recipe.balance else {}


def rebalance(recipe: Recipe, memory: Memory, statistics: Statistics) -> None:
    """After a discriminator's move, change both shares by how often it was right, and report them with the move.

    Its own falls while it is right more often than ``balance`` says, the generator's while it is right less often than
    by chance, both exponentially and at a rate that is proportional to the difference; otherwise they rise likewise.

    Raises:
        UsageError: the game does not say how often it was right.
    """
    sides = [statistics[side] for side in ("d_real", "d_fake") if side in statistics]
    if not sides:
        raise UsageError("balance needs a game that reports how often its discriminator is right (d_real or d_fake).")
    right = torch.stack(sides).mean()
    change(memory[SHARE["discriminator"]], recipe.balance - right)
    change(memory[SHARE["generator"]], right - CHANCE)
    statistics |= {name: memory[name].clone() for name in SHARE.values()}


def change(share: Tensor, difference: Tensor) -> None:
    """Let a share grow or fall, in place, at a rate in proportion to a difference of accuracies."""
    share.mul_(torch.exp(QUICKNESS * difference)).clamp_(SLOWEST, 1)
