import math

import numpy as np
import pytest
import torch

from sparring.data import DataOptions, open_data
from sparring.metrics.ranking import make_ranking
from sparring.metrics.survey import SampleSurvey, spacing


@pytest.fixture(scope="module")
def survey():
    dataset = open_data("digits", DataOptions())
    rank = make_ranking(dataset)
    return SampleSurvey(dataset, rank), rank, dataset


def look(survey, images):
    found, rank, dataset = survey
    return found(rank.features(dataset.spec.encode(images)))


def all_training(dataset):
    return dataset.train.read(torch.arange(len(dataset.train)).numpy())


def test_real_examples_look_like_real_examples(survey):
    _, _, dataset = survey
    held_out = dataset.test.read(torch.arange(len(dataset.test)).numpy()).x
    got = look(survey, held_out)
    floors = survey[0].floors()
    assert floors["real_held_out"] == len(survey[2].validation)
    assert got["sample_precision"] > 0.9 * floors["real_precision"]
    assert got["sample_spacing"] == pytest.approx(1, abs=0.3)
    assert 0.7 < got["sample_to_train"] < 1.5


def test_training_examples_are_no_floor_for_themselves(tmp_path):
    np.save(tmp_path / "few.npy", np.random.default_rng(0).integers(0, 256, (8, 8, 8), np.uint8))
    few = open_data(str(tmp_path / "few.npy"), DataOptions())
    assert few.validation is None
    floors = SampleSurvey(few, make_ranking(few)).floors()
    assert "real_figure" not in floors
    assert floors["real_held_out"] == 0


def test_copies_are_seen(survey):
    _, _, dataset = survey
    copies = all_training(dataset).x[:300]
    noisy = (copies.float() + 4 * torch.randn(copies.shape)).clamp(0, 255).to(torch.uint8)
    assert look(survey, copies)["sample_to_train"] < 1e-3
    assert look(survey, noisy)["sample_to_train"] < 0.5


def test_copies_among_new_images_are_a_share(survey):
    _, _, dataset = survey
    held_out = dataset.test.read(torch.arange(90).numpy()).x
    mixed = torch.cat([held_out, all_training(dataset).x[:10]])
    assert look(survey, held_out)["sample_copies"] < 0.02
    assert look(survey, mixed)["sample_copies"] == pytest.approx(0.1, abs=0.02)


def test_the_floor_of_copies_leaves_each_training_image_out_once(tmp_path, digit_images):
    np.save(tmp_path / "few.npy", digit_images[0][:13].numpy())
    dataset = open_data(str(tmp_path / "few.npy"), DataOptions())
    rank = make_ranking(dataset)
    x = rank.features(dataset.spec.encode(all_training(dataset).x)).double()
    expected = []
    for i in range(len(x)):
        others = torch.cat([x[:i], x[i + 1 :]])
        to_all, apart = (others - x[i]).norm(dim=1), torch.cdist(others, others)
        nearest = int(to_all.argmin())
        expected.append(float(to_all[nearest] / apart[nearest][apart[nearest] > 0].min()))
    floors = SampleSurvey(dataset, rank).floors()
    assert floors["real_to_train"] == pytest.approx(np.median(expected), rel=1e-6)
    assert floors["real_copies"] == pytest.approx(np.mean(np.array(expected) < 1 / 3))


def test_the_floor_of_copies_is_what_held_out_images_have(survey):
    _, _, dataset = survey
    held_out = dataset.test.read(torch.arange(len(dataset.test)).numpy()).x
    assert look(survey, held_out)["sample_to_train"] == pytest.approx(survey[0].floors()["real_to_train"], rel=0.1)


def test_data_that_repeat_themselves_hide_no_copies(tmp_path, digit_images):
    once = digit_images[0][:, 0].numpy()
    np.save(tmp_path / "twice.npy", np.concatenate([once, once]))
    dataset = open_data(str(tmp_path / "twice.npy"), DataOptions())
    twice = SampleSurvey(dataset, rank := make_ranking(dataset)), rank, dataset
    held_out = dataset.test.read(torch.arange(len(dataset.test)).numpy()).x
    assert 0.7 < look(twice, held_out)["sample_to_train"] < 1.5
    assert look(twice, held_out)["sample_spacing"] < 3
    near = all_training(dataset).x[:300].clone()
    near[:, 0, 4, 4] ^= 1
    assert look(twice, near)["sample_to_train"] < 0.3


@pytest.mark.parametrize("different", [1, 3])
def test_a_survey_of_a_few_images_is_finite(tmp_path, different):
    images = np.random.default_rng(0).integers(0, 256, (different, 8, 8), np.uint8)
    np.save(tmp_path / "few.npy", images.repeat(100, 0))
    dataset = open_data(str(tmp_path / "few.npy"), DataOptions())
    few = SampleSurvey(dataset, rank := make_ranking(dataset)), rank, dataset
    noise = torch.randint(0, 256, (300, 1, 8, 8), dtype=torch.uint8)
    for images in (all_training(dataset).x, noise):
        assert all(math.isfinite(value) for value in (look(few, images) | few[0].floors()).values())
    assert rank.figure(rank.features(dataset.spec.encode(noise))) < 1e6


def test_samples_that_are_all_alike_have_no_spacing(survey):
    _, _, dataset = survey
    one = all_training(dataset).x[:1].expand(300, -1, -1, -1)
    got = look(survey, one)
    assert got["sample_spacing"] < 1e-6
    assert got["sample_recall"] < 0.05


def test_a_class_that_is_left_out_is_missing_from_the_shares(survey):
    _, _, dataset = survey
    x, y = all_training(dataset)
    got = look(survey, x[y != 3])
    shares = [got[f"class_{number}"] for number in range(10)]
    assert sum(shares) == pytest.approx(1)
    assert shares[3] < 0.02
    assert min(shares[:3] + shares[4:]) > 0.07


def test_modes_of_a_mixture():
    dataset = open_data("ring", DataOptions(points=4000))
    found = SampleSurvey(dataset, make_ranking(dataset))
    x = dataset.train.read(torch.arange(4000).numpy()).x
    assert found(x)["sample_modes"] == 1
    assert found(x)["sample_on_modes"] == pytest.approx(1, abs=0.02)
    assert found(x[x[:, 0] > 0.1])["sample_modes"] < 0.6
    assert "sample_to_train" not in found(x)


def test_spacing_scales_with_the_examples():
    x = torch.randn(200, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert spacing(7 * x) == pytest.approx(7 * spacing(x))
