import dataclasses
import json

import pytest
import torch
from PIL import Image

from sparring.metrics.features import named_features
from sparring.metrics.network import WIDTH
from sparring.metrics.rotations import in_all_positions, rotations_for
from sparring.types import DataSpec


def noise(n, *shape):
    return torch.randint(0, 256, (n, *shape), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


POSITIONS = [
    [[[1, 2], [3, 4]], [[2, 4], [1, 3]], [[4, 3], [2, 1]], [[3, 1], [4, 2]]],
    [[[1, 2, 3], [4, 5, 6]], [[6, 5, 4], [3, 2, 1]], [[4, 5, 6], [1, 2, 3]], [[3, 2, 1], [6, 5, 4]]],
]


@pytest.mark.parametrize("positions", POSITIONS, ids=["square", "oblong"])
def test_an_image_is_turned_as_its_label_says(positions):
    image = torch.tensor(positions[0])
    shown, labels = in_all_positions(torch.stack([image, image + 10])[:, None])
    assert labels.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert shown[0::2, 0].tolist() == positions
    assert shown[1::2, 0].equal(shown[0::2, 0] + 10)


def test_digits_without_labels_are_learned(digits, quick, own_cache):
    bare = dataclasses.replace(digits, spec=DataSpec("image", (1, 8, 8)), fingerprint="bare")
    features = named_features("rotations", bare)
    assert features.accuracy > 0.8
    assert f"{100 * features.accuracy:.2f} % right on 360 test images in 4 positions (25 % by chance)" in features.note
    assert features(digits.test.x).shape == (360, WIDTH)
    assert features.ranking_only
    turned, positions = in_all_positions(digits.test.x)
    right = features.classify(turned)[1] == positions
    assert float(right.double().mean()) == features.accuracy


@pytest.mark.parametrize("shape", [(3, 16, 16), (1, 5, 40), (3, 24, 16), (1, 1, 17), (4, 3, 3)], ids=str)
def test_any_shape_and_any_number_of_images(shape, make_dataset, quick, own_cache):
    for n in (2, 60):
        features = rotations_for(make_dataset(noise(n, *shape), fingerprint=str(n)))
        assert features.accuracy is None
        assert "unknown" in features.note
        got = features(noise(9, *shape))
        assert (got.dtype, got.shape) == (torch.float32, (9, WIDTH))
        assert torch.isfinite(got).all()


def test_a_network_that_has_learned_nothing_says_so(make_dataset, quick, own_cache):
    note = rotations_for(make_dataset(noise(600, 1, 8, 8), validation=200)).note
    assert note.startswith("WARNING: ")
    assert "learned nothing" in note


def test_an_unlabelled_folder_is_measured_on_them_when_asked(digit_images, quick, tmp_path, spar):
    photos, run = tmp_path / "photos", tmp_path / "run"
    photos.mkdir()
    for i, image in enumerate(digit_images[0][:500, 0].numpy()):
        Image.fromarray(image).save(photos / f"{i}.png")
    assert spar("train", photos, "--recipe", "gan-mnist", "--out", run, "--steps", 2).code == 0
    asked = spar("evaluate", run, "--features", "rotations", "--json")
    found = json.loads(asked.out)
    assert found["features"] == "rotations"
    assert found["figures"][0]["name"] == "FD-rotations"
    assert found["figures"][0]["note"] == "for ranking only"
    assert any("trained to tell how images of this data set are turned" in note for note in found["notes"])
    unasked = json.loads(spar("evaluate", run, "--json").out)
    assert unasked["figures"][0]["name"] == "FD-random-conv"
