"""What several recipes are made of: latent priors, optimisers and views, and what they ask of the data."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sparring.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sparring.networks import Condition
    from sparring.settings import Value
    from sparring.types import DataSpec, Latent, Optimiser, View

AUGMENTATIONS = ("none", "diffaugment", "ada", "noise")


def normal(dim: int) -> Latent:
    """Latent codes (n, dim) from the standard normal distribution. Raises ``UsageError`` for a dim below 1."""
    from sparring.latents.priors import Normal

    return Normal(at_least_one(dim))


def uniform(dim: int) -> Latent:
    """Latent codes (n, dim), uniform from 0 to 1. Raises ``UsageError`` for a dim below 1."""
    from sparring.latents.priors import Uniform

    return Uniform(at_least_one(dim))


def at_least_one(dim: int) -> int:
    """What it is given. Raises ``UsageError`` for a dim below 1."""
    if dim < 1:
        raise UsageError(f"latent_dim={dim} makes no sense: it must be 1 or more.")
    return dim


def adam(beta1: float, beta2: float, eps: float = 1e-8) -> Optimiser:
    """Adam (Kingma & Ba 2015), in its fused form."""
    from sparring.optimisers import Adam

    return Adam(beta1, beta2, eps)


def nesterov(momentum: float) -> Optimiser:
    """Stochastic gradient descent with Nesterov's momentum."""
    from sparring.optimisers import Nesterov

    return Nesterov(momentum)


def rmsprop() -> Optimiser:
    """RMSProp (Hinton 2012), as torch has it."""
    from sparring.optimisers import RMSProp

    return RMSProp()


def view_for(augment: str, spec: DataSpec) -> View | None:
    """How a recipe's setting ``augment`` has examples shown: "none", "diffaugment", "ada" or "noise".

    A colon and names choose what is played, "ada:flip,colour": parts of ``views.diffaugment``, or groups or parts of
    ``views.adaptive``. Unless told, "ada" neither flips nor turns by quarters: whether data may be is not known here.
    Its probability moves ten times as fast as the paper's, whose runs show millions of images. "noise:0.2" is the first
    deviation of instance noise, which falls to nothing over the run; unless told it is .1. It alone is for points too,
    in their own units.

    Raises:
        UsageError: no such augmentation or part, or the data are no images, and it is not noise.
    """
    from sparring.views import AdaptiveAugmentation, DiffAugment, InstanceNoise

    kind, _, policy = augment.partition(":")
    if kind not in AUGMENTATIONS or (kind == "none" and policy):
        raise UsageError(f"augment={augment} is not one of {', '.join(AUGMENTATIONS)}.")
    if kind == "none":
        return None
    if kind == "noise":
        return InstanceNoise(deviation(policy) if policy else 0.1, fading=True)
    image_shape(spec, f"augment={augment}")
    if kind == "diffaugment":
        return DiffAugment(policy) if policy else DiffAugment()
    return AdaptiveAugmentation(policy or "translation,geometry,colour", images=50_000)


def deviation(text: str) -> float:
    """The deviation of noise, above 0.

    Raises:
        UsageError: it is none.
    """
    try:
        sigma = float(text)
    except ValueError:
        sigma = math.nan
    if not 0 < sigma < math.inf:
        raise UsageError(f"augment=noise:{text} makes no sense: say how strong the noise is, such as noise:0.1.")
    return sigma


def left_open(settings: Mapping[str, Value], given: Mapping[str, Value]) -> dict[str, Value]:
    """The settings of a plan that the user has not ``given``: what is chosen."""
    return {name: value for name, value in settings.items() if name not in given}


def in_words(settings: Mapping[str, Value], given: Mapping[str, Value], planned_with: Iterable[str]) -> str:
    """What is chosen of a plan's settings, and which of the user's it was ``planned_with``."""
    chosen = ", ".join(f"{name}={value}" for name, value in left_open(settings, given).items())
    others = ", ".join(f"{name}={given[name]}" for name in planned_with if name in given)
    return f"{chosen or 'nothing'} with your {others}" if others else chosen


def image_shape(spec: DataSpec, recipe: str) -> tuple[int, int, int]:
    """Channels, height and width of the data's images.

    Raises:
        UsageError: the data are no images.
    """
    if spec.kind != "image":
        raise UsageError(f"{recipe} plays on images, not on {spec.name} ({spec.kind} of shape {spec.shape}).")
    channels, height, width = spec.shape
    return channels, height, width


def condition_for(spec: DataSpec, recipe: str) -> Condition:
    """What turns the data's conditions, classes or attributes, into vectors.

    Raises:
        UsageError: the data have neither.
    """
    from functools import partial

    from sparring.networks import AttributeEmbedding, ClassEmbedding

    if spec.attributes:
        return partial(AttributeEmbedding, len(spec.attributes))
    if spec.classes:
        return partial(ClassEmbedding, len(spec.classes))
    raise UsageError(f"{recipe} plays with classes, two at least, or with attributes, and {spec.name} has neither.")
