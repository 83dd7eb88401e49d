"""``spar classify``."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from sparring.cli.arguments import DataArgument, DeviceOption, SetOption, join_settings, say
from sparring.errors import UsageError

if TYPE_CHECKING:
    from sparring.tasks.classification import Classification


def classify(
    data: DataArgument,
    labels_per_class: Annotated[
        int | None, typer.Option(help="Labels that training is shown.", show_default="all that the data have")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Decides which labels, and the training.", show_default="0")] = None,
    seeds: Annotated[
        str | None, typer.Option(help="Several draws of labels (or trainings, where all are shown), as 0,1,2.")
    ] = None,
    networks: Annotated[
        int, typer.Option(help="Train so many on the same labels; their ensemble is measured too.")
    ] = 1,
    out: Annotated[
        Path | None, typer.Option(help="The run's directory.", show_default="runs/DATA-RECIPE-N-seedS")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="How many steps.")] = None,
    recipe: Annotated[
        str, typer.Option(help="Another recipe than few-labels that trains a classifier, or a FILE.py.")
    ] = "",
    device: DeviceOption = "auto",
    settings: SetOption = None,
    baselines: Annotated[bool, typer.Option(help="Also measure labels alone, label spreading, and all labels.")] = True,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start over, in a new directory.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
) -> None:
    """Train a classifier on few labels and many unlabelled images; say what it is worth beside simpler ones."""
    import json

    from sparring.cli.given import whole_numbers
    from sparring.tasks.classification import to_json
    from sparring.tasks.classify import RECIPE, check_seeds
    from sparring.tasks.classify import classify as train
    from sparring.training.display import Display

    values = join_settings(settings, {"steps": steps})
    for name in (name for name in ("seed", "labels_per_class", "labels_seed") if name in values):
        raise UsageError(f"--set {name} has no place here: say --seed and --labels-per-class.")
    if seed is not None and seeds is not None:
        raise UsageError("--seed and --seeds are both given.")
    chosen = [seed or 0] if seeds is None else whole_numbers(seeds, "--seeds")
    check_seeds(chosen)
    found = []
    for number, one in enumerate(chosen, start=1):
        if len(chosen) > 1 and not as_json:
            say(f"seed {one}, {number} of {len(chosen)}:")
        found.append(
            train(
                data,
                labels_per_class,
                seed=one,
                recipe=recipe or RECIPE,
                out=out.with_name(f"{out.name}-{one}") if out and len(chosen) > 1 else out,
                device=device,
                fresh=fresh,
                baselines=baselines,
                networks=networks,
                display=Display(quiet=True) if as_json else None,
                **values,
            )
        )
    if as_json:
        typer.echo(json.dumps(to_json(found), indent=2))
    else:
        tell(found)


def tell(found: list[Classification]) -> None:
    """Print the errors, where the run is, and what can be done with it."""
    from rich.console import Console

    from sparring.diagnosis.command import recipe_word
    from sparring.tasks.classification import to_table

    last = found[-1]
    if last.held_out:
        Console().print(to_table(found))
    else:
        say("nothing is held out of these data, so there is no error to tell")
    also = "".join(f" --also {quote(str(other.path))}" for other in last.others)
    file = f" --recipe {quote(recipe_word(last.run.identity))}" if last.run.identity.recipe_digest else ""
    say(f"run: {last.run.path}")
    say(f"next: spar predict {quote(str(last.run.path))} IMAGES{also}{file} --out predictions.csv")
