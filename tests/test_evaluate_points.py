"""The figures of points, and their ranking."""

import math

import pytest
import torch

from sparring.data import PointSource
from sparring.evaluate import evaluate
from sparring.metrics.ranking import make_ranking
from sparring.types import Dataset, DataSpec


class Ring:
    sigma = 0.01

    def __init__(self):
        angle = 2 * math.pi * torch.arange(8) / 8
        self.modes = torch.stack([angle.cos(), angle.sin()], 1)

    def log_prob(self, x):
        raise NotImplementedError

    def sample(self, generator, n):
        which = torch.randint(8, (n,), generator=generator)
        return self.modes[which] + self.sigma * torch.randn(n, 2, generator=generator)

    def quantile(self, u):
        raise NotImplementedError


class Gaussian(Ring):
    modes, sigma = None, 0.5

    def __init__(self):
        pass

    def sample(self, generator, n):
        return -1 + self.sigma * torch.randn(n, 1, generator=generator)

    def quantile(self, u):
        return -1 + self.sigma * math.sqrt(2) * torch.special.erfinv(2 * u - 1)


def toy(density, shape, sizes=(5000, 2000, 3000), keep=True):
    spec = DataSpec("points", shape, name="toy")
    parts = [PointSource(spec, density.sample(torch.Generator().manual_seed(i), n)) for i, n in enumerate(sizes)]
    return Dataset(spec, *parts, "toy", density=density if keep else None)


def test_a_gaussian_is_measured_by_w1_against_the_exact_one():
    density = Gaussian()
    data = toy(density, (1,))
    got = evaluate(lambda n: density.sample(torch.Generator().manual_seed(9), n) + 0.25, data)
    assert [f.name for f in got.figures] == ["W1"]
    assert got.n == 3000
    assert got["W1"].value == pytest.approx(0.25, abs=0.03)
    assert got["W1"].floor < 0.03
    # A shifted Gaussian's distance is its mean's: σ / √n.
    assert got["W1"].error == pytest.approx(0.5 / 3000**0.5, rel=0.8)
    assert 0 < got["W1"].floor_error < 0.03
    by_points = evaluate(
        lambda n: density.sample(torch.Generator().manual_seed(9), n) + 0.25, toy(density, (1,), keep=False)
    )
    assert by_points["W1"].value == pytest.approx(0.25, abs=0.05)


def test_a_ring_is_measured_by_its_modes():
    density = Ring()
    data = toy(density, (2,))
    half = torch.tensor([1.0, 0.0])
    got = evaluate(lambda n: torch.where(torch.arange(n)[:, None] % 2 == 0, half, torch.zeros(2)), data)
    assert [f.name for f in got.figures] == ["sliced W2", "modes found", "modes found strictly", "high quality"]
    assert (got["modes found"].value, got["modes found"].floor) == (1, 8)
    assert got["high quality"].value == 0.5
    assert got["high quality"].floor == pytest.approx(0.989, abs=0.01)
    assert "ceiling 98.9 %" in got["high quality"].note
    assert got["sliced W2"].value > 5 * got["sliced W2"].floor
    assert got["high quality"].error == pytest.approx((0.25 / 3000) ** 0.5, rel=0.01)
    assert got["sliced W2"].floor_error > 0
    assert got["modes found"].error is None


def test_points_without_a_density_are_measured_by_slices():
    got = evaluate(lambda n: Ring().sample(torch.Generator().manual_seed(5), n), toy(Ring(), (2,), keep=False))
    assert [f.name for f in got.figures] == ["sliced W2"]
    assert got["sliced W2"].value < 0.1


@pytest.mark.parametrize(("density", "shape"), [(Gaussian(), (1,)), (Ring(), (2,))])
def test_the_noise_of_a_floor_in_one_dimension_is_told(density, shape):
    got = evaluate(lambda n: density.sample(torch.Generator().manual_seed(1), n), toy(density, shape))
    assert any("independent points" in note for note in got.notes) == (shape == (1,))


def figure(ranking, samples):
    return ranking.figure(ranking.features(samples))


@pytest.mark.parametrize(("density", "shape", "name"), [(Gaussian(), (1,), "W1"), (Ring(), (2,), "modes + sliced W2")])
@pytest.mark.parametrize("keep", [True, False])
def test_the_ranking_of_points(density, shape, name, keep):
    ranking = make_ranking(toy(density, shape, keep=keep))
    assert ranking.name == (name if keep or shape == (1,) else "sliced W2")
    x = density.sample(torch.Generator().manual_seed(4), ranking.n)
    values = [figure(ranking, x + shift) for shift in (0.0, 0.1, 0.3, 1.0)]
    assert values == sorted(values)
    assert figure(ranking, x[:1].expand(ranking.n, -1)) > values[0]
    assert figure(ranking, x * torch.nan) == math.inf
