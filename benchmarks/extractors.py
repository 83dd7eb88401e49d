"""Which features rank damages as a classifier's do: the Fréchet distance on features that need no labels.

    python benchmarks/extractors.py [--data mnist cifar10] [--trained 1000 …] [--n 2000] [--seeds 3] [--table]

10 000 training images are put aside. The classifier learns from all others, the rest from as many as ``--trained`` says
(0: all), drawn by seed. Of the images put aside each seed draws a reference and samples, which are then damaged. A row
is one extractor and seed; it goes to results/extractors.jsonl, and what is there is not done again. The table shows
Spearman's rank correlation over the damages with the classifier's distance, and each distance as a multiple of that of
undamaged samples, its mean over seeds.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import torch
import torch.nn.functional as F
from scipy.stats import spearmanr
from torch import Tensor

from rows import HERE, Row, Rows, commit, markdown, mean_and_spread
from sensitivity import NONE, Draw, blur, drop, duplicates, noise
from sparring.data import open_data
from sparring.data.source import Subset
from sparring.metrics.classifier import classifier_for
from sparring.metrics.features import Features
from sparring.metrics.frechet import frechet_distance
from sparring.metrics.random_convolutions import RandomConvolutions
from sparring.metrics.reading import Indices, Progress
from sparring.metrics.rotations import rotations_for
from sparring.types import Dataset

RESULTS = Rows(HERE / "results" / "extractors.jsonl", ("data", "features", "trained", "n", "seed"))
ASIDE = 10_000
ALL = 0
"""As a number of images: all that were not put aside."""


def fade(drawn: Draw, seed: int) -> Tensor:
    """Half the contrast."""
    return (drawn.samples.float() / 2 + 64).to(torch.uint8)


def smear(drawn: Draw, seed: int) -> Tensor:
    """The mean over 5 x 5 pixels."""
    return F.avg_pool2d(drawn.samples.float(), 5, 1, 2).round().to(torch.uint8)


def hole(drawn: Draw, seed: int) -> Tensor:
    """A grey square in the middle, a quarter as wide as the image."""
    made = drawn.samples.clone()
    height, width = made.shape[2:]
    made[:, :, 3 * height // 8 : 5 * height // 8, 3 * width // 8 : 5 * width // 8] = 128
    return made


DAMAGES: dict[str, Callable[[Draw, int], Tensor]] = {
    NONE: lambda drawn, seed: drawn.samples,
    **{f"{classes} dropped": drop(classes) for classes in (1, 2, 3, 5)},
    **{f"noise {deviation}": noise(deviation) for deviation in (10, 20, 40)},
    "blur 3 x 3": blur,
    "blur 5 x 5": smear,
    "contrast": fade,
    "hole": hole,
    "each 5 times": duplicates(5),
    "each 10 times": duplicates(10),
}


def part(dataset: Dataset, positions: Indices, name: str) -> Dataset:
    """The data set with these training examples only."""
    return replace(
        dataset, train=Subset(dataset.train, np.sort(positions)), fingerprint=f"{dataset.fingerprint}-{name}"
    )


def random_for(dataset: Dataset, device: str, progress: Progress) -> RandomConvolutions:
    """Random convolutions of this data set."""
    return RandomConvolutions(dataset, device)


UNLABELLED: dict[str, Callable[[Dataset, str, Progress], Features]] = {
    "rotations": rotations_for,
    "random-conv": random_for,
}
EXTRACTORS = {"classifier": classifier_for, **UNLABELLED}


def measure(data: str, name: str, trained: int, n: int, seed: int) -> Row:
    """The Fréchet distances under every damage; training's CPU seconds are known only if it was not in the cache."""
    dataset = open_data(data)
    order = np.random.default_rng(0).permutation(len(dataset.train))
    aside, rest = order[:ASIDE], order[ASIDE:]
    if trained != ALL:
        rest = np.random.default_rng(seed).choice(rest, trained, replace=False)
    calls: list[int] = []
    start = time.process_time()
    own = part(dataset, rest, f"{len(rest)}-{0 if trained == ALL else seed}")
    features = EXTRACTORS[name](own, "cpu", lambda what, done, total: calls.append(done))
    seconds = time.process_time() - start if calls else None
    pool = Subset(dataset.train, aside)
    shuffled = np.random.default_rng(seed).permutation(ASIDE)
    first, second = shuffled[:n], shuffled[n:]
    assert pool.labels is not None
    labels = torch.from_numpy(pool.labels[second])
    reference, others = pool.read(first).x, pool.read(second).x
    drawn = Draw(reference, reference, others, labels)
    base = features(reference)
    made = {damage: frechet_distance(features(show(drawn, seed)), base) for damage, show in DAMAGES.items()}
    return {"seconds": seconds, "accuracy": getattr(features, "accuracy", None), "distances": made}


def run(options: argparse.Namespace) -> None:
    """Every row that is missing."""
    for data in options.data:
        for seed in range(options.seeds):
            for name, trained in (("classifier", ALL), *product(UNLABELLED, options.trained)):
                row: Row = {"data": data, "features": name, "trained": trained, "n": options.n, "seed": seed}
                if row not in RESULTS:
                    RESULTS.add(row | {"commit": commit()} | measure(data, name, trained, options.n, seed))


def table(data: str, n: int) -> str:
    """Extractors against damages."""
    groups = {
        key[2:]: rows
        for key, rows in RESULTS.groups("data", "n", "features", "trained").items()
        if key[:2] == (data, n)
    }
    right = {row["seed"]: row["distances"] for row in groups.get(("classifier", ALL), ())}
    damages = [damage for damage in DAMAGES if damage != NONE]
    lines = []
    for (name, trained), rows in groups.items():
        known = [row for row in rows if row["seed"] in right]
        ranks = [correlation(row["distances"], right[row["seed"]], damages) for row in known]
        seconds = [row["seconds"] for row in known if row["seconds"] is not None]
        accuracies = [row["accuracy"] for row in known if row["accuracy"] is not None]
        lines.append(
            [
                name,
                trained or "all",
                len(known),
                mean_and_spread(seconds, "{:.0f}".format) if seconds else "",
                mean_and_spread(accuracies, "{:.3f}".format) if accuracies else "",
                mean_and_spread(ranks),
                *(f"{statistics.fmean(r['distances'][d] / r['distances'][NONE] for r in known):.1f}" for d in damages),
            ]
        )
    head = ["features", "trained on", "seeds", "CPU s", "accuracy", "rank correlation", *damages]
    return f"{data}, N = {n}\n\n{markdown(head, lines)}"


def correlation(ours: dict[str, float], theirs: dict[str, float], damages: Sequence[str]) -> float:
    """Spearman's, of two distances over these damages."""
    return float(spearmanr([ours[d] for d in damages], [theirs[d] for d in damages]).statistic)


def main() -> None:
    """Measure what is missing, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", default=["mnist", "cifar10"])
    parser.add_argument("--trained", type=int, nargs="*", default=[1000, 5000, ALL])
    parser.add_argument("--n", type=int, default=2000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--table", action="store_true", help="only print what was measured")
    options = parser.parse_args()
    if not options.table:
        run(options)
    print("\n\n".join(table(data, options.n) for data in options.data))


if __name__ == "__main__":
    main()
