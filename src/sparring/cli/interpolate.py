"""``spar interpolate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sparring.cli.arguments import (
    AttributesOption,
    CheckpointOption,
    DeviceOption,
    FileOption,
    LabelOption,
    RunArgument,
    TruncationOption,
    say,
)


def interpolate(
    run: RunArgument,
    seeds: Annotated[str, typer.Option(help="What to pass through; 1,2,3,1 is a loop.", metavar="A,B,…")] = "0,1",
    frames: Annotated[int, typer.Option(help="How many frames in all.")] = 24,
    label: LabelOption = None,
    to_label: Annotated[str | None, typer.Option(help="The class to end with.")] = None,
    attributes: AttributesOption = None,
    to_attributes: Annotated[str | None, typer.Option(help="Those to end with.")] = None,
    truncation: TruncationOption = None,
    out: Annotated[Path, typer.Option(help="FILE.png (strip), .gif, .webp, .apng, .npy, or a DIRECTORY.")] = Path(
        "interpolation.png"
    ),
    checkpoint: CheckpointOption = "best",
    recipe: FileOption = None,
    device: DeviceOption = "auto",
) -> None:
    """Go from sample to sample, from class to class, or from attributes to others, on the way between latent codes."""
    from sparring import api
    from sparring.cli.given import parse_attributes, whole_numbers
    from sparring.runs.export import check_film, write_film

    loaded = api.load(run, recipe)
    check_film(loaded.spec, out, frames)
    made = loaded.interpolate(
        whole_numbers(seeds, "--seeds"),
        frames,
        label=label,
        to_label=to_label,
        attributes=parse_attributes(attributes),
        to_attributes=parse_attributes(to_attributes, "--to-attributes"),
        truncation=truncation,
        checkpoint=checkpoint,
        device=device,
    )
    around = made if loaded.spec.kind == "image" else loaded.sample(2000, checkpoint=checkpoint, device=device)
    write_film(loaded.spec, made, out, around)
    say(f"{frames} frames of step {loaded.step(checkpoint)}: {out}")
