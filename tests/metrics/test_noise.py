import pytest
import scipy.stats
import torch

from sparring.metrics.balance import class_balance
from sparring.metrics.noise import difference_p, holm
from sparring.metrics.prdc import Memberships, memberships, standard_errors


def normal(n, d, seed, dtype=torch.float64):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def test_welch_by_its_formula():
    a, b = [1.0, 2.0, 4.0], [3.0, 7.0, 8.0, 12.0]
    u, v = torch.tensor(a).var() / 3, torch.tensor(b).var() / 4
    t = (7.5 - 7 / 3) / (u + v).sqrt()
    freedom = (u + v) ** 2 / (u**2 / 2 + v**2 / 3)
    assert difference_p(a, b) == pytest.approx(2 * scipy.stats.t.sf(float(t), float(freedom)), rel=1e-5)
    assert difference_p(b, a) == pytest.approx(difference_p(a, b))


def test_one_value_is_measured_by_the_other_sides_scatter():
    t = (9 - 2) / (1 * (1 + 1 / 3)) ** 0.5
    assert difference_p([1.0, 2.0, 3.0], [9.0]) == pytest.approx(2 * scipy.stats.t.sf(t, 2))
    with pytest.raises(ValueError, match="at least three"):
        difference_p([1.0], [2.0])


def test_constants_are_no_certainty():
    assert difference_p([8.0] * 5, [8.0] * 5) == 1
    assert difference_p([8.0] * 5, [7.0] * 5) == 2 * 4**-5
    assert difference_p([8.0] * 3, [7.0]) == 0.25
    assert difference_p([0.15, 0.15 + 3e-17], [0.1625, 0.1625]) == difference_p([0.15] * 2, [0.1625] * 2)  # rounding


@pytest.mark.parametrize("kind", ["normal", "coins", "rare"])
def test_equal_sides_are_seldom_called_different(kind):
    generator = torch.Generator().manual_seed(0)
    shares = {"coins": 0.5, "rare": 0.02}
    shape = (2000, 2, 5)
    if kind == "normal":
        values = torch.randn(shape, generator=generator)
    else:
        values = (torch.rand(shape, generator=generator) < shares[kind]).double()
    rejected = sum(difference_p(*pair) < 0.05 for pair in values.tolist())
    assert rejected <= scipy.stats.binom.ppf(0.999, len(values), 0.05)


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


@pytest.mark.parametrize(("d", "scale", "shift"), [(8, 1.0, 0.0), (8, 0.8, 0.3), (3, 0.5, 0.5), (2, 1.0, 2.0)])
def test_errors_of_neighbours_are_the_scatter_from_sample_to_sample(d, scale, shift):
    real = normal(400, d, 10**6)
    found = [memberships(real, scale * normal(400, d, s) + shift) for s in range(25)]
    errors = [standard_errors(rows) for rows in found]
    for name in ("precision", "density", "coverage"):
        scatter = float(torch.tensor([float(getattr(rows, name).mean()) for rows in found]).std())
        expected = float(torch.tensor([e.get(name, 0.0) for e in errors]).square().mean().sqrt())
        assert 0.5 < (expected + 1e-3) / (scatter + 1e-3) < 2
    assert all("recall" not in e for e in errors)


def test_a_figure_whose_rows_agree_has_no_error():
    one, half = torch.ones(10).double(), torch.arange(10).double() % 2
    found = standard_errors(Memberships(one, half, half, half))
    assert found == {"density": pytest.approx(0.5 / 10**0.5), "coverage": pytest.approx(0.5 / 10**0.5)}


def test_the_error_of_class_shares_is_their_scatter():
    generator = torch.Generator().manual_seed(0)
    real = torch.arange(10).repeat(100)
    shares = torch.tensor([3.0, 2, 2, 1, 1, 1, 1, 1, 0.5, 0.5])
    found = [class_balance(real, torch.multinomial(shares, 500, True, generator=generator), 10) for _ in range(60)]
    scatter = float(torch.tensor([f.distance for f in found]).std())
    assert sum(f.error for f in found) / 60 == pytest.approx(scatter, rel=0.35)
