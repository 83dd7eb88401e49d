"""Instance noise."""

import pytest
import torch

from sparring.views import InstanceNoise


def test_instance_noise_has_its_size_and_lets_gradients_through() -> None:
    x = torch.zeros(20_000, 2, requires_grad=True)
    labels = torch.arange(20_000)
    seen, kept = InstanceNoise(0.3)((x, labels), {})
    assert seen.std().item() == pytest.approx(0.3, rel=0.02)
    assert seen.mean().item() == pytest.approx(0, abs=0.01)
    assert kept is labels
    (gradient,) = torch.autograd.grad(seen.sum(), x)
    assert torch.equal(gradient, torch.ones_like(gradient))
