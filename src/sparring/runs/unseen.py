"""Images for a run's classifier: of a user's files, or those that a named set holds out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import get_type_hints

import numpy as np

from sparring.data import DataOptions
from sparring.data.images import Fit, Images, read_images
from sparring.data.named import NAMES
from sparring.errors import UsageError
from sparring.runs.feature_files import data_for
from sparring.runs.run import Run
from sparring.settings import Value, split


def is_named(images: str) -> bool:
    """Whether a named set is meant: a file or folder of that name wins."""
    return images in NAMES and not Path(images).exists()


def unseen_images(run: Run, images: str, fit: Fit, settings: Mapping[str, Value]) -> Images:
    """The images of a file, folder, zip or array, in their order; of a named set those that are held out.

    Of the set that the run was trained on these are the run's own held-out images.

    Raises:
        UsageError: nothing can be read, images of another shape, or an option that means nothing here.
    """
    if not is_named(images):
        (options,) = split(settings, get_type_hints(DataOptions))
        return read_images(images, run.spec, fit, DataOptions(**options))  # type: ignore[arg-type]
    if fit != "exact":
        raise UsageError(f"--fit is for files; for {images} say --set size=HEIGHTxWIDTH, and --set fit={fit}.")
    own = images == run.identity.data and not settings
    held_out = data_for(run, None if own else images, settings).held_out
    if held_out is None:
        raise UsageError(f"nothing of {images} is held out, so it has no images that a classifier may be asked about.")
    every = np.arange(len(held_out))
    return Images(tuple(map(str, every)), held_out.read(every).x, ())
