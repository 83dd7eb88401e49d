"""Features and latent codes of examples, by a trained run's networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sparring.errors import SparringError, UsageError
from sparring.game import Adversarial
from sparring.networks import Representation, representation_of
from sparring.runs.inversion import Inversion
from sparring.training.chunks import CHUNK, in_chunks
from sparring.training.sampling import draw_latents
from sparring.types import DataSpec, Recipe

SOURCES = ("discriminator", "encoder", "code", "generator")
"""Where features come from: the hidden layers of one of these networks, or, ``code``, an encoder's output."""

Network = Callable[[], nn.Module]
Rows = NDArray[np.float32]


def extractor(
    source: str, recipe: Recipe, spec: DataSpec, generator: Network, discriminator: Network | None
) -> nn.Module:
    """A module from examples (n, *shape) in network values to features (n, F), of a recipe's trained networks.

    Features are pooled hidden layers (``networks.representation``): of the discriminator, of the encoder, or of the
    generator at the latent code whose example is the nearest. ``code`` is what the encoder gives.

    Raises:
        UsageError: there are no such features.
    """
    if source not in SOURCES:
        raise UsageError(f"there are no features from {source!r}: choose one of {', '.join(SOURCES)}.")
    if source == "discriminator" and discriminator is not None:
        return of_examples(discriminator(), recipe)
    made = generator()
    if source == "discriminator":
        others = "encoder, code or generator" if hasattr(made, "encoder") else "generator"
        raise UsageError(f"this run has no discriminator: its recipe trains without one. Take --from {others}.")
    if source == "generator":
        found = represented(made, "the generator of this run")
        return nn.Sequential(inversion(made, recipe, spec), found)
    encoder = encoder_of(made)
    return encoder if source == "code" else represented(encoder, "the encoder of this run")


def coder(generator: nn.Module, recipe: Recipe, spec: DataSpec) -> nn.Module:
    """A module from examples to latent codes: the run's encoder, or a search where there is none."""
    return encoder_of(generator) if hasattr(generator, "encoder") else inversion(generator, recipe, spec)


def of_examples(discriminator: nn.Module, recipe: Recipe) -> nn.Module:
    """The representation of a discriminator.

    Raises:
        UsageError: it has none, or judges several examples together.
    """
    if isinstance(recipe.game, Adversarial) and recipe.game.pack > 1:
        raise UsageError(
            f"this run's discriminator judges {recipe.game.pack} examples as one: it has features of none."
        )
    return represented(discriminator, "the discriminator of this run")


def represented(network: nn.Module, what: str) -> nn.Module:
    """The representation of a network.

    Raises:
        UsageError: it has none.
    """
    found = representation_of(network)
    if found is None:
        raise UsageError(
            f"{what} ({type(network).__name__}) has no features of an example alone: it needs a method hidden_layers()."
        )
    return found


def encoder_of(generator: nn.Module) -> nn.Module:
    """The encoder that was trained beside a generator.

    Raises:
        UsageError: none was.
    """
    encoder = getattr(generator, "encoder", None)
    if not isinstance(encoder, nn.Module):
        raise UsageError("this run has no encoder: train one with --recipe bigan, ae or vae, or take another --from.")
    return encoder


def inversion(generator: nn.Module, recipe: Recipe, spec: DataSpec) -> Inversion:
    """The search for latent codes, from as many candidates as there are in a chunk.

    Raises:
        UsageError: the generator needs to be told a condition.
    """
    if recipe.conditional:
        raise UsageError("this generator is told a class or attributes, so no latent code alone makes an example.")
    return Inversion(generator, draw_latents(recipe, spec, CHUNK, recipe.seed)[0])


def checkpoint_for(source: str, recipe: Recipe, asked: str | None) -> str:
    """The checkpoint that features are of: the one asked for, else ``best``.

    But ``last`` for a classifier, which is what the last step left: ``best`` is best by the generator's figure.
    """
    return asked or ("last" if source == "discriminator" and recipe.classifies else "best")


def widths_of(network: nn.Module, spec: DataSpec) -> list[int]:
    """How many of the features that an extractor gives belong to each hidden layer; codes are one layer."""
    one = torch.zeros(1, *spec.shape)
    part: nn.Module = network
    if isinstance(network, nn.Sequential):
        search, part = network
        assert isinstance(search, Inversion)
        one = search.candidates[:1]
    with torch.no_grad():
        layers = part.by_layer(one) if isinstance(part, Representation) else [part(one)]
    return [layer.shape[1] for layer in layers]


def weigh_alike(x: Rows, widths: Sequence[int]) -> tuple[Rows, Rows]:
    """What to subtract from features (n, F), and then to divide them by, (F,) each, so that all layers weigh alike.

    Each layer of so many features then has the same mean square over these rows, and a whole row 1.
    """
    mean = x.mean(0)
    square = np.split(np.square(x - mean).mean(0), np.cumsum(widths)[:-1])
    sizes = [np.full(len(layer), np.sqrt(len(widths) * layer.sum()), np.float32) for layer in square]
    return mean, np.concatenate([np.where(size > 0, size, np.float32(1)) for size in sizes])


def extract(network: nn.Module, x: Tensor, device: torch.device) -> Tensor:
    """What a network makes of examples (n, *shape) in network values: (n, F) float32, the same for each whatever n is.

    Raises:
        SparringError: it is not finite.
    """
    made = in_chunks(network, (x,), device)
    if not torch.isfinite(made).all():
        raise SparringError("the features are not finite: this checkpoint is of no use.")
    return made


def network_values(spec: DataSpec, x: Tensor | np.ndarray[Any, Any]) -> Tensor:
    """A user's examples (n, *shape) in network values, float32: images as uint8, or as floats in [-1, 1] already.

    Raises:
        UsageError: another shape, other numbers, or values that are not finite or out of that range.
    """
    try:
        values = torch.as_tensor(np.array(x) if isinstance(x, np.ndarray) else x)  # views may be what torch cannot read
    except (TypeError, ValueError, RuntimeError) as error:
        raise UsageError(f"the examples are no numbers ({error}).") from error
    if not len(values.shape) or values.shape[1:] != spec.shape or not len(values):
        wanted = ", ".join(map(str, spec.shape))
        raise UsageError(f"the examples have the shape {tuple(values.shape)}, but this run needs (n, {wanted}).")
    if spec.kind == "image" and values.dtype != torch.uint8 and not values.is_floating_point():
        raise UsageError(f"images must be uint8, or floats in [-1, 1], not {values.dtype}.")
    values = spec.encode(values) if values.dtype == torch.uint8 else values
    values = values.to(torch.float32)
    if not torch.isfinite(values).all():
        raise UsageError("the examples hold values that are not finite.")
    if spec.kind == "image" and bool((values.abs() > 1 + 1e-6).any()):
        raise UsageError("images must be uint8, or floats in [-1, 1]: there are values beyond.")
    return values
