"""Wasserstein-1 distance of `gan-1d` and `gan-1d-mended` after their last step, beside a plain port's, over ten seeds.

    python benchmarks/gan_1d.py [--seeds 10]

All on N(-1, 1), by the same measure: 100 000 generated points against the exact quantile function.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

import sparring
from sparring.metrics.points import wasserstein_1d
from sparring.training.display import Display

MU, SIGMA, M, K, EPOCHS = -1.0, 1.0, 200, 20, 400
POINTS = 100_000


def noise(n: int) -> Tensor:
    """Evenly spaced on [-5, 5], plus uniform [0, .01)."""
    return (torch.linspace(-5, 5, n) + 0.01 * torch.rand(n)).unsqueeze(1)


def plain_port(seed: int) -> Tensor:
    """The published game in forty lines that share nothing with Sparring; its points after the last step."""
    torch.manual_seed(seed)
    generator = nn.Sequential(nn.Linear(1, 10), nn.ReLU(), nn.Linear(10, 10), nn.ReLU(), nn.Linear(10, 1))
    discriminator = nn.Sequential(
        nn.Linear(1, 10), nn.Tanh(), nn.Linear(10, 10), nn.Tanh(), nn.Linear(10, 1), nn.Sigmoid()
    )
    g_optimiser = torch.optim.SGD(generator.parameters(), 0.01, momentum=0.6, nesterov=True)
    d_optimiser = torch.optim.SGD(discriminator.parameters(), 0.1, momentum=0.6, nesterov=True)
    rates = [torch.optim.lr_scheduler.StepLR(o, 10, 0.999) for o in (g_optimiser, d_optimiser)]
    for _ in range(EPOCHS):
        for _ in range(K):
            x = MU + SIGMA * torch.randn(M, 1)
            fake = generator(noise(M)).detach()
            value = (torch.log(discriminator(x)) + torch.log(1 - discriminator(fake))).mean()
            d_optimiser.zero_grad()
            (-value).backward()  # type: ignore[no-untyped-call]
            d_optimiser.step()
        value = torch.log(discriminator(generator(noise(M)))).mean()
        g_optimiser.zero_grad()
        (-value).backward()  # type: ignore[no-untyped-call]
        g_optimiser.step()
        for rate in rates:
            rate.step()
    with torch.no_grad():
        points: Tensor = generator(noise(POINTS))
    return points


def ours(recipe: str, folder: Path, data: str = "gaussian") -> Callable[[int], Tensor]:
    """Sparring's recipe; its points after the last step."""

    def points(seed: int) -> Tensor:
        out = folder / f"{data}-{recipe}-{seed}"
        run = sparring.train(data, recipe, out=out, device="cpu", display=Display(quiet=True), seed=seed)
        return run.sample(POINTS, seed=seed, checkpoint="last")

    return points


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=10)
    seeds = range(parser.parse_args().seeds)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        sides = {
            ("gaussian", "plain port"): plain_port,
            ("gaussian", "gan-1d"): ours("gan-1d", Path(name)),
            ("gaussian", "gan-1d-mended"): ours("gan-1d-mended", Path(name)),
            ("mixture", "gan-1d-mended"): ours("gan-1d-mended", Path(name), "mixture"),
        }
        for (data, side), points in sides.items():
            density = sparring.open_data(data).density
            assert density is not None
            w1 = sorted(wasserstein_1d(points(seed), density.quantile) for seed in seeds)
            print(
                f"{data:8} {side:14} W1 median {statistics.median(w1):.3f}, {w1[0]:.3f} to {w1[-1]:.3f}"
                f" ({len(w1)} seeds)",
                flush=True,
            )


if __name__ == "__main__":
    main()
