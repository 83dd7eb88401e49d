"""The unrolled game: the generator answers the discriminator that its move will provoke."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.func import functional_call

from sparring.errors import UsageError
from sparring.game.adversarial import Adversarial, make
from sparring.types import Critic, Drawn, Inputs, Memory, Players, Statistics


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
        named = dict(network.named_parameters())
        if self.penalties and not real[0].requires_grad:
            real = (real[0].detach().requires_grad_(), *real[1:])

        def with_weights(weights: Tensor) -> Critic:
            parts = torch.split(weights, [parameter.numel() for parameter in named.values()])
            moved = {name: part.view_as(named[name]) for name, part in zip(named, parts, strict=True)}

            def critic(*inputs: Tensor) -> Tensor:
                raw: Tensor = functional_call(network, moved | buffers, inputs)
                return raw.squeeze(-1)

            return critic

        weights = flat(named.values())
        step = Adam(players) if self.rate is None else Gradient(self.rate)
        for _ in range(self.ahead):
            loss, _ = self.judged_loss(with_weights(weights), real, fake, memory)
            (gradient,) = torch.autograd.grad(loss, weights, create_graph=True)
            weights = step(weights, gradient)
        return with_weights(weights)


def flat(tensors: Iterable[Tensor]) -> Tensor:
    """All their numbers in one row: a step on one tensor costs a fraction of a step on many small ones."""
    return torch.cat([tensor.flatten() for tensor in tensors])


@dataclass(frozen=True)
class Gradient:
    """Plain gradient steps."""

    rate: float

    def __call__(self, weights: Tensor, gradient: Tensor) -> Tensor:
        """The weights after a step."""
        return weights - self.rate * gradient


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
        states = [(p, optimiser.state.get(p, {})) for p in group["params"]]  # empty before the first move
        self.mean, self.square = (
            flat(state.get(name, torch.zeros_like(p)) for p, state in states) for name in ("exp_avg", "exp_avg_sq")
        )
        self.count = states[0][1].get("step", torch.zeros(())).clone()

    def __call__(self, weights: Tensor, gradient: Tensor) -> Tensor:
        """The weights after a step."""
        first, second = self.betas
        self.count = self.count + 1
        self.mean = first * self.mean + (1 - first) * gradient
        self.square = second * self.square + (1 - second) * gradient.square()
        size = root(self.square / (1 - second**self.count)) + self.eps
        moved: Tensor = weights - self.rate / (1 - first**self.count) * self.mean / size
        return moved


def root(x: Tensor) -> Tensor:
    """√x for x ≥ 0, with the derivative 0 at 0: units that never were active have no gradient and no steps."""
    return torch.where(x > 0, torch.where(x > 0, x, 1.0).sqrt(), 0.0)
