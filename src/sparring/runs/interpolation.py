"""Latent codes and conditions on the way from seed to seed, from class to class, from attributes to others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from sparring.errors import UsageError
from sparring.latents.paths import along
from sparring.latents.priors import Normal, Stratified, truncate
from sparring.training.attributes import Given
from sparring.training.sampling import check_count, draw_latents
from sparring.types import DataSpec, Inputs, Recipe

MOST_FRAMES = 10_000
"""Frames of one film at most; they take a quarter of an hour to see."""
NOWHERE = (
    "there is no way from one seed to itself: give two or more (--seeds 0,1), or end with another class, or with other "
    "attributes."
)


def path_latents(
    recipe: Recipe,
    spec: DataSpec,
    seeds: Sequence[int],
    frames: int,
    label: int | str | None = None,
    to_label: int | str | None = None,
    attributes: Given | None = None,
    to_attributes: Given | None = None,
    truncation: float | None = None,
) -> Inputs:
    """Latent codes (frames, …) from seed to seed, with the conditions in between where the generator takes them.

    Between classes conditions are mixtures (frames, classes) float. What ``to_attributes`` does not name stays. With a
    truncation the whole way is truncated, number by number, so it begins and ends at the samples' truncated codes.

    Raises:
        UsageError: nothing to go between, or latent codes that no seed decides.
    """
    check_path(recipe, seeds, frames, label, to_label, attributes, to_attributes)
    check_count(recipe, spec, frames)
    seeds = [*seeds, *seeds] if len(seeds) == 1 else seeds
    keys = [draw_latents(recipe, spec, 1, seed, label, attributes) for seed in seeds]
    z = along(torch.cat([key[0] for key in keys]), frames, on_sphere=isinstance(recipe.latent, Normal))
    if truncation is not None:
        z = truncate(recipe.latent, z, truncation)  # each frame, as the arc between truncated codes leaves their cube
    if not recipe.conditional:
        return (z,)
    conditions = torch.cat([key[1] for key in keys])
    if to_label is not None or to_attributes is not None:
        if isinstance(attributes, Mapping) and isinstance(to_attributes, Mapping):
            to_attributes = {**attributes, **to_attributes}
        end = draw_latents(recipe, spec, 1, seeds[0], to_label, to_attributes)
        conditions = torch.cat([keys[0][1], end[1]])
        if len(set(seeds)) == 1 and torch.equal(conditions[:1], conditions[1:]):
            raise UsageError(NOWHERE)
    return (z, path_conditions(spec, conditions, frames))


def check_path(
    recipe: Recipe,
    seeds: Sequence[int],
    frames: int,
    label: int | str | None,
    to_label: int | str | None,
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
    if not seeds or (len(set(seeds)) == 1 and to_label is None and to_attributes is None):
        raise UsageError(NOWHERE)
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
