"""From seeds and conditions to latent codes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from numbers import Integral
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from sparring.errors import UsageError
from sparring.latents.priors import truncate
from sparring.settings import LARGEST_SEED
from sparring.training.attributes import Given, asked_for, quantile_rows
from sparring.types import DataSpec, Inputs, Recipe

Label: TypeAlias = int | str | Sequence[int] | Tensor | np.ndarray[Any, Any]
"""Classes asked for: one, by its number or name, or a number for each of n samples."""
MOST_NAMES = 12
"""Names of classes that an error lists."""
BYTES = 12
"""Bytes of memory per number of an example until it is saved: as float32, again while it is rounded, and as uint8."""
UNKNOWN = 16 << 30
"""Bytes of memory that are assumed where the system does not tell."""
GRID_CLASSES = 20
"""The most rows of a grid with one row per class: it shows the first classes."""


def draw_latents(
    recipe: Recipe,
    spec: DataSpec,
    n: int,
    seed: int,
    label: Label | None = None,
    attributes: Given | None = None,
    truncation: float | None = None,
) -> Inputs:
    """N latent codes by seed, drawn all at once, with conditions where the generator takes them.

    Conditions are ``label`` (for all, or n of them) or ``attributes``, else as frequent as in the training data.

    Raises:
        UsageError: a condition for a generator that takes none, or one that does not exist, or a seed out of range, or
            a truncation of codes that are not normal.
    """
    generator = seeded(seed)
    check_count(recipe, spec, n)
    z = latent_codes(recipe, generator, int(n), truncation)
    classes = recipe.conditional and bool(spec.classes)
    if label is not None and not classes:
        raise UsageError("this generator knows no classes, so it cannot be asked for one (--label).")
    if attributes is not None and not (recipe.conditional and spec.attributes):
        raise UsageError("this generator knows no attributes, so it cannot be asked for any (--attributes).")
    if not recipe.conditional:
        return (z,)
    if label is not None:
        return (z, labels_asked_for(spec, n, label))
    drawn = spec.draw_conditions(n, generator)
    return (z, spec.encode_condition(drawn if attributes is None else asked_for(spec, drawn, attributes)))


def labels_asked_for(spec: DataSpec, n: int, label: Label) -> Tensor:
    """Labels (n,) int64: one class, by its name or its number, for all examples; or a number for each.

    Raises:
        UsageError: there is no such class, or there are not n numbers.
    """
    if isinstance(label, str | Integral):
        return torch.full((n,), class_number(spec, label))
    try:
        labels = torch.as_tensor(label)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UsageError(f"the labels are no numbers of classes ({error}).") from error
    if labels.shape != (n,) or labels.is_floating_point() or labels.is_complex():
        raise UsageError(f"labels are one class, or {n} whole numbers, one for each sample.")
    for wrong in labels[(labels < 0) | (labels >= len(spec.classes))][:1].tolist():
        class_number(spec, wrong)
    return labels.long()


def class_number(spec: DataSpec, label: int | str) -> int:
    """The number of a class that is called by its name or its number; names come first.

    Raises:
        UsageError: there is no such class.
    """
    if isinstance(label, str) and label in spec.class_numbers:
        return spec.class_numbers[label]
    if isinstance(label, Integral) and 0 <= label < len(spec.classes):
        return int(label)
    last, names = len(spec.classes) - 1, ", ".join(spec.classes[:MOST_NAMES])
    called = f" ({names}{', …' if last >= MOST_NAMES else ''})" if names != ", ".join(map(str, range(last + 1))) else ""
    raise UsageError(f"there is no class {label}: this generator knows 0 to {last}{called}.")


def check_count(recipe: Recipe, spec: DataSpec, n: int) -> None:
    """Refuse more samples than this machine's memory holds, before any is made.

    Raises:
        UsageError: n is no such number.
    """
    if not isinstance(n, Integral) or n < 1:
        raise UsageError(f"cannot make {n} samples: ask for one or more.")
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        memory = UNKNOWN
    most = memory // BYTES // (spec.size + recipe.latent(torch.Generator(), 1).numel())
    if n > most:
        raise UsageError(f"{n} samples are too many at once: ask for at most {most}, and again with another --seed.")


def seeded(seed: int) -> torch.Generator:
    """A generator of random numbers by seed.

    Raises:
        UsageError: the seed is out of range.
    """
    if not isinstance(seed, Integral) or not 0 <= seed <= LARGEST_SEED + 1:
        raise UsageError(f"the seed {seed} is out of range: it must lie from 0 to {LARGEST_SEED}.")
    return torch.Generator().manual_seed(int(seed))


def latent_codes(recipe: Recipe, generator: torch.Generator, n: int, truncation: float | None) -> Tensor:
    """The next n latent codes (n, …) by a generator of random numbers, truncated if that is asked for.

    Raises:
        UsageError: a truncation that makes no sense, or of codes that are not normal.
    """
    z = recipe.latent(generator, n)
    return z if truncation is None else truncate(recipe.latent, z, truncation)


def grid_latents(recipe: Recipe, spec: DataSpec) -> tuple[Inputs, int]:
    """The fixed latent codes of a run's sample grids and the number of columns: 5 x 5, or one row a condition.

    Conditions are the classes, or the quantiles of the first attribute, the others at their medians.
    """
    if not recipe.conditional:
        return draw_latents(recipe, spec, 25, recipe.seed), 5
    columns = 8
    conditions = quantile_rows(spec) if spec.attributes else torch.arange(min(len(spec.classes), GRID_CLASSES))
    z = recipe.latent(torch.Generator().manual_seed(recipe.seed), columns)
    return (z.repeat(len(conditions), *[1] * (z.dim() - 1)), conditions.repeat_interleave(columns, 0)), columns
