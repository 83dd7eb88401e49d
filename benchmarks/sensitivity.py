"""Which measure sees which damage: real MNIST images, damaged on purpose, in units of each measure's own noise.

    python benchmarks/sensitivity.py [--n 1000 10000] [--seeds 10] [--data mnist] [--damage none blur …] [--table]

For each seed, three disjoint random sets of N training images are drawn: the reference, those held out, and the
samples, which are then damaged. The classifier whose features are measured has seen all three alike. A row is one
damage, N and seed; it goes to results/sensitivity.jsonl, and what is there is not done again. The table shows (mean
over seeds of the damaged value − mean of the undamaged one) / deviation of the undamaged one over seeds.
"""

from __future__ import annotations

import argparse
import math
import statistics
from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from rows import HERE, Row, Rows, commit, markdown
from sparring.data import open_data
from sparring.metrics.balance import class_balance
from sparring.metrics.bins import different_bins
from sparring.metrics.birthday import duplicate_threshold, support_size
from sparring.metrics.classifier import ClassifierFeatures, classifier_for
from sparring.metrics.copies import copy_finder
from sparring.metrics.extrapolation import frechet_at_infinity
from sparring.metrics.frechet import frechet_distance
from sparring.metrics.kernel import kernel_distance
from sparring.metrics.label_score import label_score
from sparring.metrics.memorisation import memorisation, plant_copies
from sparring.metrics.mmd import gaussian_mmd
from sparring.metrics.prdc import prdc
from sparring.metrics.pyramid import patch_distance
from sparring.metrics.reading import choose_indices, labels_at
from sparring.metrics.two_sample import two_sample_test

RESULTS = Rows(HERE / "results" / "sensitivity.jsonl", ("data", "n", "damage", "seed"))
PATCHES = 16_000
"""Patches a level and set; with 128 an image, the paper's number, this measure would take longer than all others."""
NONE = "none"


class Draw(NamedTuple):
    """Images (n, C, H, W) of the reference and the held-out set; the rest, with its labels, to take samples from."""

    reference: Tensor
    held_out: Tensor
    rest: Tensor
    labels: Tensor

    @property
    def samples(self) -> Tensor:
        """As many samples as there are in the reference, undamaged."""
        return self.rest[: len(self.reference)]


def drop(classes: int) -> Callable[[Draw, int], Tensor]:
    """Samples without the first classes."""
    return lambda drawn, seed: drawn.rest[drawn.labels >= classes][: len(drawn.reference)]


def noise(deviation: float) -> Callable[[Draw, int], Tensor]:
    """Normal noise on every pixel, in grey values."""

    return lambda drawn, seed: noisy(drawn.samples, deviation, seed)


def noisy(images: Tensor, deviation: float, seed: int) -> Tensor:
    """Uint8 images with normal noise on every pixel, in grey values."""
    made = images + deviation * torch.randn(images.shape, generator=torch.Generator().manual_seed(seed))
    return made.round().clamp(0, 255).to(torch.uint8)


def blur(drawn: Draw, seed: int) -> Tensor:
    """The mean over 3 x 3 pixels."""
    return F.avg_pool2d(drawn.samples.float(), 3, 1, 1).round().to(torch.uint8)


def exact(images: Tensor, seed: int) -> Tensor:
    """The images as they are."""
    return images


def barely_noisy(images: Tensor, seed: int) -> Tensor:
    """With noise of three grey values, which no eye sees."""
    return noisy(images, 3.0, seed)


def shifted(images: Tensor, seed: int) -> Tensor:
    """One pixel to the right."""
    return images.roll(1, 3)


def duplicates(times: int) -> Callable[[Draw, int], Tensor]:
    """Every sample so many times."""
    return lambda drawn, seed: drawn.samples[: -(-len(drawn.samples) // times)].repeat(times, 1, 1, 1)[
        : len(drawn.samples)
    ]


def copies(share: float, change: Callable[[Tensor, int], Tensor] = exact) -> Callable[[Draw, int], Tensor]:
    """Copies of the reference among the samples, as ``change(images, seed)`` changes them."""
    return lambda drawn, seed: plant_copies(drawn.samples, change(drawn.reference, seed), share, seed=seed)


DAMAGES: dict[str, Callable[[Draw, int], Tensor]] = {
    NONE: lambda drawn, seed: drawn.samples,
    "1 class dropped": drop(1),
    "3 classes dropped": drop(3),
    "5 classes dropped": drop(5),
    "noise 10": noise(10),
    "noise 40": noise(40),
    "blur 3 x 3": blur,
    "each twice": duplicates(2),
    "each 10 times": duplicates(10),
    "1 % copies": copies(0.01),
    "5 % copies": copies(0.05),
    "20 % copies": copies(0.2),
    "5 % noisy copies": copies(0.05, barely_noisy),
    "20 % noisy copies": copies(0.2, barely_noisy),
    "20 % shifted copies": copies(0.2, shifted),
}


def measure(drawn: Draw, fake: Tensor, features: ClassifierFeatures, classes: int, seed: int) -> dict[str, float]:
    """Every measure of the samples, by name."""
    (x, y), (fakes, fake_labels) = features.classify(drawn.reference), features.classify(fake)
    held_out = features(drawn.held_out)
    with torch.inference_mode():
        probabilities = features.network.scores(fakes).softmax(1)
    near, copied, bins = (
        prdc(x, fakes),
        memorisation(x, held_out, fakes, seed=seed),
        different_bins(x, fakes, seed=seed),
    )
    support = support_size(fakes, duplicate_threshold(x), seed=seed)
    return {
        "FD": frechet_distance(x, fakes),
        "FD-infinity": frechet_at_infinity(x, fakes, seed=seed).distance,
        "KD": kernel_distance(x, fakes, seed=seed).value,
        "MMD": gaussian_mmd(x, fakes, permutations=1, seed=seed).value,
        "patches": patch_distance(drawn.reference, fake, patches=max(1, PATCHES // len(fake)), seed=seed).mean,
        "two-sample": two_sample_test(x, fakes, seed=seed).accuracy,
        "bins": bins.share,
        "bins JSD": bins.jsd,
        **near._asdict(),
        "label score": label_score(probabilities, seed=seed).value,
        "classes": class_balance(y, fake_labels, classes).distance,
        "log support": math.log(support.size),
        "authentic": copied.authentic.value,
        "nearer": copied.nearer.value,
        "rank": copied.rank,
        "copies": copied.copies,
        "near copies": float(copy_finder([drawn.reference])(fake).double().mean()),
    }


def run(options: argparse.Namespace) -> None:
    """Every row that is missing."""
    dataset = open_data(options.data)
    features = classifier_for(dataset)
    everything = choose_indices(dataset.train, len(dataset.train), 0)
    images, labels = dataset.train.read(everything).x, labels_at(dataset.train, everything)
    for n in options.n:
        for seed in range(options.seeds):
            order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))
            parts = order[:n], order[n : 2 * n], order[2 * n :]
            reference, held_out, rest = (images[part] for part in parts)
            drawn = Draw(reference, held_out, rest, labels[parts[2]])
            for damage in options.damage:
                row: Row = {"data": options.data, "n": n, "damage": damage, "seed": seed}
                if row in RESULTS:
                    continue
                fake = DAMAGES[damage](drawn, seed)
                if len(fake) < n:
                    raise SystemExit(f"{options.data} has too few images for N = {n} and {damage!r}")
                found = measure(drawn, fake, features, len(dataset.spec.classes), seed)
                RESULTS.add(row | {"commit": commit(), "measures": found})


def table(data: str, n: int) -> str:
    """Damages against measures, in deviations of the undamaged values; those of 3 and more are bold."""
    rows = [row for row in RESULTS.read() if (row["data"], row["n"]) == (data, n)]
    null = [row["measures"] for row in rows if row["damage"] == NONE]
    if len(null) < 2:
        return f"N = {n}: at least two seeds of {NONE!r} are needed"
    names = list(dict.fromkeys(name for measures in null for name in measures))
    lines = []
    for damage in DAMAGES:
        damaged = [row["measures"] for row in rows if row["damage"] == damage]
        if damaged and damage != NONE:
            lines.append([damage, len(damaged), *(in_deviations(damaged, null, name) for name in names)])
    commits = ", ".join(sorted({row["commit"] for row in rows}))
    head = f"{data}, N = {n}, {len(null)} undamaged seeds, commit {commits}\n\n"
    return head + markdown(["damage", "seeds", *names], lines)


def in_deviations(damaged: list[dict[str, float]], null: list[dict[str, float]], name: str) -> str:
    """One cell; ``inf`` where undamaged values do not vary, empty where rows are older than the measure."""
    values, usual = ([m[name] for m in rows if name in m] for rows in (damaged, null))
    if not values or len(usual) < 2:
        return ""
    shift, unit = statistics.mean(values) - statistics.mean(usual), statistics.stdev(usual)
    moved = shift / unit if unit else math.copysign(math.inf, shift) if shift else 0.0
    return f"**{moved:+.0f}**" if abs(moved) >= 3 else f"{moved:+.1f}"


def main() -> None:
    """Measure what is missing, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--n", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--damage", nargs="+", choices=DAMAGES, default=[*DAMAGES])
    parser.add_argument("--table", action="store_true", help="only print what was measured")
    options = parser.parse_args()
    if not options.table:
        run(options)
    print("\n\n".join(table(options.data, n) for n in options.n))


if __name__ == "__main__":
    main()
