"""The default: a recipe whose settings are chosen from the data and the machine, and how they are chosen."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from sparring.errors import UsageError
from sparring.recipes.parts import in_words, left_open
from sparring.settings import Choice

if TYPE_CHECKING:
    from torch import nn

    from sparring.settings import Value
    from sparring.types import DataSpec, Machine, Recipe

BATCH = 64
SECONDS = 240
"""What a training on images of 28 x 28 is planned to take on a quiet CPU; the time grows with the side."""
SPEED = {"cpu": 2e10, "cuda": 5e12, "mps": 5e11}
"""Multiplications a second that convolutions this small reach: of one CPU thread, or of the whole device."""
BFLOAT16 = 1.25
"""How much sooner a step is done in bfloat16, where the CPU has it."""
PASSES, PENALTY_PASSES, GENERATOR_PASSES = 7, 4, 5
"""Forward passes of one network that a move costs for each example: 1 + 3 · 2 for the discriminator, more for its
penalty, 3 + 2 for the generator."""
CALLS = 0.005
"""Seconds that the calls of a step take, however small the networks."""
AUGMENTING = 0.005
"""Seconds a step that adaptive augmentation takes besides, of images so small that it is noticed."""
CONDITION_DIM = 10
"""Numbers that a condition adds to the latent code."""
WIDTHS = (64, 48, 32, 24, 16)
FEWEST_STEPS, MOST_STEPS = 8_000, 30_000
EPOCHS = 400
"""How often a small set is seen at the most: soon after, the discriminator knows it by heart."""
FEW = 5_000
"""Fewer training images than this are augmented, adaptively (Karras et al. 2020, arXiv:2006.06676)."""
PLANNED_WITH = ("width", "batch", "steps", "augment", "precision", "k", "gamma")
"""Settings of the user's that a plan depends on, or that it would choose."""
PREVIEWS = 100
"""Sample grids of a run of the chosen steps, at the least."""


def auto(
    spec: DataSpec,
    *,
    width: int = 16,
    latent_dim: int | None = None,
    augment: str = "none",
    conditional: bool = False,
    gamma: float = 0.5,
) -> Recipe:
    """What learns fastest on this kind of data, at a size that suits data and machine.

    Images: convolutions (DCGAN) at ten times the usual learning rates, which fall to zero, a discriminator kept smooth
    by R1 of weight ``gamma``, and an averaged generator; ``width``, the channels of the largest maps, batch, steps and
    (for small sets) ``augment`` are chosen unless they are set. Points on a line: the game of ``gan-1d-mended``; other
    points: that of ``r3gan``. ``latent_dim``: unless set, 64 for images, and for points those games' own.
    ``conditional``: on images both players are told the classes or the attributes, so that samples can be asked for
    them. On points ``augment`` is noise or none.
    """
    from sparring.recipes.gan_1d import gan_1d_mended
    from sparring.recipes.r3gan import r3gan

    if spec.kind == "image":
        return auto_on_images(spec, width, 64 if latent_dim is None else latent_dim, augment, conditional, gamma)
    if conditional:
        raise UsageError("auto plays with classes and attributes on images only: leave conditional out.")
    if spec.shape == (1,):
        return gan_1d_mended(spec, latent_dim=1 if latent_dim is None else latent_dim, augment=augment)
    return r3gan(spec, latent_dim=latent_dim, augment=augment)


def auto_on_images(
    spec: DataSpec, width: int, latent_dim: int, augment: str, conditional: bool, gamma: float
) -> Recipe:
    """Batch norm in both players, large steps that shrink, and an average that soon forgets where it began.

    Steps so large need the penalty: without it the discriminator of colour images becomes ever steeper, and the game
    falls apart. Conditions are joined to the latent code, and projected on by the discriminator.
    """
    from functools import partial

    from sparring.game import Adversarial
    from sparring.networks import DCGANFeatures, DCGANGenerator, Discriminator, Joined, Judgement, Projection, gaussian
    from sparring.objectives import non_saturating
    from sparring.penalties import R1
    from sparring.recipes.parts import adam, condition_for, image_shape, normal, view_for
    from sparring.types import Recipe

    shape = image_shape(spec, "auto")
    condition = condition_for(spec, "auto with conditional=true") if conditional else None
    head = partial(Projection, condition=condition) if condition else partial(Judgement, bias=False)

    def generator() -> nn.Module:
        network = gaussian(DCGANGenerator(latent_dim + (CONDITION_DIM if condition else 0), shape, width))
        return Joined(network, condition, CONDITION_DIM) if condition else network

    return Recipe(
        paper="Radford et al. 2016, arXiv:1511.06434; the penalty: Mescheder et al. 2018, arXiv:1801.04406; "
        "the average: Yazici et al. 2019, arXiv:1806.04498"
        + ("; projection: Miyato & Koyama 2018, arXiv:1802.05637" if conditional else ""),
        generator=generator,
        discriminator=lambda: gaussian(Discriminator(DCGANFeatures(shape, width, bias=True), head)),
        game=Adversarial(non_saturating, penalties=(R1(gamma),) if gamma else (), view=view_for(augment, spec)),
        latent=normal(latent_dim),
        optimiser=adam(0.5, 0.99),
        conditional=conditional,
        steps=10_000,
        batch=BATCH,
        lr_generator=2e-3,
        lr_discriminator=2e-3,
        schedule_generator="cosine",
        schedule_discriminator="cosine",
        ema=0.999,
        ema_rampup=0.05,
    )


def choose(
    spec: DataSpec, examples: int, machine: Machine, given: Mapping[str, Value] = MappingProxyType({})
) -> Choice:
    """Width, batch and steps for these data, so many training examples of them, and this machine.

    The same arguments give the same choice: nothing is timed. The networks are as wide as leaves at least FEWEST_STEPS
    in the planned time; where none is (on two threads from about 64 x 64 on), the narrowest, and the steps are fewer,
    down to 1 000. What is ``given`` is not chosen, but planned with. Given steps change the announced time alone, as a
    run may be given more later, which its width must not depend on.
    """
    if spec.kind != "image":
        game, where = ("gan-1d-mended", "on a line") if spec.shape == (1,) else ("r3gan", f"in {spec.size} dimensions")
        return Choice({}, f"the game of {game} for {examples} points {where}")
    machine = machine._replace(bfloat16=machine.bfloat16 and given.get("precision") != "float32")
    batch = int(given.get("batch", min(BATCH, max(examples // 2, 2))))
    budget, each = planned_seconds(spec) * speed(machine), passes(given) * batch
    widths = (int(given["width"]),) if "width" in given else WIDTHS
    affordable = {width: int(budget / (each * multiplications(spec.shape, width))) for width in widths}
    width = next((width for width, steps in affordable.items() if steps >= FEWEST_STEPS), widths[-1])
    steps = min(affordable[width], MOST_STEPS, EPOCHS * examples // batch)
    steps = max(round(steps, -2), 1000)
    settings: dict[str, Value] = {"width": width, "batch": batch, "steps": steps}
    settings["augment"] = "ada" if examples < FEW else "none"
    if machine.bfloat16:
        settings["precision"] = "bfloat16"
    calls = CALLS + (AUGMENTING if given.get("augment", settings["augment"]) != "none" else 0)
    seconds = int(given.get("steps", steps)) * (calls + each * multiplications(spec.shape, width) / speed(machine))
    images = f"{examples} images of {' x '.join(map(str, spec.shape))}"
    words = in_words(settings, given, PLANNED_WITH)
    why = f"{words}, about {minutes(seconds)} if nothing else runs, for {images} on {machine_in_words(machine)}"
    return Choice(left_open(settings | {"grid_every": max(steps // PREVIEWS, 10)}, given), why)


def passes(given: Mapping[str, Value]) -> int:
    """Forward passes of one network that a step costs for each example, by the game's settings that are ``given``."""
    discriminator = PASSES + (PENALTY_PASSES if given.get("gamma", 1) else 0)
    return int(given.get("k", 1)) * discriminator + GENERATOR_PASSES


def machine_in_words(machine: Machine) -> str:
    """The machine in words."""
    if machine.device != "cpu":
        return machine.device
    return f"{machine.threads} CPU thread{'s' if machine.threads > 1 else ''}"


def planned_seconds(spec: DataSpec) -> float:
    """How long a training may take: in proportion to the side of the images."""
    return SECONDS * max(math.sqrt(spec.size) / 28, 0.2)


def speed(machine: Machine) -> float:
    """Multiplications a second."""
    rate = SPEED[machine.device] * (machine.threads if machine.device == "cpu" else 1)
    return rate * BFLOAT16 if machine.bfloat16 else rate


def multiplications(shape: tuple[int, ...], width: int) -> int:
    """Multiplications of one example on its way through one network: 4 x 4 convolutions that halve the sides."""
    from itertools import pairwise

    from sparring.networks.sizes import doubling_widths, halvings

    channels, *size = shape
    sizes = halvings((size[0], size[1]), 4, 2)
    widths = [channels, *doubling_widths(width, len(sizes) - 1, 1024)]
    return sum(16 * a * b * h * w for (a, b), (h, w) in zip(pairwise(widths), sizes[1:], strict=True))


def minutes(seconds: float) -> str:
    """A length of time in words."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
