"""``spar directions``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sparring.cli.arguments import CheckpointOption, DeviceOption, FileOption, LabelOption, RunArgument, say


def directions(
    run: RunArgument,
    change: Annotated[
        str | None,
        typer.Option(help="A property (brightness, slant …), a class, or A:B, from class to class.", metavar="WHAT"),
    ] = None,
    keep: Annotated[str | None, typer.Option(help="What shall stay, separated by commas.", metavar="WHAT,…")] = None,
    method: Annotated[str, typer.Option(help="Without --change: sefa or ganspace.")] = "sefa",
    rows: Annotated[int, typer.Option(help="Rows of the picture: samples, or directions without --change.")] = 6,
    n: Annotated[int, typer.Option("-n", help="How many samples are looked at.")] = 4000,
    seed: Annotated[int, typer.Option(help="The seed of the samples.")] = 0,
    label: LabelOption = None,
    out: Annotated[Path, typer.Option(help="A picture FILE.png: from -3 steps to +3.")] = Path("directions.png"),
    save: Annotated[Path | None, typer.Option(help="The direction as FILE.npy, for spar sample --direction.")] = None,
    checkpoint: CheckpointOption = "best",
    recipe: FileOption = None,
    device: DeviceOption = "auto",
) -> None:
    """Find the latent directions that change what you name, or the strongest ones, and show what they do."""
    from rich.console import Console

    from sparring import api
    from sparring.runs.directions import show
    from sparring.runs.export import check_name

    for path, kind in ((out, ".png"), (save, ".npy")):
        check_name(path, kind)
    loaded = api.load(run, recipe)
    table = show(
        loaded,
        change,
        [name.strip() for name in keep.split(",")] if keep else [],
        method=method,
        rows=rows,
        out=out,
        save=save,
        n=n,
        seed=seed,
        label=label,
        checkpoint=checkpoint,
        device=device,
    )
    Console().print(table)
    say(f"picture: {out}")
    if save:
        say(f"saved: {save}   (spar sample {run} --direction {save} --strength 2)")
