"""Directions in a run's latent space, by what they change or by strength, and samples moved along them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from sparring.errors import UsageError
from sparring.latents.evidence import Direction, Make, find, measure_effects, stepped
from sparring.latents.properties import properties_for
from sparring.latents.unsupervised import ganspace, sefa
from sparring.metrics.reading import Progress, no_progress
from sparring.runs.generation import check_latents
from sparring.runs.measures import Pair, class_measures, class_pair, measures_for
from sparring.runs.run import Run
from sparring.training.device import choose_device
from sparring.training.sampling import draw_latents
from sparring.types import Inputs

METHODS = {"sefa": sefa, "ganspace": ganspace}
STEPS = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)
"""How far samples are moved along a direction, to show it."""
SEARCHED = 500
"""Samples among which those of a class are looked for."""


def find_direction(
    run: Run,
    change: str,
    *,
    keep: Sequence[str] = (),
    n: int = 4000,
    seed: int = 0,
    label: int | str | None = None,
    checkpoint: str = "best",
    device: str | torch.device = "cpu",
    progress: Progress = no_progress,
) -> Direction:
    """The direction in latent space that changes what is named, with the evidence that it does.

    Args:
        run: the run whose generator is examined; it must make images.
        change: a property of images (``latents.properties``: brightness, slant …), a class by name or number, or
            ``A:B``, from class A to class B.
        keep: what should stay as it is, named in the same way.
        n: how many samples are examined; a quarter of them is held out for the evidence.
        seed: decides these samples.
        label: the class of these samples, for a generator that knows classes.
        checkpoint: ``best``, ``last`` or a step's number.
        device: where the networks run.
        progress: called as ``progress(what, done, total)`` while a classifier is trained.

    Raises:
        UsageError: any of these does not fit, or nothing is left to change once the rest is kept.
    """
    measures = measures_for(run.spec, (change, *keep), run.dataset, choose_device(device), progress)
    inputs = draw_latents(run.recipe, run.spec, n, seed, label)
    return find(images(run, checkpoint, device), inputs, measures, change, keep)


def find_components(
    run: Run,
    method: str = "sefa",
    *,
    count: int = 6,
    n: int = 1000,
    seed: int = 0,
    label: int | str | None = None,
    checkpoint: str = "best",
    device: str | torch.device = "cpu",
) -> tuple[list[Direction], list[float]]:
    """The strongest directions of the generator's first layers, with their effects; and their shares of all variation.

    ``method`` is ``sefa`` or ``ganspace`` (``latents.unsupervised``); the other arguments are ``find_direction``'s.

    Raises:
        UsageError: any of these does not fit.
    """
    if method not in METHODS:
        raise UsageError(f"there is no method {method!r}: choose {' or '.join(METHODS)}.")
    measures = measures_for(run.spec, (), run.dataset, choose_device(device), no_progress)
    inputs = draw_latents(run.recipe, run.spec, n, seed, label)
    found = METHODS[method](run.generator(checkpoint), inputs, count)
    effects = measure_effects(images(run, checkpoint, device), inputs, found.vectors, measures, {})
    judged = enumerate(zip(found.vectors, effects, strict=True), 1)
    return [Direction(f"{method} {i}", vector, effect, n) for i, (vector, effect) in judged], found.shares.tolist()


def walk(
    run: Run,
    vectors: Tensor,
    strengths: Sequence[float] = STEPS,
    *,
    rows: int = 6,
    seed: int = 0,
    label: int | str | None = None,
    change: str = "",
    checkpoint: str = "best",
    device: str | torch.device = "cpu",
) -> Tensor:
    """Samples moved along directions, (rows, len(strengths), *shape) in network values.

    With one direction (dim,) each row is another sample of the seed; where ``change`` is ``A:B``, only samples that a
    classifier takes for A. With several directions (k, dim) each row moves the first sample along one of them.

    Raises:
        UsageError: any of these does not fit.
    """
    make = images(run, checkpoint, device)
    start = None if change in ("", *properties_for(run.spec.shape)) else class_pair(run.spec, change)[0]
    inputs = draw_latents(run.recipe, run.spec, rows if start is None else SEARCHED, seed, label)
    if start is not None:
        inputs = tuple(part[:rows] for part in of_class(run, make, start, inputs, device))
    if vectors.dim() > 1:
        inputs = tuple(part[:1].expand(len(vectors), *part.shape[1:]) for part in inputs)
    vectors = check_latents(vectors, inputs[0] if vectors.dim() > 1 else inputs[0][0], "direction has")
    return torch.stack([make(stepped(inputs, vectors, strength)) for strength in strengths], 1)


def of_class(run: Run, make: Make, number: int, inputs: Inputs, device: str | torch.device) -> Inputs:
    """Those inputs whose samples a classifier takes for a class.

    Raises:
        UsageError: it takes none for it, or the data have too few labels to train one.
    """
    pairs: dict[str, Pair] = {"start": (None, number)}
    measure = class_measures(run.spec, pairs, run.dataset(), choose_device(device), no_progress)["start"]
    taken = measure(make(inputs)) > 0
    if not taken.any():
        raise UsageError(f"none of {len(taken)} samples is of class {run.spec.classes[number]}.")
    return tuple(part[taken] for part in inputs)


def images(run: Run, checkpoint: str, device: str | torch.device) -> Make:
    """The generator as a function from codes to images within [-1, 1], as they are saved.

    Raises:
        UsageError: no such checkpoint or device.
    """
    make: Callable[[Inputs], Tensor] = run.maker(checkpoint, device)
    return lambda inputs: make(inputs).clamp(-1, 1)
