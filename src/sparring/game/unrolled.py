"""The unrolled game: the generator answers the discriminator that its move will provoke."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.func import functional_call

from sparring.errors import UsageError
from sparring.game.adversarial import Adversarial, make
from sparring.types import Critic, Drawn, Inputs, Memory, Players, Statistics

Weights = list[Tensor]


@dataclass(frozen=True)
class Unrolled(Adversarial):
    """The adversarial game in which the generator looks some discriminator steps ahead.

    Its loss is that against the discriminator after ``ahead`` further steps on the same batch, and its gradient goes
    through them, second order included (Metz et al. 2017, arXiv:1611.02163, eqs. 5 to 9). The steps are those of the
    discriminator's own Adam, which goes on from where it stands, as in the authors' code; or, if ``rate`` is given,
    plain gradient steps of that size. The discriminator itself moves as ever, and its buffers and its optimiser's
    averages are cloned: looking ahead changes nothing.
    """

    ahead: int = 5
    rate: float | None = None

    @property
    def generator_sees_real(self) -> bool:
        """The steps ahead need real examples."""
        return True

    def generator_loss(self, players: Players, drawn: Drawn) -> tuple[Tensor, Statistics]:
        """The generator's loss against the discriminator of the future."""
        real, fake = self.shown(drawn.real, drawn.memory), self.shown(make(players, drawn), drawn.memory)
        critic = self.future(players, real, fake, drawn.memory)
        loss = self.objective.generator(critic(*real), critic(*fake)).mean()
        return loss, {"g_loss": loss.detach()}

    def future(self, players: Players, real: Inputs, fake: Inputs, memory: Memory) -> Critic:
        """The discriminator after ``ahead`` steps, as a function that remembers where its weights came from."""
        network = players.discriminator
        assert network is not None
        buffers = {name: buffer.clone() for name, buffer in network.named_buffers()}
        names = [name for name, _ in network.named_parameters()]
        weights: Weights = list(network.parameters())
        if self.penalties and not real[0].requires_grad:
            real = (real[0].detach().requires_grad_(), *real[1:])

        def with_weights(weights: Weights) -> Critic:
            def critic(*inputs: Tensor) -> Tensor:
                raw: Tensor = functional_call(network, dict(zip(names, weights, strict=True)) | buffers, inputs)
                return raw.squeeze(-1)

            return critic

        step = Adam(players) if self.rate is None else Gradient(self.rate)
        for _ in range(self.ahead):
            loss, _ = self.judged_loss(with_weights(weights), real, fake, memory)
            weights = step(weights, torch.autograd.grad(loss, weights, create_graph=True))
        return with_weights(weights)


@dataclass(frozen=True)
class Gradient:
    """Plain gradient steps."""

    rate: float

    def __call__(self, weights: Weights, gradients: Sequence[Tensor]) -> Weights:
        """The weights after a step."""
        return [weight - self.rate * gradient for weight, gradient in zip(weights, gradients, strict=True)]


class Adam:
    """The next steps of the discriminator's own Adam (Kingma & Ba 2015, algorithm 1), as functions of its gradients.

    Raises:
        UsageError: the discriminator is moved by another optimiser.
    """

    def __init__(self, players: Players) -> None:
        optimiser = players.optimisers.get("discriminator")
        if not isinstance(optimiser, torch.optim.Adam):
            raise UsageError("looking ahead by the discriminator's own steps needs Adam: set rate for gradient steps.")
        (group,) = optimiser.param_groups
        self.rate, self.betas, self.eps = group["lr"], group["betas"], group["eps"]
        states = [optimiser.state.get(p, {}) for p in group["params"]]  # empty before the first move
        self.mean = [
            state.get("exp_avg", torch.zeros_like(p)) for p, state in zip(group["params"], states, strict=True)
        ]
        self.square = [
            state.get("exp_avg_sq", torch.zeros_like(p)) for p, state in zip(group["params"], states, strict=True)
        ]
        self.count = states[0].get("step", torch.zeros(())).clone()

    def __call__(self, weights: Weights, gradients: Sequence[Tensor]) -> Weights:
        """The weights after a step."""
        first, second = self.betas
        self.count = self.count + 1
        self.mean = [first * m + (1 - first) * g for m, g in zip(self.mean, gradients, strict=True)]
        self.square = [second * s + (1 - second) * g.square() for s, g in zip(self.square, gradients, strict=True)]
        rate, unbiased = self.rate / (1 - first**self.count), 1 - second**self.count
        return [
            weight - rate * mean / (root(square / unbiased) + self.eps)
            for weight, mean, square in zip(weights, self.mean, self.square, strict=True)
        ]


def root(x: Tensor) -> Tensor:
    """√x for x ≥ 0, with the derivative 0 at 0: units that never were active have no gradient and no steps."""
    return torch.where(x > 0, x, 1.0).sqrt() * (x > 0)
