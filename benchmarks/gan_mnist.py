"""Quality of `gan-mnist` on the real MNIST beside the tutorials' plain loop, by the same measures.

    python benchmarks/gan_mnist.py [--steps 30000] [--out runs/benchmark-gan-mnist]
    python benchmarks/gan_mnist.py --table                 # what is finished so far, as Markdown

Each side is one line of results/gan_mnist.jsonl, and none is measured twice. A training that was stopped goes on, the
plain loop's too.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

import sparring
from plain_loop import Plain
from rows import HERE, Rows, commit, markdown
from sparring.evaluate import Evaluation, evaluate

RESULTS = Rows(HERE / "results" / "gan_mnist.jsonl", ("side", "steps", "threads"))
KEPT_EVERY = 2_000
"""Steps between the plain loop's checkpoints."""


def plain(steps: int, kept: Path) -> Evaluation:
    """Figures of the plain loop after its last step."""
    dataset = sparring.open_data("mnist")
    loop = Plain(dataset, seed=0)
    if kept.exists():
        loop.load(kept)
    kept.parent.mkdir(parents=True, exist_ok=True)
    while loop.step < steps:
        loop.play(min(KEPT_EVERY, steps - loop.step))
        loop.save(kept)
    return evaluate(loop.sample, dataset)


def sparrings(updates: str, which: str, steps: int, out: Path) -> Evaluation:
    """Figures of Sparring's recipe, at a checkpoint."""
    run = sparring.train("mnist", "gan-mnist", out=out / updates, device="cpu", steps=steps, updates=updates)
    return run.evaluate(checkpoint=which)


def table() -> str:
    """All figures that have a floor, with it in brackets."""
    rows = RESULTS.read()
    names = [name for name, (_, floor) in rows[0]["figures"].items() if floor is not None] if rows else []
    lines = [
        (row["side"], row["steps"], row["n"], *("{:.4g} ({:.4g})".format(*row["figures"][name]) for name in names))
        for row in rows
    ]
    return markdown(("side", "steps", "N", *(f"{name} (floor)" for name in names)), lines)


def main() -> None:
    """Train and measure what is missing, or show what there is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=30_000)
    parser.add_argument("--out", type=Path, default=Path("runs/benchmark-gan-mnist"))
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    sides: dict[str, Callable[[], Evaluation]] = {
        f"gan-mnist, updates={updates}, {which}": partial(sparrings, updates, which, options.steps, options.out)
        for updates in ("one", "two")
        for which in ("last", "best")
    }
    sides["plain loop, last"] = lambda: plain(options.steps, options.out / "plain.safetensors")
    for side, measure in () if options.table else sides.items():
        row = {"side": side, "steps": options.steps, "threads": torch.get_num_threads()}
        if row not in RESULTS:
            found = measure()
            figures = {figure.name: (figure.value, figure.floor) for figure in found.figures}
            RESULTS.add(row | {"n": found.n, "figures": figures, "torch": torch.__version__, "commit": commit()})
    print(table())


if __name__ == "__main__":
    main()
