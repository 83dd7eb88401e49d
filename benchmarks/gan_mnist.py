"""Quality of `gan-mnist` on the real MNIST beside the tutorials' plain loop, by the same measures.

    python benchmarks/gan_mnist.py [--steps 30000] [--out runs/benchmark-gan-mnist]

Sparring's runs go on where they were stopped; the plain loop's generator is kept when it is done.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

import sparring
from sparring.evaluate import Evaluation, evaluate
from sparring.types import Dataset
from tutorial import Tutorial, make_generator


def plain(dataset: Dataset, steps: int, kept: Path) -> Evaluation:
    """Figures of the plain loop after its last step."""
    generator = make_generator()
    if kept.exists():
        generator.load_state_dict(load_file(kept))
    else:
        images = dataset.spec.encode(dataset.train.read(np.arange(len(dataset.train))).x).flatten(1)
        torch.manual_seed(0)
        loop = Tutorial(images, 32)
        for _ in range(steps):
            loop()
        generator = loop.generator
        kept.parent.mkdir(parents=True, exist_ok=True)
        save_file(generator.state_dict(), kept)
    generator.eval()

    def sample(n: int) -> Tensor:
        with torch.no_grad():
            made: Tensor = generator(torch.randn(n, 100, generator=torch.Generator().manual_seed(0)))
        return made.view(n, 1, 28, 28)

    return evaluate(sample, dataset)


def show(name: str, result: Evaluation) -> None:
    """One line a side."""
    figures = "  ".join(f"{f.name} {f.value:.4g} (floor {f.floor:.4g})" for f in result.figures if f.floor is not None)
    print(f"{name:28} N {result.n}  {figures}", flush=True)


def main() -> None:
    """Train what is not trained yet, measure, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=30_000)
    parser.add_argument("--out", type=Path, default=Path("runs/benchmark-gan-mnist"))
    options = parser.parse_args()
    dataset = sparring.open_data("mnist")
    for updates in ("one", "two"):
        run = sparring.train(
            "mnist", "gan-mnist", out=options.out / updates, device="cpu", steps=options.steps, updates=updates
        )
        for which in ("last", "best"):
            show(f"gan-mnist, updates={updates}, {which}", run.evaluate(checkpoint=which))
    show("plain loop, last", plain(dataset, options.steps, options.out / "plain.safetensors"))


if __name__ == "__main__":
    main()
