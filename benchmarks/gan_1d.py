"""Wasserstein-1 distance of `gan-1d` and `gan-1d-mended` after their last step, beside a plain port's, over ten seeds.

    python benchmarks/gan_1d.py [--seeds 10]
    python benchmarks/gan_1d.py --table                    # what is finished so far, as Markdown

On N(-1, 1), and the mended game on a mixture too, by the same measure: 100 000 generated points against the exact
quantile function. Each finished run is one line of results/gan_1d.jsonl, and none is done twice.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

import sparring
from rows import HERE, Rows, commit, markdown
from sparring.metrics.points import wasserstein_1d
from sparring.training.display import Display

RESULTS = Rows(HERE / "results" / "gan_1d.jsonl", ("data", "game", "seed"))
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


def ours(recipe: str, data: str, seed: int) -> Tensor:
    """The points of Sparring's recipe after the last step."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        run = sparring.train(data, recipe, out=out, device="cpu", display=Display(quiet=True), seed=seed)
        return run.sample(POINTS, seed=seed, checkpoint="last")


GAMES: dict[tuple[str, str], Callable[[int], Tensor]] = {
    ("gaussian", "plain port"): plain_port,
    ("gaussian", "gan-1d"): partial(ours, "gan-1d", "gaussian"),
    ("gaussian", "gan-1d-mended"): partial(ours, "gan-1d-mended", "gaussian"),
    ("mixture", "gan-1d-mended"): partial(ours, "gan-1d-mended", "mixture"),
}
"""By data and game: the points that it has made after its last step, by seed."""


def measure(data: str, game: str, seed: int) -> None:
    """Play a game, unless that was done, and keep how far its points lie from the distribution."""
    row = {"data": data, "game": game, "seed": seed}
    if row in RESULTS:
        return
    density = sparring.open_data(data).density
    assert density is not None
    w1 = wasserstein_1d(GAMES[data, game](seed), density.quantile)
    RESULTS.add(row | {"w1": w1, "torch": torch.__version__, "commit": commit()})
    print(data, game, seed, f"{w1:.3f}", flush=True)


def table() -> str:
    """Median, least and most of the finished seeds."""
    lines = []
    for (data, game), rows in RESULTS.groups("data", "game").items():
        w1 = [row["w1"] for row in rows]
        lines.append((data, game, len(w1), f"{statistics.median(w1):.3f}", f"{min(w1):.3f} to {max(w1):.3f}"))
    return markdown(("data", "game", "seeds", "W1, median", "least to most"), lines)


def main() -> None:
    """Play what is missing, or show what there is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for seed in () if options.table else range(options.seeds):
        for data, game in GAMES:
            measure(data, game, seed)
    print(table())


if __name__ == "__main__":
    main()
