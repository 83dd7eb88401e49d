"""``spar evaluate``."""

from __future__ import annotations

from typing import Annotated

import typer

from sparring.cli.arguments import CheckpointOption, DeviceOption, FileOption, RunArgument


def evaluate(
    run: RunArgument,
    n: Annotated[int, typer.Option("-n", help="How many samples, at most as many as the held-out data.")] = 10_000,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
    seed: Annotated[int, typer.Option(help="The seed of the samples.")] = 0,
    checkpoint: CheckpointOption = "best",
    features: Annotated[
        str, typer.Option(help="auto, rotations, random-conv, inception, dinov2-l …: what is measured on.")
    ] = "auto",
    download: Annotated[
        bool, typer.Option("--download", help="Fetch the features' network if it is not here.")
    ] = False,
    more: Annotated[
        bool, typer.Option("--all", help="More figures of images, which take longer: MMD, path length …")
    ] = False,
    recipe: FileOption = None,
    device: DeviceOption = "auto",
) -> None:
    """Measure the samples; every figure stands beside the same figure for held-out real data."""
    import json

    from sparring import api
    from sparring.training.display import following

    loaded = api.load(run, recipe)
    with following() as progress:
        result = loaded.evaluate(
            n,
            seed=seed,
            checkpoint=checkpoint,
            device=device,
            progress=progress,
            features=features,
            download=download,
            more=more,
        )
    if as_json:
        typer.echo(json.dumps({"run": str(run), "checkpoint": checkpoint} | result.to_json(), indent=2))
    else:
        from rich.console import Console

        Console().print(result.to_table())
