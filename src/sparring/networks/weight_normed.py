"""Layers whose weights have a length of their own, and their first pass: the data decide length and bias."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

SMALLEST = 1e-3
"""A unit whose deviation is below this is taken to have this one: all inputs are alike to it."""


class WeightNormed(nn.Linear):
    """A dense layer whose rows have a length each (Salimans & Kingma 2016, arXiv:1602.07868, eq. 2), at first 1.

    The length is learned only where ``learned``; a first pass makes it such that outputs have this ``deviation``. Not
    the weight but the output is scaled: the same numbers for less.
    """

    def __init__(self, before: int, after: int, *, learned: bool = False, deviation: float = 1.0) -> None:
        super().__init__(before, after)
        # Of no meaning to a row of a given length but for how far a step of Adam turns it.
        nn.init.normal_(self.weight, 0.0, 0.1)
        nn.init.zeros_(self.bias)
        self.deviation = deviation
        self.length: Tensor
        give_length(self, after, learned=learned)

    def forward(self, x: Tensor) -> Tensor:
        """Vectors (n, after) from vectors (n, before)."""
        weight, scale = WithScale.apply(self.weight, self.length)  # type: ignore[no-untyped-call]
        return torch.addcmul(self.bias, x @ weight.t(), scale)


class WithScale(torch.autograd.Function):
    """Weights (after, before) and what makes their rows as long as they shall be, length / ‖row‖, (after,).

    It is here for its gradient: the weights' two parts of it are added in one pass over them, where torch takes six.
    """

    @staticmethod
    def forward(ctx: Any, weight: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        """The same weights, and their scale."""
        ctx.save_for_backward(weight, length)
        return weight.view_as(weight), length / torch.linalg.vector_norm(weight, dim=1)

    @staticmethod
    def backward(ctx: Any, of_weight: Tensor, of_scale: Tensor) -> tuple[Tensor, Tensor]:
        """The gradients of weights and lengths."""
        weight, length = ctx.saved_tensors
        norm = torch.linalg.vector_norm(weight, dim=1)
        return torch.addcmul(of_weight, weight, (-of_scale * length / norm**3)[:, None]), of_scale / norm


class WeightNormedConvolution(nn.Conv2d):
    """The same of a 3 x 3 convolution that keeps the side, or of ``stride`` 2, which halves it, rounded up."""

    def __init__(self, before: int, after: int, *, stride: int = 1) -> None:
        super().__init__(before, after, 3, stride, 1)
        nn.init.normal_(self.weight, 0.0, 0.05)
        assert self.bias is not None
        nn.init.zeros_(self.bias)
        self.deviation = 1.0
        self.length: Tensor
        give_length(self, after, learned=False)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (n, after, h, w) from maps (n, before, h, w)."""
        assert self.bias is not None
        scale = self.length / torch.linalg.vector_norm(self.weight, dim=(1, 2, 3))
        maps = conv2d(x, self.weight, None, self.stride, self.padding)
        return torch.addcmul(self.bias[:, None, None], maps, scale[:, None, None])


def give_length(layer: nn.Module, after: int, *, learned: bool) -> None:
    """Make the layer's lengths (after,), a parameter or a buffer."""
    if learned:
        layer.length = nn.Parameter(torch.ones(after))
    else:
        layer.register_buffer("length", torch.ones(after))


@torch.no_grad()
def first_pass(network: nn.Module, x: Tensor) -> None:
    """Set lengths and biases such that each unit has mean 0 and its layer's deviation on these inputs (n, …).

    Layer after layer in one pass, with all the noise there is (Salimans & Kingma 2016, section 3).
    """
    layers = [layer for layer in network.modules() if isinstance(layer, (WeightNormed, WeightNormedConvolution))]
    hooks = [layer.register_forward_hook(standardise) for layer in layers]
    try:
        network(x)
    finally:
        for hook in hooks:
            hook.remove()


def standardise(layer: Any, inputs: tuple[Tensor, ...], outputs: Tensor) -> Tensor:
    """Change a layer so that these outputs (n, units, …) are standardised, and give what they then are."""
    sd, mean = torch.std_mean(outputs.transpose(0, 1).flatten(1), dim=1, correction=0)
    scale = layer.deviation / sd.clamp(min=SMALLEST)
    layer.length.mul_(scale)
    layer.bias.sub_(mean).mul_(scale)
    again: Tensor = layer.forward(*inputs)
    return again
