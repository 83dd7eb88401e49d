"""The discriminator as the games call it: a critic is a function from inputs to raw outputs (n,)."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from sparring.errors import UsageError
from sparring.objectives import Objective
from sparring.types import Critic, Inputs, Players, Statistics


def judge(players: Players, inputs: Inputs) -> Tensor:
    """The discriminator's raw outputs, (n,)."""
    assert players.discriminator is not None
    raw: Tensor = players.discriminator(*inputs)
    return raw.squeeze(-1)


class Remembering:
    """A critic that judges no inputs twice: a penalty on what was judged already costs no second pass."""

    def __init__(self, critic: Critic) -> None:
        self.critic = critic
        self.judged: list[tuple[Inputs, Tensor]] = []

    def __call__(self, *inputs: Tensor) -> Tensor:
        """Raw outputs (n,), kept from an earlier call if these very tensors were judged before."""
        for before, raw in self.judged:
            if len(before) == len(inputs) and all(a is b for a, b in zip(before, inputs, strict=True)):
                return raw
        raw = self.critic(*inputs)
        self.keep(inputs, raw)
        return raw

    def keep(self, inputs: Inputs, raw: Tensor) -> None:
        """Remember the raw outputs on these inputs."""
        self.judged.append((inputs, raw))


def join(inputs: Inputs, m: int) -> Inputs:
    """Packs of m: examples (m n, c, …) to n joined ones (n, m c, …) (Lin et al. 2018, arXiv:1712.04086, section 2).

    Raises:
        UsageError: the examples have labels or other conditions.
    """
    if m == 1:
        return inputs
    if len(inputs) > 1:
        raise UsageError("packs of examples cannot be judged under labels: set pack=1.")
    (x,) = inputs
    return (x.reshape(len(x) // m, m * x.shape[1], *x.shape[2:]),)


def skill(objective: Objective, on_real: Tensor, on_fake: Tensor) -> Statistics:
    """How often the discriminator is right: ``d_real``, ``d_fake``, shares of raw outputs (n,) on either side.

    A critic or a pairing has no threshold: there it is the share of pairs whose real example has the larger output.
    """
    real, fake = on_real.detach(), on_fake.detach()
    if objective.optimum is None or objective.relativistic:
        right = (real > fake).float().mean()
        return {"d_real": right, "d_fake": right}
    return {"d_real": share_real(objective, real), "d_fake": share_fake(objective, fake)}


def share_real(objective: Objective, raw: Tensor) -> Tensor:
    """The share of raw outputs (n,) that mean "more likely real than fake"."""
    return (raw.detach() > threshold(objective)).float().mean()


def share_fake(objective: Objective, raw: Tensor) -> Tensor:
    """The share of raw outputs (n,) that mean "more likely fake than real"."""
    return (raw.detach() < threshold(objective)).float().mean()


@cache
def threshold(objective: Objective) -> float:
    """The raw output of the best discriminator where real and fake are equally likely."""
    assert objective.optimum is not None
    return float(objective.optimum(torch.zeros((), dtype=torch.float64)))
