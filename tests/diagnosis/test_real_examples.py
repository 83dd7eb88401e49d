"""What is said of real examples in place of samples."""

import numpy as np
import pytest
import torch

from sparring.data import DataOptions, open_data
from sparring.diagnosis.verdict import diagnose
from sparring.metrics.ranking import make_ranking
from sparring.metrics.survey import SampleSurvey


def rows(dataset, images):
    """What a training would record that begins with noise and then makes these images (n, C, H, W) uint8."""
    rank = make_ranking(dataset)
    survey = SampleSurvey(dataset, rank)

    def measured(step, shown):
        features = rank.features(dataset.spec.encode(shown))
        return {"step": step, "figure": rank.figure(features)} | survey(features)

    noise = torch.randint(0, 256, (300, *dataset.spec.shape), dtype=torch.uint8)
    later = measured(10, images)
    return [measured(0, noise) | survey.floors(), *(later | {"step": step} for step in range(10, 100, 10))]


def unlabelled(tmp_path, images):
    np.save(tmp_path / "images.npy", images.numpy())
    return open_data(str(tmp_path / "images.npy"), DataOptions())


def test_images_of_three_classes_of_ten_are_not_healthy(tmp_path, digit_images):
    """Without labels nothing that is looked for is wrong with them."""
    images, labels = digit_images
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    mine, new = order[:900], order[900:]
    dataset = unlabelled(tmp_path, images[mine])
    verdict = diagnose(rows(dataset, images[new]), dataset.spec)
    assert (verdict.name, verdict.healthy) == ("healthy", True)
    verdict = diagnose(rows(dataset, images[new][labels[new] < 3]), dataset.spec)
    assert (verdict.name, verdict.healthy) == ("far from the data", False)
    assert "recall" in [evidence.symptom for evidence in verdict.far]


def test_of_a_set_with_few_images_held_out_nobody_can_tell(tmp_path, digit_images):
    images, _ = digit_images
    dataset = unlabelled(tmp_path, images[:60])
    assert diagnose(rows(dataset, images[60:1000]), dataset.spec).name == "cannot tell"


@pytest.mark.parametrize("count", [8, 16, 32, 60, 120])
def test_new_images_are_no_copies_however_few_there_are(tmp_path, digit_images, count):
    """And copies are; also where only a tenth of the samples are copies."""
    for draw in range(4):
        order = torch.randperm(len(digit_images[0]), generator=torch.Generator().manual_seed(draw))
        images = digit_images[0][order]
        dataset, new = unlabelled(tmp_path, images[:count]), images[count : count + 500]
        train = dataset.train.read(np.arange(len(dataset.train))).x
        some = torch.cat([new, train.repeat(60 // len(train) + 1, 1, 1, 1)[:60]])
        some = some[torch.randperm(len(some), generator=torch.Generator().manual_seed(0))]
        for samples, copied in ((new, False), (some, True), (train.repeat(50, 1, 1, 1), True)):
            found = [finding.sickness for finding in diagnose(rows(dataset, samples), dataset.spec).findings]
            assert ("memorisation" in found) == copied, (draw, copied)
