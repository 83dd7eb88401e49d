"""``spar directions``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

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
    save: Annotated[
        Path | None,
        typer.Option(help="The direction as FILE.npy, for spar sample --direction; several: FILE-1.npy, FILE-2.npy …"),
    ] = None,
    checkpoint: CheckpointOption = "best",
    recipe: FileOption = None,
    device: DeviceOption = "auto",
) -> None:
    """Find the latent directions that change what you name, or the strongest ones, and show what they do."""
    import torch
    from rich.console import Console

    from sparring import api
    from sparring.data import render
    from sparring.errors import UsageError
    from sparring.files import save_png
    from sparring.latents.evidence import components_table
    from sparring.runs.directions import STEPS, find_components, find_direction, walk
    from sparring.runs.export import check_name, save_npy
    from sparring.training.display import following

    for path, kind in ((out, ".png"), (save, ".npy")):
        check_name(path, kind)
    if change is None and keep:
        raise UsageError("--keep says what stays while something is changed: name that too (--change).")
    loaded = api.load(run, recipe)
    of: dict[str, Any] = {"seed": seed, "label": label, "checkpoint": checkpoint, "device": device}
    if change is None:
        strongest, shares = find_components(loaded, method, count=rows, n=n, **of)
        vectors, table = torch.stack([one.vector for one in strongest]), components_table(strongest, shares)
    else:
        kept = [name.strip() for name in keep.split(",")] if keep else []
        with following() as progress:
            found = find_direction(loaded, change, keep=kept, n=n, progress=progress, **of)
        vectors, table = found.vector, found.to_table()
    moved = walk(loaded, vectors, rows=rows, change=change or "", **of)
    save_png(render(loaded.spec, moved.flatten(0, 1), len(STEPS)), out)
    Console().print(table)
    say(f"picture: {out}")
    if save is None:
        return
    several = change is None
    files = [save.with_name(f"{save.stem}-{i + 1}{save.suffix}") for i in range(len(vectors))] if several else [save]
    for vector, file in zip(vectors if several else [vectors], files, strict=True):
        save_npy(vector.numpy(), file)
    command = shlex.join(["spar", "sample", str(run), "--direction", str(files[0]), "--strength", "2"])
    say(f"saved: {', '.join(map(str, files))}   ({command})")
