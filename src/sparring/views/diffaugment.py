"""DiffAugment: always the same augmentation, on real and generated images alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from sparring.types import Inputs, Memory, View
from sparring.views.pixels import at
from sparring.views.policy import parts

SHIFT = 1 / 8
"""The largest shift, a share of the side."""
HOLE = 1 / 2
"""The side of what is cut out, a share of the image's."""


@dataclass(frozen=True)
class DiffAugment(View):
    """Every image recoloured, shifted and with a hole, each by its own draw; the generator's gradient goes through.

    Zhao et al. 2020 (arXiv:2006.10738), section 3 and appendix: brightness up to ±.5, saturation times 0 to 2, contrast
    times .5 to 1.5; shifts up to an eighth of the side; a hole of half the side whose centre is anywhere. What is
    shifted in or cut out is 0, the middle grey. Images are (n, C, H, W), in [-1, 1] or near it.
    """

    policy: str = "colour,translation,cutout"

    def __post_init__(self) -> None:
        """Refuse parts that do not exist."""
        parts(self.policy, PARTS)

    def __call__(self, inputs: Inputs, memory: Memory) -> Inputs:
        """The inputs, with augmented images in place of x."""
        x, *conditions = inputs
        played = parts(self.policy, PARTS)
        for augment in (augment for name, augment in PARTS.items() if name in played):
            x = augment(x)
        return (x, *conditions)


def recolour(x: Tensor) -> Tensor:
    """Brightness, then saturation, then contrast; of grey images, saturation is nothing."""
    brightness, saturation, contrast = torch.rand(3, len(x), 1, 1, 1, device=x.device, dtype=x.dtype).unbind()
    x = x + (brightness - 0.5)
    if x.shape[1] > 1:
        grey = x.mean(1, keepdim=True)
        x = grey + 2 * saturation * (x - grey)
    mean = x.mean((1, 2, 3), keepdim=True)
    return mean + (contrast + 0.5) * (x - mean)


def translate(x: Tensor) -> Tensor:
    """Shifts by whole pixels, each way and each amount as likely."""
    rows, row_inside = shifted(len(x), x.shape[2], x.device)
    columns, column_inside = shifted(len(x), x.shape[3], x.device)
    inside = row_inside.unsqueeze(2) & column_inside.unsqueeze(1)
    return at(x, rows.unsqueeze(2), columns.unsqueeze(1)) * inside.unsqueeze(1)


def shifted(n: int, side: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Where n shifted rows of pixels come from, (n, side) positions, and whether that is inside of the image."""
    most = int(side * SHIFT + 0.5)
    come_from = torch.arange(side, device=device) + torch.randint(-most, most + 1, (n, 1), device=device)
    return come_from.clamp(0, side - 1), (come_from >= 0) & (come_from < side)


def cut_out(x: Tensor) -> Tensor:
    """A hole in each image; the part of it that lies beyond the edge is lost."""
    rows, columns = (hidden(len(x), side, x.device) for side in x.shape[2:])
    hole = rows.unsqueeze(2) & columns.unsqueeze(1)
    return x * ~hole.unsqueeze(1)


def hidden(n: int, side: int, device: torch.device) -> Tensor:
    """Which pixels of n rows (n, side) a hole covers."""
    size = int(side * HOLE + 0.5)
    first = torch.randint(0, side + 1 - size % 2, (n, 1), device=device) - size // 2
    place = torch.arange(side, device=device)
    return (place >= first) & (place < first + size)


PARTS: Mapping[str, Callable[[Tensor], Tensor]] = {"colour": recolour, "translation": translate, "cutout": cut_out}
