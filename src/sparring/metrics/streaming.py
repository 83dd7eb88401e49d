"""The main measures for those who have batches: ``update(x, real)``, ``compute()``, ``reset()``, as in torchmetrics.

``x`` are features (n, d), or whatever the function ``features`` makes features of. The Fréchet distance holds d²
numbers for each side, the others every feature that they were given. Where torch.distributed has several processes,
each of them must call ``compute``, and has the figure of what came to all; the others than the Fréchet distance then
bring all features to each process.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from sparring.errors import UsageError
from sparring.metrics.checks import Array, as_matrix, covariance_warning, warn_of_covariance
from sparring.metrics.frechet import frechet_from_moments
from sparring.metrics.kernel import KernelDistance, kernel_distance
from sparring.metrics.moments import RunningMoments
from sparring.metrics.prdc import PRDC, prdc
from sparring.metrics.processes import gather_rows

Extract = Callable[[Any], Tensor]

NAMES = {True: "real features", False: "fake features"}


class Frechet(NamedTuple):
    """A Fréchet distance, and what a reader of it must know (empty if there is nothing)."""

    distance: float
    warning: str


class _Streamed(ABC):
    """Takes batches of both sides."""

    def __init__(self, features: Extract | None = None) -> None:
        self.features = features
        self.reset()

    def reset(self) -> None:
        """Forget all batches."""
        self.width = 0
        self._forget()

    def update(self, x: Array, real: bool) -> None:
        """Add a batch to one side.

        Raises:
            UsageError: it is no matrix of features, not finite, or of another width than any before; or ``real`` is
                neither True nor False.
        """
        side = _as_bool(real)
        found = as_matrix(x if self.features is None else self.features(x), NAMES[side])
        if self.width not in (0, found.shape[1]):
            raise UsageError(
                f"{NAMES[side]} have {found.shape[1]} columns, and those before had {self.width}: they must be equal"
            )
        self.width = found.shape[1]
        self._add(found, side)

    @abstractmethod
    def _forget(self) -> None: ...

    @abstractmethod
    def _add(self, found: Tensor, real: bool) -> None: ...


class StreamedFrechet(_Streamed):
    """Fréchet distance of 50 000 images of 2 048 features in 67 MB, on several processes too."""

    def _forget(self) -> None:
        self.real, self.fake = RunningMoments(), RunningMoments()

    def _add(self, found: Tensor, real: bool) -> None:
        (self.real if real else self.fake).update(found)

    def compute(self) -> Frechet:
        """The distance between all that came, on all processes.

        Raises:
            UsageError: fewer than two rows a side, or processes whose widths differ.
        """
        sides = []
        for real, side in ((True, self.real), (False, self.fake)):
            total = RunningMoments()
            total.merge(side)
            total.merge_processes(NAMES[real])
            sides.append(total.compute(NAMES[real]))
        first, second = sides
        distance = frechet_from_moments(first.mean, first.covariance, second.mean, second.covariance)
        n, d = min(first.n, second.n), len(first.mean)
        warn_of_covariance(n, d)
        return Frechet(distance, covariance_warning(n, d))


class _Kept(_Streamed):
    """Keeps the features of both sides."""

    def _forget(self) -> None:
        self.kept: dict[bool, list[Tensor]] = {True: [], False: []}

    def _add(self, found: Tensor, real: bool) -> None:
        half = found.float()
        # Half the memory, where that loses nothing.
        self.kept[real].append((half if half.double().equal(found) else found).cpu())

    def _sides(self) -> tuple[Tensor, Tensor]:
        real, fake = (self._all(side) for side in (True, False))
        return real, fake

    def _all(self, real: bool) -> Tensor:
        here = [part.double() for part in self.kept[real]]
        found = gather_rows(torch.cat(here) if here else torch.empty(0, 0, dtype=torch.float64), NAMES[real])
        if not len(found):
            raise UsageError(f"{NAMES[real]}: none came yet")
        return found


class StreamedKernel(_Kept):
    """The kernel distance, on several processes too."""

    def compute(self) -> KernelDistance:
        """The distance between all that came, on all processes; see ``kernel_distance``."""
        return kernel_distance(*self._sides())


class StreamedPRDC(_Kept):
    """Precision, recall, density and coverage, on several processes too."""

    def __init__(self, features: Extract | None = None, *, k: int = 5) -> None:
        super().__init__(features)
        self.k = k

    def compute(self) -> PRDC:
        """The four figures of all that came, on all processes; see ``prdc``."""
        return prdc(*self._sides(), k=self.k)


def _as_bool(real: object) -> bool:
    """``real`` if it is a bool of Python, NumPy or torch."""
    single = isinstance(real, Tensor | np.ndarray) and real.ndim == 0 and real.dtype in (torch.bool, np.bool_)
    if not (single or isinstance(real, bool | np.bool_)):
        raise UsageError(f"real must be True (real examples) or False (generated ones), got {real!r}")
    return bool(real)
