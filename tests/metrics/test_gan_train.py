"""GAN-train and GAN-test: high for real examples, and each falls by what it is there to find."""

import pytest
import torch

from sparring.errors import UsageError
from sparring.metrics.gan_train import Worth, worth
from sparring.types import Batch


@pytest.fixture(scope="module")
def parts(digit_images) -> tuple[Batch, Batch, Batch]:
    """Some for training, as many others in place of generated ones, and the test."""
    x, y = digit_images
    return Batch(x[:300], y[:300]), Batch(x[300:600], y[300:600]), Batch(x[600:1000], y[600:1000])


def measured(*parts: Batch, steps: int = 50, **options) -> Worth:
    return worth(*parts, classes=10, steps=steps, **options)


@pytest.fixture(scope="module")
def of_real(parts) -> Worth:
    """With real examples in place of generated ones."""
    return measured(*parts)


def test_more_real_examples_are_worth_as_much_as_real_ones(of_real) -> None:
    assert min(of_real) > 0.8
    assert max(of_real) - min(of_real) < 0.15


def test_the_seed_decides(parts) -> None:
    first, again, other = (measured(*parts, steps=5, seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_labels_that_say_nothing_teach_nothing(parts, of_real) -> None:
    real, other, test = parts
    found = measured(real, Batch(other.x, other.y.roll(1)), test)  # as frequent as before
    assert found.real == of_real.real
    assert found.generated < 0.3
    assert found.gan_test < 0.3
    assert found.generated < found.both < found.real


def test_a_generator_without_variety_is_told_by_gan_train_alone(parts, of_real) -> None:
    real, other, test = parts
    first = torch.stack([(other.y == c).nonzero()[0, 0] for c in range(10)]).repeat(30)
    found = measured(real, Batch(other.x[first], other.y[first]), test)
    assert found.gan_test > 0.8
    assert found.generated < of_real.generated - 0.1


def test_images_may_be_shown_in_another_way(parts) -> None:
    found = measured(*parts, steps=5, show=torch.zeros_like)  # the classifiers see nothing
    assert max(found) < 0.2


def test_every_example_needs_a_label(parts) -> None:
    real, other, test = parts
    with pytest.raises(UsageError, match="every generated example needs a label from 0 to 9"):
        measured(real, Batch(other.x, other.y - 1), test)
    with pytest.raises(UsageError, match="every real example"):
        measured(Batch(real.x), other, test)
