"""The tutorials' loop as something that can be timed, sampled, stopped and taken up again."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save
from torch import Tensor

from sparring.files import write_atomically
from sparring.types import Dataset
from tutorial import Tutorial


class Plain:
    """The tutorials' loop with a clock, and random numbers that nothing else draws from."""

    def __init__(self, dataset: Dataset, seed: int) -> None:
        torch.manual_seed(seed)
        images = dataset.spec.encode(dataset.train.read(np.arange(len(dataset.train))).x).flatten(1)
        self.loop = Tutorial(images, 32)
        self.shape = dataset.spec.shape
        self.random = torch.get_rng_state()
        self.step, self.seconds = 0, 0.0

    def play(self, steps: int) -> None:
        """So many steps."""
        torch.set_rng_state(self.random)
        began = time.perf_counter()
        for _ in range(steps):
            self.loop()
        self.seconds += time.perf_counter() - began
        self.step += steps
        self.random = torch.get_rng_state()

    def sample(self, n: int) -> Tensor:
        """Images (n, 1, 28, 28) with running averages, from latent codes of seed 0."""
        self.loop.generator.eval()
        with torch.no_grad():
            made: Tensor = self.loop.generator(torch.randn(n, 100, generator=torch.Generator().manual_seed(0)))
        self.loop.generator.train()
        return made.view(n, *self.shape)

    def save(self, path: Path) -> None:
        """Weights, both optimisers and the random state; the loader begins a new epoch when the loop goes on."""
        tensors = {"random": self.random, "step": torch.tensor(self.step)}
        for name in ("generator", "discriminator"):
            tensors |= {f"{name}.{key}": value for key, value in getattr(self.loop, name).state_dict().items()}
            for i, entry in getattr(self.loop, f"{name[0]}_optimiser").state_dict()["state"].items():
                tensors |= {f"optimiser.{name}.{i}.{key}": value for key, value in entry.items()}
        write_atomically(path, save(tensors))

    def load(self, path: Path) -> None:
        """What ``save`` wrote."""
        tensors = load_file(path)
        self.random, self.step = tensors["random"], int(tensors["step"])
        for name in ("generator", "discriminator"):
            getattr(self.loop, name).load_state_dict(under(f"{name}.", tensors))
            entries: dict[int, dict[str, Tensor]] = {}
            for key, value in under(f"optimiser.{name}.", tensors).items():
                i, _, part = key.partition(".")
                entries.setdefault(int(i), {})[part] = value
            optimiser = getattr(self.loop, f"{name[0]}_optimiser")
            optimiser.load_state_dict({"state": entries, "param_groups": optimiser.state_dict()["param_groups"]})


def under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The entries under a prefix, without it."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
