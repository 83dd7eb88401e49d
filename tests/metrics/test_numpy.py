"""Every measure takes NumPy's arrays as it takes tensors, and refuses what are no numbers in one line."""

import numpy as np
import pytest
import torch

from sparring.errors import UsageError
from sparring.metrics.balance import class_balance, class_coverage
from sparring.metrics.bins import different_bins
from sparring.metrics.birthday import duplicate_threshold, support_size
from sparring.metrics.bootstrap import bootstrap_mean
from sparring.metrics.extrapolation import frechet_at_infinity
from sparring.metrics.frechet import frechet_distance, frechet_from_moments
from sparring.metrics.kernel import kernel_distance
from sparring.metrics.label_score import label_score
from sparring.metrics.memorisation import memorisation, nearer_to_training, planted_copies
from sparring.metrics.mmd import gaussian_mmd
from sparring.metrics.points import modes_found, sliced_wasserstein
from sparring.metrics.prdc import prdc
from sparring.metrics.pyramid import patch_distance
from sparring.metrics.streaming import StreamedFrechet, StreamedKernel, StreamedPRDC
from sparring.metrics.two_sample import two_sample_test

rng = np.random.default_rng(0)
A, B, C = (rng.normal(size=(120, 3)).astype(np.float32) for _ in range(3))
IMAGES = rng.integers(0, 256, (24, 1, 16, 16), np.uint8)
LABELS = rng.integers(0, 3, 50)


def streamed(measure, real, fake):
    measure.update(real, real=True)
    measure.update(fake, real=False)
    return measure.compute()


@pytest.mark.parametrize(
    ("measure", "arguments"),
    [
        *((f, (A, B)) for f in (frechet_distance, frechet_at_infinity, kernel_distance, prdc, gaussian_mmd)),
        *((f, (A, B)) for f in (two_sample_test, different_bins, sliced_wasserstein)),
        *((f, (A, B, C)) for f in (memorisation, nearer_to_training, planted_copies)),
        (frechet_from_moments, (A.mean(0), np.cov(A.T), B.mean(0), np.cov(B.T))),
        (patch_distance, (IMAGES, IMAGES[:20])),
        (lambda x, y: class_balance(x, y, 3), (LABELS, LABELS[:20])),
        (class_coverage, (LABELS, np.full(3, 1 / 3))),
        (bootstrap_mean, (A[:, 0],)),
        (duplicate_threshold, (A,)),
        (lambda x: support_size(x, 0.5), (A,)),
        (label_score, (np.abs(A) / np.abs(A).sum(1, keepdims=True),)),
        (lambda x, modes: modes_found(x, modes, 0.5), (A, B[:4])),
        *((lambda x, y, s=s: streamed(s(), x, y), (A, B)) for s in (StreamedFrechet, StreamedKernel, StreamedPRDC)),
    ],
)
def test_arrays_measure_as_tensors_do(measure, arguments):
    assert repr(measure(*arguments)) == repr(measure(*map(torch.as_tensor, arguments)))


@pytest.mark.parametrize("bad", ["digits", [["a"]], np.array([object()])])
def test_what_are_no_numbers_is_refused(bad):
    with pytest.raises(UsageError, match="first features: expected a matrix of numbers"):
        frechet_distance(bad, A)
