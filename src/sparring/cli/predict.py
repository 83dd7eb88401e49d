"""``spar predict``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from sparring.cli.arguments import CheckpointOption, DeviceOption, FileOption, RunArgument, say
from sparring.errors import UsageError


def predict(
    run: RunArgument,
    images: Annotated[
        str,
        typer.Argument(help="An image, or a folder, zip, .npy, .npz or IDX file; or a named set: what it holds out."),
    ],
    out: Annotated[Path, typer.Option(help="FILE.csv: a line an image, the probability of each class.")] = Path(
        "predictions.csv"
    ),
    also: Annotated[
        list[str] | None, typer.Option(help="Another run of the same classes: the mean of what they say. Repeatable.")
    ] = None,
    fit: Annotated[
        Literal["exact", "crop", "pad", "squash"], typer.Option(help="What is done with images of another size.")
    ] = "exact",
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="range=0..1, -1..1 or 0..255: black and white in an array.")
    ] = None,
    checkpoint: CheckpointOption = "last",
    recipe: FileOption = None,
    device: DeviceOption = "auto",
) -> None:
    """Classify images with what spar classify trained."""
    import torch

    from sparring import api
    from sparring.files import write_atomically
    from sparring.runs.classifier import as_csv
    from sparring.runs.export import check_name
    from sparring.runs.unseen import is_named, unseen_images
    from sparring.settings import parse_assignments

    check_name(out, ".csv")
    runs = [api.load(one, recipe) for one in [run, *map(Path, also or [])]]
    spec = runs[0].spec
    for one in runs:
        one.classifier(checkpoint)  # refuses a run without one before anything is read
        if (one.spec.shape, one.spec.classes) != (spec.shape, spec.classes):
            raise UsageError(f"{one.path} knows other images or classes than {run}: their means mean nothing.")
    read = unseen_images(runs[0], images, fit, parse_assignments(settings or []))
    found = torch.stack([one.predict(read.x, checkpoint=checkpoint, device=device) for one in runs]).mean(0)
    # A file's name may be no text: then its very bytes are written.
    write_atomically(out, as_csv(read.names, spec.classes, found).encode(errors="surrogateescape"))
    for name, why in read.skipped:
        typer.echo(f"spar: skipped {name}: {why}", err=True)
    held_out = f" that {images} holds out" if is_named(images) else ""
    say(f"{len(found)} images{held_out}: {out}")
