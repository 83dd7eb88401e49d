import pytest
import scipy.stats
import torch

from sparring.errors import UsageError
from sparring.metrics.label_score import label_score


def test_sure_and_even_answers_score_the_number_of_classes():
    got = label_score(torch.eye(10).repeat(100, 1), splits=2)
    assert got.value == pytest.approx(10, rel=0.02)
    assert label_score(torch.full((100, 10), 0.1)).value == pytest.approx(1)
    assert label_score(torch.eye(10)[:1].repeat(100, 1)) == pytest.approx((1, 0))


def test_it_is_the_mean_divergence_by_scipy():
    p = torch.rand(40, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    p = p / p.sum(1, keepdim=True)
    order = torch.randperm(40, generator=torch.Generator().manual_seed(3))
    scores = [
        torch.tensor([scipy.stats.entropy(row, part.mean(0)) for row in part.numpy()]).mean().exp()
        for part in p[order].split(10)
    ]
    got = label_score(p, splits=4, seed=3)
    assert got.value == pytest.approx(float(sum(scores)) / 4, rel=1e-9)
    assert got.error == pytest.approx(float(torch.stack(scores).std()) / 2, rel=1e-9)


@pytest.mark.parametrize(
    ("p", "match"),
    [
        (torch.ones(20, 3), "sum to 1"),
        (torch.eye(10), "10 a split are needed"),
        (torch.tensor([[2.0, -1.0]] * 20), "at least 0"),
    ],
)
def test_what_is_no_probability_is_a_usage_error(p, match):
    with pytest.raises(UsageError, match=match):
        label_score(p)
