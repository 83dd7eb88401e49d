import dataclasses
import os
import stat

import pytest
import torch

from sparring.cache_folder import cache_folder
from sparring.errors import UsageError
from sparring.latents.paths import linear
from sparring.metrics.cache import path_for, save_network
from sparring.metrics.classifier import ClassifierFeatures, classifier_for
from sparring.metrics.features import features_for
from sparring.metrics.frechet import frechet_distance
from sparring.metrics.network import WIDTH
from sparring.metrics.path_length import path_length
from sparring.metrics.random_convolutions import CELLS, RandomConvolutions, _cells
from sparring.metrics.rotations import rotations_for
from sparring.types import DataSpec


def noise(n, *shape, seed=0):
    return torch.randint(0, 256, (n, *shape), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


def test_digits_are_classified_well(digits):
    features = features_for(digits)
    assert isinstance(features, ClassifierFeatures)
    assert features.accuracy is not None
    assert features.accuracy > 0.96
    assert "360 test images" in features.note
    assert features(digits.test.x).shape == (360, WIDTH)
    right = features.classify(digits.test.x)[1] == digits.test.y
    assert float(right.double().mean()) == features.accuracy


@pytest.mark.slow
def test_mnist_is_classified_at_99_percent(mnist):
    features = features_for(mnist)
    assert isinstance(features, ClassifierFeatures)
    assert features.accuracy is not None
    assert features.accuracy >= 0.99


SHAPES = [(1, 8, 8), (3, 32, 32), (1, 5, 40), (3, 64, 48), (4, 3, 3), (1, 1, 17), (3, 90, 130)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("labelled", [True, False])
def test_any_size_and_any_number_of_channels(shape, labelled, make_dataset, quick, own_cache):
    x = noise(60, *shape)
    features = features_for(make_dataset(x, torch.arange(60) % 2 if labelled else None))
    assert isinstance(features, ClassifierFeatures if labelled else RandomConvolutions)
    assert features.ranking_only != labelled
    got = features(x)
    assert got.dtype == torch.float32
    assert got.shape[0] == 60
    assert torch.isfinite(got).all()


@pytest.mark.parametrize("make", [classifier_for, rotations_for, RandomConvolutions])
def test_features_are_repeatable_and_independent_of_the_batch(make, digits, make_dataset, quick, tmp_path, monkeypatch):
    found = []
    for folder in ("a", "b"):
        monkeypatch.setenv("SPARRING_CACHE", str(tmp_path / folder))
        before = torch.random.get_rng_state()
        features = make(digits)
        found.append(features(digits.test.x))
        assert torch.random.get_rng_state().equal(before)
    assert found[0].equal(found[1])
    assert torch.allclose(found[0][:10], features(digits.test.x[:10]), atol=1e-4)


@pytest.mark.parametrize("make", [classifier_for, rotations_for])
def test_the_cache_is_used_and_a_damaged_one_is_not(make, digits, quick, own_cache):
    first = make(digits)
    (entry,) = own_cache.iterdir()
    calls = []
    again = make(digits, progress=lambda *call: calls.append(call))
    assert not calls
    assert again(digits.test.x).equal(first(digits.test.x))
    assert (again.accuracy, again.note) == (first.accuracy, first.note)

    sound = entry.read_bytes()
    flipped = bytearray(sound)
    flipped[-5] ^= 0x40
    for damaged in (b"", b"no safetensors at all", sound[: len(sound) // 2], bytes(flipped)):
        entry.write_bytes(damaged)
        calls.clear()
        anew = make(digits, progress=lambda *call: calls.append(call))
        assert calls
        assert anew(digits.test.x).equal(first(digits.test.x))
        assert entry.read_bytes() == sound
    assert list(own_cache.iterdir()) == [entry]


@pytest.mark.parametrize("make", [classifier_for, rotations_for])
def test_other_data_have_another_entry(make, digits, quick, own_cache):
    make(digits)
    make(dataclasses.replace(digits, fingerprint="other"))
    assert len(list(own_cache.iterdir())) == 2


def test_a_cache_that_cannot_be_written_is_no_error(digits, quick, tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    monkeypatch.setenv("SPARRING_CACHE", str(blocked))
    assert classifier_for(digits).accuracy is not None
    assert path_for(("x",)).parent == blocked / "features"


def test_few_labels_or_one_class_fall_back_to_random_convolutions(make_dataset):
    x = noise(200, 1, 8, 8)
    few = torch.full((200,), -1)
    few[:20] = torch.arange(20) % 2
    for labels in (few, torch.zeros(200, dtype=torch.int64), torch.full((200,), -1)):
        assert isinstance(features_for(make_dataset(x, labels, classes=("a", "b"))), RandomConvolutions)


def test_unlabelled_examples_are_left_out(digits, make_dataset, quick, own_cache):
    labels = digits.train.y.clone()
    labels[::2] = -1
    features = features_for(make_dataset(digits.train.x, labels, validation=200))
    assert isinstance(features, ClassifierFeatures)
    assert "100 validation images" in features.note


def test_without_held_out_labels_the_accuracy_is_unknown(make_dataset, quick, own_cache):
    features = features_for(make_dataset(noise(100, 1, 8, 8), torch.arange(100) % 2))
    assert isinstance(features, ClassifierFeatures)
    assert features.accuracy is None
    assert "unknown" in features.note


@pytest.mark.filterwarnings("ignore:N = ")
def test_random_convolutions_rank_damage(digits, make_dataset):
    features = RandomConvolutions(digits)
    x = digits.test.x
    reference = features(digits.train.x)
    generator = torch.Generator().manual_seed(0)
    distances = [
        frechet_distance(features((x + s * torch.randn(x.shape, generator=generator)).clamp(0, 255).byte()), reference)
        for s in (0, 20, 40, 80)
    ]
    assert distances == sorted(distances)
    blank = make_dataset(torch.zeros(50, 1, 8, 8, dtype=torch.uint8))
    assert torch.isfinite(RandomConvolutions(blank)(blank.train.x)).all()


def test_wrong_images_are_a_usage_error(digits):
    features = RandomConvolutions(digits)
    for bad in (digits.test.x.int(), digits.test.x[:, 0], noise(5, 3, 8, 8), noise(5, 1, 8, 9), noise(0, 1, 8, 8)):
        with pytest.raises(UsageError, match="expected images"):
            features(bad)
    for bad in (digits.test.x.float(), torch.full((5, 1, 8, 8), torch.nan)):
        with pytest.raises(UsageError, match=r"must lie in \[-1, 1\]"):
            features(bad)


def test_float_images_are_seen_as_stored_ones_but_not_rounded(digits):
    features = RandomConvolutions(digits)
    x = digits.test.x[:20]
    assert torch.allclose(features(digits.spec.encode(x)), features(x), atol=1e-5)
    between = digits.spec.encode(x) * (1 - 1e-4)
    assert 0 < float((features(between) - features(x)).abs().max()) < 1e-2


def test_the_path_of_plain_grey_images_has_its_closed_form(digits):
    """A filter of a grey v answers w·v + b everywhere, a root mean square over a cell leaves that: slopes are known."""
    features = RandomConvolutions(digits)
    greys = []

    def view(z):
        greys.append(z[:, 0].double())
        return features(z[:, :, None, None].expand(-1, 1, 8, 8))

    first, second = torch.linspace(-0.9, 0.2, 50)[:, None], torch.linspace(-0.8, 0.9, 50)[:, None]
    got = path_length(view, first, second, path=linear, epsilon=1e-2, trim=0.0)
    ((weight, bias),) = features.filters
    slope = weight.double().sum((1, 2, 3))[:, None]
    answers = ((slope * greys[0] + bias.double()[:, None]).clamp_min(0) / features.unit).split(50, dim=1)
    expected = CELLS**2 * (answers[1] - answers[0]).square().sum(0).mean() / 1e-2**2
    assert got.value == pytest.approx(float(expected), rel=1e-3)


def test_points_have_no_features(digits):
    with pytest.raises(UsageError, match="points"):
        features_for(dataclasses.replace(digits, spec=DataSpec("points", (2,))))


class Counted:
    """A source that notes which positions are read."""

    attributes = None

    def __init__(self, source):
        self.source, self.spec, self.positions = source, source.spec, []
        self.labels = source.labels

    def __len__(self):
        return len(self.source)

    def read(self, indices):
        self.positions += indices.tolist()
        return self.source.read(indices)


def test_labels_cost_no_reading(digits, quick, own_cache, monkeypatch):
    parts = {name: Counted(getattr(digits, name)) for name in ("train", "test")}
    data = dataclasses.replace(digits, **parts)
    seen = []
    monkeypatch.setattr("sparring.metrics.classifier._train", lambda *_: seen.append(len(parts["train"].positions)))
    features_for(data)
    assert seen == [0]
    assert sorted(parts["test"].positions) == list(range(len(digits.test)))
    features_for(data)  # from the cache
    assert parts["train"].positions == []
    assert len(parts["test"].positions) == len(digits.test)


def test_classes_without_labels_are_no_error(digits, make_dataset):
    data = make_dataset(digits.train.x, digits.train.y)
    bare = Counted(data.train)
    bare.labels = None
    assert isinstance(features_for(dataclasses.replace(data, train=bare)), RandomConvolutions)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 8, 10, 24, 28, 29, 47])
def test_cells_are_equal_and_cover_everything(size):
    x = torch.rand(2, 3, size, 9, generator=torch.Generator().manual_seed(0))
    got = _cells(x)
    assert got.shape == (2, 3, min(size, 3), 3)
    assert torch.allclose(_cells(torch.ones_like(x)), torch.ones_like(got))
    if size % 3 < 2:
        expected = torch.nn.functional.adaptive_avg_pool2d(x, tuple(got.shape[2:]))
        assert torch.allclose(got, expected, atol=1e-6)
    x.requires_grad_()
    _cells(x).sum().backward()
    assert (x.grad > 0).all()


def test_no_pooling_that_a_device_lacks(make_dataset, monkeypatch):
    """Apple's devices have no adaptive pooling from 28 points to 3."""

    def refuse(*_):
        raise RuntimeError("Adaptive pool MPS: input sizes must be divisible by output sizes")

    monkeypatch.setattr("torch.nn.functional.adaptive_avg_pool2d", refuse)
    x = noise(60, 3, 32, 32)
    assert torch.isfinite(RandomConvolutions(make_dataset(x))(x)).all()


def test_the_cache_is_where_the_data_are_packed(monkeypatch, tmp_path):
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("SPARRING_CACHE", "~/own")
    assert cache_folder() == tmp_path / "own"
    assert path_for(("x",)).parent == tmp_path / "own" / "features"


@pytest.mark.skipif(os.name == "nt", reason="NOT TESTED ON WINDOWS: it has no umask")
def test_a_shared_cache_can_be_read_by_others(own_cache):
    before = os.umask(0o027)
    try:
        assert save_network(torch.nn.Linear(2, 2), ("x",), {})
    finally:
        os.umask(before)
    assert [stat.S_IMODE(path.stat().st_mode) for path in own_cache.iterdir()] == [0o640]
