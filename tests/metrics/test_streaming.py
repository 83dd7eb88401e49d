"""Moments in batches and on several processes, and the measures with update, compute and reset."""

import math
import os
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
import torch

from sparring.errors import UsageError
from sparring.metrics.checks import covariance_warning
from sparring.metrics.frechet import frechet_distance
from sparring.metrics.full import distance_to_all
from sparring.metrics.kernel import kernel_distance
from sparring.metrics.moments import RunningMoments
from sparring.metrics.prdc import prdc
from sparring.metrics.random_convolutions import RandomConvolutions
from sparring.metrics.streaming import StreamedFrechet, StreamedKernel, StreamedPRDC


def normal(n, d, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def seen(parts):
    running = RunningMoments()
    for part in parts:
        running.update(part)
    return running


def check(running, x):
    mean, covariance, n = running.compute()
    assert n == len(x)
    assert np.allclose(mean.numpy(), x.numpy().mean(0), rtol=1e-12, atol=1e-12)
    assert np.allclose(covariance.numpy(), np.cov(x.numpy().T), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("sizes", [[1000], [1] * 5 + [995], [3, 997], [250] * 4])
@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_batches_give_what_numpy_gives_in_one_go(sizes, offset):
    x = normal(1000, 6) * torch.logspace(0, -3, 6, dtype=torch.float64) + offset
    check(seen(x.split(sizes)), x)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 1, 0, 2), (2, 3, 1, 0)])
def test_the_order_of_merging_does_not_matter(order):
    x = normal(400, 5)
    parts = [seen([part]) for part in x.split([1, 199, 150, 50])]
    total = RunningMoments()
    total.merge(RunningMoments())
    for i in order:
        total.merge(parts[i])
    check(total, x)
    pairs = [RunningMoments(), RunningMoments()]
    for i in order:
        pairs[i % 2].merge(parts[i])
    pairs[0].merge(pairs[1])
    check(pairs[0], x)
    check(parts[1], x[1:200])


def test_memory_does_not_grow_with_the_rows():
    running = RunningMoments()
    x = torch.ones(100, 512)
    running.update(x)
    held = sum(t.nbytes for t in (running.mean, running.sums))
    tracemalloc.start()
    for _ in range(50):
        running.update(x)
    assert sum(t.nbytes for t in (running.mean, running.sums)) == held == 8 * (512 * 512 + 512)
    assert tracemalloc.get_traced_memory()[0] < 100_000
    tracemalloc.stop()
    running.merge_processes()
    assert running.compute().n == 5100


WORKER = """
import sys
import torch
from torch import distributed
from sparring.errors import UsageError
from sparring.metrics.streaming import StreamedFrechet, StreamedKernel, StreamedPRDC

rank, place = int(sys.argv[1]), sys.argv[2]
distributed.init_process_group("gloo", init_method=f"file://{place}", rank=rank, world_size=2)
x = torch.randn(300, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
for measure in (StreamedFrechet(), StreamedKernel(), StreamedPRDC()):
    measure.update(x[:100] if rank == 0 else x[100:150], real=True)
    if rank == 1:
        measure.update(2 * x[150:] + 1, real=False)
    print(repr(measure.compute()[0]), repr(measure.compute()[0]))
    measure.reset()
    measure.update(x[:, : 3 + rank], real=True)
    try:
        measure.compute()
    except UsageError as error:
        assert "real features have 3 columns on one process and 4 on another" in str(error)
        print("nan")
distributed.destroy_process_group()
"""


def test_two_processes_measure_what_one_would(tmp_path):
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", WORKER]
    running = [
        subprocess.Popen(
            [*command, str(rank), str(tmp_path / "meet")], stdout=subprocess.PIPE, env=environment, text=True
        )
        for rank in range(2)
    ]
    said = [float(v) for process in running for v in process.communicate(timeout=300)[0].split()]
    x = normal(300, 4)
    sides = x[:150], 2 * x[150:] + 1
    expected = []
    for value in (frechet_distance(*sides), kernel_distance(*sides).value, prdc(*sides).precision):
        expected += [value, value, math.nan]
    assert said == pytest.approx(expected * 2, rel=1e-9, nan_ok=True)


MEASURES = {
    StreamedFrechet: lambda x, y: (frechet_distance(x, y), covariance_warning(280, 6)),
    StreamedKernel: kernel_distance,
    StreamedPRDC: prdc,
}


@pytest.mark.parametrize("measure", MEASURES)
def test_the_stream_gives_what_the_function_gives(measure):
    x, y = normal(300, 6).float(), 1.2 * normal(280, 6, 1).float()
    streamed = measure(lambda v: v + 1)
    for again in range(2):
        for part in x.split(77):
            streamed.update(part, real=True)
        for part in y.split(100):
            streamed.update(part, real=False)
        got = streamed.compute()
        for value, expected in zip(got, MEASURES[measure](x + 1, y + 1), strict=True):
            assert value == (expected if isinstance(expected, str) else pytest.approx(expected, rel=1e-5, abs=1e-6)), (
                again
            )
        streamed.reset()
    with pytest.raises(UsageError):
        streamed.compute()


@pytest.mark.parametrize("measure", MEASURES)
def test_bad_batches_are_a_usage_error(measure):
    streamed = measure()
    for bad in (torch.full((5, 3), torch.nan), torch.zeros(5), torch.zeros(0, 3)):
        with pytest.raises(UsageError):
            streamed.update(bad, real=True)
    streamed.update(torch.zeros(50, 3), real=True)
    for side in (True, False):
        with pytest.raises(UsageError, match="equal"):
            streamed.update(torch.zeros(50, 4), real=side)
    with pytest.raises(UsageError, match="fake features"):
        streamed.compute()


@pytest.mark.parametrize("measure", MEASURES)
def test_the_side_is_a_bool_of_any_library(measure):
    x, streamed = normal(120, 3), measure()
    for real in (True, np.True_, torch.tensor(True)):
        streamed.update(x, real)
    for real in (False, np.False_, torch.tensor(False)):
        streamed.update(2 * x, real)
    assert streamed.compute()[0] == pytest.approx(MEASURES[measure](x.repeat(3, 1), 2 * x.repeat(3, 1))[0], rel=1e-9)
    for real in ("fake", 1, None, torch.tensor([True, False])):
        with pytest.raises(UsageError, match="real must be True"):
            streamed.update(x, real)


def test_float64_is_kept():
    x, y = 1e5 + 1e-4 * normal(100, 3), 1e5 + 1e-4 * normal(100, 3, 1)
    streamed = StreamedPRDC()
    streamed.update(x, real=True)
    streamed.update(y, real=False)
    assert streamed.compute() == prdc(x, y)


def test_too_few_samples_are_said_loudly():
    streamed = StreamedFrechet()
    for real in (True, False):
        streamed.update(normal(20, 30, int(real)), real=real)
    with pytest.warns(UserWarning, match="N = 20 is not above the 30 features"):
        assert streamed.compute().warning.startswith("WARNING: N = 20 is not above the 30 features")
    for real in (True, False):
        streamed.update(normal(100, 30, int(real)), real=real)
    with pytest.warns(UserWarning, match="under 10 times the 30 features"):
        streamed.compute()


@pytest.mark.filterwarnings("ignore:N = ")
def test_the_distance_to_all_training_images_is_that_of_all_at_once(digits):
    features = RandomConvolutions(digits)
    samples = digits.test.x
    name, got = distance_to_all(features, samples.split(100), digits.train)
    assert name == "FD-random-conv_full"
    assert got.distance == pytest.approx(frechet_distance(features(samples), features(digits.train.x)), rel=1e-6)
    assert "N = 360" in got.warning
