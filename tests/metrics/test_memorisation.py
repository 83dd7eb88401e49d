"""Copies, duplicates, paths: what tells how many pictures a generator knows, and whose."""

import math

import pytest
import scipy.stats
import torch
from sklearn.neighbors import NearestNeighbors

from sparring.errors import UsageError
from sparring.latents.paths import linear, spherical
from sparring.metrics.birthday import duplicate_threshold, support_size
from sparring.metrics.memorisation import memorisation, nearer_to_training, plant_copies, planted_copies
from sparring.metrics.nearest import nearest_rows
from sparring.metrics.path_length import path_length


def normal(n, d, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def nearest(a, b, k=1):
    return NearestNeighbors(n_neighbors=k).fit(b).kneighbors(a)


def test_memorisation_agrees_with_scikit_learn_and_scipy():
    train, held_out, fake = normal(80, 3), normal(80, 3, 1), 0.9 * normal(70, 3, 2)
    got = memorisation(train, held_out, fake)
    own = nearest(train, train, 2)[0][:, 1]
    to_train, which = (v[:, 0] for v in nearest(fake, train))
    to_real, real_to_train = nearest(fake, held_out)[0][:, 0], nearest(held_out, train)[0][:, 0]
    assert got.authentic.value == pytest.approx((to_train > own[which]).mean())
    assert got.nearer.value == pytest.approx((to_train < to_real).mean())
    assert got.nearer == nearer_to_training(train, held_out, fake)
    assert got.ratio == pytest.approx(float(torch.from_numpy(to_train / to_real).median()), rel=1e-9)
    test = scipy.stats.mannwhitneyu(to_train, real_to_train, use_continuity=False, method="asymptotic")
    assert 2 * scipy.stats.norm.sf(abs(got.rank)) == pytest.approx(test.pvalue, rel=1e-6)
    assert got.copies == 0


def test_planted_copies_are_found():
    train, held_out, fake = normal(1000, 6), normal(1000, 6, 1), normal(1000, 6, 2)
    found = planted_copies(train, held_out, fake)
    assert [found[s].copies for s in (0.0, 0.01, 0.05, 0.2)] == [0, 0.01, 0.05, 0.2]
    ranks = [f.rank for f in found.values()]
    assert ranks == sorted(ranks, reverse=True)
    assert abs(ranks[0]) < 3
    assert ranks[-1] < -5
    authentic = [f.authentic.value for f in found.values()]
    assert authentic == sorted(authentic, reverse=True)
    assert found[0.2].authentic.high < found[0.2].floor.low
    assert found[0.2].nearer.low > 0.55


def test_a_generator_that_only_copies_is_at_the_end_of_every_scale():
    train = normal(300, 4)
    got = memorisation(train, normal(300, 4, 1), train)
    assert (got.authentic.value, got.nearer.value, got.copies) == (0, 1, 1)
    assert got.ratio < 1e-100
    near = memorisation(train, normal(300, 4, 1), train + 1e-3)
    assert (near.authentic.value, near.copies) == (0, 0)
    # Two copies in a corner far away are no copies of anything.
    assert memorisation(train, normal(300, 4, 1), normal(300, 4, 2) + 100).authentic.value > 0.99


def test_rows_that_repeat_each_other_count_once():
    train, held_out, fake = normal(200, 4), normal(200, 4, 1), normal(150, 4, 2)
    twice = memorisation(train.repeat_interleave(2, 0), held_out.repeat(2, 1), fake)
    assert twice == memorisation(train, held_out, fake)
    with pytest.raises(UsageError, match="1 different rows are too few"):
        memorisation(train[:1].repeat(9, 1), held_out, fake)


@pytest.mark.parametrize("unit", [1.0, 1e30, 1e-30])
def test_the_nearest_rows_are_those_of_scikit_learn(unit):
    a, b = normal(300, 7) * unit, normal(5000, 7, 1) * unit
    b[:300:2] = a[::2]
    got, which = nearest_rows(a, b, 3)
    expected, index = nearest(a, b, 3)
    assert which.numpy().tolist() == index.tolist()
    assert got.sqrt().numpy() == pytest.approx(expected, rel=1e-9, abs=1e-9 * unit)
    assert (got[::2, 0] == 0).all()


def test_planting_replaces_rows_of_any_shape():
    fake, train = torch.zeros(100, 1, 2, 2, dtype=torch.uint8), torch.ones(50, 1, 2, 2, dtype=torch.uint8)
    planted = plant_copies(fake, train, 0.2)
    assert int(planted.flatten(1).amax(1).sum()) == 20
    assert int(fake.sum()) == 0
    for share, rows in ((1.5, train), (0.9, train), (0.1, train[:, :, :1])):
        with pytest.raises(UsageError, match="cannot plant"):
            plant_copies(fake, rows, share)


@pytest.mark.parametrize("support", [10, 100, 1000])
def test_the_support_of_a_uniform_choice_is_found(support):
    points = normal(support, 5)
    found = []
    for seed in range(5):
        generator = torch.Generator().manual_seed(seed)
        fake = points[torch.randint(support, (2000,), generator=generator)] + 1e-6 * normal(2000, 5, seed)
        found.append(support_size(fake, 1e-4, seed=seed))
    assert not any(f.at_least for f in found)
    # The formula is an approximation that is rough for batches of a few.
    assert sum(f.size for f in found) / 5 == pytest.approx(support, rel=0.35 if support > 10 else 0.8)


def test_a_collapsed_generator_and_one_without_duplicates():
    assert support_size(torch.zeros(3000, 2), 0.0).size == 1
    got = support_size(normal(1000, 5), 1e-9)
    assert got.at_least
    assert got.size == pytest.approx(1000**2 / (2 * math.log(20)))
    assert got.batch == 1000


def test_the_probability_of_a_duplicate_is_that_of_random_batches():
    x = normal(60, 2)
    # The fifth-smallest distance.
    threshold = float(torch.pdist(x).sort().values[4])
    batch = support_size(x, threshold * (1 + 1e-9), orders=4000).batch
    assert 5 < batch < 55
    d = torch.cdist(x, x) <= threshold * (1 + 1e-9)
    generator = torch.Generator().manual_seed(9)
    hits = 0
    for _ in range(4000):
        chosen = torch.randperm(60, generator=generator)[:batch]
        hits += bool(d[chosen][:, chosen].triu(1).any())
    assert hits / 4000 == pytest.approx(0.5, abs=0.08)


def test_the_threshold_is_a_quantile_of_nearest_distances():
    x = normal(500, 3)
    distances = nearest(x, x, 2)[0][:, 1]
    # Two that are each other's nearest come together.
    share = float((torch.from_numpy(distances) <= duplicate_threshold(x, rarity=0.1) + 1e-12).double().mean())
    assert share == pytest.approx(0.1, abs=0.003)
    with pytest.raises(UsageError, match="too few"):
        duplicate_threshold(x[:50])
    with pytest.raises(UsageError, match="threshold"):
        support_size(x, -1.0)


def test_the_path_on_a_circle_has_its_closed_form():
    # On the unit circle the arc moves at the angle's speed, whatever t is.
    n, angle = 100, 1.2
    start = torch.linspace(0, 6, n, dtype=torch.float64)
    first, second = (torch.stack([a.cos(), a.sin()], 1) for a in (start, start + angle))
    got = path_length(lambda z: 3 * z, first, second, path=spherical, epsilon=1e-4)
    assert got.value == pytest.approx(9 * angle**2, rel=1e-6)
    straight = path_length(lambda z: 3 * z, first, second, path=linear)
    assert straight.value == pytest.approx(9 * (2 * math.sin(angle / 2)) ** 2, rel=1e-6)


def test_the_extreme_steps_are_left_out_and_batches_do_not_matter():
    z = normal(200, 3)
    step = lambda x: torch.where((x[:, :1] > 0) & (x[:, :1] < 1e-4), 1e6, 0.0) + x  # noqa: E731
    a, b = (path_length(step, z, normal(200, 3, 1), path=spherical, batch=n) for n in (7, 64))
    assert a.value == pytest.approx(b.value)
    assert a.low < a.value < a.high
    with pytest.raises(UsageError, match="as many"):
        path_length(step, z, z[:5], path=spherical)
    with pytest.raises(UsageError, match="epsilon"):
        path_length(step, z, z, path=spherical, epsilon=0)


@pytest.mark.parametrize("bad", [torch.full((9, 2), torch.nan), torch.zeros(9, 3), torch.zeros(2, 2)])
def test_bad_features_are_a_usage_error(bad):
    good = torch.zeros(9, 2)
    for parts in ((bad, good, good), (good, bad, good), (good, good, bad)):
        with pytest.raises(UsageError):
            memorisation(*parts)
