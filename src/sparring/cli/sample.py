"""``spar sample``."""

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
from sparring.errors import UsageError


def sample(
    run: RunArgument,
    n: Annotated[int | None, typer.Option("-n", help="How many.", show_default="25, or as many as --latents")] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same samples.")] = 0,
    label: LabelOption = None,
    attributes: AttributesOption = None,
    latents: Annotated[Path | None, typer.Option(help="Latent codes of your own, a .npy file (N, latent_dim).")] = None,
    truncation: TruncationOption = None,
    direction: Annotated[Path | None, typer.Option(help="What to move along, from spar directions --save.")] = None,
    strength: Annotated[
        float | None, typer.Option(help="How far to move along it; negative is back.", show_default="1")
    ] = None,
    out: Annotated[Path, typer.Option(help="FILE.png (one sheet), FILE.npy, or a DIRECTORY (one file each).")] = Path(
        "samples.png"
    ),
    checkpoint: CheckpointOption = "best",
    recipe: FileOption = None,
    device: DeviceOption = "auto",
) -> None:
    """Make samples with a trained generator."""
    from sparring import api
    from sparring.cli.given import parse_attributes, read_latents
    from sparring.runs.export import check_samples, write_samples

    if strength is not None and direction is None:
        raise UsageError("--strength says how far to move along a direction: name that too (--direction).")
    loaded = api.load(run, recipe)
    z = read_latents(latents) if latents else None
    count = n if n is not None else (len(z) if z is not None else 25)
    check_samples(loaded.spec, out, count)
    made = loaded.sample(
        count,
        seed,
        label=label,
        attributes=parse_attributes(attributes),
        latents=z,
        truncation=truncation,
        direction=read_latents(direction, "directions") if direction else None,
        strength=1.0 if strength is None else strength,
        checkpoint=checkpoint,
        device=device,
    )
    write_samples(loaded.spec, made, out)
    say(f"{count} samples of step {loaded.step(checkpoint)}: {out}")
