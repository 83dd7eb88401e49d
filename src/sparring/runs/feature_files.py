"""A data set through a run's networks: features as a file, reconstructions as a picture."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import get_type_hints

import numpy as np
import torch
from PIL.Image import Image
from torch import Tensor, nn

from sparring.data import DataOptions, everything, open_data, render
from sparring.errors import UsageError
from sparring.files import opened_atomically
from sparring.metrics.reading import Progress, no_progress
from sparring.runs.export import save_npy
from sparring.runs.features import coder, extract
from sparring.runs.run import Run
from sparring.settings import Value, split
from sparring.training.chunks import CHUNK
from sparring.types import Dataset, DataSource, DataSpec

PARTS = ("all", "train", "validation", "test")
COLUMNS, ROWS = 8, 4
"""Examples that a picture shows."""


def data_for(run: Run, data: str | None, settings: Mapping[str, Value]) -> Dataset:
    """Data of the shape that a run was trained on; without a name, the very data that it was trained on.

    Raises:
        UsageError: they cannot be read, or are of another shape.
    """
    if data is None:
        if settings:
            raise UsageError("--set says how data are read: name these too, or leave it out for those of the run.")
        return run.dataset()
    (values,) = split(settings, get_type_hints(DataOptions))
    dataset = open_data(data, DataOptions(**values), show_progress=True)  # type: ignore[arg-type]
    check_same(dataset.spec, run.spec, data)
    return dataset


def part_of(dataset: Dataset, part: str) -> DataSource:
    """A part of the data by name; ``all`` is all of it, in the order in which it was read.

    Raises:
        UsageError: there is no such part.
    """
    if part not in PARTS:
        raise UsageError(f"there is no part {part!r} of data: choose one of {', '.join(PARTS)}.")
    if part == "all":
        return everything(dataset)
    found: DataSource | None = getattr(dataset, part)
    if found is None:
        raise UsageError(f"{dataset.spec.name} has no {part} part: see spar data, or take another --part.")
    return found


def check_same(spec: DataSpec, wanted: DataSpec, data: str) -> None:
    """Refuse data that are not of the kind that a run was trained on.

    Raises:
        UsageError: they are not.
    """
    if (spec.kind, spec.shape) == (wanted.kind, wanted.shape):
        return
    have, need = (f"{one.kind.rstrip('s')}s of {' x '.join(map(str, one.shape))}" for one in (spec, wanted))
    remedy = ""
    if spec.kind == wanted.kind == "image":
        channels, height, width = wanted.shape
        remedy = f": give --set size={height}x{width} --set channels={channels}"
    raise UsageError(f"{data} holds {have}, but this run was trained on {need}{remedy}.")


def write_features(
    network: nn.Module,
    source: DataSource,
    out: Path,
    device: torch.device,
    progress: Progress = no_progress,
) -> tuple[tuple[int, int], Path | None]:
    """Write the features of a source's examples, (N, F) float32, in their order; beside them their conditions.

    Labels (N,) int64 go into ``FILE-labels.npy``, -1 where there is none; attributes (N, a) into
    ``FILE-attributes.npy``. Features are written chunk by chunk, never all in memory.

    Returns:
        The shape of what was written, and the file of the conditions.

    Raises:
        SparringError: the disk refuses, or features are not finite.
    """
    n, width = len(source), 0
    conditions: list[Tensor] = []
    labels, attributes = (out.with_name(f"{out.stem}-{name}.npy") for name in ("labels", "attributes"))
    with opened_atomically(out) as file:
        for done, x, y in chunks(source):
            features = extract(network, x, device)
            if not done:
                width = math.prod(features.shape[1:])
                header = {"descr": "<f4", "fortran_order": False, "shape": (n, width)}
                np.lib.format.write_array_header_1_0(file, header)
            file.write(features.flatten(1).numpy().astype("<f4", copy=False).tobytes())
            conditions += [] if y is None else [y]
            progress("features", done + len(x), n)
    for of_others in (labels, attributes):  # from an earlier call, of other examples
        of_others.unlink(missing_ok=True)
    if not conditions:
        return (n, width), None
    beside = attributes if source.spec.attributes else labels
    save_npy(torch.cat(conditions).numpy(), beside)
    return (n, width), beside


def chunks(source: DataSource) -> Iterator[tuple[int, Tensor, Tensor | None]]:
    """A source's examples in network values, (m, *shape), with their conditions and how many there were before."""
    for done in range(0, len(source), CHUNK):
        x, y = source.read(np.arange(done, min(done + CHUNK, len(source))))
        yield done, source.spec.encode(x), y


def reconstructions(run: Run, source: DataSource, checkpoint: str, device: torch.device) -> Image:
    """The first images of a source in rows, and below each row what the generator makes of their latent codes.

    The codes are those of the run's encoder; where it has none, they are searched for.

    Raises:
        UsageError: they are no images, or the generator needs to be told conditions.
    """
    if run.spec.kind != "image":
        raise UsageError("only images can be shown beside what the generator makes of them: leave --picture out.")
    x = source.spec.encode(source.read(np.arange(min(COLUMNS * ROWS, len(source)))).x)
    generator = run.generator(checkpoint)
    made = extract(nn.Sequential(coder(generator, run.recipe, run.spec), generator).to(device), x, device)
    rows = [row for pair in zip(torch.split(x, COLUMNS), torch.split(made, COLUMNS), strict=True) for row in pair]
    return render(run.spec, torch.cat(rows), COLUMNS)
