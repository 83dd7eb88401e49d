"""From what is asked of a trained generator to its examples."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sparring.errors import SparringError, UsageError
from sparring.latents.evidence import stepped
from sparring.training.attributes import Given, beyond
from sparring.training.chunks import CHUNK, in_chunks
from sparring.training.sampling import Label, draw_latents
from sparring.training.step import batch_norms
from sparring.types import DataSpec, Inputs, Recipe

Array = Tensor | np.ndarray[Any, Any]

RESTATED = 4 * CHUNK
"""Latent codes that batch norms take their averages anew from."""


def sample_inputs(
    recipe: Recipe,
    spec: DataSpec,
    n: int,
    seed: int,
    *,
    label: Label | None,
    attributes: Given | None,
    latents: Array | None,
    truncation: float | None,
    direction: Array | None,
    strength: float,
) -> Inputs:
    """Latent codes (n, …), and conditions where the generator takes them; the arguments are those of ``Run.sample``.

    Raises:
        UsageError: any of them does not fit.
    """
    if latents is not None and truncation is not None:
        raise UsageError("latent codes of your own are taken as they are: leave --truncation or --latents out.")
    inputs = draw_latents(recipe, spec, n, seed, label, attributes, truncation)
    if attributes is not None:
        warn_beyond(spec, inputs[1])
    if latents is not None:
        inputs = (check_latents(latents, inputs[0], "latent codes have"), *inputs[1:])
    if not math.isfinite(strength):
        raise UsageError(f"strength={strength} makes no sense: it must be a finite number.")
    if direction is not None:
        inputs = stepped(inputs, check_latents(direction, inputs[0][0], "direction has"), strength)
    return inputs


def warn_beyond(spec: DataSpec, conditions: Tensor) -> None:
    """Warn on standard error of encoded attributes (n, a) that lie outside of what the generator was trained on."""
    if warning := beyond(spec, conditions):
        print(warning, file=sys.stderr)


def maker(generator: nn.Module, checkpoint: Path, device: torch.device) -> Callable[[Inputs], Tensor]:
    """A generator as a function from latent codes and conditions to examples (n, *shape) on the CPU.

    The function raises ``SparringError`` where an example is not finite: the checkpoint it names is of no use.
    """
    generator = generator.to(device)

    def make(inputs: Inputs) -> Tensor:
        made = in_chunks(generator, inputs, device)
        if not torch.isfinite(made).all():
            raise SparringError(f"{checkpoint} makes samples that are not finite: it is of no use.")
        return made

    return make


@torch.no_grad()
def restate(generator: nn.Module, inputs: Inputs) -> None:
    """Set the running averages of a generator's batch norms to the statistics of these latent codes and conditions.

    Truncated codes are not those of the training, and with its averages samples fade out (the standing statistics of
    Brock et al. 2019, arXiv:1809.11096, appendix C, which are also taken anew for each threshold).
    """
    layers = batch_norms(generator)
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # the plain mean over all chunks
        layer.train()
    for part in zip(*(torch.split(of, CHUNK) for of in inputs), strict=True):
        generator(*part)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
        layer.eval()


def make_mixtures(make: Callable[[Inputs], Tensor], inputs: Inputs, recipe: Recipe) -> Tensor:
    """Examples whose conditions may be mixtures of classes, which networks of a user's own may not take.

    Raises:
        UsageError: the generator does not take them.
    """
    try:
        return make(inputs)
    except (RuntimeError, TypeError) as error:
        if not (recipe.conditional and inputs[1].is_floating_point()):
            raise
        raise UsageError(
            "this generator takes no mixtures of classes, floats (n, classes): embed its classes with "
            f"sparring.networks.ClassEmbedding, or give --label alone ({error})."
        ) from error


def check_latents(latents: Tensor | np.ndarray[Any, Any], like: Tensor, what: str) -> Tensor:
    """A user's latent codes, or a direction, as float32; they must have the shape of ``like``, which are the recipe's.

    Raises:
        UsageError: another shape, no numbers, or values that are not finite.
    """
    try:
        z = torch.as_tensor(latents)
        if z.is_complex():
            raise TypeError("complex")
        z = z.to(torch.float32)
    except (TypeError, ValueError) as error:
        raise UsageError(f"the {what} no numbers ({error}).") from error
    if z.shape != like.shape:
        raise UsageError(f"the {what} shape {tuple(z.shape)}, but this run needs {tuple(like.shape)}.")
    if not torch.isfinite(z).all():
        raise UsageError(f"the {what} values that are not finite.")
    return z
