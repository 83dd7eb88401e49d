"""Adaptive augmentation: as much as keeps the discriminator from learning a small data set by heart."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

import torch
from torch import Tensor

from sparring.errors import UsageError
from sparring.types import Inputs, Memory, Statistics, View
from sparring.views.pixels import warp
from sparring.views.policy import parts

GROUPS = {
    "blit": ("flip", "quarters", "translation"),
    "geometry": ("scale", "rotation", "stretch", "shift"),
    "colour": ("brightness", "contrast", "luma", "hue", "saturation"),
}
PARTS = tuple(part for group in GROUPS.values() for part in group)
"""The paper's transformations by its groups, in the order in which they are applied."""

TRANSLATION, SHIFT = 1 / 8, 1 / 8
"""The largest whole translation and the deviation of the fractional one, shares of the side."""
SCALE, STRETCH, CONTRAST, SATURATION = 0.2, 0.2, 0.5, 1.0
"""Deviations of factors, as logarithms to base 2."""
BRIGHTNESS = 0.2
"""Deviation of what is added to values in [-1, 1]."""

P, SKILL, COUNT = "augment_p", "augment_skill", "augment_count"


@dataclass(frozen=True)
class AdaptiveAugmentation(View):
    """ADA: each of twelve transformations happens to each image with probability p, which follows the discriminator.

    Karras et al. 2020 (arXiv:2006.06676), section 3 and appendix B. p rises while the discriminator's
    r = E[sign D(real)] is above ``target``, and falls while it is below; as long as it stays away from 1 the generator
    learns the images as they are, not as they are shown. Of a critic or of pairs, which have no sign, r is
    2 · (share of pairs in the right order) - 1. Images are (n, C, H, W), one or three channels in [-1, 1] or near it.

    It differs from the paper's code in three ways: the warp is bilinear, without a filter before it; r is a running
    mean, not one of blocks; and penalties take gradients with respect to images as they are shown, not as they were.
    """

    policy: str = "blit,geometry,colour"
    """What is played, by groups (these three) or single parts; the paper's ``bgc``."""
    target: float = 0.6
    """Of r."""
    images: int = 500_000
    """Real images shown while p goes from 0 to 1, or back."""
    largest: float = 0.8
    """Of p: from about here on, augmentations may leak into the samples (section 2.2)."""
    moves: int = 4
    """Discriminator moves over which r is averaged, by an exponential mean."""

    def __post_init__(self) -> None:
        """Refuse parts that do not exist, and numbers that mean nothing."""
        parts(self.policy, PARTS, GROUPS)
        if self.images < 1 or self.moves < 1 or not 0 <= self.largest <= 1:
            raise UsageError("adaptive augmentation needs images and moves of 1 or more, and largest from 0 to 1.")

    def memory(self) -> Memory:
        """p and the running mean of r, from 0 on, and how many images were shown at once last."""
        return {name: torch.zeros(()) for name in (P, SKILL, COUNT)}

    def __call__(self, inputs: Inputs, memory: Memory) -> Inputs:
        """The inputs, with augmented images in place of x."""
        x, *conditions = inputs
        memory[COUNT].fill_(len(x))
        return (augment(x, memory[P], parts(self.policy, PARTS, GROUPS)), *conditions)

    def adapt(self, memory: Memory, statistics: Statistics) -> None:
        """Move p by a batch's share of ``images``, towards the target; say where it is now."""
        memory[SKILL].lerp_(2 * statistics["d_real"] - 1, 1 / self.moves)
        towards = torch.sign(memory[SKILL] - self.target)
        memory[P].add_(towards * memory[COUNT] / self.images).clamp_(0, self.largest)
        statistics[P] = memory[P].clone()


def augment(x: Tensor, p: Tensor, played: Collection[str]) -> Tensor:
    """Images (n, C, H, W), each transformed by those of the parts that happen to it; p is a scalar."""
    chance = Chance(len(x), p, played)
    if any(part in played for part in (*GROUPS["blit"], *GROUPS["geometry"])):
        x = warp(x, *placed(chance, *x.shape[2:]))
    if any(part in played for part in GROUPS["colour"]):
        x = recoloured(x, chance)
    return x


class Chance:
    """Draws for the n images of a batch, (n, numbers); 0, which changes nothing, where a part does not happen."""

    def __init__(self, n: int, p: Tensor, played: Collection[str]) -> None:
        self.n, self.p, self.played, self.device = n, p, played, p.device

    def normal(self, part: str, deviation: float, numbers: int = 1) -> Tensor:
        """Normal numbers."""
        return self.happens(part, torch.randn(self.n, numbers, device=self.device) * deviation)

    def uniform(self, part: str, most: float, numbers: int = 1, p: Tensor | None = None) -> Tensor:
        """Evenly between -most and most; ``p``: another probability."""
        return self.happens(part, (torch.rand(self.n, numbers, device=self.device) * 2 - 1) * most, p)

    def choice(self, part: str, choices: int) -> Tensor:
        """0 to choices - 1, each as likely."""
        return self.happens(part, torch.randint(choices, (self.n, 1), device=self.device).float())

    def happens(self, part: str, amount: Tensor, p: Tensor | None = None) -> Tensor:
        """The amounts where the part happens, to all numbers of an image or to none."""
        if part not in self.played:
            return torch.zeros_like(amount)
        return amount * (torch.rand(self.n, 1, device=self.device) < (self.p if p is None else p))


def placed(chance: Chance, height: int, width: int) -> tuple[Tensor, Tensor]:
    """The map from places in the augmented images back to places in the given ones, as ``warp`` takes it.

    The paper's order is flip, quarter turns, translation; scale, rotation, stretch, rotation, fractional translation.
    Undoing them begins with the last. Images that are not square turn by halves.
    """
    right, down, one = torch.eye(3, device=chance.device)
    to_right, downwards = chance.normal("shift", SHIFT, 2).chunk(2, 1)
    right, down = right - to_right * width * one, down - downwards * height * one
    # Two rotations, before and after the stretch: one of them at least happens with probability p.
    either = 1 - (1 - chance.p).sqrt()
    right, down = turned(right, down, chance.uniform("rotation", math.pi, p=either))
    stretch = torch.exp2(chance.normal("stretch", STRETCH))
    right, down = turned(right / stretch, down * stretch, chance.uniform("rotation", math.pi, p=either))
    scale = torch.exp2(chance.normal("scale", SCALE))
    right, down = right / scale, down / scale
    to_right, downwards = chance.uniform("translation", TRANSLATION, 2).chunk(2, 1)
    right, down = right - (to_right * width).round() * one, down - (downwards * height).round() * one
    turns = chance.choice("quarters", 4) if height == width else 2 * chance.choice("quarters", 2)
    cosine, sine = (turns == 0).float() - (turns == 2).float(), (turns == 1).float() - (turns == 3).float()
    right, down = rotated(right, down, cosine, sine)
    return right * (1 - 2 * chance.choice("flip", 2)), down


def turned(right: Tensor, down: Tensor, angle: Tensor) -> tuple[Tensor, Tensor]:
    """Places before a rotation by an angle (n, 1)."""
    return rotated(right, down, angle.cos(), angle.sin())


def rotated(right: Tensor, down: Tensor, cosine: Tensor, sine: Tensor) -> tuple[Tensor, Tensor]:
    """Places before a rotation by an angle whose cosine and sine are given."""
    return cosine * right + sine * down, cosine * down - sine * right


def recoloured(x: Tensor, chance: Chance) -> Tensor:
    """Brightness, contrast, luma flip, hue and saturation, which are one affine map of a pixel's colour.

    With the projection P on the grey axis u = (1, 1, 1)/√3, the flip of luma is I - 2P, a turn of hue by θ is
    P + cos θ (I - P) + sin θ u×, and saturation by s is P + s (I - P). P commutes with them all, so contrast c and the
    three make c (± P + s cos θ (I - P) + s sin θ u×), on x with the brightness added.
    """
    brightness, contrast = chance.normal("brightness", BRIGHTNESS), torch.exp2(chance.normal("contrast", CONTRAST))
    luma = 1 - 2 * chance.choice("luma", 2)
    hue, saturation = chance.uniform("hue", math.pi), torch.exp2(chance.normal("saturation", SATURATION))
    x = x + each(brightness)
    if x.shape[1] == 1:
        return x * each(contrast * luma)
    along, across = contrast * saturation * hue.cos(), contrast * saturation * hue.sin() / math.sqrt(3)
    grey = x.mean(1, keepdim=True)
    return each(along) * x + each(contrast * luma - along) * grey + each(across) * (x.roll(1, 1) - x.roll(-1, 1))


def each(amount: Tensor) -> Tensor:
    """One number an image, (n, 1), to go with images."""
    return amount[:, :, None, None]
