"""What several recipes are made of: latent priors, optimisers and views, and what they ask of the data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparring.errors import UsageError

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from sparring.networks import Condition
    from sparring.types import DataSpec, Latent, Optimiser, View

AUGMENTATIONS = ("none", "diffaugment", "ada")


def normal(dim: int) -> Latent:
    """Latent codes (n, dim) from the standard normal distribution. Raises ``UsageError`` for a dim below 1."""
    from sparring.latents.priors import Normal

    if dim < 1:
        raise UsageError(f"latent_dim={dim} makes no sense: it must be 1 or more.")
    return Normal(dim)


def adam(beta1: float, beta2: float, eps: float = 1e-8) -> Optimiser:
    """Adam (Kingma & Ba 2015), in its fused form."""
    from sparring.optimisers import LeanAdam

    def make(parameters: list[nn.Parameter], lr: float | Tensor) -> torch.optim.Optimizer:
        return LeanAdam(parameters, lr=lr, betas=(beta1, beta2), eps=eps)

    return make


def nesterov(momentum: float) -> Optimiser:
    """Stochastic gradient descent with Nesterov's momentum."""
    import torch

    def make(parameters: list[nn.Parameter], lr: float | Tensor) -> torch.optim.Optimizer:
        return torch.optim.SGD(parameters, lr=lr, momentum=momentum, nesterov=True, fused=isinstance(lr, torch.Tensor))

    return make


def rmsprop() -> Optimiser:
    """RMSProp (Hinton 2012), as torch has it."""
    import torch

    def make(parameters: list[nn.Parameter], lr: float | Tensor) -> torch.optim.Optimizer:
        static = isinstance(lr, torch.Tensor)  # of torch's ways, only this one reads such a rate on the device
        return torch.optim.RMSprop(parameters, lr=lr, foreach=static or None, capturable=static)

    return make


def view_for(augment: str, spec: DataSpec) -> View | None:
    """How a recipe's setting ``augment`` has images shown: "none", "diffaugment" or "ada".

    A colon and names choose what is played, "ada:flip,colour": parts of ``views.diffaugment``, or groups or parts of
    ``views.adaptive``. Unless told, "ada" neither flips nor turns by quarters: whether data may be is not known here.
    Its probability moves ten times as fast as the paper's, whose runs show millions of images.

    Raises:
        UsageError: no such augmentation or part, or the data are no images.
    """
    from sparring.views import AdaptiveAugmentation, DiffAugment

    kind, _, policy = augment.partition(":")
    if kind not in AUGMENTATIONS or (kind == "none" and policy):
        raise UsageError(f"augment={augment} is not one of {', '.join(AUGMENTATIONS)}.")
    if kind == "none":
        return None
    image_shape(spec, f"augment={augment}")
    if kind == "diffaugment":
        return DiffAugment(policy) if policy else DiffAugment()
    return AdaptiveAugmentation(policy or "translation,geometry,colour", images=50_000)


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
    raise UsageError(f"{recipe} plays with classes or attributes, and {spec.name} has neither.")
