"""How sure and how varied a classifier's answers are: the formula of the Inception score, on any classifier.

Salimans et al. 2016 (arXiv:1606.03498), section 4: exp of the mean over samples of KL(p(y|x) ‖ p(y)). It is called
Inception score only where p(y|x) is Inception's; it sees neither the data nor copies, and stands here to be compared.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from sparring.errors import UsageError
from sparring.metrics.checks import Array, as_matrix, check_whole, seeded

FEWEST = 10
"""Rows a split: its score is at most their number."""


class LabelScore(NamedTuple):
    """The mean over splits, from 1 (all answers alike) to the number of classes, and its standard error."""

    value: float
    error: float


def label_score(probabilities: Array, *, splits: int = 10, seed: int = 0) -> LabelScore:
    """The score of a classifier's probabilities (n, classes), in ``splits`` random parts, as the paper takes it.

    Raises:
        UsageError: there are fewer than FEWEST rows a split, or rows that are no probabilities.
    """
    check_whole(2, splits=splits)
    p = as_matrix(probabilities, "probabilities")
    if p.min() < 0 or not torch.allclose(p.sum(1), torch.ones_like(p[:, 0]), atol=1e-3):
        raise UsageError("probabilities: every row must be at least 0 and sum to 1")
    if len(p) < splits * FEWEST:
        raise UsageError(
            f"probabilities: {len(p)} rows are too few for {splits} splits, {FEWEST} a split are needed: give more "
            "rows, or fewer splits"
        )
    p = p[torch.randperm(len(p), generator=seeded(seed)).to(p.device)]
    scores = torch.stack([_score(part) for part in p.tensor_split(splits)])
    return LabelScore(float(scores.mean()), float(scores.std() / splits**0.5))


def _score(p: Tensor) -> Tensor:
    """exp(H(y) − H(y|x)), which is the mean divergence written as entropies; 0 log 0 is 0."""
    marginal = p.mean(0)
    return (torch.xlogy(p, p).sum(1).mean() - torch.xlogy(marginal, marginal).sum()).exp()
