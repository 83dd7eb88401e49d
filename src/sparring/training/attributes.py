"""The attributes that samples are to have: given by the user in the data's units, or chosen for a grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from sparring.errors import UsageError
from sparring.types import DataSpec

Given: TypeAlias = Mapping[str, float] | Sequence[float] | Tensor | np.ndarray[Any, Any]
"""Attributes in the user's units: some by name, all in order (a,), or a row for each sample (n, a)."""

GRID_QUANTILES = 8
"""Rows of a grid that shows an attribute at its quantiles."""


def asked_for(spec: DataSpec, drawn: Tensor, attributes: Given) -> Tensor:
    """Attributes (n, a) float32 in the user's units, of which those that are not named stay as ``drawn``.

    Raises:
        UsageError: an attribute that does not exist, too many or too few, or a value that is no finite number.
    """
    names = [attribute.name for attribute in spec.attributes]
    known = f"this generator's attributes are {', '.join(names)}"
    try:
        if isinstance(attributes, Mapping):
            if unknown := [name for name in attributes if name not in names]:
                raise UsageError(f"there is no attribute {unknown[0]!r}: {known}.")
            asked = drawn.clone()
            for name, value in attributes.items():
                asked[:, names.index(name)] = float(value)
        else:
            given = torch.as_tensor(attributes).to(torch.float32)
            if given.shape not in (drawn.shape, drawn.shape[1:]):
                raise UsageError(f"attributes of shape {tuple(given.shape)} do not fit {len(drawn)} samples: {known}.")
            asked = given.expand_as(drawn)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UsageError(f"the attributes are no numbers ({error}): {known}.") from error
    if not torch.isfinite(asked).all():
        raise UsageError("the attributes hold values that are not finite.")
    return asked


def beyond(spec: DataSpec, conditions: Tensor) -> str:
    """A warning if encoded attributes (n, a) lie outside of the range that the generator was trained on; else empty."""
    lines = []
    for attribute, column in zip(spec.attributes, conditions.T, strict=True):
        ends = torch.tensor([attribute.low, attribute.high])
        low, high = (ends - attribute.mean) / attribute.deviation
        if column.min() < low - 1e-4 or column.max() > high + 1e-4:  # what rounding does is not outside
            lines.append(f"{attribute.name} was trained from {attribute.low:g} to {attribute.high:g}")
    return f"WARNING: outside of the range seen, samples mean little: {'; '.join(lines)}" if lines else ""


def quantile_rows(spec: DataSpec) -> Tensor:
    """Encoded attributes (GRID_QUANTILES, a): the first at its quantiles, from low to high, the others at medians."""
    rows = torch.tensor(spec.rows)
    conditions = rows.median(0).values.repeat(GRID_QUANTILES, 1)
    conditions[:, 0] = rows[:, 0].quantile((torch.arange(GRID_QUANTILES) + 0.5) / GRID_QUANTILES)
    return spec.encode_condition(conditions)
