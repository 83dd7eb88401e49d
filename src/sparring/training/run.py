"""A run: a training on disk, and what can be asked of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sparring.data import DataOptions, open_data
from sparring.errors import SparringError, UsageError
from sparring.evaluate import Evaluation, evaluate
from sparring.metrics.features import named_features
from sparring.metrics.reading import Progress, no_progress
from sparring.training.device import choose_device
from sparring.training.directory import Directory
from sparring.training.files import write_atomically
from sparring.training.sampling import draw_latents, generate
from sparring.training.state import read_checkpoint, read_facts
from sparring.types import Dataset, DataSpec, Recipe


class Run:
    """One training: its directory, its recipe and its data's specification. It may be unfinished."""

    def __init__(self, path: Path, recipe: Recipe, identity: Mapping[str, Any]) -> None:
        self.directory = Directory(path)
        self.recipe = recipe
        self.identity = identity
        self.spec = DataSpec.from_json(identity["spec"])

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r}: {self.identity['recipe']} on {self.identity['data']})"

    @property
    def path(self) -> Path:
        """The run's directory."""
        return self.directory.path

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """What metrics.jsonl holds: one dictionary a line, each with its ``step``."""
        return self.directory.read_metrics()

    def checkpoint(self, which: str | int = "best") -> Path:
        """The file of a checkpoint: ``best`` (the newest where none was measured yet), ``last`` or a step's number.

        Raises:
            UsageError: there is no such checkpoint.
        """
        which = str(which)
        numbered = self.directory.numbered()
        if which == "best" and self.directory.best.exists():
            return self.directory.best
        if which in ("best", "last") and numbered:
            return numbered[-1]
        if which.isdecimal() and self.directory.checkpoint(int(which)).exists():
            return self.directory.checkpoint(int(which))
        if which not in ("best", "last"):
            there = ", ".join(["best", "last", *(str(int(f.stem)) for f in numbered)])
            raise UsageError(f"{self.path} has no checkpoint {which!r}; it has: {there}.")
        raise UsageError(f"{self.path} holds no checkpoint yet: train it first.")

    def generator(self, checkpoint: str = "best") -> nn.Module:
        """The trained generator (its moving average where there is one), in inference mode, on the CPU.

        Raises:
            UsageError: there is no such checkpoint, or it is damaged or of other networks.
        """
        path = self.checkpoint(checkpoint)
        _, tensors = read_checkpoint(path)
        prefix = "average." if self.recipe.ema else "players.generator."
        weights = {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
        with torch.random.fork_rng():
            generator = self.recipe.generator()
        try:
            generator.load_state_dict(weights)
        except RuntimeError as error:
            raise UsageError(f"{path} does not belong to this recipe: its generator has other weights.") from error
        return generator.eval()

    def sample(
        self,
        n: int,
        seed: int = 0,
        *,
        label: int | None = None,
        latents: Tensor | np.ndarray[Any, Any] | None = None,
        checkpoint: str = "best",
        device: str = "cpu",
    ) -> Tensor:
        """N generated examples (n, *shape), float32: images in [-1, 1]. The same seed gives the same examples.

        Args:
            n: how many; with ``latents`` it must be as many as these.
            seed: decides the latent codes, which are all drawn at once.
            label: the class, for a generator that knows classes; without it each is as frequent as in the data.
            latents: latent codes of your own, (n, latent_dim).
            checkpoint: ``best``, ``last`` or a step's number.
            device: where the network runs.

        Raises:
            UsageError: any of these does not fit.
        """
        if not isinstance(n, int) or n < 1:
            raise UsageError(f"cannot make {n} samples: ask for one or more.")
        place = choose_device(device)
        inputs = draw_latents(self.recipe, self.spec, n, seed, label)
        if latents is not None:
            inputs = (check_latents(latents, inputs[0]), *inputs[1:])
        made = generate(self.generator(checkpoint).to(place), inputs, place)
        if not torch.isfinite(made).all():
            raise SparringError(f"{self.checkpoint(checkpoint)} makes samples that are not finite: it is of no use.")
        return made

    def dataset(self) -> Dataset:
        """The data that the run was trained on, opened again.

        Raises:
            UsageError: it is not there any more, or it has changed.
        """
        try:
            options = DataOptions(**self.identity["data_options"])
        except (KeyError, TypeError) as error:
            raise UsageError(f"{self.path / 'recipe.json'} is damaged ({error}): this run cannot be used.") from error
        dataset = open_data(self.identity["data"], options)
        if dataset.fingerprint != self.identity["fingerprint"]:
            raise UsageError(f"the data {self.identity['data']} has changed since {self.path} was trained on it.")
        return dataset

    def evaluate(
        self,
        n: int = 10_000,
        *,
        seed: int = 0,
        checkpoint: str = "best",
        device: str = "cpu",
        progress: Progress = no_progress,
        features: str = "auto",
        download: bool = False,
    ) -> Evaluation:
        """Figures of at most n samples, each beside the same figure for held-out real data; kept in evaluation.json.

        ``progress(what, done, total)`` is called now and then. ``features`` is one of ``metrics.features.NAMES``;
        ``download`` allows to fetch the network that they come from.
        """
        dataset, where = self.dataset(), choose_device(device)
        chosen = None if features == "auto" else named_features(features, dataset, where, download=download)
        result = evaluate(
            lambda count: self.sample(count, seed, checkpoint=checkpoint, device=device),
            dataset,
            n=n,
            device=where,
            progress=progress,
            seed=seed,
            features=chosen,
        )
        values = {"checkpoint": checkpoint, "step": self.step(checkpoint), **result.to_json()}
        try:
            write_atomically(self.path / "evaluation.json", (json.dumps(values, indent=2) + "\n").encode())
        except SparringError as error:  # the figures are worth more than the file
            return replace(result, notes=(*result.notes, f"WARNING: these figures were not kept: {error}"))
        return result

    def step(self, checkpoint: str = "best") -> int:
        """The step of a checkpoint."""
        return int(read_facts(self.checkpoint(checkpoint))["step"])


def check_latents(latents: Tensor | np.ndarray[Any, Any], like: Tensor) -> Tensor:
    """Latent codes of the user's own as float32, if they have the shape that the recipe's have.

    Raises:
        UsageError: another shape, no numbers, or values that are not finite.
    """
    try:
        z = torch.as_tensor(latents).to(torch.float32)
    except (TypeError, ValueError) as error:
        raise UsageError(f"the latent codes are no array of numbers ({error}).") from error
    if z.shape != like.shape:
        raise UsageError(f"the latent codes have shape {tuple(z.shape)}, but this run needs {tuple(like.shape)}.")
    if not torch.isfinite(z).all():
        raise UsageError("the latent codes hold values that are not finite.")
    return z
