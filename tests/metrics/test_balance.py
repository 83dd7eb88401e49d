import math

import pytest
import torch

from sparring.errors import UsageError
from sparring.metrics.balance import class_balance, class_coverage


def test_equal_shares_have_no_distance_whatever_the_sizes():
    assert class_balance(torch.arange(10).repeat(100), torch.arange(10).repeat(7), 10)[:2] == (0.0, ())


def test_dropped_classes_are_named_and_their_share_is_the_distance():
    real = torch.arange(10).repeat(100)
    got = class_balance(real, real[real >= 3], 10)
    assert got.missing == (0, 1, 2)
    assert got.distance == pytest.approx(0.3)


def test_a_class_that_is_nearly_gone_is_missing_and_a_rare_one_is_not():
    real = torch.cat([torch.zeros(500), torch.ones(498), torch.full((2,), 2)]).long()
    fake = torch.cat([torch.zeros(990), torch.ones(10)]).long()
    assert class_balance(real, fake, 3).missing == (1,)
    assert class_balance(real, fake, 3).unsure == (2,)


def test_few_samples_tell_of_no_class_and_their_error_is_no_zero():
    real = torch.arange(10).repeat(6)
    got = class_balance(real, torch.zeros(6, dtype=torch.int64), 10)
    assert got.missing == ()
    assert got.unsure == tuple(range(1, 10))
    assert 0.05 < got.error < 0.3


def test_real_labels_are_hardly_ever_called_missing():
    """Ten of each class are due: chance leaves less than a fifth of it in one class of 2 000."""
    real = torch.arange(10).repeat(100)
    generator = torch.Generator().manual_seed(0)
    drawn = [class_balance(real, torch.randint(10, (100,), generator=generator), 10) for _ in range(100)]
    assert sum(len(one.missing) for one in drawn) <= 3
    # The error is the distance's own scatter.
    errors, distances = (torch.tensor([getattr(one, name) for one in drawn]) for name in ("error", "distance"))
    assert float(errors.mean()) == pytest.approx(float(distances.std()), rel=0.4)


@pytest.mark.parametrize(
    "fake", [torch.tensor([], dtype=torch.int64), torch.tensor([10]), torch.tensor([-1]), torch.tensor([0.5])]
)
def test_bad_labels_are_a_usage_error(fake):
    with pytest.raises(UsageError):
        class_balance(torch.arange(10), fake, 10)


def test_coverage_of_planted_samples():
    """Real labels give the estimate's own bias, (classes - 1) / 2n; one class gives its own surprise."""
    uniform = torch.full((1000,), 1e-3)
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(1000, (26_000,), generator=generator)
    real = class_coverage(labels, uniform)
    assert real.found == 1000
    assert real.kl == pytest.approx(999 / 52_000, rel=0.15)
    one = class_coverage(torch.full((26_000,), 7), uniform)
    assert (one.found, one.kl) == (1, pytest.approx(math.log(1000), rel=1e-6))
    half = class_coverage(torch.arange(500).repeat(52), uniform)
    assert (half.found, half.kl) == (500, pytest.approx(math.log(2), rel=1e-6))


def test_coverage_against_shares_that_differ():
    shares = torch.tensor([0.5, 0.25, 0.25, 0.0], dtype=torch.float64)
    assert class_coverage(torch.tensor([0, 0, 1, 2]), shares) == (3, pytest.approx(0, abs=1e-12))
    assert class_coverage(torch.tensor([1, 1, 2, 2]), shares) == (2, pytest.approx(math.log(2)))
    assert class_coverage(torch.tensor([0, 3]), shares).kl == math.inf
    for wrong in (10 * shares, shares - 0.1, shares[None], torch.full((4,), torch.nan)):
        with pytest.raises(UsageError, match="shares"):
            class_coverage(torch.tensor([0, 1]), wrong)
    for bad in (torch.tensor([4]), torch.tensor([-1]), torch.tensor([0.5]), torch.tensor([], dtype=torch.int64)):
        with pytest.raises(UsageError):
            class_coverage(bad, shares)
