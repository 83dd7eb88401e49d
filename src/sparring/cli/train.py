"""``spar train``."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from sparring.cli.arguments import DataArgument, DeviceOption, SetOption, join_settings, say


def train(
    data: DataArgument,
    recipe: Annotated[str | None, typer.Option(help="A recipe's name (see spar recipes) or a FILE.py.")] = None,
    out: Annotated[Path | None, typer.Option(help="The run's directory.", show_default="runs/DATA-RECIPE")] = None,
    steps: Annotated[int | None, typer.Option(help="How many steps.")] = None,
    batch: Annotated[int | None, typer.Option(help="Examples a step.")] = None,
    seed: Annotated[int | None, typer.Option(help="Decides everything random.")] = None,
    device: DeviceOption = "auto",
    settings: SetOption = None,
    on_sick: Annotated[
        str | None,
        typer.Option(help="What happens to a sick game: continue, stop or rollback.", show_default="continue"),
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start over, in a new directory.")] = False,
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Also write TensorBoard's files.")] = False,
) -> None:
    """Train on data. The same command again goes on where it was stopped."""
    from sparring import api

    values = join_settings(settings, {"steps": steps, "batch": batch, "seed": seed, "on_sick": on_sick})
    run = api.train(data, recipe, out=out, device=device, fresh=fresh, tensorboard=tensorboard, display=None, **values)
    pictures = sorted(run.directory.samples.glob("*.png"))
    say(f"run: {run.path}")
    say(f"samples: {pictures[-1] if pictures else run.directory.samples}")
    path = quote(str(run.path))
    say(f"next: spar evaluate {path}   or   spar sample {path} -n 25 --out samples.png")
