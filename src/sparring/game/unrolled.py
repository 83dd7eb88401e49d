"""The unrolled game: the generator answers the discriminator that its move will provoke."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.func import functional_call

from sparring.game.adversarial import Adversarial, make
from sparring.types import Critic, Drawn, Inputs, Memory, Players, Statistics


@dataclass(frozen=True)
class Unrolled(Adversarial):
    """The adversarial game in which the generator looks some discriminator steps ahead.

    Its loss is that against the discriminator after ``ahead`` further gradient steps of rate ``rate`` on the same
    batch, and its gradient goes through them, second order included (Metz et al. 2017, arXiv:1611.02163, eqs. 5 to 9).
    The discriminator itself moves as ever, and its buffers are cloned: looking ahead changes nothing.
    """

    ahead: int = 5
    rate: float = 0.01

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
        weights: dict[str, Tensor] = dict(network.named_parameters())
        if self.penalties and not real[0].requires_grad:
            real = (real[0].detach().requires_grad_(), *real[1:])

        def with_weights(weights: dict[str, Tensor]) -> Critic:
            def critic(*inputs: Tensor) -> Tensor:
                raw: Tensor = functional_call(network, weights | buffers, inputs)
                return raw.squeeze(-1)

            return critic

        for _ in range(self.ahead):
            loss, _ = self.judged_loss(with_weights(weights), real, fake, memory)
            gradients = torch.autograd.grad(loss, list(weights.values()), create_graph=True)
            moved = zip(weights.items(), gradients, strict=True)
            weights = {name: weight - self.rate * gradient for (name, weight), gradient in moved}
        return with_weights(weights)
