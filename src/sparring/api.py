"""What ``import sparring`` offers: train, load, and through the run they return everything else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_type_hints

import torch

from sparring import __version__
from sparring.data import DataOptions, open_data
from sparring.data.named import NAMES
from sparring.data.toys import TOYS
from sparring.diagnosis.remedies import prescribe
from sparring.errors import SparringError, UsageError
from sparring.recipes import CHOOSERS, DEFAULT, RECIPES
from sparring.recipes.build import Named, blaming, build, built_in, check_heeded, find, settings_of, share_out
from sparring.runs.identity import compare
from sparring.runs.run import Run
from sparring.settings import Value
from sparring.training.device import choose_device
from sparring.training.directory import Directory, next_free
from sparring.training.display import Display
from sparring.training.draw import Draw
from sparring.training.engine import captures
from sparring.training.loop import Sick, put_right
from sparring.training.loop import train as train_run
from sparring.training.sampling import draw_latents, generate
from sparring.training.state import State
from sparring.training.step import Step
from sparring.types import Dataset, DataSpec, Machine, Recipe

REMEDIES = 3
"""How often a run goes back to its best checkpoint."""
KEPT = ("steps", "seed", "threads", "on_sick")
"""What no remedy changes."""
FEWEST = 2
"""Training examples that are the least to train on."""


def train(
    data: str | Path,
    recipe: str | None = None,
    *,
    out: str | Path | None = None,
    device: str = "auto",
    fresh: bool = False,
    tensorboard: bool = False,
    display: Display | None = None,
    **settings: Value,
) -> Run:
    """Train a recipe on data, or go on where an earlier call with the same arguments stopped.

    Args:
        data: a name (``digits``, ``mnist``, ``ring`` …) or a path (folder, zip, .npy, .npz, IDX).
        recipe: a recipe's name or a FILE.py; without it ``auto``.
        out: the run's directory; without it ``runs/DATA-RECIPE``.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        fresh: start over, in a new directory.
        tensorboard: also write TensorBoard's event files (needs the extra ``log``).
        display: what shows the progress; without it a bar or plain lines.
        settings: the recipe's own, the general ones (``steps``, ``batch``, ``seed`` …) and the data's.

    Returns:
        The finished run.

    Raises:
        UsageError: wrong usage or unusable data.
        SparringError: the training or the machine failed.
    """
    place = choose_device(device)
    shown = display or Display()
    path_free = Path(out) if out else None
    run, dataset = prepare(
        str(data), recipe, path_free, place, fresh=fresh, settings=settings, show_progress=display is None
    )
    captures(run.recipe.engine, place)  # refuses an engine that the device has not
    if run.directory.foreign:
        raise UsageError(f"{run.path} is not empty and holds no run of Sparring: choose another --out.")
    run.directory.make()
    with run.directory.lock():
        claim(run)
        if finished(run):
            put_right(run.directory, run.spec)
            shown.say(
                f"{run.path} is finished: all {run.recipe.steps} steps are done. "
                "More --steps go on, --fresh starts over."
            )
            return run
        if run.identity["chosen"]:
            shown.say(what_was_chosen(run.identity))
        shown.say(f"training {run.identity['recipe']} on {data} ({len(dataset.train)} examples) in {run.path}")
        scalars = scalars_writer(run, tensorboard)
        while True:
            try:
                train_run(run.recipe, run.directory, dataset, place, shown, scalars)
                return run
            except Sick as sick:
                run = roll_back(run, sick)
                shown.say(what_was_remedied(run))


def prepare(
    data: str,
    recipe: str | None,
    out: Path | None,
    place: torch.device,
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
    check_heeded(named, dataset.spec, settings)
    there = Directory(path).read_identity() or {}
    remedies = there.get("remedies", []) if there.get("recipe") == named.name else []
    remedied = {name: value for remedy in remedies for name, value in remedy["settings"].items()}
    given = {name: value for name, value in (own | general | data_values).items() if name not in remedied}
    threads = int(general.get("threads", 0)) or recorded_threads(there) or torch.get_num_threads()
    chosen = recorded_choice(there, named) or choose(named, dataset, Machine(place.type, threads))
    own, general, _ = share_out(named, {**chosen.get("settings", {}), **settings, **remedied}, hints)
    built = build(named, dataset.spec, own, general)
    built = replace(built, threads=built.threads or threads)
    built.game.turns(built.batch)  # refuses a batch that does not fit the game
    check_size(data, len(dataset.train), built.batch)
    if built.ema_rampup and not built.ema and "ema_rampup" in settings:
        raise UsageError("ema_rampup shapes the averaged generator, and there is none: give --set ema=0.999 too.")
    if built.conditional and not labelled(dataset):
        raise UsageError(f"{named.name} needs a label or attributes for every example; {data} does not have them.")
    if named.digest:
        try_out(Path(recipe or ""), built, dataset)
    identity = {
        "sparring": __version__,
        "recipe": named.name,
        "recipe_digest": named.digest,
        "data": data if data in (*NAMES, *TOYS) else str(Path(data).expanduser().resolve()),
        "data_options": data_values,
        "given": given,
        "remedies": remedies,
        "chosen": chosen,
        "settings": settings_of(named, built, own),
        "spec": dataset.spec.to_json(),
        "fingerprint": dataset.fingerprint,
    }
    return Run(path, built, identity), dataset


def roll_back(run: Run, sick: Sick) -> Run:
    """The run at its best checkpoint again, with what helps in its settings; the caller holds its lock.

    Raises:
        Sick: the user only wants it to stop, it has no best checkpoint, it was helped REMEDIES times already, or no
            change of the general settings helps.
    """
    remedy, identity = prescribe(sick.verdict, run.identity), dict(run.identity)
    if run.recipe.on_sick == "stop" or remedy is None or remedy.recipe != identity["recipe"]:
        raise sick
    if not run.directory.best.exists() or len(identity["remedies"]) >= REMEDIES or identity["recipe_digest"]:
        raise sick
    named = built_in(identity["recipe"])
    own, general, _ = share_out(
        named, identity["chosen"].get("settings", {}) | remedy.settings, get_type_hints(DataOptions)
    )
    built = build(named, run.spec, own, {**general, **{name: getattr(run.recipe, name) for name in KEPT}})
    settings = settings_of(named, built, own)
    if settings["own"] != identity["settings"]["own"] or settings == identity["settings"]:
        raise sick
    changed = {n: v for n, v in settings["general"].items() if v != identity["settings"]["general"][n]}
    step = run.step("best")
    run.directory.return_to(step)
    identity["remedies"] = [*identity["remedies"], {"step": step, "sickness": sick.verdict.name, "settings": changed}]
    identity["given"] = {name: value for name, value in identity["given"].items() if name not in changed}
    identity["settings"] = settings
    run.directory.write_identity(identity)
    return Run(run.path, built, identity)


def what_was_remedied(run: Run) -> str:
    """The last remedy, in a line."""
    last = run.identity["remedies"][-1]
    changes = ", ".join(f"{name}={value}" for name, value in last["settings"].items())
    return f"{last['sickness']}: back to the best checkpoint, of step {last['step']}, with {changes}"


def check_size(data: str, examples: int, batch: int) -> None:
    """Refuse a batch that would hold every example more than twice.

    Raises:
        UsageError: it would.
    """
    if examples < FEWEST:
        raise UsageError(f"{data} has {examples} training examples: too few to train on.")
    if batch > 2 * examples:
        raise UsageError(f"{data} has {examples} training examples, too few for a batch of {batch}: lower --batch.")


def try_out(path: Path, recipe: Recipe, dataset: Dataset) -> None:
    """Play one step of a user's recipe on the side, so that what fails there is told before anything is written.

    Raises:
        UsageError: something fails, or the generator makes examples of another shape.
    """
    place = torch.device("cpu")
    with blaming(path), torch.random.fork_rng():
        state = State(recipe, place)
        made = generate(state.generator, draw_latents(recipe, dataset.spec, 2, 0), place, by_batch=True)
        if made.shape[1:] != dataset.spec.shape:
            raise UsageError(
                f"the recipe file fails: {path}: the generator makes examples of shape {tuple(made.shape[1:])}, "
                f"but those of {dataset.spec.name} have {dataset.spec.shape}."
            )
        Step(recipe, state, Draw(recipe, dataset.train, place))()


def recorded_threads(identity: Mapping[str, Any]) -> int:
    """The number of threads that a run began with, so that it goes on with it; 0: there is no run."""
    return int(identity.get("settings", {}).get("general", {}).get("threads", 0))


def recorded_choice(identity: Mapping[str, Any], named: Named) -> dict[str, Any]:
    """What was chosen when the run began, so that it goes on with it; nothing where there is no run of this recipe."""
    return dict(identity.get("chosen", {})) if identity.get("recipe") == named.name else {}


def choose(named: Named, dataset: Dataset, machine: Machine) -> dict[str, Any]:
    """What a recipe chooses by itself for these data and this machine; recipe.json keeps it."""
    if named.digest or named.name not in CHOOSERS:
        return {}
    return CHOOSERS[named.name](dataset.spec, len(dataset.train), machine)._asdict()


def what_was_chosen(identity: Mapping[str, Any]) -> str:
    """The recipe's choice and why, and what the user set otherwise: one line."""
    chosen, settings = identity["chosen"], identity["settings"]["own"] | identity["settings"]["general"]
    others = [f"{name}={settings[name]}" for name, value in chosen["settings"].items() if settings[name] != value]
    return f"{identity['recipe']} chose {chosen['why']}" + (f" (but you set {', '.join(others)})" if others else "")


def labelled(dataset: Dataset) -> bool:
    """Whether every training example belongs to a class, or has attributes."""
    if dataset.spec.attributes:
        return True
    labels = getattr(dataset.train, "labels", None)
    return bool(dataset.spec.classes) and (labels is None or bool((labels >= 0).all()))


def claim(run: Run) -> None:
    """Make the run's directory its own; the caller holds its lock.

    Raises:
        UsageError: it holds a run with other settings.
    """
    there = run.directory.read_identity()
    if there is not None and (differences := compare(there, dict(run.identity))):
        raise UsageError(
            f"{run.path} holds a run with other settings ({'; '.join(differences)}). "
            "Give --fresh for a new directory, or choose another --out."
        )
    if there is None or not finished(run):
        run.directory.write_identity(dict(run.identity))


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
    place = Path(path)
    identity = Directory(place).read_identity()
    if identity is None:
        raise UsageError(f"{place} holds no run of Sparring (no recipe.json there).")
    try:
        if identity["recipe_digest"]:
            if recipe is None:
                raise UsageError(f"{place} was trained with a recipe file: name it (--recipe {identity['recipe']}.py).")
            named = find(recipe)
            if named.digest != identity["recipe_digest"]:
                raise UsageError(f"{recipe} is not the file that {place} was trained with: its text has changed.")
        elif recipe is not None and recipe != identity["recipe"]:
            raise UsageError(f"{place} was trained with the recipe {identity['recipe']}: leave --recipe {recipe} out.")
        else:
            named = built_in(identity["recipe"])
        run = Run(place, _rebuild(named, identity), identity)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UsageError(f"{place / 'recipe.json'} is damaged ({error!r}): this run cannot be used.") from error
    return run


def load_all(paths: Sequence[Path], files: Sequence[str]) -> list[Run]:
    """Runs from their directories; one that was trained with a recipe file takes that of ``files`` which has its name.

    Raises:
        UsageError: as ``load`` does, or a file that no run was trained with.
    """
    names = [(Directory(path).read_identity() or {}).get("recipe") for path in paths]
    for file in files:
        if Path(file).stem not in names:
            raise UsageError(f"--recipe {file}: none of these runs was trained with a file of that name.")
    by_name = {Path(file).stem: file for file in files}
    return [load(path, by_name.get(str(name))) for path, name in zip(paths, names, strict=True)]


def _rebuild(named: Any, identity: Mapping[str, Any]) -> Any:
    settings = identity["settings"]
    return build(named, DataSpec.from_json(identity["spec"]), settings["own"], settings["general"])


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


__all__ = ["RECIPES", "SparringError", "UsageError", "load", "train"]
