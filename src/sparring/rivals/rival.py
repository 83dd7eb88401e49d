"""One interface to generators of every kind: samples, reconstructions, features, codes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from sparring.networks import WithEncoder
from sparring.rivals.rbm import Rbm, values
from sparring.runs.features import extract, inversion
from sparring.runs.run import Run
from sparring.types import Dataset

LAST = "last"
"""The checkpoint that is measured, so that every rival has had its whole time."""
MEANS = 5000
"""The most training images whose mean a Boltzmann machine's chains begin at."""

SEARCHED = 100
"""Images whose codes are searched for, where there is no encoder: seconds for images of 28 x 28 pixels."""

Make = Callable[[Tensor], Tensor]


class Rival(NamedTuple):
    """A trained generator of any kind, as functions; images are in network values, (n, C, H, W)."""

    name: str
    steps: int
    seconds: float
    sample: Callable[[int], Tensor]
    reconstruct: Make | None
    """None: it cannot, as its generator is told a condition."""
    hidden: Make
    """Features of images, from the network that looks at them: (n, F)."""
    code: Make | None
    reconstructed: int | None = None
    """How many images are reconstructed, where that is slow; None: all."""


def of_rbm(rbm: Rbm, dataset: Dataset, seed: int) -> Rival:
    """A Boltzmann machine, whose hidden units are both its features and its code."""
    shape = dataset.spec.shape
    means = values(dataset.train.read(np.arange(min(len(dataset.train), MEANS))).x.numpy()).mean(0)

    def rows(x: Tensor) -> np.ndarray[Any, Any]:
        return values(dataset.spec.decode(x).numpy())

    def images(chances: np.ndarray[Any, Any]) -> Tensor:
        return torch.from_numpy(chances).float().mul_(2).sub_(1).view(-1, *shape)

    def hidden(x: Tensor) -> Tensor:
        return torch.from_numpy(rbm.hidden(rows(x)))

    return Rival(
        "rbm",
        rbm.steps,
        rbm.seconds,
        lambda n: images(rbm.sample(n, means, seed)),
        lambda x: images(rbm.reconstruct(rows(x))),
        hidden,
        hidden,
    )


def of_run(run: Run, name: str, seconds: float, seed: int, device: torch.device) -> Rival:
    """A trained run: its features are its encoder's, which gives codes too, else its discriminator's.

    Without an encoder it reconstructs an image from the code that makes the nearest one, which is searched for.
    """
    generator = run.generator(LAST).to(device)
    reconstruct: Make | None = None
    code: Make | None = None
    if isinstance(generator, WithEncoder):
        there_and_back = nn.Sequential(generator.encoder, generator)
        reconstruct, code = (
            (lambda x: extract(there_and_back, x, device)),
            (lambda x: extract(generator.encoder, x, device)),
        )
    elif not run.recipe.conditional:
        search = inversion(generator, run.recipe, run.spec).to(device)
        reconstruct = torch.no_grad()(lambda x: generator(search(x.to(device))).cpu())
    source = "encoder" if code else "discriminator"
    hidden = run.extractor(source, LAST).to(device)
    return Rival(
        name,
        run.step(LAST),
        seconds,
        lambda n: run.sample(n, seed, checkpoint=LAST, device=str(device)),
        reconstruct,
        lambda x: extract(hidden, x, device),
        code,
        None if code else SEARCHED,
    )
