"""From data to what GANs are compared with on them: texts and images each have their own."""

from __future__ import annotations

from pathlib import Path

import torch

from sparring.data import DataOptions, open_data
from sparring.data.texts import is_text, open_texts
from sparring.errors import UsageError
from sparring.files import make_folder
from sparring.metrics.reading import Progress, no_progress
from sparring.rivals.images import ImageComparison, compare_images
from sparring.rivals.texts import TextComparison, compare_texts
from sparring.settings import LARGEST_SEED
from sparring.training.device import choose_device

SECONDS, SAMPLES, DRAWS = 60.0, 2000, 10
LEAST = 1.0
"""Seconds of a training, at the least."""


def compare(
    data: str | Path,
    *,
    seconds: float | None = None,
    n: int | None = None,
    seeds: int | None = None,
    seed: int = 0,
    runs: str | Path | None = None,
    device: str | torch.device = "auto",
    progress: Progress = no_progress,
    quiet: bool = True,
) -> TextComparison | ImageComparison:
    """What GANs are compared with, on data of your own or a named set.

    Texts (``sms-spam``, or a file of one ``label<TAB>text`` a line): naive Bayes against logistic regression over the
    number of labels, and naive Bayes run forwards. Images: a Boltzmann machine, an autoencoder, a variational one and
    ``auto``, each trained for the same time, with one seed.

    Args:
        data: a name or a path.
        seconds: images: of each training; unless given 60.
        n: images: samples that are measured, at most; unless given 2 000.
        seeds: texts: draws of the labels; unless given 10.
        seed: decides everything, and the first draw.
        runs: images: the folder of the trainings; unless given ``runs/compare-DATA-SECONDSs-SEED``. The same call goes
            on there.
        device: images: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        progress: called now and then while something is measured.
        quiet: show no progress of trainings.

    Raises:
        UsageError: unusable data, or an argument that makes no sense or is not for data of this kind.
        SparringError: a training or the machine failed.
    """
    if not 0 <= seed <= LARGEST_SEED:
        raise UsageError(f"the seed {seed} is out of range: it must lie from 0 to {LARGEST_SEED}.")
    name = str(data)
    if is_text(name):
        refuse(name, "texts", {"--seconds": seconds, "-n": n, "--runs": runs})
        draws = DRAWS if seeds is None else seeds
        return compare_texts(open_texts(name), draws=draws, seed=seed, progress=progress)
    refuse(name, "images", {"--seeds": seeds})
    budget = SECONDS if seconds is None else seconds
    if not LEAST <= budget < float("inf"):
        raise UsageError(f"seconds={budget:g} is no time to train in: give at least {LEAST:g} (--seconds).")
    device = choose_device(device)
    dataset = open_data(name, DataOptions(), show_progress=not quiet)
    if dataset.spec.kind != "image":
        raise UsageError(f"{name} holds {dataset.spec.kind}: spar compare is for images and labelled texts.")
    folder = Path(runs) if runs else Path("runs") / f"compare-{dataset.spec.name}-{budget:g}s-{seed}"
    make_folder(folder)  # before the time is spent
    samples = SAMPLES if n is None else n
    return compare_images(
        dataset, name, folder, seconds=budget, seed=seed, n=samples, device=device, progress=progress, quiet=quiet
    )


def refuse(data: str, kind: str, given: dict[str, object]) -> None:
    """Refuse arguments that mean nothing for data of this kind.

    Raises:
        UsageError: one is given.
    """
    for name, value in given.items():
        if value is not None:
            raise UsageError(f"{data} holds {kind}, where {name} means nothing: leave it out.")
