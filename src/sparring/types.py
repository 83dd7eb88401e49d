"""The types that every room shares: batches, specifications of data, players, turns, recipes and small protocols."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias, runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn

from sparring.errors import UsageError
from sparring.settings import Settings

Inputs: TypeAlias = tuple[Tensor, ...]
"""What a player is called with: ``(x, *conditions)`` for a discriminator, ``(latent, *conditions)`` for a generator."""

Critic: TypeAlias = "Callable[..., Tensor]"
"""A discriminator as a function: ``critic(x, *conditions)`` gives raw outputs (n,)."""

Penalty: TypeAlias = "Callable[[Critic, Inputs, Inputs], Tensor]"
"""``penalty(critic, real, fake)``: a scalar added to the discriminator's loss."""

Memory: TypeAlias = Mapping[str, Tensor]
"""What a game keeps between its moves: made when a training begins, on its device, changed in place, saved with it."""

PROGRESS = "progress"
"""The entry that every memory has: the share of the run that is over, 0 to 1, a scalar."""

Latent: TypeAlias = "Callable[[torch.Generator | None, int], Tensor]"
"""``latent(generator, n)`` draws n latent codes, shape (n, …); no generator means torch's own."""


LARGEST = 1 << 28
"""The most numbers that one example may have."""


class Batch(NamedTuple):
    """Examples as they are stored: ``x`` (n, *shape), uint8 for images, float32 for points; ``y`` their conditions.

    ``y`` is labels (n,) int64, -1 where unlabelled; or attributes (n, a) float32 in the user's units; or None.
    """

    x: Tensor
    y: Tensor | None = None


@dataclass(frozen=True)
class Attribute:
    """A continuous condition as the training examples have it, in the user's units."""

    name: str
    mean: float
    deviation: float
    """Standard deviation; 1 where all values are alike."""
    low: float
    high: float

    def __post_init__(self) -> None:
        """Raise ``ValueError`` for numbers that no training examples could have."""
        if not (-np.inf < self.low <= self.high < np.inf and np.isfinite(self.mean) and 0 < self.deviation < np.inf):
            raise ValueError(f"no attribute is like {self}")


@dataclass(frozen=True)
class DataSpec:
    """What one example is: its kind, shape and condition, and the way between stored and network values.

    Images are stored as uint8 (C, H, W) and are float32 in [-1, 1] to the networks; points are float32 (d,) to both.
    The condition is a class or some attributes, never both: a class is its number to the networks, attributes are
    standardised.
    """

    kind: Literal["image", "points"]
    shape: tuple[int, ...]
    classes: tuple[str, ...] = ()
    name: str = ""
    shares: tuple[float, ...] = ()
    """The share of each class among the labelled training examples; empty: all alike."""
    attributes: tuple[Attribute, ...] = ()
    rows: tuple[tuple[float, ...], ...] = field(default=(), repr=False)
    """Attributes of some training examples, drawn evenly: what a run has of them where the data are not at hand."""

    @property
    def size(self) -> int:
        """How many numbers one example has."""
        return int(np.prod(self.shape))

    def encode(self, stored: Tensor) -> Tensor:
        """Stored values as network values: uint8 0..255 to float32 in [-1, 1]; points unchanged."""
        return stored.to(torch.float32).div_(127.5).sub_(1.0) if self.kind == "image" else stored

    def decode(self, x: Tensor) -> Tensor:
        """Network values as stored values: [-1, 1] to uint8 0..255, rounded and clipped; points unchanged."""
        if self.kind != "image":
            return x
        return x.float().add(1.0).mul_(127.5).round_().clamp_(0, 255).to(torch.uint8)

    def encode_condition(self, y: Tensor) -> Tensor:
        """Stored conditions as the networks see them: attributes (n, a) standardised; labels (n,) unchanged."""
        if not self.attributes:
            return y
        mean, deviation = (torch.tensor([getattr(a, of) for a in self.attributes]) for of in ("mean", "deviation"))
        return (y - mean.to(y)) / deviation.to(y)

    def to_json(self) -> dict[str, Any]:
        """The specification as JSON values."""
        values: dict[str, Any] = {
            "kind": self.kind,
            "shape": list(self.shape),
            "classes": list(self.classes),
            "name": self.name,
            "shares": list(self.shares),
        }
        if self.attributes:
            rows = [" ".join(map(repr, row)) for row in self.rows]  # a line each in the file
            values |= {"attributes": [asdict(attribute) for attribute in self.attributes], "rows": rows}
        return values

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> DataSpec:
        """The specification that ``to_json`` wrote.

        Raises:
            ValueError, KeyError, TypeError: it is anything else.
        """
        shape, classes, shares = (tuple(values.get(name, ())) for name in ("shape", "classes", "shares"))
        if not shape or not all(isinstance(side, int) and side > 0 for side in shape) or np.prod(shape) > LARGEST:
            raise ValueError(f"no example has the shape {shape}")
        attributes = tuple(Attribute(**attribute) for attribute in values.get("attributes", ()))
        rows = tuple(tuple(map(float, row.split())) for row in values.get("rows", ()))
        if bool(attributes) != bool(rows) or any(len(row) != len(attributes) for row in rows):
            raise ValueError(f"{len(rows)} rows do not fit {len(attributes)} attributes")
        return cls(values["kind"], shape, classes, values["name"], shares, attributes, rows)

    def draw_conditions(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """N stored conditions, labels (n,) or attributes (n, a), as frequent as in the training part."""
        if not self.attributes:
            return self.draw_labels(n, generator)
        return torch.tensor(self.rows)[torch.randint(len(self.rows), (n,), generator=generator)]

    @property
    def class_numbers(self) -> dict[str, int]:
        """The number of each class by what a user may call it: its number, or its name, which comes first."""
        return {str(i): i for i in range(len(self.classes))} | {name: i for i, name in enumerate(self.classes)}

    @property
    def cumulative_shares(self) -> Tensor:
        """The cumulative shares of the classes in the training part, (classes,), from above 0 up to 1."""
        shares = torch.tensor(self.shares or [1.0] * len(self.classes), dtype=torch.float64)
        return (shares.cumsum(0) / shares.sum()).float()

    def draw_labels(
        self, n: int, generator: torch.Generator | None = None, cumulative_shares: Tensor | None = None
    ) -> Tensor:
        """N labels (n,) int64, as frequent as in the training part; ``cumulative_shares`` saves computing them."""
        cumulative = self.cumulative_shares if cumulative_shares is None else cumulative_shares
        return torch.searchsorted(cumulative, torch.rand(n, generator=generator), right=True)


class DataSource(Protocol):
    """Examples that can be read by index."""

    @property
    def spec(self) -> DataSpec:
        """What one example is."""
        ...

    def __len__(self) -> int:
        """How many examples there are."""
        ...

    def read(self, indices: np.ndarray[Any, np.dtype[np.int64]]) -> Batch:
        """The examples at these positions, in this order; a position may come twice."""
        ...

    @property
    def labels(self) -> np.ndarray[Any, np.dtype[np.int64]] | None:
        """The labels (n,) of all examples, in order, -1 where there is none; None without classes."""
        ...

    @property
    def attributes(self) -> np.ndarray[Any, np.dtype[np.float32]] | None:
        """The attributes (n, a) of all examples, in order, in the user's units; None if there are none."""
        ...

    def tensors(self) -> Batch | None:
        """All examples, in order, to be put on a device; None if they are too many for that."""
        ...


class Density(Protocol):
    """A toy distribution that is known exactly. Points are (n, d)."""

    modes: Tensor | None
    """Centres of the modes (m, d), where the distribution is a mixture of equal round Gaussians."""
    sigma: float
    """Standard deviation of one mode."""

    def log_prob(self, x: Tensor) -> Tensor:
        """log p at points (n, d): (n,)."""
        ...

    def sample(self, generator: torch.Generator, n: int) -> Tensor:
        """N points (n, d)."""
        ...

    def quantile(self, u: Tensor) -> Tensor:
        """1-D only: the points (n,) below which a share u (n,) of the mass lies."""
        ...


@dataclass(frozen=True)
class Dataset:
    """Opened data: its parts, what was read, and, for toys, the exact density."""

    spec: DataSpec
    train: DataSource
    validation: DataSource | None
    """Held out of training; chooses the best checkpoint."""
    test: DataSource | None
    """Held out of everything but the final figures."""
    fingerprint: str
    """Changes whenever the packed data would."""
    notes: tuple[str, ...] = ()
    """What a reader of figures must know, one line each: how the parts were made, resizing, lossy copies."""
    skipped: tuple[tuple[str, str], ...] = ()
    """(file, why) for everything that could not be read."""
    density: Density | None = None

    @property
    def held_out(self) -> DataSource | None:
        """What figures are measured against: the test part, else the validation part; None if there is neither."""
        return self.validation if self.test is None else self.test


@runtime_checkable
class SeesFirst(Protocol):
    """A network whose first weights depend on the data: it is shown some examples once, before the first step."""

    def first_pass(self, x: Tensor) -> None:
        """Fit the first weights to encoded examples (n, …)."""
        ...


PlayerName: TypeAlias = Literal["generator", "discriminator"]


class Players(nn.Module):
    """The two networks of a game. A one-player game (an autoencoder) has no discriminator."""

    def __init__(self, generator: nn.Module, discriminator: nn.Module | None = None) -> None:
        super().__init__()
        self.generator = generator
        self.discriminator = discriminator
        self.optimisers: dict[PlayerName, torch.optim.Optimizer] = {}
        """The optimiser of each player, for games that look ahead (``Unrolled``)."""


class Drawn(NamedTuple):
    """What a move is given: encoded real examples ``(x, *conditions)`` and latent codes ``(z, *conditions)``."""

    real: Inputs
    latent: Inputs
    memory: Memory = MappingProxyType({})
    labelled: Inputs = ()
    """Encoded labelled examples ``(x, y)``, where the turn asks for them; else empty."""


Statistics: TypeAlias = dict[str, Tensor]
"""What a move measured, scalars by name: they are averaged into metrics.jsonl."""


class View(Protocol):
    """How examples are shown to the discriminator, real and fake alike; differentiable.

    A view that keeps nothing between moves implements ``__call__`` alone.
    """

    def __call__(self, inputs: Inputs, memory: Memory) -> Inputs:
        """The inputs as they are shown."""
        ...

    def memory(self) -> Memory:
        """The initial value of what it keeps between moves; new tensors at each call."""
        return {}

    def adapt(self, memory: Memory, statistics: Statistics) -> None:
        """Called after each move of the discriminator with what the move measured.

        Changes the memory in place, and may add to the statistics.
        """
        return


class Turn(NamedTuple):
    """One player's move: how often it is made in a step, how many examples it draws, and its loss."""

    player: PlayerName
    real: int
    """Examples drawn from the data."""
    fake: int
    """Latent codes drawn."""
    loss: Callable[[Players, Drawn], tuple[Tensor, Statistics]]
    times: int = 1
    labelled: int = 0
    """Examples drawn from those of the data that have a label: a stream of their own."""


class Game(Protocol):
    """What is played: who moves when, on how many examples, and with which loss."""

    def turns(self, batch: int) -> Sequence[Turn]:
        """The moves of one step, in order."""
        ...

    def memory(self) -> Memory:
        """The initial value of what the game keeps between moves; new tensors at each call."""
        ...

    def after_step(self, players: Players, player: PlayerName, memory: Memory, statistics: Statistics) -> None:
        """Called after each optimiser step, e.g. to clip weights, with what the move measured."""
        ...


class Optimiser(Protocol):
    """Makes an optimiser for one player's parameters at a learning rate."""

    def __call__(self, parameters: list[nn.Parameter], lr: float | Tensor) -> torch.optim.Optimizer:
        """An optimiser whose learning rate, a scalar tensor off the CPU, the step may change in place."""
        ...


class Machine(NamedTuple):
    """The machine that a training will run on, as far as a choice of settings may depend on it."""

    device: str
    """The kind: cpu, cuda or mps."""
    threads: int
    """CPU threads."""
    bfloat16: bool = False
    """Whether it is a CPU that multiplies such numbers by instructions of its own."""


@dataclass(frozen=True, kw_only=True)
class Recipe(Settings):
    """Everything that one training is: networks, game, latents, optimiser, and the plain settings it inherits."""

    paper: str
    generator: Callable[[], nn.Module]
    discriminator: Callable[[], nn.Module] | None
    game: Game
    latent: Latent
    optimiser: Optimiser
    conditional: bool = False
    """The players are given the labels, or the attributes."""
    classifies: bool = False
    """The discriminator is a classifier, to be used after training: it has a moving average as the generator has."""

    def __post_init__(self) -> None:
        """Refuse settings that cannot mean anything, here or in any recipe."""
        super().__post_init__()
        if self.balance and self.discriminator is None:
            raise UsageError("balance is between two sides, and this recipe has no discriminator: leave it out.")
        if self.balance and self.hold != "none":
            raise UsageError(f"balance is between two sides, and the {self.hold} is held: leave one of them out.")
