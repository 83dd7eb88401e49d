"""What every measure asks of its input: matrices of finite numbers, with enough rows; whole numbers; a seed."""

from __future__ import annotations

import warnings
from numbers import Integral
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sparring.errors import UsageError

Array = Tensor | NDArray[Any]
"""Features, images and labels as users have them."""

LARGEST = 1e40
"""The kernel distance takes the sixth power of features, and float64 ends at 1e308."""

# A covariance needs so many rows a feature before its distance says much.
PER_FEATURE = 10


def as_matrix(features: Array, name: str, *, least: int = 1) -> Tensor:
    """``features`` as a tensor, float64 (n, d), on their own device and without a gradient.

    Raises:
        UsageError: they are no numbers or no matrix, have fewer than ``least`` rows or no column, or hold NaN, infinity
            or what is beyond LARGEST.
    """
    try:
        values = features.detach() if isinstance(features, Tensor) else torch.from_numpy(np.array(features, np.float64))
    except (TypeError, ValueError) as error:
        raise UsageError(f"{name}: expected a matrix of numbers ({error})") from None
    if values.ndim != 2 or values.shape[1] == 0:
        raise UsageError(f"{name}: expected a matrix (n, d), got shape {tuple(values.shape)}")
    if values.shape[0] < least:
        raise UsageError(f"{name}: {values.shape[0]} rows are too few, at least {least} are needed")
    if not torch.isfinite(values).all():
        raise UsageError(f"{name}: some values are NaN or infinite")
    # MPS has no float64.
    values = (values.cpu() if values.device.type == "mps" else values).to(torch.float64)
    if values.abs().max() > LARGEST:
        raise UsageError(f"{name}: some values are beyond {LARGEST:g}, too large for their powers: scale them down")
    return values


def as_pair(first: Array, second: Array, names: tuple[str, str], *, least: int = 1) -> tuple[Tensor, Tensor]:
    """Two matrices of equal width on the first one's device, as ``as_matrix`` gives them.

    Raises:
        UsageError: they cannot be given so.
    """
    a, b = as_matrix(first, names[0], least=least), as_matrix(second, names[1], least=least)
    if a.shape[1] != b.shape[1]:
        raise UsageError(f"{names[0]} has {a.shape[1]} columns and {names[1]} has {b.shape[1]}: they must be equal")
    return a, b.to(a.device)


def check_whole(least: int, **named: object) -> None:
    """Raise UsageError unless all these arguments are whole numbers of at least ``least``."""
    for name, value in named.items():
        if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < least:
            raise UsageError(f"{name} must be a whole number of at least {least}, got {value!r}")


def seeded(seed: int) -> torch.Generator:
    """A generator of random numbers on the CPU that begins with ``seed``.

    Raises:
        UsageError: the seed is no whole number from 0 to 2⁶³ - 1.
    """
    check_whole(0, seed=seed)
    if seed >= 1 << 63:
        raise UsageError(f"seed must be below 2^63, got {seed}")
    return torch.Generator().manual_seed(int(seed))


def covariance_warning(n: int, d: int) -> str:
    """What a reader of a covariance of d features from n rows must know; empty if there are enough."""
    if n <= d:
        return f"WARNING: N = {n} is not above the {d} features: the covariance is singular, the distance is a guess"
    if n < PER_FEATURE * d:
        return (
            f"WARNING: N = {n} is under {PER_FEATURE} times the {d} features: "
            "the Fréchet distance is biased upwards, compare only at the same N"
        )
    return ""


def warn_of_covariance(n: int, d: int) -> None:
    """``covariance_warning`` as Python's warning, at the line that called the measure."""
    if said := covariance_warning(n, d):
        warnings.warn(said.removeprefix("WARNING: "), stacklevel=3)
