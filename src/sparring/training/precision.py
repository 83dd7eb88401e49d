"""Networks that compute in bfloat16, between weights, losses and optimisers that stay in float32."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from sparring.types import Players


class InBfloat16(nn.Module):
    """A network whose products and convolutions are in bfloat16 (autocast), and whose outputs are float32 again.

    So whatever a game makes of the outputs, losses and gradient penalties included, it makes in float32.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, *inputs: Tensor) -> Any:
        """What the network makes of the inputs."""
        return autocast(self.network, *inputs)

    def __getattr__(self, name: str) -> Any:
        """A method of the network's (``features``, ``encode`` …), computing as it does."""
        if name == "network":
            return super().__getattr__(name)
        return partial(autocast, getattr(self.network, name))


def autocast(function: Callable[..., Any], *inputs: Tensor) -> Any:
    """A function's outputs, one tensor or a tuple, as float32; computed in bfloat16 where torch holds that to be safe.

    Copies of weights are not kept between calls: one made without gradients would be used where they are needed.
    """
    with torch.autocast(inputs[0].device.type, torch.bfloat16, cache_enabled=False):
        made = function(*inputs)
    return tuple(part.float() for part in made) if isinstance(made, tuple) else made.float()


def in_bfloat16(players: Players) -> Players:
    """The same players, of the same parameters, computing in bfloat16."""
    rough = copy.copy(players)
    networks = players._modules.items()
    rough._modules = {name: None if network is None else InBfloat16(network) for name, network in networks}
    return rough
