import pytest
import torch
from sklearn.neighbors import NearestNeighbors

from sparring.errors import UsageError
from sparring.metrics.prdc import prdc, squared_distances


def normal(n, d, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def brute_force(real, fake, k):
    """The definitions, point by point, on scikit-learn's distances."""
    real_radii = NearestNeighbors(n_neighbors=k + 1).fit(real).kneighbors(real)[0][:, -1]
    fake_radii = NearestNeighbors(n_neighbors=k + 1).fit(fake).kneighbors(fake)[0][:, -1]
    d = [[float((a - b).norm()) for b in fake] for a in real]
    n, m = len(real), len(fake)
    return (
        sum(any(d[i][j] <= real_radii[i] for i in range(n)) for j in range(m)) / m,
        sum(any(d[i][j] <= fake_radii[j] for j in range(m)) for i in range(n)) / n,
        sum(d[i][j] <= real_radii[i] for i in range(n) for j in range(m)) / (k * m),
        sum(any(d[i][j] <= real_radii[i] for j in range(m)) for i in range(n)) / n,
    )


@pytest.mark.parametrize(
    ("n", "m", "d", "k", "shift"), [(80, 60, 3, 5, 0.5), (50, 90, 10, 3, 0.0), (40, 40, 2, 1, 2.0)]
)
def test_agrees_with_the_definitions(n, m, d, k, shift):
    real, fake = normal(n, d), 0.8 * normal(m, d, seed=1) + shift
    assert prdc(real, fake, k=k) == pytest.approx(brute_force(real, fake, k))


@pytest.mark.parametrize("chunk", [1, 7, 100, 5000])
def test_the_chunk_does_not_change_the_figures(chunk):
    real, fake = normal(100, 4), normal(90, 4, seed=1)
    assert prdc(real, fake, chunk=chunk) == prdc(real, fake)


def test_identical_sets_are_perfect():
    x = normal(200, 5)
    got = prdc(x, x)
    assert got[:2] == (1, 1)
    assert got.coverage == 1
    # Each ball holds its centre and k neighbours: (k + 1) / k.
    assert got.density == pytest.approx(1.2)


def test_disjoint_sets_are_at_zero():
    assert prdc(normal(100, 3), normal(100, 3, seed=1) + 100) == (0, 0, 0, 0)


def test_equal_distributions_have_density_about_one_and_the_expected_coverage():
    got = prdc(normal(4000, 8), normal(4000, 8, seed=1))
    assert got.density == pytest.approx(1, abs=0.1)
    # Naeem et al., equation 9: for n = m and large n the expectation is 1 - 2^-k.
    assert got.coverage == pytest.approx(1 - 2**-5, abs=0.02)


def test_swapping_the_sets_swaps_precision_and_recall():
    real, fake = normal(150, 4), 0.5 * normal(120, 4, seed=1)
    a, b = prdc(real, fake), prdc(fake, real)
    assert (a.precision, a.recall) == (b.recall, b.precision)


def test_collapse_keeps_precision_and_loses_recall_and_coverage():
    real = normal(500, 4)
    got = prdc(real, real[:10].repeat(50, 1))
    assert got.precision == 1
    assert got.recall < 0.05
    assert got.coverage < 0.2


def test_copies_of_copies_have_radius_zero_and_are_still_found():
    real = normal(20, 3).repeat_interleave(10, 0) + 1e4
    assert prdc(real, real.clone())[:2] == (1, 1)


@pytest.mark.parametrize("offset", [0.0, 1e3, 1e5])
def test_far_from_the_origin_nothing_is_lost(offset):
    real, fake = normal(200, 5), 0.9 * normal(200, 5, seed=1)
    assert prdc(real + offset, fake + offset) == prdc(real, fake)


def test_distances_are_exact_for_equal_rows_and_close_for_others():
    a, b = normal(50, 600), normal(40, 600, seed=1)
    b[3] = a[7]
    got = squared_distances(a, b)
    assert got[7, 3] == 0
    assert torch.allclose(
        got, torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist").square(), rtol=1e-10, atol=1e-12
    )


@pytest.mark.parametrize(
    ("real", "fake", "match"),
    [
        (torch.zeros(5, 2), torch.zeros(20, 2), "too few"),
        (torch.zeros(20, 2), torch.zeros(20, 3), "columns"),
        (torch.zeros(20, 2), torch.full((20, 2), torch.inf), "infinite"),
    ],
)
def test_bad_features_are_a_usage_error(real, fake, match):
    with pytest.raises(UsageError, match=match):
        prdc(real, fake)
