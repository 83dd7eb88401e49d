"""From seeds and conditions to latent codes, and from latent codes to examples."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from sparring.errors import UsageError
from sparring.latents.paths import along
from sparring.latents.priors import Normal, Stratified, truncate
from sparring.settings import LARGEST_SEED
from sparring.training.attributes import Given, asked_for, quantile_rows
from sparring.training.step import moved_by_batches, standing_still
from sparring.types import DataSpec, Inputs, Recipe

CHUNK = 500
"""Rows that run through a network at once. The last chunk is filled up, so that no result depends on how
many were asked for."""


BYTES = 12
"""Bytes of memory per number of an example until it is saved: as float32, again while it is rounded, and as uint8."""
UNKNOWN = 16 << 30
"""Bytes of memory that are assumed where the system does not tell."""
MOST_FRAMES = 10_000
"""Frames of one film at most; they take a quarter of an hour to see."""

GRID_CLASSES = 20
"""The most rows of a grid with one row per class: it shows the first classes."""


@torch.no_grad()
def in_chunks(network: nn.Module, inputs: Inputs, device: torch.device, *, by_batch: bool = False) -> Tensor:
    """What a network (a generator, an extractor, a classifier) makes of inputs (n, …): rows (n, …) on the CPU.

    The network is left as it was. Batch norm uses its running averages, or, ``by_batch``, the statistics of each chunk,
    as in training.
    """
    n = len(inputs[0])
    rows = torch.empty(0)
    with standing_still(moved_by_batches(network)) if by_batch else evaluating(network):
        for i in range(0, n, CHUNK):
            made = network(*(fill(part[i : i + CHUNK]).to(device) for part in inputs))
            if i == 0:
                rows = torch.empty(n, *made.shape[1:])
            rows[i : i + CHUNK] = made[: n - i]
    return rows


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Within, a network is in inference mode: batch norm uses its running averages, dropout is off."""
    mode = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(mode)


def fill(part: Tensor) -> Tensor:
    """A chunk filled up to CHUNK rows by repeating its last one."""
    missing = CHUNK - len(part)
    return torch.cat([part, part[-1:].expand(missing, *part.shape[1:])]) if missing else part


def draw_latents(
    recipe: Recipe,
    spec: DataSpec,
    n: int,
    seed: int,
    label: int | None = None,
    attributes: Given | None = None,
    truncation: float | None = None,
) -> Inputs:
    """N latent codes by seed, drawn all at once, with conditions where the generator takes them.

    Conditions are ``label`` or ``attributes``, else as frequent as in the training data.

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
        if not isinstance(label, Integral) or not 0 <= label < len(spec.classes):
            raise UsageError(f"there is no class {label}: this generator knows 0 to {len(spec.classes) - 1}.")
        return (z, torch.full((n,), int(label)))
    drawn = spec.draw_conditions(n, generator)
    return (z, spec.encode_condition(drawn if attributes is None else asked_for(spec, drawn, attributes)))


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


def path_latents(
    recipe: Recipe,
    spec: DataSpec,
    seeds: Sequence[int],
    frames: int,
    label: int | None = None,
    to_label: int | None = None,
    attributes: Given | None = None,
    to_attributes: Given | None = None,
) -> Inputs:
    """Latent codes (frames, …) from seed to seed, with the conditions in between where the generator takes them.

    Between classes conditions are mixtures (frames, classes) float. What ``to_attributes`` does not name stays.

    Raises:
        UsageError: nothing to go between, or latent codes that no seed decides.
    """
    check_path(recipe, seeds, frames, label, to_label, attributes, to_attributes)
    check_count(recipe, spec, frames)
    seeds = [*seeds, *seeds] if len(seeds) == 1 else seeds
    keys = [draw_latents(recipe, spec, 1, seed, label, attributes) for seed in seeds]
    z = along(torch.cat([key[0] for key in keys]), frames, on_sphere=isinstance(recipe.latent, Normal))
    if not recipe.conditional:
        return (z,)
    conditions = torch.cat([key[1] for key in keys])
    if to_label is not None or to_attributes is not None:
        if isinstance(attributes, Mapping) and isinstance(to_attributes, Mapping):
            to_attributes = {**attributes, **to_attributes}
        end = draw_latents(recipe, spec, 1, seeds[0], to_label, to_attributes)
        conditions = torch.cat([keys[0][1], end[1]])
    return (z, path_conditions(spec, conditions, frames))


def check_path(
    recipe: Recipe,
    seeds: Sequence[int],
    frames: int,
    label: int | None,
    to_label: int | None,
    attributes: Given | None,
    to_attributes: Given | None,
) -> None:
    """Refuse a path that leads nowhere; the arguments are those of ``path_latents``.

    Raises:
        UsageError: no seed decides these codes, an end without a beginning, one seed alone, or a number of frames that
            makes no film.
    """
    if isinstance(recipe.latent, Stratified):
        raise UsageError(
            "this recipe's latent codes are evenly spaced, so no seed gives one and there is no way between."
        )
    if to_label is not None and label is None:
        raise UsageError("the class to end with needs one to begin with: give --label too.")
    if to_attributes is not None and attributes is None:
        raise UsageError("the attributes to end with need some to begin with: give --attributes too.")
    if not seeds or (len(seeds) == 1 and to_label is None and to_attributes is None):
        raise UsageError("there is no way from one seed to itself: give two or more (--seeds 0,1).")
    if not isinstance(frames, Integral) or frames < 2:
        raise UsageError(f"{frames} frames show no way: ask for two or more (--frames).")
    if frames > MOST_FRAMES:
        raise UsageError(f"{frames} frames are too many: ask for at most {MOST_FRAMES} (--frames).")


def path_conditions(spec: DataSpec, keys: Tensor, frames: int) -> Tensor:
    """The conditions of each frame on the way through encoded conditions (k, …): unchanged where all keys are equal.

    Between classes these are mixtures (frames, classes) float, between attributes straight ways (frames, a).
    """
    if torch.equal(keys, keys[:1].expand_as(keys)):
        return keys[:1].expand(frames, *keys.shape[1:])
    if not keys.is_floating_point():
        keys = one_hot(keys, len(spec.classes)).float()
    return along(keys, frames, on_sphere=False)


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


def read_latents(path: Path, what: str = "latent codes") -> Tensor:
    """Latent codes, or ``what`` else is stored as one or several rows of numbers, from a .npy file as float32.

    Raises:
        UsageError: it cannot be read, or holds no numbers.
    """
    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UsageError(f"{path} is no .npy file of {what} ({error}).") from error
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu" or array.ndim == 0:
        raise UsageError(f"{path} holds no {what}: one array of real numbers, a row each, is needed.")
    return torch.from_numpy(array.astype(np.float32))


def check_latents(latents: Tensor | np.ndarray[Any, Any], like: Tensor, what: str) -> Tensor:
    """A user's latent codes, or a direction, as float32; they must have the shape of ``like``, which are the recipe's.

    Raises:
        UsageError: another shape, no numbers, or values that are not finite.
    """
    try:
        z = torch.as_tensor(latents)
        if z.is_complex():
            raise TypeError("complex")
        z = z.to(torch.float32)
    except (TypeError, ValueError) as error:
        raise UsageError(f"the {what} no numbers ({error}).") from error
    if z.shape != like.shape:
        raise UsageError(f"the {what} shape {tuple(z.shape)}, but this run needs {tuple(like.shape)}.")
    if not torch.isfinite(z).all():
        raise UsageError(f"the {what} values that are not finite.")
    return z
