"""What a direction does to images: measured on held-out latent codes, beside random directions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from rich.table import Table
from rich.text import Text
from torch import Tensor

from sparring.errors import UsageError
from sparring.latents.properties import FAINT, Measure
from sparring.latents.supervised import direction, slopes
from sparring.types import Inputs

Make = Callable[[Inputs], Tensor]
"""Latent codes (n, …) and conditions to images (n, C, H, W) in [-1, 1]."""

HELD_OUT = 4
"""One in so many codes, the first ones, is held out for the evidence."""
RANDOM = 8
"""How many random directions the floor is the mean of."""


@dataclass(frozen=True)
class Effect:
    """What one step along a direction does to one measured property, on held-out codes."""

    name: str
    role: str
    """``change``, ``keep``, or empty."""
    correlation: float
    """Of the property with the code's coordinate along the direction, in [-1, 1]."""
    change: float
    """The property's mean change by one step, in its own unit."""
    deviation: float
    """The property's standard deviation over samples, in its own unit."""
    rises: float
    """The share of samples in which it rises; chance is .5."""
    floor: float
    """The mean absolute ``change`` by a random direction, over RANDOM of them."""

    @property
    def deviations(self) -> float:
        """The change in standard deviations of the property."""
        return self.change / self.deviation if self.deviation else 0.0

    @property
    def floor_deviations(self) -> float:
        """The floor in standard deviations of the property."""
        return self.floor / self.deviation if self.deviation else 0.0


@dataclass(frozen=True)
class Direction:
    """A unit vector (dim,) in latent space, and what a step along it does; a normal code's deviation is one step."""

    name: str
    vector: Tensor
    effects: tuple[Effect, ...]
    codes: int
    """Codes that the effects were measured on: held-out ones, where the direction was fitted to codes."""

    def __getitem__(self, name: str) -> Effect:
        """The effect on the property of this name.

        Raises:
            KeyError: there is none.
        """
        return {effect.name: effect for effect in self.effects}[name]

    def to_table(self) -> Table:
        """A table for people: first what was asked for, then what else changes, by size."""
        table = Table(
            title=f"one step along the direction for {self.name}",
            caption=f"on {self.codes} codes held out; σ: standard deviations over samples; random: mean of {RANDOM}",
            caption_justify="left",
        )
        for heading in ("property", "", "correlation", "change", "in σ", "random, in σ", "rises in"):
            table.add_column(heading, justify="left" if heading in ("property", "") else "right")
        order = {"change": 0, "keep": 1, "": 2}
        for e in sorted(self.effects, key=lambda e: (order[e.role], -abs(e.deviations))):
            figures = f"{e.correlation:.2f}", f"{e.change:+.3g}", f"{e.deviations:+.2f}", f"{e.floor_deviations:.2f}"
            table.add_row(Text(e.name), e.role, *figures, f"{e.rises:.0%}")
        return table


def components_table(found: Sequence[Direction], shares: Sequence[float]) -> Table:
    """A table for people of unsupervised directions: their shares, and the three properties that each changes most."""
    floor = max(effect.floor_deviations for one in found for effect in one.effects)
    table = Table(
        caption=f"by one step, in standard deviations over {found[0].codes} samples; a random direction: {floor:.2f} "
        f"at most (mean of {RANDOM})",
        caption_justify="left",
    )
    for heading in ("direction", "share", "changes most"):
        table.add_column(heading, justify="right" if heading == "share" else "left")
    for one, share in zip(found, shares, strict=True):
        most = sorted(one.effects, key=lambda e: -abs(e.deviations))[:3]
        table.add_row(one.name, f"{share:.1%}", Text(", ".join(f"{e.name} {e.deviations:+.2f}" for e in most)))
    return table


def find(make: Make, inputs: Inputs, measures: Mapping[str, Measure], change: str, keep: Sequence[str]) -> Direction:
    """The direction that changes one property and leaves others alone, as far as both are linear in the code.

    Found with three quarters of the codes, measured with the rest.

    Raises:
        UsageError: too few codes, a property that is the same in every sample, or one to change and to keep.
    """
    dim, held_out = inputs[0][0].numel(), len(inputs[0]) // HELD_OUT
    if len(inputs[0]) - held_out < 2 * dim or held_out < 2:
        raise UsageError(f"{len(inputs[0])} samples are too few for {dim} latent numbers: give -n {4 * dim} or more.")
    if change in keep:
        raise UsageError(f"{change} cannot be changed and kept at once.")
    fitting = tuple(part[held_out:] for part in inputs)
    values = measured(make(fitting), {name: measures[name] for name in (change, *keep)})
    for name, spread in zip((change, *keep), values.std(0).tolist(), strict=True):
        if not spread > FAINT:
            raise UsageError(f"{name} is the same in every sample, so no direction has to do with it.")
    found = slopes(fitting[0].flatten(1), values)
    vector = direction(found[:, 0], found[:, 1:]).float()
    roles = {change: "change"} | dict.fromkeys(keep, "keep")
    (effects,) = measure_effects(make, tuple(part[:held_out] for part in inputs), vector[None], measures, roles)
    return Direction(change, vector, effects, held_out)


def measure_effects(
    make: Make, inputs: Inputs, vectors: Tensor, measures: Mapping[str, Measure], roles: Mapping[str, str]
) -> list[tuple[Effect, ...]]:
    """What unit vectors (k, dim) do to properties, on these codes."""
    z = inputs[0].flatten(1)
    base = measured(make(inputs), measures)
    deviations = base.std(0)
    random = torch.randn(RANDOM, z.shape[1], generator=torch.Generator().manual_seed(0))
    random = random / random.norm(dim=1, keepdim=True)
    floor = torch.stack([changes(make, inputs, vector, measures).mean(0).abs() for vector in random]).mean(0)
    judged = []
    for vector in vectors:
        change = changes(make, inputs, vector, measures)
        together = correlations((z.double() @ vector.double())[:, None], base)
        columns = together, change.mean(0), deviations, (change > 0).double().mean(0), floor
        rows = zip(measures, *(column.tolist() for column in columns), strict=True)
        judged.append(tuple(Effect(name, roles.get(name, ""), *figures) for name, *figures in rows))
    return judged


def changes(make: Make, inputs: Inputs, vector: Tensor, measures: Mapping[str, Measure]) -> Tensor:
    """The change of each property in each sample by one step, (n, m), as a central difference."""
    forwards, backwards = (measured(make(stepped(inputs, vector, side)), measures) for side in (1.0, -1.0))
    return (forwards - backwards) / 2


def stepped(inputs: Inputs, vector: Tensor, strength: float) -> Inputs:
    """Inputs whose latent codes (n, …) are moved along a vector (dim,), or each along its own of (n, dim)."""
    z = inputs[0]
    return (z + strength * vector.reshape(-1, *z.shape[1:]), *inputs[1:])


def measured(images: Tensor, measures: Mapping[str, Measure]) -> Tensor:
    """Each property of each image, (n, m) float64."""
    return torch.stack([measure(images).double() for measure in measures.values()], 1)


def correlations(a: Tensor, b: Tensor) -> Tensor:
    """Pearson's correlation of the columns of a (n, m or 1) and b (n, m), (m,); 0 where one of them is constant."""
    a, b = (x - x.mean(0) for x in (a, b))
    size = a.norm(dim=0) * b.norm(dim=0)
    return torch.where(size > 0, (a * b).sum(0) / size.clamp(min=torch.finfo(size.dtype).tiny), 0.0)
