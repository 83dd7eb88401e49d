"""What the user gives in words and files, as values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sparring.errors import UsageError


def whole_numbers(text: str, option: str) -> list[int]:
    """``"0,1,2"`` as numbers.

    Raises:
        UsageError: one is no whole number.
    """
    try:
        return [int(word) for word in text.split(",")]
    except ValueError:
        raise UsageError(f"{option} {text}: give whole numbers with commas between, such as 0,1,2.") from None


def parse_attributes(text: str | None, option: str = "--attributes") -> dict[str, float] | list[float] | None:
    """Attributes from the command line: ``0.3,1.2``, all in order, or ``age=30,height=1.8``, some by name.

    Raises:
        UsageError: it is neither.
    """
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    try:
        if "=" not in text:
            return [float(part) for part in parts]
        pairs = [(name.strip(), float(value)) for name, _, value in (part.rpartition("=") for part in parts)]
    except ValueError:
        raise UsageError(f"{option} {text} does not work: give numbers 0.3,1.2 or NAME=NUMBER,…") from None
    if len(dict(pairs)) < len(pairs):
        raise UsageError(f"{option} {text} names an attribute twice.")
    return dict(pairs)


def read_latents(path: Path, what: str = "latent codes") -> Tensor:
    """Latent codes, or ``what`` else is stored as one or several rows of numbers, from a .npy file as float32.

    Raises:
        UsageError: it cannot be read, or holds no numbers.
    """
    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        why = f" ({error.strerror})" if isinstance(error, OSError) and error.strerror else ""
        raise UsageError(f"{path} is no .npy file of {what}{why}.") from error
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu" or array.ndim == 0:
        raise UsageError(f"{path} holds no {what}: one array of real numbers, a row each, is needed.")
    return torch.from_numpy(array.astype(np.float32))
