"""What ``import sparring`` begins with: train and load, which give a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_type_hints

import torch

from sparring.data import DataOptions
from sparring.diagnosis.command import recipe_word
from sparring.diagnosis.remedies import Remedy, prescribe
from sparring.errors import UsageError
from sparring.identity import Identity, Remedied, differences, extended, taken_back
from sparring.prepare import prepare
from sparring.recipes.build import build, built_in, find, settings_of, share_out
from sparring.runs.run import Run
from sparring.settings import Choice, Value
from sparring.training.device import choose_device
from sparring.training.directory import Directory
from sparring.training.display import Display
from sparring.training.engine import captures
from sparring.training.loop import Scalars, complete_ending, what_was_extended
from sparring.training.loop import train as train_run
from sparring.training.sickness import Sick, sick_ending
from sparring.training.state import read_facts
from sparring.types import Dataset, Recipe

REMEDIES = 3
"""How often a run may go back to its best checkpoint."""
KEPT = ("steps", "seed", "threads", "on_sick", "ema", "ema_rampup", "balance")
"""Settings that no remedy changes in a run that goes on: an average, for one, cannot begin on the way."""


def train(
    data: str | Path,
    recipe: str | None = None,
    *,
    out: str | Path | None = None,
    device: str | torch.device = "auto",
    fresh: bool = False,
    tensorboard: bool = False,
    display: Display | None = None,
    **settings: Value,
) -> Run:
    """Train a recipe on data, or go on where an earlier call with the same arguments stopped.

    Args:
        data: a name (``digits``, ``mnist``, ``ring`` …) or a path (folder, zip, .npy, .npz, IDX).
        recipe: a recipe's name or a FILE.py; unless given ``auto``.
        out: the run's directory; unless given ``runs/DATA-RECIPE``.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        fresh: start over, in a new directory.
        tensorboard: also write TensorBoard's event files (needs the extra ``log``).
        display: what shows the progress; unless given a bar, or plain lines where there is no terminal.
        settings: the recipe's own, the general ones (``steps``, ``batch``, ``seed`` …) and the data's.

    Returns:
        The finished run.

    Raises:
        UsageError: wrong usage or unusable data.
        SparringError: the training or the machine failed.
    """
    device = choose_device(device)
    shown = display or Display()
    path = Path(out) if out else None
    run, dataset = prepare(
        str(data), recipe, path, device, fresh=fresh, settings=settings, show_progress=display is None
    )
    captures(run.recipe.engine, device)  # refuses an engine that the device has not
    if run.directory.foreign:
        raise UsageError(f"{run.path} is not empty and holds no run of Sparring: choose another --out.")
    run.directory.make()
    with run.directory.lock():
        for line in claim(run):
            shown.say(line)
            run.directory.append("log.txt", line)
        if finished(run):
            sick = sick_ending(run.recipe, run.directory, run.spec)
            if sick is None:
                complete_ending(run.directory, run.spec)
                shown.say(
                    f"{run.path} is finished: all {run.recipe.steps} steps are done. "
                    "More --steps go on, --fresh starts over."
                )
                return run
            run = roll_back(run, sick)
            shown.say(what_was_remedied(run))
        if run.identity.chosen:
            shown.say(what_was_chosen(run.identity, run.identity.chosen))
        shown.say(f"training {run.identity.recipe} on {data} ({len(dataset.train)} examples) in {run.path}")
        return train_and_remedy(run, dataset, device, shown, scalars_writer(run, tensorboard))


def train_and_remedy(run: Run, dataset: Dataset, device: torch.device, display: Display, scalars: Scalars) -> Run:
    """Train to the last step; where the game is sick and is to go back, go on from there with the remedy.

    Raises:
        SparringError: as ``train``.
    """
    while True:
        try:
            train_run(run.recipe, run.directory, dataset, device, display, scalars)
            return run
        except Sick as sick:
            run = roll_back(run, sick)
            display.say(what_was_remedied(run))


def roll_back(run: Run, sick: Sick) -> Run:
    """Take a sick run back to its best checkpoint, with a remedy in its settings; the caller holds its lock.

    Where no checkpoint is better than the untrained generator, it is taken back to its first weights.

    Raises:
        Sick: ``on_sick`` is ``stop``, REMEDIES remedies were tried already, or none is a change of general settings
            alone.
    """
    if run.recipe.on_sick == "stop":
        raise sick
    remedy, identity = prescribe(sick.verdict, run.identity), run.identity
    if remedy is None or (why := obstacle(identity, remedy)):
        raise Sick(sick.directory, sick.verdict, why if remedy else "no setting is known to help")
    named = built_in(identity.recipe)
    chosen = identity.chosen.settings if identity.chosen else {}
    own, general, _ = share_out(named, chosen | remedy.settings, get_type_hints(DataOptions))
    own = identity.left_alone() | own
    built = build(named, run.spec, own, {**general, **{name: getattr(run.recipe, name) for name in KEPT}})
    own, general = settings_of(named, built, own)
    changed = {name: value for name, value in general.items() if value != identity.general[name]}
    was = {name: identity.general[name] for name in changed}
    if own != identity.own or not changed:
        raise Sick(sick.directory, sick.verdict, "what helps cannot be changed in a run that goes on")
    step = best_step(run)
    run.directory.return_to(step)
    remedied = replace(
        identity,
        general=general,
        given={name: value for name, value in identity.given.items() if name not in changed},
        remedies=(*identity.remedies, Remedied(step, sick.verdict.name, changed, was)),
        earlier=taken_back(identity.earlier, step),
    )
    run.directory.write_identity(remedied)
    return Run(run.path, built, remedied)


def obstacle(identity: Identity, remedy: Remedy) -> str:
    """Why a run cannot go back and on with a remedy, as a clause; empty if it can."""
    if identity.recipe_digest:
        return "it was trained with a recipe file"
    if remedy.recipe != identity.recipe:
        return f"what may help is another recipe, {remedy.recipe}"
    return f"that was done {REMEDIES} times already" if len(identity.remedies) >= REMEDIES else ""


def best_step(run: Run) -> int:
    """The step of the best checkpoint; 0, the first weights, if none is better than these."""
    facts = read_facts(run.checkpoint("last"))
    best, untrained = facts["best"], facts["first_figure"]
    return best[0] if best is not None and run.directory.best.exists() and best[1] < untrained else 0


def what_was_remedied(run: Run) -> str:
    """The last remedy, in a line."""
    last = run.identity.remedies[-1]
    changes = ", ".join(f"{name}={value}" for name, value in last.settings.items())
    to = f"the best checkpoint, of step {last.step}" if last.step else "the first weights, as no others are better"
    return f"{last.sickness}: back to {to}, with {changes}"


def what_was_chosen(identity: Identity, chosen: Choice) -> str:
    """The recipe's choice and why, and what the user set otherwise: one line."""
    settings = identity.own | identity.general
    others = [f"{name}={settings[name]}" for name, value in chosen.settings.items() if settings[name] != value]
    return f"{identity.recipe} chose {chosen.why}" + (f" (but you set {', '.join(others)})" if others else "")


def claim(run: Run) -> list[str]:
    """Write the run's identity into its directory; the caller holds the lock. Gives what is to be told, line by line.

    A training that never made a step, as it was too large for the memory for example, leaves the directory to others.

    Raises:
        UsageError: it holds a run with other settings.
    """
    there = run.directory.read_training()
    if there is None:
        run.directory.write_identity(run.identity)
        return []
    if found := differences(there, run.identity):
        raise UsageError(
            f"{run.path} holds a run with other settings ({'; '.join(found)}). "
            "Give --fresh for a new directory, or choose another --out."
        )
    run.identity = extended(there, run.identity, run.step("last") if run.directory.numbered() else 0)
    if not finished(run):
        run.directory.write_identity(run.identity)
    return [] if run.identity.earlier == there.earlier else [what_was_extended(run.recipe, run.identity.earlier[-1])]


def finished(run: Run) -> bool:
    """Whether the last checkpoint is that of the last step."""
    numbered = run.directory.numbered()
    return bool(numbered) and run.step("last") >= run.recipe.steps


def load(path: str | Path, recipe: str | None = None) -> Run:
    """A run from its directory. Nothing in it is executed.

    Args:
        path: the directory.
        recipe: the FILE.py, for a run that was trained with one: only a file named here is run.

    Raises:
        UsageError: no run, a damaged one, or another recipe file.
    """
    path = Path(path)
    identity = Directory(path).read_identity()
    if identity is None:
        raise UsageError(f"{path} holds no run of Sparring (no recipe.json there).")
    recipe_there, identity = build_again(identity, path, recipe)
    return Run(path, recipe_there, identity)


def build_again(identity: Identity, path: Path, recipe: str | None = None) -> tuple[Recipe, Identity]:
    """The recipe of a run at ``path`` from its identity, and this with the place of the recipe's file, if it has one.

    Raises:
        UsageError: as ``load``, but for a run that is not there.
    """
    try:
        if identity.recipe_digest:
            if recipe is None:
                raise UsageError(f"{path} was trained with a recipe file: name it (--recipe {recipe_word(identity)}).")
            named = find(recipe)
            if named.digest != identity.recipe_digest:
                raise UsageError(f"{recipe} is not the file that {path} was trained with: its text has changed.")
            identity = replace(identity, recipe_file=str(Path(recipe).resolve()))
        elif recipe is not None and recipe != identity.recipe:
            raise UsageError(f"{path} was trained with the recipe {identity.recipe}: leave --recipe {recipe} out.")
        else:
            named = built_in(identity.recipe)
        return build(named, identity.spec, identity.own, identity.general), identity
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UsageError(f"{path / 'recipe.json'} is damaged ({error!r}): this run cannot be used.") from error


def load_all(paths: Sequence[Path], files: Sequence[str]) -> list[Run]:
    """Runs from their directories; one that was trained with a recipe file takes that of ``files`` which has its name.

    Raises:
        UsageError: as ``load`` does, or a file that no run was trained with.
    """
    identities = [Directory(path).read_identity() for path in paths]
    names = [identity.recipe if identity else "" for identity in identities]
    for file in files:
        if Path(file).stem not in names:
            raise UsageError(f"--recipe {file}: none of these runs was trained with a file of that name.")
    by_name = {Path(file).stem: file for file in files}
    return [load(path, by_name.get(name)) for path, name in zip(paths, names, strict=True)]


def scalars_writer(run: Run, tensorboard: bool) -> Callable[[int, dict[str, float]], None]:
    """Where figures go besides metrics.jsonl: to TensorBoard, if asked.

    Raises:
        UsageError: TensorBoard is not installed.
    """
    if not tensorboard:
        return lambda step, values: None
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise UsageError("TensorBoard is not installed: pip install 'sparring[log]'.") from error
    done = run.step("last") if run.directory.numbered() else -run.recipe.pretrain
    writer = SummaryWriter(str(run.path / "tensorboard"), purge_step=done + 1)

    def write(step: int, values: dict[str, float]) -> None:
        for name, value in values.items():
            writer.add_scalar(name, value, step)
        writer.flush()

    return write
