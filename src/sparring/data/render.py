"""Images made visible: grids of samples and the contact sheet of a data set."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from sparring.data.plots import plot_points
from sparring.types import Dataset, DataSpec

SHEET = 640
"""About how many pixels wide a sheet is."""
ROWS, COLUMNS = 10, 12
CLASS_ROWS = 8
"""With few classes each has several rows, so that there are about this many in all."""


def render(spec: DataSpec, x: Tensor, columns: int | None = None) -> Image.Image:
    """One picture of examples in network values: images (n, C, H, W) in [-1, 1] as a grid, points (n, d) as a plot."""
    if spec.kind == "points":
        return plot_points(x, title=spec.name)
    return _grid(spec.decode(x.detach().cpu()).numpy(), columns or max(1, round(len(x) ** 0.5)))


def contact_sheet(dataset: Dataset) -> Image.Image:
    """The training data at a glance: about 10 rows of 12 images, whole rows a class if there are any; or a plot.

    Images with attributes are sorted by the first of them.
    """
    train = dataset.train
    if dataset.spec.kind == "points":
        some = train.read(np.arange(min(len(train), 5_000))).x
        return plot_points(real=some, density=dataset.density, title=dataset.spec.name)
    labels, attributes = train.labels, train.attributes
    if labels is None:
        order = np.arange(len(train)) if attributes is None else np.argsort(attributes[:, 0], kind="stable")
        step = max(1, len(train) // (ROWS * COLUMNS))
        return _grid(train.read(order[::step][: ROWS * COLUMNS]).x.numpy(), COLUMNS)
    classes = [found for c in range(len(dataset.spec.classes)) if len(found := np.flatnonzero(labels == c))][:ROWS]
    most = COLUMNS * max(1, round(CLASS_ROWS / max(1, len(classes))))
    rows = [found[i : i + COLUMNS] for found in classes for i in range(0, min(len(found), most), COLUMNS)]
    shape = dataset.spec.shape
    sheet = np.full((len(rows) * COLUMNS, *shape), 255, np.uint8)
    for i, row in enumerate(rows):
        sheet[i * COLUMNS : i * COLUMNS + len(row)] = train.read(row).x.numpy()
    return _grid(sheet, COLUMNS)


def _grid(images: NDArray[np.uint8], columns: int) -> Image.Image:
    """Images (n, C, H, W) uint8 side by side with thin white gaps, enlarged by a whole factor if they are small."""
    count, channels, height, width = images.shape
    columns = min(columns, count)
    rows = -(-count // columns)
    scale = max(1, round(SHEET / max(columns * width, rows * height)))
    gap = max(1, min(height, width) * scale // 24)
    images = images.repeat(scale, 2).repeat(scale, 3)
    height, width = height * scale, width * scale
    sheet = np.full((rows * (height + gap) + gap, columns * (width + gap) + gap, channels), 255, np.uint8)
    for i, image in enumerate(images):
        top, left = gap + i // columns * (height + gap), gap + i % columns * (width + gap)
        sheet[top : top + height, left : left + width] = image.transpose(1, 2, 0)
    return Image.fromarray(sheet[:, :, 0] if channels == 1 else sheet)
