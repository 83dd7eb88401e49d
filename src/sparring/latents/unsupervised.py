"""Directions that change the generator's first layers the most, found without naming what they change."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from sparring.errors import UsageError
from sparring.types import Inputs

LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.ConvTranspose1d, nn.ConvTranspose2d)
AT_ONCE = 250
"""The most latent codes that run through the network at once."""
ENOUGH = 2000
"""The most latent codes that principal components are found with, as the cost grows with their third power."""


class Components(NamedTuple):
    """Unit directions (k, dim), the strongest first, and the share of all variation that each has, (k,)."""

    vectors: Tensor
    shares: Tensor


def sefa(generator: nn.Module, inputs: Inputs, count: int) -> Components:
    """The directions that move the first layer's output the most: SeFa (Shen & Zhou 2021, arXiv:2007.06600, eq. 6).

    Eigenvectors of AᵀA, A the weight of the first layer. It is measured, A eᵢ = h(eᵢ) - h(0), so that it may be of any
    kind, and conditions may be joined to the code; they are those of the first example of ``inputs``.

    Raises:
        UsageError: there are not so many directions.
    """
    dim = inputs[0][0].numel()
    codes = torch.cat([torch.zeros(1, dim), torch.eye(dim)]).view(dim + 1, *inputs[0].shape[1:])
    first, _ = activations(generator, with_conditions(codes, inputs))
    weight = (first[1:] - first[:1]).double()
    values, vectors = torch.linalg.eigh(weight @ weight.T)
    return strongest(values, vectors.T, count)


def ganspace(generator: nn.Module, inputs: Inputs, count: int) -> Components:
    """The directions of the largest principal components of early activations: GANSpace.

    Härkönen et al. 2020, arXiv:2004.02546, sections 2.1 and 2.2: principal components of what the second layer is
    given, each carried back to the latent code by regressing the codes z on the component's coordinate s, ∝ Σ s z.
    (The output of the first layer itself is linear in z, where the components of normal codes are those of ``sefa``.)

    Raises:
        UsageError: there are not so many directions.
    """
    codes = inputs[0][:ENOUGH]
    z = codes.flatten(1).double()
    _, second = activations(generator, with_conditions(codes, inputs))
    centred = second.double() - second.double().mean(0)
    if centred.shape[1] < len(centred):
        values, axes = torch.linalg.eigh(centred.T @ centred)
        coordinates = centred @ axes
    else:  # the same values, and the coordinates up to their scale
        values, coordinates = torch.linalg.eigh(centred @ centred.T)
    return strongest(values, coordinates.T @ (z - z.mean(0)), count)


def strongest(values: Tensor, vectors: Tensor, count: int) -> Components:
    """The ``count`` vectors (n, dim) with the largest values (n,), of unit length, the largest entry positive.

    Raises:
        UsageError: there are not so many.
    """
    most = min(vectors.shape)
    if not 1 <= count <= most:
        raise UsageError(f"cannot find {count} directions: ask for 1 to {most}.")
    chosen = vectors.flip(0)[:count]
    chosen = chosen / chosen.norm(dim=1, keepdim=True)
    largest = chosen.gather(1, chosen.abs().argmax(1, keepdim=True))
    return Components((chosen * largest.sign()).float(), (values.flip(0)[:count] / values.sum()).float())


def with_conditions(codes: Tensor, inputs: Inputs) -> Inputs:
    """Codes with the conditions of the first example, so that nothing but the code makes a difference."""
    return (codes, *(part[:1].expand(len(codes), *part.shape[1:]) for part in inputs[1:]))


@torch.no_grad()
def activations(generator: nn.Module, inputs: Inputs) -> tuple[Tensor, Tensor]:
    """What the first layer gives (n, k), and what the second is given (n, l); only layers that see the code count.

    A network of one layer has the first's output for both.

    Raises:
        UsageError: no such layer sees the latent code.
    """
    seen: list[Tensor] = []

    def look(layer: nn.Module, given: tuple[Any, ...], made: Tensor) -> None:
        x = given[0] if seen else made
        if len(seen) < 2 and not torch.equal(x, x[:1].expand_as(x)):
            seen.append(x.flatten(1).cpu().clone())  # what follows may work in place

    hooks = [layer.register_forward_hook(look) for layer in generator.modules() if isinstance(layer, LAYERS)]
    parts: list[list[Tensor]] = []
    try:
        for chunk in zip(*(part.tensor_split(-(-len(part) // AT_ONCE)) for part in inputs), strict=True):
            seen.clear()
            generator(*chunk)
            parts.append(list(seen))
    finally:
        for hook in hooks:
            hook.remove()
    if not parts[0]:
        raise UsageError("this generator has no dense or convolution layer that sees the latent code.")
    return torch.cat([part[0] for part in parts]), torch.cat([part[-1] for part in parts])
