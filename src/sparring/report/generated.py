"""The parts of a report that the generator makes: samples, their nearest training examples, ways between them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from sparring.data import plot_path, plot_points, render
from sparring.errors import SparringError
from sparring.report.html import Html, joined, table, tag
from sparring.report.images import embed
from sparring.report.neighbours import Neighbours, nearest_training
from sparring.report.subject import Subject
from sparring.types import Dataset, Density

SAMPLES, COLUMNS = 64, 8
POINTS = 4_000
COMPARED = 8
"""Samples whose nearest training examples are shown."""
WAYS, STEPS = 3, 8
"""Interpolations, and frames of each."""
SHEET = 400 << 10
"""Bytes of the sheet of samples, at most."""


@dataclass(frozen=True)
class Generated:
    """What the best checkpoint of a run makes; nothing is made before it is asked for."""

    run: Subject
    device: str | torch.device

    @cached_property
    def samples(self) -> Tensor:
        """The samples of the sheet (n, *shape), in network values.

        Raises:
            SparringError: there can be none.
        """
        return self.run.sample(SAMPLES if self.run.spec.kind == "image" else POINTS, device=self.device)

    @cached_property
    def dataset(self) -> Dataset:
        """The run's data.

        Raises:
            SparringError: they are not there.
        """
        return self.run.dataset()

    def sheet(self) -> Html:
        """Samples of the best checkpoint; points among real ones, where the data are there."""
        spec, step = self.run.spec, self.run.step()
        if spec.kind == "image":
            image = render(spec, self.samples, COLUMNS)
        else:
            image = plot_points(self.samples, *self._real_points(), title=f"step {step}")
        said = f"{len(self.samples)} samples of step {step}, seed 0, not selected."
        return joined([tag("p", said), embed(image, f"samples of step {step}", largest=SHEET)])

    def _real_points(self) -> tuple[Tensor | None, Density | None]:
        """Training points and their density, where the data are there."""
        try:
            train = self.dataset.train
        except SparringError:
            return None, None
        return train.read(np.arange(min(POINTS, len(train)))).x, self.dataset.density

    def neighbours(self) -> Html:
        """Samples beside their nearest training examples, and how near held-out real examples come."""
        spec = self.run.spec
        some = spec.decode(self.samples[:: len(self.samples) // COMPARED][:COMPARED])
        found = nearest_training(some, self.dataset)
        image = spec.kind == "image"
        pairs = self._pairs(some, found) if image else _listed(some, found)
        return joined([tag("p", how_measured(found, image=image)), pairs, tag("p", beside_floor(found))])

    def _pairs(self, some: Tensor, found: Neighbours) -> Html:
        figures = []
        for i in range(len(some)):
            one, two = (_picture(x) for x in (some[i], found.nearest[i]))
            pair = tag(
                "div", embed(one, f"sample {i + 1}", ""), embed(two, "its nearest training image", ""), class_="pair"
            )
            figures.append(tag("figure", pair, tag("figcaption", f"distance {found.distances[i]:.1f}")))
        return tag("div", *figures, class_="pairs")

    def interpolations(self) -> Html:
        """Ways between samples: strips of images, or paths of points."""
        run, spec = self.run, self.run.spec
        if spec.kind == "points":
            way = run.interpolate((0, 1), 24, device=self.device)
            said = "From the sample of seed 0 (the large dot) to that of seed 1, in 24 even steps of the latent code."
            return joined([tag("p", said), embed(plot_path(way, self.samples), "the way of a point")])
        ways = [run.interpolate((2 * i, 2 * i + 1), STEPS, device=self.device) for i in range(WAYS)]
        image = render(spec, torch.cat(ways), STEPS)
        said = (
            f"{WAYS} ways from one sample to another (seeds 0 to 1, 2 to 3, 4 to 5), in even steps of the latent code."
        )
        return joined([tag("p", said), embed(image, "images that go over into each other", "strip", SHEET)])


def _picture(stored: Tensor) -> Image.Image:
    """An image as stored, (C, H, W) uint8, as a picture."""
    return Image.fromarray(stored.permute(1, 2, 0).squeeze(-1).numpy())


def _listed(some: Tensor, found: Neighbours) -> Html:
    """Points beside their nearest training points."""
    rows = [
        (coordinates(some[i]), coordinates(found.nearest[i]), f"{found.distances[i]:.3g}") for i in range(len(some))
    ]
    return table(("sample", "nearest training point", "distance"), rows, (2,))


def coordinates(point: Tensor) -> str:
    """A point (d,) in words."""
    return ", ".join(f"{x:.4g}" for x in point.tolist())


def how_measured(found: Neighbours, *, image: bool) -> str:
    """What the distances are, and what was searched."""
    part = "all" if found.searched == found.training else f"{found.searched} (drawn at random) of the"
    if not image:
        return f"The nearest of {part} {found.training} training points, by Euclidean distance."
    return (
        f"Left a sample, right the nearest of {part} {found.training} training images. Distance: root mean square "
        "difference of the pixels, in grey levels of 255. It sees copies, and hardly any likeness beyond that."
    )


def beside_floor(found: Neighbours) -> str:
    """How near the samples are, beside how near held-out real examples are."""
    ours = f"Median distance of these {len(found.distances)} samples: {found.distances.median():.3g}"
    if found.floor is None:
        return f"{ours}. Nothing is held out of these data, so there is no floor to read it against."
    low, middle, high = torch.quantile(found.floor, torch.tensor([0.05, 0.5, 0.95], dtype=found.floor.dtype)).tolist()
    nearer = int((found.distances < low).sum())
    return (
        f"{ours}; of {len(found.floor)} held-out real examples: {middle:.3g} (90 % lie from {low:.3g} to {high:.3g}). "
        f"{nearer} of the {len(found.distances)} samples are nearer to the training data than 95 % of those."
    )
