"""From a name, settings and data to a run that is ready to be trained: everything that can be wrong is found here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_type_hints

import torch

from sparring import __version__
from sparring.data import DataOptions, open_data
from sparring.data.named import NAMES
from sparring.data.toys import TOYS
from sparring.errors import UsageError
from sparring.identity import Identity, Remedied
from sparring.recipes import CHOOSERS, DEFAULT
from sparring.recipes.build import (
    Named,
    blaming,
    build,
    check_heeded,
    check_ranges,
    defaults,
    find,
    own_hints,
    settings_of,
    share_out,
)
from sparring.runs.run import Run
from sparring.settings import Choice, Settings, Value
from sparring.training.chunks import in_chunks
from sparring.training.device import machine_with
from sparring.training.directory import Directory, next_free
from sparring.training.draw import Draw
from sparring.training.sampling import draw_latents
from sparring.training.state import State
from sparring.training.step import Step
from sparring.types import Dataset, Machine, Recipe

FEWEST = 2
"""The fewest training examples that anything is trained on."""


def prepare(
    data: str,
    recipe: str | None,
    out: Path | None,
    device: torch.device,
    *,
    fresh: bool,
    settings: Mapping[str, Value],
    show_progress: bool,
) -> tuple[Run, Dataset]:
    """Open the data and build the recipe; nothing is written yet but the data's cache.

    Raises:
        UsageError: something does not fit.
    """
    named = find(DEFAULT if recipe is None else recipe)
    hints = get_type_hints(DataOptions)
    own, general, data_values = share_out(named, settings, hints)
    dataset = open_data(data, DataOptions(**data_values), show_progress=show_progress)  # type: ignore[arg-type]
    path = out or Path("runs") / f"{dataset.spec.name}-{named.name}"
    path = next_free(path) if fresh else path
    recorded = Directory(path).read_training()
    # A run keeps its number of CPU threads, as another one would change its bits, its choices and its remedies.
    begun = int(recorded.general["threads"]) if recorded else 0
    threads = int(general.get("threads", 0)) or begun or torch.get_num_threads()
    same = recorded if recorded and recorded.recipe == named.name else None
    chosen = (same and same.chosen) or choose(named, dataset, machine_with(device, threads), own, general)
    remedies = same.remedies if same else ()
    remedied = {name: value for remedy in remedies for name, value in remedy.settings.items()}
    check_remedied(remedies, general)
    given = {name: value for name, value in (own | general | data_values).items() if name not in remedied}
    own, general, _ = share_out(named, {**(chosen.settings if chosen else {}), **settings, **remedied}, hints)
    if same and not named.digest:  # defaults may have changed since it began
        own = {name: value for name, value in same.left_alone().items() if name in own_hints(named.function)} | own
    built = build(named, dataset.spec, own, general)
    built = replace(built, threads=built.threads or threads)
    check_heeded(named, built, dataset.spec, settings)
    if built.ema_rampup and not built.ema and "ema_rampup" in settings:
        raise UsageError("ema_rampup shapes the averaged generator, and there is none: give --set ema=0.999 too.")
    check_fits(built, named.name, dataset, data)
    if named.digest:
        try_out(Path(recipe or ""), built, dataset)
    usual = defaults(named, dataset.spec, own, chosen.settings if chosen else {})
    own, general = settings_of(named, built, own)
    identity = Identity(
        recipe=named.name,
        recipe_digest=named.digest,
        data=data if data in (*NAMES, *TOYS) else str(Path(data).expanduser().resolve()),
        data_options=data_values,
        own=own,
        general=general,
        spec=dataset.spec,
        fingerprint=dataset.fingerprint,
        given=given,
        defaults={name: usual[name] for name in given if name in usual},
        chosen=chosen,
        remedies=remedies,
        version=__version__,
        recipe_file=str(Path(recipe).resolve()) if recipe and named.digest else "",
    )
    return Run(path, built, identity), dataset


def check_remedied(remedies: Sequence[Remedied], general: Mapping[str, Value]) -> None:
    """Refuse general settings that a remedy changed already, but for the values that they had before or have now.

    Raises:
        UsageError: there is one.
    """
    for remedy in remedies:
        for name in remedy.was.keys() & general.keys():
            known = [values[name] for one in remedies for values in (one.was, one.settings) if name in values]
            if general[name] not in known:
                raise UsageError(
                    f"this run was given {name}={remedy.settings[name]} as a remedy: leave {name}={general[name]} "
                    "out, or start over with --fresh."
                )


def check_fits(recipe: Recipe, name: str, dataset: Dataset, data: str) -> None:
    """Refuse data that a recipe cannot be trained on; ``name`` and ``data`` are what the user calls both.

    Raises:
        UsageError: too few examples, a move that is given every example more than twice, a batch that does not fit the
            game, or conditions are missing. (Few labelled examples may come as often as they must.)
    """
    turns = recipe.game.turns(recipe.batch)  # refuses a batch that does not fit the game
    examples = len(dataset.train)
    if examples < FEWEST:
        raise UsageError(f"{data} has {examples} training examples: too few to train on.")
    drawn = max(turn.real for turn in turns)
    if drawn > 2 * examples:
        lower = "--batch or pack" if drawn > recipe.batch else "--batch"
        raise UsageError(
            f"{data} has {examples} training examples, too few for a batch of {recipe.batch}, which draws {drawn} at "
            f"once: lower {lower}."
        )
    if recipe.conditional:
        check_conditions(name, dataset, data)


def check_conditions(name: str, dataset: Dataset, data: str) -> None:
    """Refuse training examples that belong to no class and have no attributes.

    Raises:
        UsageError: there are some.
    """
    labels, spec = dataset.train.labels, dataset.spec
    if not (spec.classes or spec.attributes):
        raise UsageError(f"{name} needs a label or attributes for every example; {data} does not have them.")
    if labels is not None and (missing := int((labels < 0).sum())):
        raise UsageError(
            f"{name} needs a label or attributes for every example; {missing} of {len(labels)} training examples of "
            f"{data} have none: label them, or leave them out."
        )


def try_out(path: Path, recipe: Recipe, dataset: Dataset) -> None:
    """Play one step of a user's recipe on the side, so that what fails there is told before anything is written.

    Raises:
        UsageError: something fails, or the generator makes examples of another shape.
    """
    cpu = torch.device("cpu")
    with blaming(path), torch.random.fork_rng():
        state = State(recipe, cpu)
        made = in_chunks(state.generator, draw_latents(recipe, dataset.spec, 2, 0), cpu, by_batch=True)
        if made.shape[1:] != dataset.spec.shape:
            raise UsageError(
                f"the recipe file fails: {path}: the generator makes examples of shape {tuple(made.shape[1:])}, "
                f"but those of {dataset.spec.name} have {dataset.spec.shape}."
            )
        Step(recipe, state, Draw(recipe, dataset.train, cpu))()


def choose(
    named: Named, dataset: Dataset, machine: Machine, own: Mapping[str, Value], general: Mapping[str, Value]
) -> Choice | None:
    """What a recipe chooses for these data and this machine, beside what the user gives; recipe.json keeps it.

    Raises:
        UsageError: what is given makes no sense.
    """
    if named.digest or named.name not in CHOOSERS:
        return None
    check_ranges(own)
    Settings(**general)  # type: ignore[arg-type]  # refuses values out of range
    return CHOOSERS[named.name](dataset.spec, len(dataset.train), machine, {**own, **general})
