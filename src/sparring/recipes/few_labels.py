"""Classifiers from few labels: the discriminator is what is wanted, the generator what makes it good."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from sparring.errors import UsageError
from sparring.recipes.parts import in_words, left_open
from sparring.settings import Choice

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

    from sparring.game import FewLabels
    from sparring.settings import Value
    from sparring.types import DataSpec, Machine, Recipe

    Players = tuple[Callable[[], nn.Module], Callable[[], nn.Module]]

Network = Literal["auto", "perceptron", "convolutional"]
Generator = Literal["published", "centred"]

EPOCHS = 70
"""How often all images are seen where nothing is set, and the fewest and most steps that this may be."""
FEWEST_STEPS, MOST_STEPS = 2_000, 30_000
FEW = 5_000
"""Fewer training images than this are played on with half the batch."""
SMALL = 256
"""Images of at most so many numbers get a perceptron of a quarter of the width."""


def few_labels(
    spec: DataSpec,
    *,
    network: Network = "auto",
    width: int | None = None,
    latent_dim: int = 100,
    generator: Generator = "published",
    labelled: float = 1.0,
    entropy: float = 0.0,
) -> Recipe:
    """A classifier from few labels and many images: the discriminator tells classes, and real from generated.

    ``network``: perceptron or convolutional; auto: a perceptron for images in grey. ``width``: units of its first
    layer, or channels of its first maps; unless set, by the images. ``generator``, of perceptrons: as published, which
    begins slowly; centred: its batch norms come after the softplus, and its last layer is plain. ``labelled``: labelled
    images a step, as a share of the batch. ``entropy``: weight of unlabelled images' conditional entropy.
    """
    from sparring.game import FewLabels
    from sparring.objectives import non_saturating

    paper = "Salimans et al. 2016, Improved techniques for training GANs, arXiv:1606.03498, section 5"
    game = FewLabels(non_saturating, labelled=labelled, entropy=entropy)
    return recipe_for(spec, "few-labels", paper, game, network, width, latent_dim, generator)


def complement(
    spec: DataSpec,
    *,
    network: Network = "auto",
    width: int | None = None,
    latent_dim: int = 100,
    generator: Generator = "published",
    labelled: float = 1.0,
    entropy: float = 0.1,
    pull_away: float = 0.8,
) -> Recipe:
    """few-labels with a generator that is meant to be bad: it spreads over what is not data, and between the classes.

    ``entropy``: weight of the conditional entropy in the classifier's loss. ``pull_away``: weight of the pull-away term
    in the generator's. Both are the paper's for SVHN. Its term for low density, which needs a density model of the
    images, is left out; on MNIST its authors played with that one and neither of these. All else is few-labels'.
    """
    from sparring.game import FewLabels
    from sparring.objectives import non_saturating

    paper = "Dai et al. 2017, Good semi-supervised learning that requires a bad GAN, arXiv:1705.09783"
    game = FewLabels(non_saturating, labelled=labelled, entropy=entropy, pull_away=pull_away)
    return recipe_for(spec, "complement", paper, game, network, width, latent_dim, generator)


def recipe_for(
    spec: DataSpec,
    name: str,
    paper: str,
    game: FewLabels,
    network: Network,
    width: int | None,
    latent_dim: int,
    kind: Generator,
) -> Recipe:
    """A game of few labels with the networks for these images, played as in the code of Salimans et al.

    They play 180 000 steps on MNIST at a constant rate, 600 000 on CIFAR-10 at one that falls in the last third.

    Raises:
        UsageError: the data are no images of at least two classes.
    """
    from sparring.recipes.parts import adam, image_shape, uniform
    from sparring.types import Recipe

    shape, classes = image_shape(spec, name), len(spec.classes)
    if classes < 2:
        raise UsageError(f"{name} tells classes apart, and {spec.name} has no two of them.")
    convolutional = network == "convolutional" or (network == "auto" and shape[0] > 1)
    if convolutional:
        generator, discriminator = convolutions(shape, classes, width, latent_dim)
    else:
        generator, discriminator = dense(shape, classes, width, latent_dim, kind)
    rate = 3e-4 if convolutional else 3e-3
    return Recipe(
        paper=paper,
        generator=generator,
        discriminator=discriminator,
        game=replace(game, power=1) if convolutional else game,
        latent=uniform(latent_dim),
        optimiser=adam(0.5, 0.999, eps=1e-4),  # about what the authors' √(v + 1e-8) does
        classifies=True,
        steps=30_000,
        batch=100,
        lr_generator=rate,
        lr_discriminator=rate,
        schedule_generator="late",
        schedule_discriminator="late",
        ema=0.9999,
        ema_rampup=0.05,
        grid_every=1000,
        best_every=5000,
    )


def dense(shape: tuple[int, int, int], classes: int, width: int | None, latent_dim: int, kind: Generator) -> Players:
    """The authors' perceptrons for MNIST, a quarter as wide for small images."""
    from functools import partial
    from math import prod

    from torch import nn

    from sparring.networks import MLPGenerator, NoisyClassifier, SoftplusGenerator

    units = width or (256 if prod(shape) <= SMALL else 1000)
    sizes = (units, units // 2, units // 4, units // 4, units // 4)
    hidden, norm = (units // 2, units // 2), partial(nn.BatchNorm1d, eps=1e-4)
    classifier = partial(NoisyClassifier, shape, classes, sizes)
    if kind == "published":
        return partial(SoftplusGenerator, latent_dim, hidden, shape), classifier
    return partial(MLPGenerator, latent_dim, hidden, shape, activation=nn.Softplus, norm=norm), classifier


def convolutions(shape: tuple[int, int, int], classes: int, width: int | None, latent_dim: int) -> Players:
    """DCGAN's generator and the paper's classifier for CIFAR-10, by default a third as wide."""
    from functools import partial

    from sparring.networks import DCGANGenerator, NoisyConvolutions, gaussian

    channels = width or 32

    def generator() -> nn.Module:
        return gaussian(DCGANGenerator(latent_dim, shape, channels))

    return generator, partial(NoisyConvolutions, shape, classes, channels)


def choose(
    spec: DataSpec, examples: int, machine: Machine, given: Mapping[str, Value] = MappingProxyType({})
) -> Choice:
    """Batch, steps, precision and generator for so many training images; the same arguments give the same choice.

    What is ``given`` is not chosen, but planned with.
    """
    batch = int(given.get("batch", 50 if examples < FEW else 100))
    steps = int(min(max(round(EPOCHS * examples / batch, -2), FEWEST_STEPS), MOST_STEPS))
    settings: dict[str, Value] = {"batch": batch, "steps": steps}
    if spec.shape[0] == 1 and given.get("network") != "convolutional":
        # Perceptrons, whose generator must keep up in so few steps.
        settings |= {"generator": "centred"} | ({"lr_generator": 1e-2} if examples < FEW else {})
    if machine.bfloat16 and spec.size > SMALL:
        settings["precision"] = "bfloat16"
    words = in_words(settings, given, ("network", *settings))
    return Choice(left_open(settings, given), f"{words} for {examples} images")
