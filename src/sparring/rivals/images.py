"""Generators of images that were trained for the same time: a Boltzmann machine, autoencoders, and a GAN."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from PIL.Image import Image
from rich.table import Table
from rich.text import Text
from torch import Tensor

from sparring.errors import UsageError
from sparring.files import write_atomically
from sparring.metrics.features import features_for
from sparring.metrics.reading import Progress, no_progress
from sparring.rivals.budget import Clock, train_for
from sparring.rivals.measure import SHOWN, Found, Measure
from sparring.rivals.rbm import GIBBS, HIDDEN, train_rbm
from sparring.rivals.rival import SEARCHED, of_rbm, of_run
from sparring.types import Dataset

RECIPES = ("ae", "vae", "auto")
"""Trained beside the Boltzmann machine."""
NEVER = 1 << 30
PLAN = "compare.json"
"""The file in the folder of the trainings that says what each was given."""
ALONE = {"best_every": NEVER, "signals_every": NEVER}
"""These trainings spend all their time on steps: the last weights are measured, so no best checkpoint is chosen."""


@dataclass(frozen=True)
class ImageComparison:
    """The figures of each generator, the baseline to read them against, and notes for their reader."""

    data: str
    distance: str
    """The name of the Fréchet distance."""
    rivals: tuple[Found, ...]
    reference: Found
    """The baseline, as ``Measure.reference`` has it."""
    n: int
    seconds: float
    seed: int
    notes: tuple[str, ...]
    pictures: tuple[tuple[str, Tensor], ...]
    """Stored images (n, C, H, W) by name: held-out ones; then each rival's samples and its reconstructions, if any."""

    def to_json(self) -> dict[str, Any]:
        """The comparison as JSON values, without pictures."""
        plain = {name: value for name, value in vars(self).items() if name not in ("pictures", "rivals", "reference")}
        return plain | {"rivals": [asdict(rival) for rival in self.rivals], "reference": asdict(self.reference)}

    def to_table(self) -> Table:
        """A table for people, the notes below it."""
        notes = Text("\n".join(self.notes), style="table.caption")
        table = Table(title=f"{self.data}: {self.seconds:g} s each", caption=notes, caption_justify="left")
        for heading in ("", "steps", "s", self.distance, "error", "probe (F)", "code (F)"):
            table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
        for found in (*self.rivals, self.reference):
            table.add_row(*cells(found))
        return table

    def picture(self) -> Image:
        """Samples of each side by side with held-out images, and the reconstructions of these, RGB."""
        from sparring.rivals.image_picture import rows_of_images  # it knows this class

        return rows_of_images(self)


def cells(found: Found) -> tuple[str, ...]:
    """One line of the table."""

    def number(value: float | None, form: str) -> str:
        return "—" if value is None else format(value, form)

    def probe(accuracy: float | None, width: int | None) -> str:
        return "—" if accuracy is None else f"{accuracy:.1%} {width}"

    return (
        found.name,
        number(found.steps, "d"),
        number(found.seconds, ".1f"),
        number(found.distance, ".4g"),
        number(found.reconstruction, ".4f"),
        probe(found.probe, found.features),
        probe(found.code_probe, found.code),
    )


def compare_images(
    dataset: Dataset,
    data: str,
    out: Path,
    *,
    seconds: float = 60.0,
    seed: int = 0,
    n: int = 2000,
    device: torch.device,
    progress: Progress = no_progress,
    quiet: bool = False,
) -> ImageComparison:
    """Train each for about so many seconds in a folder, or go on where that was stopped, and measure all alike.

    On the CPU these are its seconds, over all threads. ``data`` is the name or path that was opened.

    Raises:
        UsageError: too few images, or the folder holds trainings of other data, or of another time or seed.
        SparringError: a training or the machine failed.
    """
    clock = Clock(str(device))
    measure = Measure(dataset, features_for(dataset, device, progress), n, seed)
    check_plan(out, {"seconds": seconds, "clock": clock.name, "seed": seed, "data": dataset.fingerprint})
    rbm = train_rbm(dataset.train, seconds, seed, out / "rbm.safetensors", Clock("cpu"))
    rivals = [of_rbm(rbm, dataset, seed)]
    for recipe in RECIPES:
        folder = out / recipe
        run, spent = train_for(seconds, data, recipe, out=folder, device=str(device), quiet=quiet, seed=seed, **ALONE)
        rivals.append(of_run(run, recipe, spent, seed, device))
    found, pictures = [], [("real, held out", measure.real[: 3 * SHOWN])]
    for done, rival in enumerate(rivals):
        progress("measuring", done, len(rivals))
        figures, shown = measure(rival)
        found.append(figures)
        pictures.append((rival.name, shown))
    progress("measuring", len(rivals), len(rivals))
    notes = (
        f"seed {seed}, one training each, measured after the last step; {clock.name}, all threads together",
        f"rbm: {HIDDEN} binary hidden units, samples after {GIBBS} steps of Gibbs chains; its features are its code",
        "ae: it has no prior, so its samples are from a Gaussian fitted to the codes of training images",
        "vae: it reconstructs from mean codes, while its decoder's batch norms have the averages of drawn ones: after "
        "a short training that may be worse than the mean image",
        f"auto: it has no encoder, so no code; to reconstruct {min(SEARCHED, measure.n)} held-out images, their codes "
        "are searched for; its features are the discriminator's",
        *measure.notes(),
        measure.features.note,
        *dataset.notes,
    )
    name, distance = dataset.spec.name, f"FD-{measure.features.name}"
    reference = measure.reference()
    return ImageComparison(name, distance, tuple(found), reference, measure.n, seconds, seed, notes, tuple(pictures))


def check_plan(folder: Path, plan: dict[str, Any]) -> None:
    """Write down what the trainings of a folder are given; refuse a folder whose trainings were given anything else.

    Raises:
        UsageError: they were, or nobody knows.
    """
    file = folder / PLAN
    if not file.exists() and not any(folder.iterdir()):
        write_atomically(file, json.dumps(plan).encode())
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        other = [f"{name} {kept[name]}, not {value}" for name, value in plan.items() if kept[name] != value]
    except (OSError, ValueError, KeyError, TypeError):
        other = [f"no {PLAN} that says what they are"]
    if other:
        raise UsageError(f"{folder} holds other trainings ({'; '.join(other)}): name another folder (--runs).")
