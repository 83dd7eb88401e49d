import pytest
import torch

from sparring.errors import UsageError
from sparring.metrics.balance import class_balance


def test_equal_shares_have_no_distance_whatever_the_sizes():
    assert class_balance(torch.arange(10).repeat(100), torch.arange(10).repeat(7), 10) == (0.0, ())


def test_dropped_classes_are_named_and_their_share_is_the_distance():
    real = torch.arange(10).repeat(100)
    got = class_balance(real, real[real >= 3], 10)
    assert got.missing == (0, 1, 2)
    assert got.distance == pytest.approx(0.3)


def test_a_class_that_is_nearly_gone_is_missing_and_a_rare_one_is_not():
    real = torch.cat([torch.zeros(500), torch.ones(498), torch.full((2,), 2)]).long()
    fake = torch.cat([torch.zeros(990), torch.ones(10)]).long()
    assert class_balance(real, fake, 3).missing == (1,)


@pytest.mark.parametrize(
    "fake", [torch.tensor([], dtype=torch.int64), torch.tensor([10]), torch.tensor([-1]), torch.tensor([0.5])]
)
def test_bad_labels_are_a_usage_error(fake):
    with pytest.raises(UsageError):
        class_balance(torch.arange(10), fake, 10)
