"""The Fréchet distance of any number of samples to the whole training part, in bounded memory: ``fid50k_full``."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from torch import Tensor

from sparring.metrics.features import Features
from sparring.metrics.inception import InceptionFeatures
from sparring.metrics.reading import Progress, no_progress, read_chunks
from sparring.metrics.streaming import Frechet, StreamedFrechet
from sparring.types import DataSource


def distance_to_all(
    features: Features, batches: Iterable[Tensor], source: DataSource, progress: Progress = no_progress
) -> tuple[str, Frechet]:
    """The distance of uint8 sample batches (k, C, H, W) to every example of ``source``, and what it is called.

    50 000 samples on ``inception-stylegan`` make ``fid50k_full``. Mirrored copies of the training images, which the
    StyleGAN papers add where they train on them, are not added.

    Raises:
        UsageError: as the features and ``StreamedFrechet`` do.
    """
    measure = StreamedFrechet(features)
    for batch in batches:
        measure.update(batch, real=False)
    done = 0
    for chunk in read_chunks(source, np.arange(len(source), dtype=np.int64)):
        measure.update(chunk.x, real=True)
        done += len(chunk.x)
        progress("measuring the training part", done, len(source))
    n = measure.fake.n
    name = (
        features.distance_name(n, full=True) if isinstance(features, InceptionFeatures) else f"FD-{features.name}_full"
    )
    return name, measure.compute()
