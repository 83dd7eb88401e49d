"""Plain settings: what ``--set NAME=VALUE`` may change, how a value is read, and the error where it cannot be."""

from __future__ import annotations

import difflib
import math
import operator
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import UnionType
from typing import Any, Literal, NamedTuple, get_args, get_origin

from sparring.errors import UsageError

Value = bool | int | float | str
Schedule = Literal["constant", "linear", "late", "cosine"]
LARGEST_SEED = 2**63 - 2
AT_LEAST = {"steps": 1, "batch": 2, "k": 1, "pretrain": 0, "decay_every": 1, "grid_every": 1, "log_every": 1}
AT_LEAST |= {"best_every": 0, "signals_every": 0, "seed": 0, "threads": 0}
AT_MOST = {"threads": 1024, "seed": LARGEST_SEED, "k": 10_000, "steps": 10**9, "pretrain": 10**9}
"""The ranges of settings that are whole numbers."""


class Choice(NamedTuple):
    """Settings that a recipe chose for some data and a machine, and a line that says why."""

    settings: dict[str, Value]
    why: str


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings that every training has, whatever the recipe. A recipe's defaults are those of its paper."""

    steps: int = 30_000
    """Generator updates in the whole run."""
    batch: int = 32
    seed: int = 0
    k: int = 1
    """Discriminator updates per step."""
    pretrain: int = 0
    """Discriminator updates before the first step."""
    hold: Literal["none", "generator", "discriminator"] = "none"
    """A player that is not trained at all."""
    lr_generator: float = 2e-4
    lr_discriminator: float = 2e-4
    schedule_generator: Schedule = "constant"
    """A learning rate over the run: constant, or falling to zero at its end, ``late`` within the last third only."""
    schedule_discriminator: Schedule = "constant"
    decay_generator: float = 1.0
    decay_discriminator: float = 1.0
    """Factor on a learning rate every ``decay_every`` steps."""
    decay_every: int = 1
    ema: float = 0.0
    """Share of the old value that the generator's moving average keeps each step; 0: no average."""
    ema_rampup: float = 0.0
    """Largest half-life of the average as a share of the steps done, so that it soon forgets its first, poor
    generators (Karras et al. 2020, arXiv:2006.06676, in its published code: .05); 0: ``ema`` from the first step on."""
    balance: float = 0.0
    """The accuracy of the discriminator above which its learning rate falls; while it is below chance the generator's
    falls. Between .5 and 1; 0: learning rates are left as they are."""
    clip: float = 0.0
    """Largest norm of a player's gradient, which is scaled down to it; 0: any."""
    grid_every: int = 200
    """Steps between sample grids."""
    log_every: int = 50
    """Steps between lines of metrics.jsonl, and between checks that all values are finite."""
    best_every: int = 0
    """Steps between measurements that choose the best checkpoint; 0: a twentieth of the run, ``log_every`` at
    least."""
    signals_every: int = 0
    """Steps between measurements of cheap signals of how the game goes; 0: every 16 000
    examples, and at least 100 steps apart. A number above ``steps``: none."""
    on_sick: Literal["continue", "stop", "rollback"] = "continue"
    """What happens when the game is found to be sick: nothing, the run stops (exit code 3), or it returns to its best
    checkpoint and continues from there with the remedy's settings."""
    checkpoint_seconds: float = 60.0
    """Seconds between checkpoints; 0: one at every line of metrics.jsonl."""
    engine: Literal["auto", "eager", "captured"] = "auto"
    """How steps are played: one operation after another, or captured in a CUDA graph; auto: captured on CUDA."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """The numbers that networks compute in. Weights, losses, penalties and optimisers are float32 in any case."""
    threads: int = 0
    """CPU threads; 0: as many as torch uses when the run begins. Another number changes the last bits."""

    def __post_init__(self) -> None:
        """Refuse values that cannot mean anything."""
        for name, least in AT_LEAST.items():
            if getattr(self, name) < least:
                raise UsageError(f"{name}={getattr(self, name)} is too small: it must be at least {least}.")
        for name, most in AT_MOST.items():
            if getattr(self, name) > most:
                raise UsageError(f"{name}={getattr(self, name)} is too large: it must be at most {most}.")
        for name in ("lr_generator", "lr_discriminator", "clip", "ema_rampup", "checkpoint_seconds"):
            if not 0 <= getattr(self, name) < math.inf:
                raise UsageError(f"{name}={getattr(self, name)} makes no sense: it must be 0 or more, and finite.")
        for name in ("decay_generator", "decay_discriminator"):
            if not 0 < getattr(self, name) <= 1:
                raise UsageError(f"{name}={getattr(self, name)} makes no sense: it must lie above 0 and up to 1.")
        if not 0 <= self.ema < 1:
            raise UsageError(f"ema={self.ema} makes no sense: it must lie from 0 to below 1.")
        if self.balance and not 0.5 < self.balance < 1:
            raise UsageError(f"balance={self.balance} makes no sense: it must lie between .5 and 1, or be 0.")


def convert(name: str, value: Value, hint: Any) -> Value:
    """One setting's value (text from the command line, or a Python value) as the type that its hint asks for.

    Raises:
        UsageError: the value does not fit.
    """
    if isinstance(hint, UnionType):  # an optional setting: its other type
        hint = next(kind for kind in get_args(hint) if kind is not type(None))
    if get_origin(hint) is Literal:
        choices = get_args(hint)
        if str(value) not in choices:
            raise UsageError(f"{name}={value} is not one of {', '.join(choices)}.")
        return str(value)
    if hint is bool:
        word = str(value).lower()
        if word not in ("true", "false", "1", "0", "yes", "no"):
            raise UsageError(f"{name}={value} is not true or false.")
        return word in ("true", "1", "yes")
    if hint is str:
        return str(value)
    try:
        if isinstance(value, bool):
            raise ValueError
        return float(value) if hint is float else _whole(value)
    except (TypeError, ValueError, OverflowError):
        kind = "a whole number" if hint is int else "a number"
        raise UsageError(f"{name}={value} is not {kind}.") from None


def _whole(value: Value) -> int:
    try:
        return int(value) if isinstance(value, str) else operator.index(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):  # a float such as 1e3; above, no digit of a large number is lost
        number = float(value)
    if number != int(number):
        raise ValueError
    return int(number)


def parse_assignments(assignments: Iterable[str]) -> dict[str, str]:
    """``["k=2", …]`` as ``{"k": "2", …}``.

    Raises:
        UsageError: no ``=``, or a name twice.
    """
    values: dict[str, str] = {}
    for text in assignments:
        name, equals, value = text.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or not name:
            raise UsageError(f"--set {text!r} is not of the form NAME=VALUE.")
        if name in values:
            raise UsageError(f"--set {name} is given twice.")
        values[name] = value.strip()
    return values


def split(values: Mapping[str, Value], *hints: Mapping[str, Any]) -> list[dict[str, Value]]:
    """Share settings out: each goes to the first of several sets of known names that has it, converted to its type.

    Raises:
        UsageError: a name that nobody knows (with the nearest names), or a value that does not fit.
    """
    shares: list[dict[str, Value]] = [{} for _ in hints]
    for name, value in values.items():
        for share, known in zip(shares, hints, strict=True):
            if name in known:
                share[name] = convert(name, value, known[name])
                break
        else:
            names = sorted({n for known in hints for n in known})
            raise UsageError(f"there is no setting {name!r}.{nearest(name, names)}")
    return shares


def nearest(name: str, known: Iterable[str]) -> str:
    """A sentence that asks whether the nearest known names were meant, or lists them all where none is near."""
    names = list(known)
    near = difflib.get_close_matches(name.lower(), [n.lower() for n in names], n=3, cutoff=0.5)
    if not near:
        return f" Known: {', '.join(names)}."
    return f" Did you mean {' or '.join(n for low in dict.fromkeys(near) for n in names if n.lower() == low)}?"
