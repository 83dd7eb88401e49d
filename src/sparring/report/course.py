"""How the training went: the curves of metrics.jsonl, those that belong together over the same axes."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Mapping

from sparring.diagnosis.verdict import class_shares
from sparring.errors import UsageError
from sparring.report.curves import Curve, chart, read_curves
from sparring.report.html import Html, joined, tag
from sparring.report.subject import Subject
from sparring.types import DataSpec

HELD_OUT, LEFT_OUT = "held-out real data", "training data, each left out"
"""What floors of samples' figures are called."""
CLASS = "class_"
"""How the shares of samples in each class begin there."""
SMALL = "signal_class_"
"""The same of the few samples of a signal, which scatter too much to be drawn beside them."""
COUNT = "real_held_out"
"""How many examples are held out: a number, and no curve."""
TOGETHER: dict[str, dict[str, str]] = {
    "losses": {"discriminator": "d_loss", "generator": "g_loss"},
    "share that the discriminator judges rightly": {"real": "d_real", "generated": "d_fake"},
    "figure that ranks checkpoints (lower is better)": {"samples": "figure", HELD_OUT: "real_figure"},
    "share of samples that lie near real data (precision)": {"samples": "sample_precision", HELD_OUT: "real_precision"},
    "share of real data that lies near samples (recall)": {"samples": "sample_recall", HELD_OUT: "real_recall"},
    "distance between neighbouring samples (1: as real)": {"samples": "sample_spacing", HELD_OUT: "real_spacing"},
    "distance to the nearest training example (0: copies)": {"samples": "sample_to_train", LEFT_OUT: "real_to_train"},
    "share that is much nearer to a training example than others are": {
        "samples": "sample_copies",
        LEFT_OUT: "real_copies",
    },
    "share of the mixture's modes that samples fall on": {"samples": "sample_modes", HELD_OUT: "real_modes"},
    "share of samples that fall on a mode": {"samples": "sample_on_modes", HELD_OUT: "real_on_modes"},
    "discriminator's mean output": {
        "training data": "signal_d_train",
        "held-out data": "signal_d_held_out",
        "samples": "signal_d_fake",
    },
    "how well the discriminator tells apart (AUC; .5: by chance)": {
        "training data from samples": "signal_auc_train",
        "held-out data from samples": "signal_auc_held_out",
        "training from held-out data": "signal_auc_memory",
    },
    "length of the gradients": {
        "discriminator's": "signal_gradient_discriminator",
        "generator's": "signal_gradient_generator",
        "at a sample": "signal_gradient_at_fake",
    },
    "cosine of a gradient with earlier ones (below 0: back and forth)": {
        "discriminator's": "signal_cosine_discriminator",
        "generator's": "signal_cosine_generator",
    },
    "variety of samples' features (1: as training data)": {"variance": "signal_spread", "rank": "signal_rank"},
    "distance of live from averaged generator's samples": {"distance": "signal_average_distance"},
    "oscillation of the generator's loss (0: none)": {"oscillation": "signal_oscillation"},
    "largest values": {
        "output": "signal_largest_output",
        "gradient": "signal_largest_gradient",
        "weight": "signal_largest_weight",
    },
    "penalty on the discriminator": {"penalty": "d_penalty"},
    "augmentation's probability": {"probability": "augment_p"},
    "speed": {"images a second": "images_per_second"},
}
"""Charts by title, each with the names of its curves and what these are in metrics.jsonl. All others have their own."""
GROUPED = {name for names in TOGETHER.values() for name in names.values()}


def curves(run: Subject) -> Html:
    """Every value of metrics.jsonl over the steps.

    Raises:
        UsageError: there are none.
    """
    found = read_curves(run.metrics)
    if not found:
        raise UsageError("metrics.jsonl holds nothing yet: a line comes every log_every steps.")
    found = {name: curve for name, curve in found.items() if name != COUNT and not name.startswith(SMALL)}
    shares = {name: found.pop(name) for name in list(found) if of_a_class(name, run.spec)}
    groups = TOGETHER | {name.replace("_", " "): {name: name} for name in found if name not in GROUPED}
    charts = [
        chart(title, beside_each_other({label: found[name] for label, name in names.items() if name in found}))
        for title, names in groups.items()
        if any(name in found for name in names.values())
    ]
    if shares:
        charts.append(chart("share of samples in a class", rarest_and_commonest(shares)))
    return joined([tag("div", *charts, class_="curves"), each_class(shares, run.spec) if shares else ""])


def beside_each_other(drawn: dict[str, Curve]) -> dict[str, Curve]:
    """The curves of a chart; a floor, which is measured once, becomes a level line along the samples' curve."""
    floors = [name for name in (HELD_OUT, LEFT_OUT) if name in drawn and "samples" in drawn]
    return drawn | {name: level(drawn[name][-1][1], drawn["samples"]) for name in floors}


def level(value: float, along: Curve) -> Curve:
    """A level line from the first step of a curve to its last."""
    return [(step, value) for step, _ in (along[0], along[-1])]


def of_a_class(name: str, spec: DataSpec) -> bool:
    """Whether a value of metrics.jsonl is the share of samples in one of the classes."""
    number = name.removeprefix(CLASS)
    return number != name and number.isdecimal() and int(number) < len(spec.classes)


def rarest_and_commonest(shares: Mapping[str, Curve]) -> dict[str, Curve]:
    """The largest and the least of all classes' shares at each step."""
    at: dict[float, list[float]] = defaultdict(list)
    for step, share in itertools.chain(*shares.values()):
        at[step].append(share)
    ends = {"commonest class": max, "rarest class": min}
    return {name: [(step, end(at[step])) for step in sorted(at)] for name, end in ends.items()}


def each_class(shares: Mapping[str, Curve], spec: DataSpec) -> Html:
    """A chart of each class beside its share of the training data, folded up."""
    due = class_shares(spec)
    charts = []
    for name, curve in shares.items():
        number = int(name.removeprefix(CLASS))
        drawn = {"samples": curve, "training data": level(due[number], curve)}
        charts.append(chart(f"share of samples in class {spec.classes[number]}", drawn))
    return tag("details", tag("summary", f"each of {len(charts)} classes"), tag("div", *charts, class_="curves"))
