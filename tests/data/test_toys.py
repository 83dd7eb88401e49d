import itertools
import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad

from sparring.data import DataOptions, open_data
from sparring.data.toys import TOYS, Circle, Mixture

ONE, TWO = ("gaussian", "mixture"), ("ring", "grid", "swissroll")


@pytest.mark.parametrize("name", ONE)
def test_density_integrates_to_one_in_1d(name: str) -> None:
    x = torch.linspace(-12, 12, 24_001, dtype=torch.float64)
    p = TOYS[name](DataOptions()).log_prob(x[:, None]).exp()
    assert torch.trapezoid(p, x).item() == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize(
    ("name", "sigma", "reach"), [("ring", 0.05, 1.6), ("grid", 0.2, 5.5), ("swissroll", 0.1, 2.2), ("circle", 0.1, 2.0)]
)
def test_density_integrates_to_one_in_2d(name: str, sigma: float, reach: float) -> None:
    side = torch.linspace(-reach, reach, 201, dtype=torch.float64)
    density = TOYS[name](DataOptions(sigma=sigma))
    p = density.log_prob(torch.cartesian_prod(side, side)).exp()
    assert (p.sum() * (side[1] - side[0]) ** 2).item() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("name", ONE + TWO)
def test_samples_follow_the_density(name: str) -> None:
    """The mean of log p over samples is minus the entropy; two sample sets and their moments must agree with it."""
    density = TOYS[name](DataOptions())
    sample = density.sample(torch.Generator().manual_seed(5), 20_000)
    assert sample.dtype == torch.float32
    again = density.sample(torch.Generator().manual_seed(5), 20_000)
    assert torch.equal(sample, again)
    if density.modes is not None:
        assert torch.allclose(sample.mean(0), density.modes.mean(0), atol=0.1)
        spread = density.modes.var(0, correction=0) + density.sigma**2
        assert torch.allclose(sample.var(0), spread, rtol=0.05)
        if name in TWO:
            entropy = math.log(len(density.modes)) + math.log(2 * math.pi * math.e * density.sigma**2)
            assert -density.log_prob(sample).mean().item() == pytest.approx(entropy, abs=0.05)
    else:
        t = math.pi * torch.linspace(1.5, 4.5, 30_001)
        curve = torch.stack([t * t.cos(), t * t.sin()], 1) / 10
        assert torch.allclose(sample.mean(0), curve.mean(0), atol=0.02)
        assert torch.allclose(sample.var(0), curve.var(0) + density.sigma**2, rtol=0.05)


def test_swissroll_density_matches_a_histogram() -> None:
    density = TOYS["swissroll"](DataOptions(sigma=0.15))
    sample = density.sample(torch.Generator().manual_seed(1), 400_000)
    side = torch.linspace(-2, 2, 21)
    counts = torch.histogramdd(sample, [side, side]).hist / 400_000
    inner = torch.linspace(-2 + 0.02, 2 - 0.02, 100)  # five points a cell and axis
    p = density.log_prob(torch.cartesian_prod(inner, inner)).exp().reshape(20, 5, 20, 5).mean((1, 3)) * 0.04
    assert (counts - p).abs().sum().item() < 0.02


@pytest.mark.parametrize("sigma", [0.025, 0.1, 0.6])
def test_swissroll_density_is_the_integral(sigma: float) -> None:
    """Against adaptive quadrature: on the curve, beside it, and up to 6 sigma beyond both ends."""
    low, high = 1.5 * math.pi, 4.5 * math.pi

    def curve(t: float) -> np.ndarray:
        return np.array([t * math.cos(t), t * math.sin(t)]) / 10

    def along(t: float) -> np.ndarray:
        tangent = np.array([math.cos(t) - t * math.sin(t), math.sin(t) + t * math.cos(t)])
        return tangent / np.linalg.norm(tangent)

    points = [curve(t) + r * sigma * along(t)[::-1] * [1, -1] for t in (low, 6.0, 9.3, high) for r in (0, 1.3, 4)]
    points += [curve(t) + r * s * sigma * along(t) for t, s in ((low, -1), (high, 1)) for r in (0.5, 1, 2, 3, 4.5, 6)]
    got = TOYS["swissroll"](DataOptions(sigma=sigma)).log_prob(torch.tensor(np.array(points)))
    ts = np.linspace(low, high, 20_001)
    nodes = np.stack([ts * np.cos(ts), ts * np.sin(ts)], 1) / 10
    for x, log_p in zip(points, got.tolist(), strict=True):
        distances = ((x - nodes) ** 2).sum(1)
        least, nearest = distances.min(), float(ts[distances.argmin()])
        cuts = np.unique(np.clip(nearest + np.array([-1e9, -20, -5, -1, 0, 1, 5, 20, 1e9]) * sigma, low, high))
        value = sum(
            quad(
                lambda t, x=x, least=least: math.exp((least - ((x - curve(t)) ** 2).sum()) / (2 * sigma**2)),
                *ends,
                epsabs=1e-14,
                epsrel=1e-12,
                limit=400,
            )[0]
            for ends in itertools.pairwise(cuts)
        )
        exact = math.log(value / (3 * math.pi) / (2 * math.pi * sigma**2)) - least / (2 * sigma**2)
        assert log_p == pytest.approx(exact, rel=0, abs=1e-9)


@pytest.mark.parametrize("name", ONE)
def test_quantile_inverts_the_distribution(name: str) -> None:
    density = TOYS[name](DataOptions())
    assert isinstance(density, Mixture)
    u = torch.linspace(0.001, 0.999, 501, dtype=torch.float64)
    assert torch.allclose(density.cdf(density.quantile(u)), u, atol=1e-9)
    ends = density.quantile(torch.tensor([0.0, 1.0]))
    assert ends.tolist() == [-math.inf, math.inf]


@pytest.mark.parametrize("name", [*TWO, "circle"])
def test_no_quantiles_in_2d(name: str) -> None:
    with pytest.raises(ValueError, match="one dimension"):
        TOYS[name](DataOptions()).quantile(torch.tensor([0.5]))


def test_modes_are_where_the_papers_put_them() -> None:
    ring, grid = (TOYS[name](DataOptions()) for name in ("ring", "grid"))
    assert ring.modes is not None
    assert grid.modes is not None
    assert ring.modes.shape == (8, 2)
    assert torch.allclose(ring.modes.norm(dim=1), torch.ones(8))
    assert ring.sigma == 0.01
    assert sorted(grid.modes.unique().tolist()) == [-4, -2, 0, 2, 4]
    assert grid.modes.shape == (25, 2)
    assert grid.sigma == 0.05


@pytest.mark.parametrize("name", [*ONE, *TWO, "circle"])
def test_opened_toys(name: str) -> None:
    data = open_data(name, DataOptions(points=1_000))
    assert data.spec.kind == "points"
    assert data.density is not None
    assert len(data.train) == 1_000
    pools = [part.tensors().x for part in (data.train, data.validation, data.test)]  # type: ignore[union-attr]
    assert all(pool.dtype == torch.float32 for pool in pools)
    assert not torch.equal(pools[1], pools[2])
    assert data.fingerprint == open_data(name, DataOptions(points=1_000)).fingerprint
    assert data.fingerprint != open_data(name, DataOptions(points=1_001)).fingerprint


def test_parameters_of_the_gaussian() -> None:
    data = open_data("gaussian", DataOptions(mu=3.0, sigma=0.5))
    points = data.train.tensors().x  # type: ignore[attr-defined]
    assert points.mean().item() == pytest.approx(3, abs=0.01)
    assert points.std().item() == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("sigma", [0.01, 0.1, 2.0])
def test_the_circles_density_is_the_mean_over_the_angles(sigma: float) -> None:
    """The trapezoid rule is exact to rounding for a smooth function of an angle."""
    circle = TOYS["circle"](DataOptions(sigma=sigma))
    assert isinstance(circle, Circle)
    angles = torch.linspace(-180, 180, 20_001, dtype=torch.float64)[:-1, None]
    x = torch.tensor([[1.0, 0.0], [0.6, 0.8], [0.0, 1 + sigma], [0.5 * sigma - 1, 0.0], [0, 0]], dtype=torch.float64)
    single = Mixture(circle.mean(angles), sigma)
    torch.testing.assert_close(circle.log_prob(x), single.log_prob(x), rtol=0, atol=1e-9)


def test_the_circles_points_belong_to_their_angles() -> None:
    data = open_data("circle", DataOptions(points=20_000))
    (attribute,) = data.spec.attributes
    assert (attribute.name, attribute.low, attribute.high) == (
        "angle",
        pytest.approx(-180, abs=0.1),
        pytest.approx(180, abs=0.1),
    )
    assert attribute.deviation == pytest.approx(360 / math.sqrt(12), rel=0.01)
    for part in (data.train, data.test):
        x, y = part.read(np.arange(len(part)))  # type: ignore[union-attr]
        residual = x - data.density.mean(y)  # type: ignore[union-attr, attr-defined]
        assert residual.std(0).tolist() == pytest.approx([0.1, 0.1], rel=0.03)
        assert residual.mean(0).tolist() == pytest.approx([0, 0], abs=0.004)
        assert abs(torch.corrcoef(torch.cat([residual, y], 1).T)[2, :2]).max() < 0.03
