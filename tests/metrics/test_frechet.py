import time
import warnings

import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sparring.errors import UsageError
from sparring.metrics.frechet import frechet_distance, frechet_from_moments, moments

pytestmark = pytest.mark.filterwarnings("ignore:N = ")


def normal(n, d, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def by_scipy(x, y):
    a, b = x.double().numpy(), y.double().numpy()
    s, t = (torch.cov(v.double().T).reshape(v.shape[1], -1).numpy() for v in (x, y))
    root = scipy.linalg.sqrtm(s @ t).real
    return float(((a.mean(0) - b.mean(0)) ** 2).sum() + s.trace() + t.trace() - 2 * root.trace())


def test_diagonal_gaussians_have_the_closed_form():
    mean, deviation = torch.tensor([1.0, -2.0, 0.5]), torch.tensor([0.5, 2.0, 3.0])
    got = frechet_from_moments(torch.zeros(3), torch.eye(3), mean, deviation.square().diag())
    assert got == pytest.approx(float(mean.square().sum() + (deviation - 1).square().sum()), rel=1e-12)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_scaling_features_scales_the_distance_by_the_square(scale):
    x, y = normal(300, 8), 1.5 * normal(300, 8, seed=1)
    assert frechet_distance(scale * x, scale * y) == pytest.approx(scale**2 * frechet_distance(x, y), rel=1e-9)


@pytest.mark.parametrize(("n", "m", "d"), [(500, 700, 20), (300, 300, 1), (2000, 1000, 64)])
def test_full_rank_agrees_with_scipy(n, m, d):
    x, y = normal(n, d), normal(m, d, seed=1) @ torch.diag(torch.linspace(0.1, 2, d, dtype=torch.float64)) + 0.3
    assert frechet_distance(x, y) == pytest.approx(by_scipy(x, y), rel=1e-9)
    p, q = moments(x), moments(y)
    assert frechet_from_moments(p.mean, p.covariance, q.mean, q.covariance) == pytest.approx(by_scipy(x, y), rel=1e-9)


def test_ill_conditioned_covariances_agree_with_the_closed_form():
    spectrum = torch.logspace(0, -14, 200, dtype=torch.float64)
    basis = torch.linalg.qr(normal(200, 200)).Q
    s, t = (basis @ v.diag() @ basis.T for v in (spectrum, 1.1 * spectrum))
    got = frechet_from_moments(torch.zeros(200), (s + s.T) / 2, torch.zeros(200), (t + t.T) / 2)
    assert got == pytest.approx(float((1.1**0.5 - 1) ** 2 * spectrum.sum()), rel=1e-6)


def singular_pairs():
    flat = normal(500, 30)
    flat[:, 10:20] = 3.0
    return {
        "constant features": (flat, normal(400, 30, seed=1)),
        "the same constants": (flat, 2 * flat + 1),
        "fewer samples than features": (normal(20, 50), normal(30, 50, seed=1)),
        "fewer on one side": (normal(20, 50), normal(400, 50, seed=1)),
        "copies of a feature": (normal(300, 5).repeat(1, 4), normal(300, 20, seed=2)),
    }


@pytest.mark.parametrize("name", singular_pairs())
def test_singular_covariances_agree_with_the_eigenvalue_formula(name):
    # scipy's square root of a singular product is itself inaccurate, so the reference is tr (S^½ T S^½)^½ by eigh.
    x, y = singular_pairs()[name]
    values, vectors = torch.linalg.eigh(torch.cov(x.T))
    half = vectors @ values.clamp_min(0).sqrt().diag() @ vectors.T
    t = torch.cov(y.T)
    root = torch.linalg.svdvals(half @ torch.linalg.cholesky(t + 1e-15 * t.trace() * torch.eye(len(t)))).sum()
    expected = float((x.mean(0) - y.mean(0)).square().sum() + torch.cov(x.T).trace() + t.trace() - 2 * root)
    assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-6)
    p, q = moments(x), moments(y)
    assert frechet_from_moments(p.mean, p.covariance, q.mean, q.covariance) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("n", "d"), [(1000, 64), (50, 200), (2, 5), (300, 1)])
def test_identical_sets_are_at_zero(n, d):
    x = normal(n, d)
    assert 0 <= frechet_distance(x, x) < 1e-6
    p = moments(x)
    assert 0 <= frechet_from_moments(*p[:2], *p[:2]) < 1e-6


def test_constant_sets_leave_only_the_means():
    assert frechet_distance(torch.ones(10, 4), torch.zeros(7, 4)) == 4.0
    assert frechet_distance(torch.ones(10, 4), torch.ones(10, 4)) == 0.0


@pytest.mark.parametrize("rank", [1, 10, 63])
def test_a_singular_covariance_in_float32_is_no_error(rank):
    x = (normal(500, rank, 1) @ normal(rank, 64, 2)).float()
    covariance = torch.from_numpy(np.cov(x.numpy().T).astype(np.float32))
    assert frechet_from_moments(x.mean(0), covariance, x.mean(0), covariance) < 1e-3 * float(covariance.trace())


@settings(deadline=None, max_examples=40)
@given(
    n=st.integers(2, 30), m=st.integers(2, 30), d=st.integers(1, 30), rank=st.integers(1, 5), seed=st.integers(0, 99)
)
def test_symmetric_never_negative_and_blind_to_rotations(n, m, d, rank, seed):
    x, y = normal(n, d, seed) @ normal(d, rank, seed + 1) @ normal(rank, d, seed + 2), normal(m, d, seed + 3)
    got = frechet_distance(x, y)
    assert got >= 0
    assert frechet_distance(y, x) == pytest.approx(got, rel=1e-6, abs=1e-9)
    turn = torch.linalg.qr(normal(d, d, seed)).Q
    assert frechet_distance(x @ turn, y @ turn) == pytest.approx(got, rel=1e-5, abs=1e-7)


def test_far_from_the_origin_nothing_is_lost():
    x, y = normal(500, 6), 2 * normal(500, 6, seed=1)
    assert frechet_distance(x + 1e6, y + 1e6) == pytest.approx(frechet_distance(x, y), rel=1e-7)


def processor_seconds(work):
    start = time.process_time()
    work()
    return time.process_time() - start


def test_2048_features_take_at_most_three_seconds_on_two_cores():
    # Seconds of the processor, all threads together: what else the machine does hardly counts.
    p, q = moments(normal(3000, 2048)), moments(1.1 * normal(3000, 2048, seed=1))
    took = min(processor_seconds(lambda: frechet_from_moments(*p[:2], *q[:2])) for _ in range(2))
    yardstick = processor_seconds(lambda: torch.linalg.eigvalsh(p.covariance))
    assert took < max(6.0, 5 * yardstick)


@pytest.mark.parametrize(
    ("x", "y", "match"),
    [
        (torch.zeros(5, 3), torch.zeros(5, 4), "columns"),
        (torch.zeros(1, 3), torch.zeros(5, 3), "too few"),
        (torch.zeros(5), torch.zeros(5), "matrix"),
        (torch.full((5, 3), torch.nan), torch.zeros(5, 3), "NaN"),
    ],
)
def test_bad_features_are_a_usage_error(x, y, match):
    with pytest.raises(UsageError, match=match):
        frechet_distance(x, y)


@pytest.mark.parametrize(
    ("mean", "covariance", "match"),
    [
        (torch.zeros(3), torch.eye(2), "covariance"),
        (torch.zeros(2), torch.tensor([[1.0, 0.5], [0.0, 1.0]]), "symmetric"),
        (torch.zeros(2), -torch.eye(2), "negative"),
        (torch.zeros(2), torch.tensor([[1.0, 2.0], [2.0, 1.0]]), "negative eigenvalue"),
        (torch.zeros(2), torch.tensor([[0.0, 1.0], [1.0, 0.0]]), "negative eigenvalue"),
        (torch.zeros(2), torch.full((2, 2), torch.inf), "infinite"),
        (torch.zeros(3), torch.eye(3), "equal"),
    ],
)
def test_bad_gaussians_are_a_usage_error(mean, covariance, match):
    with pytest.raises(UsageError, match=match):
        frechet_from_moments(mean, covariance, torch.zeros(2), torch.eye(2))


def test_too_few_rows_for_the_covariance_are_warned_of():
    with pytest.warns(UserWarning, match="N = 10 is not above the 64 features") as told:
        frechet_distance(normal(10, 64), normal(90, 64, 1))
    assert told[0].filename == __file__
    with pytest.warns(UserWarning, match="under 10 times the 64 features"):
        frechet_distance(normal(90, 64), normal(90, 64, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        frechet_distance(normal(640, 64), normal(640, 64, 1))
