"""``spar augment``."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from sparring.cli.arguments import CheckpointOption, DeviceOption, FileOption, RunArgument, TruncationOption, say


def augment(
    run: RunArgument,
    per_class: Annotated[int | None, typer.Option(help="Images of each class.", metavar="N")] = None,
    balance: Annotated[
        bool,
        typer.Option(
            "--balance", help="Complete the training images: all classes as large as the largest, or as --per-class."
        ),
    ] = False,
    out: Annotated[Path, typer.Option(help="FILE.npz, or a new DIRECTORY: a folder a class, dataset.json.")] = Path(
        "augmented"
    ),
    seed: Annotated[int, typer.Option(help="The same seed gives the same images.")] = 0,
    truncation: TruncationOption = None,
    keep_copies: Annotated[
        bool, typer.Option("--keep-copies", help="Also take images that are copies of training images.")
    ] = False,
    checkpoint: CheckpointOption = "best",
    recipe: FileOption = None,
    device: DeviceOption = "auto",
) -> None:
    """Make labelled images with a generator that knows classes, alone or to complete its training data."""
    from sparring import api
    from sparring.data.labelled import check_labelled
    from sparring.training.display import following

    loaded = api.load(run, recipe)
    check_labelled(out)
    with following() as progress:
        made = loaded.augment(
            per_class,
            balance=balance,
            seed=seed,
            truncation=truncation,
            keep_copies=keep_copies,
            checkpoint=checkpoint,
            device=device,
            progress=progress,
        )
    made.save(out)
    if balance:
        pairs = zip(made.classes, made.counts().tolist(), strict=True)
        say("real + generated: " + ", ".join(f"{name}: {real} + {new}" for name, (real, new) in pairs))
    for name, part in made.held_out.items():
        say(f"{name}: {len(part.x)} real")
    if not keep_copies:
        say(f"left out as copies of training images: {made.copies}")
    say(f"{int(made.generated.sum())} images made by step {loaded.step(checkpoint)}: {out}")
    say(f"next: spar data {quote(str(out))}")
