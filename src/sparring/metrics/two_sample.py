"""The classifier two-sample test: can a small classifier tell real from generated?

Lopez-Paz and Oquab 2017 (arXiv:1610.06545), section 3: train on half of either set, t is the accuracy on the other
half. If the distributions are equal, the number of right answers is binomial with chance ½.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import scipy.stats
import torch

from sparring.errors import UsageError
from sparring.metrics.bootstrap import share_error
from sparring.metrics.checks import Array, as_pair, seeded

ByWhat = Literal["logistic", "neighbours"]
STEPS = 200


class TwoSample(NamedTuple):
    """Accuracy on ``n`` held-out examples, ½ if nothing tells them apart; its standard error; p (one side).

    An accuracy well below ½ also tells of a difference that is not one of distributions: examples in both sets.
    """

    accuracy: float
    error: float
    p: float
    n: int


def two_sample_test(real: Array, fake: Array, *, by: ByWhat = "logistic", seed: int = 0) -> TwoSample:
    """Test features (n, d) against (m, d), as many of either side; ``seed`` halves them.

    ``by``: logistic regression, or the √n nearest neighbours, the paper's other classifier. Both see features that are
    standardised on the training half.

    Raises:
        UsageError: a side has fewer than twenty rows, the widths differ, or a value is not finite.
    """
    x, y = (v.cpu() for v in as_pair(real, fake, ("real features", "fake features"), least=20))
    generator = seeded(seed)
    n = min(len(x), len(y)) // 2
    x, y = (v[torch.randperm(len(v), generator=generator)[: 2 * n]] for v in (x, y))
    labels = torch.arange(2).repeat_interleave(n).numpy()
    train, test = torch.cat([x[:n], y[:n]]), torch.cat([x[n:], y[n:]])
    deviation = train.std(0)
    scale = torch.where(deviation > 0, deviation, 1.0)
    train, test = ((v - train.mean(0)) / scale for v in (train, test))
    right = int((_classifier(by, n).fit(train.numpy(), labels).predict(test.numpy()) == labels).sum())
    accuracy = right / (2 * n)
    return TwoSample(accuracy, share_error(accuracy, 2 * n), float(scipy.stats.binom.sf(right - 1, 2 * n, 0.5)), 2 * n)


def _classifier(by: str, n: int):  # type: ignore[no-untyped-def]  # scikit-learn has no types
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier

    if by == "logistic":
        return LogisticRegression(max_iter=STEPS)
    if by == "neighbours":
        # Odd, so that there is no tie.
        return KNeighborsClassifier(int((2 * n) ** 0.5) // 2 * 2 + 1)
    raise UsageError(f"by must be 'logistic' or 'neighbours', got {by!r}")
