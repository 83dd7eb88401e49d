"""Maximum likelihood is minimum KL, and the other direction chooses otherwise."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from sparring.data.toys import Mixture
from sparring.theory.lesson import BEST, FAKE, JUDGE, OTHER, REAL, Check, Lesson
from sparring.theory.normal import Normal
from sparring.theory.quadrature import Grid, kl, line

CENTRES, WIDTH = (-3.0, 3.0), 0.8
DATA = Mixture(torch.tensor([[c] for c in CENTRES], dtype=torch.float64), WIDTH)
Measure = Callable[[Tensor, Tensor], Tensor]
"""(log p, log q) to the integrand of how far Q is from P."""
SPREAD = math.sqrt(WIDTH**2 + CENTRES[1] ** 2)
"""Standard deviation of the data, whose mean is 0."""


STARTS = (Normal(0.7, 2.0), Normal(2.5, 0.7))
SEEDS, DRAWN = (0, 1), 100_000
"""Of the samples that maximum likelihood sees: the standard errors of mean and sigma are .0098 and .0025."""


def fit(measure: str, grid: Grid) -> Normal:
    """The normal distribution that a measure of ``MEASURES`` finds nearest to the data, the better of two descents."""
    log_p = DATA.log_prob(grid.x)

    def far(log_q: Tensor) -> Tensor:
        return MEASURES[measure](log_p, log_q).sum() * grid.volume

    found = [descend(far, grid.x, start) for start in STARTS]
    return min(found, key=lambda q: float(far(q.log_prob(grid.x))))


def fit_to_samples(seed: int) -> Normal:
    """The normal distribution under which samples of the data are likeliest: no density and no integral, a descent."""
    x = DATA.sample(torch.Generator().manual_seed(seed), DRAWN).double()
    return descend(lambda log_q: -log_q.mean(), x, STARTS[0])


def descend(loss: Callable[[Tensor], Tensor], x: Tensor, start: Normal) -> Normal:
    """The normal distribution at the bottom of the valley that a start lies in.

    The loss is a scalar of log q (n,) at the points x (n, 1).
    """
    at = torch.tensor([start.mean, math.log(start.sigma)], dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([at], max_iter=200, tolerance_grad=1e-13, line_search_fn="strong_wolfe")

    def closure() -> float:
        optimiser.zero_grad()
        z = (x[:, 0] - at[0]) / at[1].exp()
        total = loss(-0.5 * z.square() - at[1] - 0.5 * math.log(2 * math.pi))
        total.backward()  # type: ignore[no-untyped-call]
        return total.item()

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    mean, log_sigma = at.tolist()
    return Normal(mean, math.exp(log_sigma))


def half_jsd(log_p: Tensor, log_q: Tensor) -> Tensor:
    """The integrand of the Jensen-Shannon divergence."""
    middle = torch.logaddexp(log_p, log_q) - math.log(2)
    return 0.5 * (log_p.exp() * (log_p - middle) + log_q.exp() * (log_q - middle))


MEASURES: dict[str, Measure] = {
    "forward": lambda log_p, log_q: log_p.exp() * (log_p - log_q),
    "reverse": lambda log_p, log_q: log_q.exp() * (log_q - log_p),
    "js": half_jsd,
}


def unlikelihood(q: Normal) -> float:
    """-E_P[log q] in closed form, by the data's mean 0 and their variance."""
    return math.log(q.sigma) + 0.5 * math.log(2 * math.pi) + 0.5 * (SPREAD**2 + q.mean**2) / q.sigma**2


def likelihood() -> Lesson:
    """Maximum likelihood as minimum KL."""
    grid = line(-16, 16, 20_001)
    log_p = DATA.log_prob(grid.x)
    best = {name: fit(name, grid) for name in MEASURES}
    figures = [
        Check("minimum KL(P‖Q): mean is the data's", 0, best["forward"].mean, 1e-6),
        Check("minimum KL(P‖Q): sigma is the data's", SPREAD, best["forward"].sigma, 1e-6),
    ]
    for seed in SEEDS:
        likeliest, name = fit_to_samples(seed), f"maximum likelihood, {DRAWN:,} samples, seed {seed}"
        figures.append(Check(f"{name}: mean, the same", best["forward"].mean, likeliest.mean, 0.03))
        figures.append(Check(f"{name}: sigma, the same", best["forward"].sigma, likeliest.sigma, 0.0075))
    entropy = grid.integrate(-log_p.exp() * log_p)
    for q in (best["forward"], best["reverse"], Normal(-1, 3)):
        name = f"Q = N({q.mean:.2f}, {q.sigma:.2f}²): −E[log q] is H(P) + KL"
        figures.append(Check(name, unlikelihood(q), entropy + kl(log_p, q.log_prob(grid.x), grid), 1e-10))
    figures.append(Check("minimum KL(Q‖P): mean is near one mode's", CENTRES[1], abs(best["reverse"].mean), 0.02))
    figures.append(Check("minimum KL(Q‖P): sigma is near one mode's", WIDTH, best["reverse"].sigma, 0.02))
    return Lesson(
        "Maximum likelihood is minimum KL(P‖Q); the other direction picks a mode",
        "The expected negative log-likelihood is the data's entropy plus KL(P‖Q), and the entropy does not depend on "
        "the model: so both have the same minimum, for a normal distribution the data's own mean and variance. It "
        "covers all of the data, and puts mass where there is none. KL(Q‖P) forbids that, and settles on one mode. The "
        "Jensen-Shannon divergence, the game's, is least when both modes are covered, but has a valley at each of "
        "them, in which a generator can be caught.",
        tuple(figures),
        draw,
    )


def draw(canvas: Any) -> None:
    """Left: the data and the best normal distributions. Right: each measure as the mean moves."""
    left, right = canvas.subplots(1, 2)
    grid = line(-16, 16, 4001)
    shown = (grid.x[:, 0].abs() < 7).numpy()
    x = grid.x[:, 0].numpy()[shown]
    left.fill_between(x, DATA.log_prob(grid.x).exp().numpy()[shown], color=REAL, alpha=0.25, label="data P", lw=0)
    looks = (("forward", FAKE, "KL(P‖Q), = maximum likelihood"), ("reverse", JUDGE, "KL(Q‖P)"), ("js", OTHER, "JSD"))
    log_p = DATA.log_prob(grid.x)
    means = torch.linspace(-5, 5, 101, dtype=torch.float64)
    for name, colour, label in looks:
        best = fit(name, grid)
        left.plot(
            x,
            best.log_prob(grid.x).exp().numpy()[shown],
            color=colour,
            lw=2,
            ls="--" if name == "js" else "-",
            label=f"least {label}",
        )
        measure = MEASURES[name]
        widths = torch.linspace(0.5, 4, 29).tolist()
        curve = [
            min(grid.integrate(measure(log_p, Normal(float(mean), sigma).log_prob(grid.x))) for sigma in widths)
            for mean in means
        ]
        right.plot(means, curve, color=colour, lw=2, label=label)
    left.set(xlabel="x", ylabel="density", xlim=(-7, 7))
    left.legend(fontsize=9)
    left.set_title("the best normal distribution by each measure", fontsize=10.5)
    right.set(xlabel="mean of Q (at its best width)", ylim=(0, 2.6))
    right.axhline(math.log(2), color=BEST, lw=0.8, ls=":")
    right.text(-4.95, math.log(2) + 0.03, "log 2", color=BEST, fontsize=9)
    right.legend(fontsize=9, loc="upper center")
    right.set_title("how far Q is from the data, as its mean moves", fontsize=10.5)
