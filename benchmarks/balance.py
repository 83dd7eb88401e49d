"""What balancing the sides does to a training that is well set, and to two whose learning rates are not.

    python benchmarks/balance.py [--data ring digits mnist] [--balance 0 0.7] [--seeds 3]
    python benchmarks/balance.py --table                   # what is finished so far, as Markdown

Short trainings with their recipe's own rates, and with one side's rate times 20. Measured are samples of the last
generator: on the ring the modes found strictly and the share of high quality, on images the Fréchet distance on the
classifier's features to the validation part. Each training is a line of results/balance.jsonl, and none is done twice.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from rows import HERE, Row, Rows, commit, markdown
from sparring.data import open_data
from sparring.metrics.classifier import classifier_for
from sparring.metrics.frechet import frechet_distance
from sparring.metrics.points import modes_found
from sparring.metrics.reading import draw
from sparring.recipes.build import build, find, share_out
from sparring.training.balance import SHARE
from sparring.training.chunks import in_chunks
from sparring.training.engine import make_step
from sparring.training.sampling import draw_latents
from sparring.types import Dataset, Recipe

RESULTS = Rows(HERE / "results" / "balance.jsonl", ("data", "rates", "balance", "seed"))
CPU = torch.device("cpu")
POINTS, IMAGES = 2_500, 5_000


class Case(NamedTuple):
    """A recipe, and how long it plays."""

    recipe: str
    steps: int


CASES = {"ring": Case("r3gan", 4_000), "digits": Case("gan-mnist", 1_500), "mnist": Case("gan-mnist", 1_500)}
RATES = {"its own": (1, 1), "discriminator x 20": (1, 20), "generator x 20": (20, 1)}
"""Factors of the generator's and of the discriminator's learning rate."""


def recipe_for(data: str, dataset: Dataset, rates: str, balance: float, seed: int) -> Recipe:
    """The recipe of a row."""
    case, factors = CASES[data], RATES[rates]
    named = find(case.recipe)
    own = build(named, dataset.spec, {}, {})
    settings = {"steps": case.steps, "seed": seed, "balance": balance}
    settings |= {"lr_generator": factors[0] * own.lr_generator, "lr_discriminator": factors[1] * own.lr_discriminator}
    return build(named, dataset.spec, *share_out(named, settings, {})[:2])


def measures(dataset: Dataset) -> tuple[int, Callable[[Tensor], dict[str, float]]]:
    """How many samples are measured, and how."""
    if dataset.density is not None:
        density = dataset.density
        assert density.modes is not None
        modes = density.modes

        def of_points(samples: Tensor) -> dict[str, float]:
            found = modes_found(samples, modes, density.sigma)
            return {"modes": found.found_strictly, "high quality": found.high_quality}

        return POINTS, of_points
    features, held_out = classifier_for(dataset), dataset.validation
    assert held_out is not None
    n = min(IMAGES, len(held_out))
    reference = features(draw(held_out, n, 0))
    return n, lambda samples: {"FD": frechet_distance(features(dataset.spec.decode(samples)), reference)}


def played(recipe: Recipe, dataset: Dataset, n: int) -> tuple[Tensor, dict[str, float]]:
    """N samples after the last step; the mean skill of the second half, and the mean shares, where there are any."""
    torch.default_generator.manual_seed(recipe.seed)
    step = make_step(recipe, dataset.train, CPU)
    skills, shares = [], []
    for number in range(recipe.steps):
        moves = step()
        if number >= recipe.steps // 2:
            skills.append(torch.stack([moves[0]["d_real"], moves[0]["d_fake"]]).mean())
            shares.append([step.state.memory.get(name, torch.ones(())).item() for name in SHARE.values()])
    means = dict(zip(SHARE, torch.tensor(shares).mean(0).tolist(), strict=True))
    samples = in_chunks(step.state.generator, draw_latents(recipe, dataset.spec, n, 0), CPU)
    return samples, {"skill": float(torch.stack(skills).mean())} | means


def run(options: argparse.Namespace) -> None:
    """Every row that is missing."""
    for data in options.data:
        dataset = open_data(data)
        n, measure = measures(dataset)
        for seed in range(options.seeds):
            for rates in RATES:
                for balance in options.balance:
                    row: Row = {"data": data, "rates": rates, "balance": balance, "seed": seed}
                    if row not in RESULTS:
                        samples, how = played(recipe_for(data, dataset, rates, balance, seed), dataset, n)
                        finite = bool(torch.isfinite(samples).all())
                        RESULTS.add(row | how | {"measures": measure(samples) if finite else {}, "commit": commit()})


def table() -> str:
    """A line a data set, rates and balance: each measure's mean over seeds, and its range."""
    lines = []
    rows = RESULTS.read()
    for key in dict.fromkeys((row["data"], row["rates"], row["balance"]) for row in rows):
        same = [row for row in rows if (row["data"], row["rates"], row["balance"]) == key]
        shares = " / ".join(f"{statistics.mean(row[player] for row in same):.2f}" for player in SHARE)
        skill = f"{statistics.mean(row['skill'] for row in same):.2f}"
        lines.append([key[0], key[1], key[2] or "off", len(same), figures(same), skill, shares if key[2] else ""])
    header = ("data", "learning rates", "balance", "seeds", "measured, mean (range)", "skill", "shares of G / D")
    return markdown(header, lines)


def figures(rows: list[Row]) -> str:
    """What was measured of several seeds."""
    names = dict.fromkeys(name for row in rows for name in row["measures"])
    parts = []
    for name in names:
        values = [row["measures"][name] for row in rows if row["measures"]]
        parts.append(f"{name} {statistics.mean(values):.3g} ({min(values):.3g} to {max(values):.3g})")
    diverged = sum(not row["measures"] for row in rows)
    return ", ".join(parts + ([f"{diverged} diverged"] if diverged else []))


def main() -> None:
    """Measure what is missing, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", choices=CASES, default=[*CASES])
    parser.add_argument("--balance", nargs="+", type=float, default=[0.0, 0.7])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--table", action="store_true", help="only print what was measured")
    options = parser.parse_args()
    if not options.table:
        run(options)
    print(table())


if __name__ == "__main__":
    main()
