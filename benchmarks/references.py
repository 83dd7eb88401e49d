"""The measures beside the packages that others use, torch-fidelity and prdc, on the same features.

    python benchmarks/references.py [--data mnist] [--n 2000]
    python benchmarks/references.py --table                # what is finished so far, as Markdown

It needs ``pip install torch-fidelity prdc``, in an environment of its own: they are no dependencies. The features are
the classifier's, of N training images and of N images held out, these once as they are and once blurred. Each pair of
values is a line of results/references.jsonl, with how far they lie apart, relatively; none is kept twice.
"""

from __future__ import annotations

import argparse
import contextlib
import io
from collections.abc import Iterator
from importlib.metadata import version

import prdc as prdc_package
import torch
import torch.nn.functional as F
from torch import Tensor
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
from torch_fidelity.metric_isc import isc_features_to_metric
from torch_fidelity.metric_kid import kid_features_to_metric
from torch_fidelity.metric_prc import prc_features_to_metric

from rows import HERE, Rows, commit, markdown
from sparring.data import open_data
from sparring.metrics.classifier import classifier_for
from sparring.metrics.frechet import frechet_distance
from sparring.metrics.kernel import kernel_distance
from sparring.metrics.label_score import label_score
from sparring.metrics.prdc import K, prdc
from sparring.metrics.reading import draw

RESULTS = Rows(HERE / "results" / "references.jsonl", ("data", "n", "images", "measure", "package"))
FIDELITY, PRDC = "torch-fidelity", "prdc"
Pair = tuple[str, str, float, float]
"""A measure, the package, and the value of each, ours first."""


def distances(real: Tensor, fake: Tensor) -> Iterator[Pair]:
    """Fréchet and kernel distance of features (n, d)."""
    sides = [fid_features_to_statistics(side) for side in (real, fake)]
    theirs = fid_statistics_to_metric(*sides, verbose=False)["frechet_inception_distance"]
    yield "Fréchet distance", FIDELITY, frechet_distance(real, fake), theirs
    ours = kernel_distance(real, fake, seed=0)
    generator = torch.Generator().manual_seed(0)
    blocks = zip(
        *(side[torch.randperm(len(side), generator=generator)].chunk(ours.blocks) for side in (real, fake)), strict=True
    )
    whole = {"kid_subsets": 1, "kid_subset_size": len(real) // ours.blocks, "verbose": False}
    each = [kid_features_to_metric(a, b, **whole)["kernel_inception_distance_mean"] for a, b in blocks]
    yield "kernel distance, the same blocks", FIDELITY, ours.value, sum(each) / len(each)


def neighbours(real: Tensor, fake: Tensor) -> Iterator[Pair]:
    """Precision and recall by both packages, density and coverage by prdc."""
    ours = prdc(real, fake)._asdict()
    theirs = prc_features_to_metric(fake, real, prc_neighborhood=K, verbose=False)
    for name in ("precision", "recall"):
        yield name, FIDELITY, ours[name], theirs[name]
    with contextlib.redirect_stdout(io.StringIO()):
        four = prdc_package.compute_prdc(real.numpy(), fake.numpy(), nearest_k=K)
    for name, value in ours.items():
        yield name, PRDC, value, float(four[name])


def score(scores: Tensor) -> Iterator[Pair]:
    """The label score, in the same ten parts."""
    order = torch.randperm(len(scores), generator=torch.Generator().manual_seed(0))
    theirs = isc_features_to_metric(scores[order], splits=10, shuffle=False)["inception_score_mean"]
    yield "label score", FIDELITY, label_score(scores.double().softmax(1), seed=0).value, theirs


def measure(data: str, n: int) -> None:
    """Both packages' values, kept where they are missing."""
    dataset = open_data(data)
    assert dataset.validation is not None
    features = classifier_for(dataset)
    real = features(draw(dataset.train, n, 0))
    held_out = draw(dataset.validation, n, 0)
    blurred = F.avg_pool2d(held_out.float(), 3, 1, 1).round().to(torch.uint8)
    versions = {FIDELITY: version(FIDELITY), PRDC: version(PRDC)}
    for what, images in (("held out", held_out), ("blurred", blurred)):
        fake = features(images)
        with torch.inference_mode():
            scores = features.network.scores(fake)
        pairs = (*distances(real.double(), fake.double()), *neighbours(real.double(), fake.double()), *score(scores))
        for name, package, ours, theirs in pairs:
            row = {"data": data, "n": n, "images": what, "measure": name, "package": package}
            apart = abs(ours - theirs) / abs(theirs) if theirs else abs(ours)
            if row not in RESULTS:
                values = {"version": versions[package], "ours": ours, "theirs": theirs, "apart": apart}
                RESULTS.add(row | values | {"features": real.shape[1], "commit": commit()})


def table() -> str:
    """All pairs."""
    names = ("data", "n", "images", "measure", "package", "version")
    lines = [
        (*(row[name] for name in names), f"{row['ours']:.6g}", f"{row['theirs']:.6g}", f"{row['apart']:.0e}")
        for row in RESULTS.read()
    ]
    return markdown((*names, "Sparring", "theirs", "apart"), lines)


def main() -> None:
    """Measure, or show what there is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--n", type=int, default=2_000, help="a multiple of 10")
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    if not options.table:
        measure(options.data, options.n)
    print(table())


if __name__ == "__main__":
    main()
