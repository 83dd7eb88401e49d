"""Whether two series of figures differ by more than their own scatter."""

from __future__ import annotations

from collections.abc import Sequence

import scipy.stats
import torch

ROUNDING = 1e-9
"""Relative differences up to this are of rounding, and no scatter."""


def difference_p(first: Sequence[float], second: Sequence[float]) -> float:
    """Two-sided p-value that two series of independent values have the same mean, at least three values in all.

    Welch's t-test (Welch 1947), which lets each side have its own variance. Where a side has one value, Student's, with
    the other side's variance for both. Where neither side scatters, as counts do that every draw agrees on, the largest
    probability of two different constants: 2 · 4^−min(n, m) (two values that come up equally often), and 1 / (n + 1)
    where a side has one value (each of the n + 1 is as likely to be the odd one).
    """
    a, b = (torch.tensor(values, dtype=torch.float64) for values in (first, second))
    if min(len(a), len(b)) < 1 or len(a) + len(b) < 3:
        raise ValueError(f"{len(a)} and {len(b)} values cannot be compared: at least three are needed")
    n, m = len(a), len(b)
    if all(torch.allclose(values, values[:1], rtol=ROUNDING, atol=0.0) for values in (a, b)):
        if torch.allclose(a[:1], b[:1], rtol=ROUNDING, atol=0.0):
            return 1.0
        return 1 / (n + m) if min(n, m) == 1 else 2 * 4.0 ** -min(n, m)
    if min(n, m) == 1:
        squared, freedom = float((a if m == 1 else b).var()) * (1 / n + 1 / m), n + m - 2.0
    else:
        u, v = float(a.var() / n), float(b.var() / m)
        squared, freedom = u + v, (u + v) ** 2 / (u**2 / (n - 1) + v**2 / (m - 1))
    return float(2 * scipy.stats.t.sf(abs(float(a.mean() - b.mean())) / squared**0.5, freedom))


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted for their number (Holm 1979).

    Where those below a level are taken for real, the probability that any of them is not is at most that level,
    however they depend on each other.
    """
    adjusted, largest = [1.0] * len(p_values), 0.0
    for rank, at in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[at]))
        adjusted[at] = largest
    return adjusted
