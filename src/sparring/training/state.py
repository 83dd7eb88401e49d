"""All that a checkpoint holds: the players, the average, the optimisers, the game's tensors and the step."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor, nn

from sparring.errors import UsageError
from sparring.files import write_atomically
from sparring.training.balance import full_shares
from sparring.types import PROGRESS, PlayerName, Players, Recipe

FORMAT = "sparring-checkpoint-1"
FACTS = ("step", "best", "first_figure", "since_line", "since_signals")
REMEDY = "Remove it to go on from an older checkpoint, or start over with --fresh."


class State:
    """A training at one instant. ``step`` is negative during pretraining (of the discriminator alone)."""

    def __init__(
        self,
        recipe: Recipe,
        device: torch.device,
        *,
        static: bool = False,
        layout: torch.memory_format = torch.channels_last,
    ) -> None:
        """The state before the first step; the first weights come from torch's own generator.

        Args:
            recipe: what is trained.
            device: where.
            static: learning rates are tensors on the device, so that a captured step reads their current values.
            layout: the memory format of convolutions' weights, and so of their feature maps.
        """
        self.recipe, self.static = recipe, static
        discriminator = recipe.discriminator() if recipe.discriminator else None
        self.players = Players(recipe.generator(), discriminator).to(device)
        self.players.to(memory_format=layout)  # type: ignore[call-overload]
        self.average: nn.Module | None = copy.deepcopy(self.players.generator) if recipe.ema else None
        averaged = discriminator if recipe.ema and recipe.classifies else None
        self.average_discriminator: nn.Module | None = copy.deepcopy(averaged)
        self.memory = {PROGRESS: torch.zeros((), device=device)}
        kept = {**recipe.game.memory(), **full_shares(recipe)}
        self.memory |= {name: tensor.to(device) for name, tensor in kept.items()}
        self.step = -recipe.pretrain
        self.best: tuple[int, float] | None = None
        """Step and figure of the best measurement so far."""
        self.first_figure: float | None = None
        """The figure of the untrained generator."""
        self.since_line: dict[str, list[float]] = {}
        """Statistics of the moves since the last line of metrics.jsonl that had any."""
        self.since_signals: list[float] = []
        """The generator's losses since the last signals."""
        self.parameters: dict[PlayerName, list[nn.Parameter]] = {
            "generator": list(self.players.generator.parameters()),
        }
        if discriminator is not None:
            self.parameters["discriminator"] = list(discriminator.parameters())
        rates: dict[PlayerName, float] = {
            "generator": recipe.lr_generator,
            "discriminator": recipe.lr_discriminator,
        }
        self.optimisers = {
            player: recipe.optimiser(parameters, self.as_rate(rates[player], device))
            for player, parameters in self.parameters.items()
        }
        self.players.optimisers = self.optimisers

    @property
    def generator(self) -> nn.Module:
        """The network that samples come from: the average where there is one."""
        return self.average if self.average is not None else self.players.generator

    def averaged(self) -> list[tuple[nn.Module, nn.Module]]:
        """Each moving average and the network that it is of."""
        pairs = [
            (self.average, self.players.generator),
            (self.average_discriminator, self.players.discriminator),
        ]
        return [(average, network) for average, network in pairs if average is not None and network is not None]

    def tensors(self) -> dict[str, Tensor]:
        """Every tensor of the state by name: the state's own tensors, not copies."""
        named = {f"players.{name}": tensor for name, tensor in self.players.state_dict().items()}
        if self.average is not None:
            named |= {f"average.{name}": tensor for name, tensor in self.average.state_dict().items()}
        if self.average_discriminator is not None:
            own = self.average_discriminator.state_dict().items()
            named |= {f"average_discriminator.{name}": tensor for name, tensor in own}
        for player, optimiser in self.optimisers.items():
            for i, parameter in enumerate(self.parameters[player]):
                for name, value in optimiser.state.get(parameter, {}).items():
                    if isinstance(value, Tensor):
                        named[f"optimiser.{player}.{i}.{name}"] = value
        return named | {f"game.{name}": tensor for name, tensor in self.memory.items() if name != PROGRESS}

    def save(self, path: Path) -> None:
        """Write a checkpoint; it is there whole or not at all.

        Raises:
            SparringError: the file cannot be written.
        """
        facts = {"format": FORMAT} | {name: getattr(self, name) for name in FACTS}
        tensors = {
            name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
            for name, tensor in self.tensors().items()
        }
        # One entry of metadata, as safetensors orders several at random: equal states give equal files.
        write_atomically(path, to_bytes(tensors, {"sparring": json.dumps(facts)}))

    def load(self, path: Path) -> None:
        """Fill this state from a checkpoint of the same recipe.

        Raises:
            UsageError: the file is no checkpoint, is damaged, or is one of other networks. The state is unchanged.
        """
        facts, saved = read_checkpoint(path)
        numbered = path.stem.lstrip("-").isdigit()
        if facts["step"] < -self.recipe.pretrain or (numbered and facts["step"] != int(path.stem)):
            raise UsageError(f"{path} is damaged: it cannot be of step {facts['step']}. {REMEDY}")
        kept = {player: self.saved_optimiser(player, saved) for player in self.optimisers}
        own = {name: tensor for name, tensor in self.tensors().items() if not name.startswith("optimiser.")}
        expected = own | {
            f"optimiser.{player}.{i}.{name}": tensor
            for player, entries in kept.items()
            for i, entry in entries.items()
            for name, tensor in entry.items()
        }
        if misfits := [
            n
            for n in expected.keys() | saved.keys()
            if n not in expected or n not in saved or not alike(expected[n], saved[n])
        ]:
            raise UsageError(
                f"{path} does not belong to this recipe: {len(misfits)} tensors differ, first {sorted(misfits)[0]!r}."
            )
        with torch.no_grad():
            for name, tensor in expected.items():
                tensor.copy_(saved[name])
        for player, optimiser in self.optimisers.items():
            optimiser.load_state_dict({"state": kept[player], "param_groups": optimiser.state_dict()["param_groups"]})
        for name in FACTS:
            setattr(self, name, facts[name])

    def saved_optimiser(self, player: PlayerName, saved: dict[str, Tensor]) -> dict[int, dict[str, Tensor]]:
        """The tensors, to be filled, that a player's optimiser keeps for each parameter that it has ever moved."""
        moved = {int(name.split(".")[2]) for name in saved if name.startswith(f"optimiser.{player}.")}
        if not moved:
            return {}
        copies = [nn.Parameter(torch.zeros_like(parameter)) for parameter in self.parameters[player]]
        for copied in copies:
            copied.grad = torch.zeros_like(copied)
        optimiser = self.recipe.optimiser(copies, self.as_rate(0.0, copies[0].device))
        optimiser.step()
        states = [optimiser.state[copied] for copied in copies]
        return {
            i: {name: value.clone() for name, value in state.items() if isinstance(value, Tensor)}
            for i, state in enumerate(states)
            if i in moved
        }

    def as_rate(self, rate: float, device: torch.device) -> float | Tensor:
        """A number that changes from step to step, such as a learning rate: a tensor on the device if ``static``."""
        return torch.tensor(rate, device=device) if self.static else rate


def alike(a: Tensor, b: Tensor) -> bool:
    """Same shape and same type of numbers."""
    return a.shape == b.shape and a.dtype == b.dtype


def floats(values: list[Any]) -> list[float]:
    """Values from a file as numbers."""
    return [float(value) for value in values]


def read_checkpoint(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The facts and the tensors of a checkpoint; safetensors only, so nothing in it is executed.

    Raises:
        UsageError: the file cannot be read, or is no checkpoint.
    """
    with opened(path) as (file, facts):
        return facts, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def read_facts(path: Path) -> dict[str, Any]:
    """The facts of a checkpoint alone: ``step``, ``best`` (step and figure), ``first_figure`` and what is not told yet.

    Raises:
        UsageError: as ``read_checkpoint``.
    """
    with opened(path) as (_, facts):
        return facts


@contextmanager
def opened(path: Path) -> Iterator[tuple[Any, dict[str, Any]]]:
    """A checkpoint's open file and its facts; whatever is wrong with it, found within, becomes a ``UsageError``."""
    try:
        with safe_open(path, framework="pt") as file:
            facts = json.loads((file.metadata() or {}).get("sparring", "{}"))
            if facts.get("format") != FORMAT:
                raise UsageError(f"{path} is not a checkpoint of this version of Sparring ({FORMAT}). {REMEDY}")
            best, first = facts["best"], facts["first_figure"]
            yield (
                file,
                {
                    "step": int(facts["step"]),
                    "best": None if best is None else (int(best[0]), float(best[1])),
                    "first_figure": None if first is None else float(first),
                    # Checkpoints of earlier versions have none of these.
                    "since_line": {name: floats(values) for name, values in facts.get("since_line", {}).items()},
                    "since_signals": floats(facts.get("since_signals", [])),
                },
            )
    except (
        SafetensorError,
        OSError,
        ValueError,
        KeyError,
        IndexError,
        TypeError,
        AttributeError,
        RecursionError,
    ) as error:
        raise UsageError(f"{path} is damaged or no checkpoint ({error}). {REMEDY}") from error
