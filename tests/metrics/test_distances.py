"""Distances between distributions: kernel distance, MMD, Fréchet distance at infinity, bins, two-sample test."""

import math

import pytest
import scipy.spatial
import scipy.stats
import torch
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression
from sklearn.metrics.pairwise import polynomial_kernel, rbf_kernel

from sparring.errors import UsageError
from sparring.metrics.bins import bins_for, different_bins, two_proportions
from sparring.metrics.extrapolation import frechet_at_infinity
from sparring.metrics.frechet import frechet_distance
from sparring.metrics.kernel import kernel_distance
from sparring.metrics.mmd import gaussian_mmd
from sparring.metrics.two_sample import two_sample_test


def normal(n, d, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def brute_mmd(kernel, x, y):
    """The unbiased estimate, pair by pair."""
    n, m = len(x), len(y)
    within = sum(
        sum(k[i][j] for i in range(len(k)) for j in range(len(k)) if i != j) / (len(k) * (len(k) - 1))
        for k in (kernel(x, x), kernel(y, y))
    )
    return within - 2 * sum(kernel(x, y)[i][j] for i in range(n) for j in range(m)) / (n * m)


def test_the_kernel_distance_is_the_mean_of_brute_force_over_blocks():
    x, y = normal(40, 3), 1.3 * normal(40, 3, seed=1) + 0.2
    got = kernel_distance(x, y, seed=5)
    generator = torch.Generator().manual_seed(5)
    x, y = (v[torch.randperm(40, generator=generator)] for v in (x, y))
    # scikit-learn's default gamma is 1/d, its coef0 1.
    values = [
        brute_mmd(lambda a, b: polynomial_kernel(a, b, degree=3), x[i : i + 4], y[i : i + 4]) for i in range(0, 40, 4)
    ]
    assert got.blocks == 10
    assert got.value == pytest.approx(sum(values) / 10, rel=1e-9)
    assert got.error == pytest.approx(float(torch.tensor(values).std()) / 10**0.5, rel=1e-6)


def test_the_kernel_distance_of_shifted_gaussians_has_its_closed_form():
    # In one dimension E (xy + 1)³ = Σ C(3, k) E[xᵏ] E[yᵏ], so MMD² = Σ C(3, k) (E xᵏ − E yᵏ)².
    s = 0.5
    moments = [(0.0, s), (1.0, 1 + s**2), (0.0, s**3 + 3 * s)]
    exact = sum(math.comb(3, k) * (a - b) ** 2 for k, (a, b) in enumerate(moments, 1))
    got = kernel_distance(normal(100_000, 1), normal(100_000, 1, seed=1) + s)
    assert got.blocks == 100
    assert abs(got.value - exact) < 4 * got.error
    assert got.error < 0.1 * exact


def test_gaussian_mmd_agrees_with_scikit_learn_and_the_median_heuristic():
    x, y = normal(30, 3), normal(25, 3, seed=1) + 0.5
    got = gaussian_mmd(x, y)
    median = torch.from_numpy(scipy.spatial.distance.pdist(torch.cat([x, y]).numpy(), "sqeuclidean")).median()
    assert got.sigma == pytest.approx(float((median / 2).sqrt()), rel=1e-9)
    gamma = 1 / (2 * got.sigma**2)
    assert got.value == pytest.approx(brute_mmd(lambda a, b: rbf_kernel(a, b, gamma=gamma), x, y), rel=1e-9)


def test_gaussian_mmd_of_shifted_gaussians_has_its_closed_form():
    # E k(x, y) = (σ² / (σ² + 2))^(d/2) exp(−|μ|² / (2 (σ² + 2))) for standard normals μ apart.
    d, sigma, shift = 3, 1.5, torch.tensor([0.8, 0.0, 0.0], dtype=torch.float64)
    scale = (sigma**2 / (sigma**2 + 2)) ** (d / 2)
    exact = 2 * scale * (1 - math.exp(-0.64 / (2 * (sigma**2 + 2))))
    values = [
        gaussian_mmd(normal(800, d, 2 * s), normal(800, d, 2 * s + 1) + shift, sigma=sigma, permutations=1).value
        for s in range(8)
    ]
    assert sum(values) / 8 == pytest.approx(exact, rel=0.1)


def test_gaussian_mmd_sees_a_shift():
    got = gaussian_mmd(normal(300, 5), normal(300, 5, seed=1) + 0.5)
    assert got.p == 1 / 201
    assert got == gaussian_mmd(normal(300, 5), normal(300, 5, seed=1) + 0.5)


def test_the_distance_at_infinity_is_the_closed_form_where_plain_ones_are_biased():
    # N(0, I) against N(μ, 4 I): |μ|² + d (2 − 1)².
    d, n = 20, 1000
    x, y = normal(n, d), 2 * normal(n, d, seed=1) + 0.3
    exact = d * 0.3**2 + d
    got = frechet_at_infinity(x, y)
    assert abs(got.distance - exact) < 4 * got.error
    assert got.error < 0.1 * exact
    same = frechet_at_infinity(x, normal(n, d, seed=2))
    assert abs(same.distance) < 0.3 * frechet_distance(x, normal(n, d, seed=2))
    assert same.warning == ""
    assert frechet_at_infinity(normal(200, 50), normal(200, 50, seed=1)).warning.startswith("WARNING: N = 40")


def test_two_proportions_is_the_textbook_test():
    p, q = torch.tensor([0.3, 0.0, 0.02], dtype=torch.float64), torch.tensor([0.36, 0.0, 0.05], dtype=torch.float64)
    got = two_proportions(p, 400, q, 300)
    for i in (0, 2):
        table = [[400 * p[i], 400 * (1 - p[i])], [300 * q[i], 300 * (1 - q[i])]]
        expected = scipy.stats.chi2_contingency([[float(v) for v in row] for row in table], correction=False)[1]
        assert float(got[i]) == pytest.approx(expected, rel=1e-9)
    assert got[1] == 1


def test_bins_are_those_of_scipys_tests_on_scikit_learns_cells():
    """By the definitions: cells from one half of the real examples, a chi-squared test of the other half each."""
    real, fake = normal(900, 3), 0.7 * normal(700, 3, seed=1)
    got = different_bins(real, fake, seed=4)
    order = torch.randperm(900, generator=torch.Generator().manual_seed(4))
    fitted, counted = real[order[:450]].numpy(), real[order[450:]].numpy()
    centres = KMeans(22, n_init=1, max_iter=50, random_state=4).fit(fitted).cluster_centers_
    own, others = (scipy.spatial.cKDTree(centres).query(v)[1].tolist() for v in (counted, fake.numpy()))
    tables = [[[own.count(i), 450 - own.count(i)], [others.count(i), 700 - others.count(i)]] for i in range(22)]
    p_values = [scipy.stats.chi2_contingency(table, correction=False)[1] for table in tables]
    assert (got.different, got.of) == (sum(p < 0.05 for p in p_values), 22)
    assert 3 < got.different < 22
    p, q = ([table[side][0] for table in tables] for side in (0, 1))
    assert got.jsd == pytest.approx(float(scipy.spatial.distance.jensenshannon(p, q)) ** 2, rel=1e-9)


def clusters(counts, seed=0):
    """Well separated clusters of so many points."""
    centres = 20 * normal(len(counts), 6, seed=99)
    which = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    return centres[which] + normal(len(which), 6, seed)


def test_a_dropped_mode_raises_the_number_of_different_bins():
    real = clusters([200] * 10)
    good = different_bins(real, clusters([200] * 10, 1), bins=10)
    dropped = different_bins(real, clusters([200] * 7 + [0] * 3, 2), bins=10)
    assert (good.different, good.missing) == (0, 0)
    assert (dropped.of, dropped.missing) == (10, 3)
    assert dropped.different >= 3
    assert dropped.jsd > 20 * good.jsd
    p, q = torch.full((10,), 0.1, dtype=torch.float64), torch.tensor([1 / 7] * 7 + [0.0] * 3, dtype=torch.float64)
    assert dropped.jsd == pytest.approx(float(scipy.spatial.distance.jensenshannon(p, q)) ** 2, rel=0.1)
    assert different_bins(real[:100], real[100:200]).of == 2


def test_examples_that_repeat_each_other_fill_fewer_bins(recwarn):
    three = normal(3, 6).repeat(100, 1)
    assert different_bins(three, three).of == 3
    assert different_bins(three, normal(300, 6, seed=1)).share > 0.5
    for x, bins in ((three, 5), (torch.zeros(300, 6), None)):
        with pytest.raises(UsageError, match="of their rows are different"):
            different_bins(x, x, bins=bins)
    assert not recwarn


@pytest.mark.parametrize("by", ["logistic", "neighbours"])
def test_a_shift_is_told_apart_at_the_best_possible_accuracy(by):
    # The Bayes classifier of N(0, I) and N(s e, I) is right with probability Φ(s / 2).
    got = two_sample_test(normal(2000, 3), normal(2000, 3, seed=1) + torch.tensor([2.0, 0, 0]), by=by)
    assert got.n == 2000
    assert got.accuracy == pytest.approx(scipy.stats.norm.cdf(1.0), abs=4 * got.error)
    assert got.p == pytest.approx(scipy.stats.binomtest(round(got.accuracy * 2000), 2000, alternative="greater").pvalue)


def test_the_two_sample_test_is_logistic_regression_on_the_other_half():
    x, y = normal(100, 3), normal(120, 3, seed=1) + 0.4
    generator = torch.Generator().manual_seed(2)
    a, b = (v[torch.randperm(len(v), generator=generator)[:100]] for v in (x, y))
    train, test = torch.cat([a[:50], b[:50]]), torch.cat([a[50:], b[50:]])
    mean, deviation = train.mean(0), train.std(0)
    labels = [0] * 50 + [1] * 50
    model = LogisticRegression().fit(((train - mean) / deviation).numpy(), labels)
    assert two_sample_test(x, y, seed=2).accuracy == model.score(((test - mean) / deviation).numpy(), labels)


MEASURES = [kernel_distance, gaussian_mmd, frechet_at_infinity, different_bins, two_sample_test]


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize(
    ("x", "y", "match"),
    [
        (torch.zeros(1, 3), torch.zeros(500, 3), "too few"),
        (torch.zeros(500, 3), torch.zeros(500, 4), "columns"),
        (torch.zeros(500), torch.zeros(500), "matrix"),
        (torch.zeros(500, 3), torch.full((500, 3), torch.nan), "NaN"),
        (torch.zeros(500, 3), torch.full((500, 3), 1e200, dtype=torch.float64), "too large"),
    ],
)
def test_bad_features_are_a_usage_error(measure, x, y, match):
    with pytest.raises(UsageError, match=match):
        measure(x, y)


@pytest.mark.parametrize("measure", [kernel_distance, frechet_at_infinity, different_bins, two_sample_test])
def test_constant_and_repeated_features_do_no_harm(measure):
    x = normal(300, 4)
    x[:, 2] = 7.0
    assert all(math.isfinite(v) for v in measure(x, x.clone()) if isinstance(v, float))


def test_bad_settings_are_a_usage_error():
    x = normal(200, 2)
    with pytest.raises(UsageError, match="equal"):
        gaussian_mmd(torch.zeros(30, 2), torch.zeros(30, 2))
    with pytest.raises(UsageError, match="alpha"):
        different_bins(x, x, alpha=0)
    with pytest.raises(UsageError, match="bins"):
        different_bins(x, x, bins=101)
    with pytest.raises(UsageError, match="by"):
        two_sample_test(x, x, by="oracle")
    with pytest.raises(UsageError, match="block"):
        kernel_distance(x, x, block=1)
    for bad in ({"most": 1}, {"permutations": 0}, {"permutations": -5}):
        with pytest.raises(UsageError, match=f"{next(iter(bad))} must be a whole number of at least"):
            gaussian_mmd(x, x, **bad)
    with pytest.raises(UsageError, match="points"):
        frechet_at_infinity(x, x, points=1)


def test_bins_are_as_many_as_both_sides_allow():
    assert [bins_for(*sizes) for sizes in ((1484, 160), (160, 160), (60_000, 10_000), (60_000, 200))] == [
        32,
        4,
        100,
        40,
    ]
    assert different_bins(normal(1484, 2), normal(160, 2, 1)).of == 32
