"""Mean and covariance of more examples than fit into memory, in batches and on several processes.

Chan, Golub and LeVeque 1979, equations 2.1: two parts with n and m rows, means a and b, and sums S and T of centred
products have together::

    mean = a + (b − a) m / (n + m)        sums = S + T + (b − a)(b − a)ᵀ n m / (n + m)
"""

from __future__ import annotations

import torch
from torch import Tensor, distributed

from sparring.errors import UsageError
from sparring.metrics.checks import Array, as_matrix
from sparring.metrics.frechet import Moments
from sparring.metrics.processes import common_width, process_device


class RunningMoments:
    """Takes batches of features (n, d), n ≥ 1, and holds d² + d numbers in float64, however many rows come."""

    def __init__(self) -> None:
        self.n = 0
        self.mean = torch.empty(0, dtype=torch.float64)
        self.sums = torch.empty(0, 0, dtype=torch.float64)

    def update(self, features: Array) -> None:
        """Add a batch.

        Raises:
            UsageError: it is no matrix, of another width, or not finite.
        """
        x = as_matrix(features, "features")
        mean = x.mean(0)
        centred = x - mean
        self._add(len(x), mean.cpu(), (centred.T @ centred).cpu())

    def merge(self, other: RunningMoments) -> None:
        """Add what another one has seen; the order makes no difference but for rounding."""
        if other.n:
            self._add(other.n, other.mean, other.sums)

    def merge_processes(self, name: str = "features") -> None:
        """Add what all processes of torch.distributed have seen: every one of them must call it, once, and has it all.

        Nothing happens where no group is initialised.

        Raises:
            UsageError: no process has seen any rows, or they differ in width; each process has the error.
        """
        if (device := process_device()) is None:
            return
        width = common_width(len(self.mean), name, device)
        rows = torch.tensor([self.n], device=device)
        distributed.all_reduce(rows)
        mine = self.mean.to(device) if self.n else torch.zeros(width, dtype=torch.float64, device=device)
        mean = mine * (self.n / int(rows))
        distributed.all_reduce(mean)
        shift = mine - mean
        sums = self.n * torch.outer(shift, shift)
        if self.n:
            sums += self.sums.to(device)
        distributed.all_reduce(sums)
        self.n, self.mean, self.sums = int(rows), mean.cpu(), sums.cpu()

    def compute(self, name: str = "features") -> Moments:
        """Mean (d,) and unbiased covariance (d, d) of all rows; errors call them ``name``.

        Raises:
            UsageError: fewer than two.
        """
        if self.n < 2:
            raise UsageError(f"{name}: {self.n} rows are too few, at least 2 are needed")
        return Moments(self.mean.clone(), self.sums / (self.n - 1), self.n)

    def _add(self, n: int, mean: Tensor, sums: Tensor) -> None:
        if not self.n:
            self.n, self.mean, self.sums = n, mean.clone(), sums.clone()
            return
        if len(mean) != len(self.mean):
            raise UsageError(f"features have {len(mean)} columns and had {len(self.mean)}: they must be equal")
        shift, total = mean - self.mean, self.n + n
        self.sums += sums + torch.outer(shift, shift) * (self.n * n / total)
        self.mean += shift * (n / total)
        self.n = total
