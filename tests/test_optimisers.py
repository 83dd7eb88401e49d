"""The lean Adam is torch's Adam, bit for bit."""

import copy
from collections.abc import Iterator

import pytest
import torch
from torch import nn

from sparring.optimisers import LeanAdam


def parameters() -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    return [nn.Parameter(torch.randn(shape, generator=generator)) for shape in ((40, 30), (40,), (3, 2, 5), ())]


def pair() -> tuple[torch.optim.Optimizer, torch.optim.Optimizer]:
    betas = (0.5, 0.999)
    return (
        LeanAdam(parameters(), lr=1e-2, betas=betas, eps=1e-7),
        torch.optim.Adam(parameters(), lr=1e-2, betas=betas, eps=1e-7, fused=True),
    )


def tensors(optimiser: torch.optim.Optimizer) -> Iterator[torch.Tensor]:
    for parameter in optimiser.param_groups[0]["params"]:
        yield parameter.detach()
        for name in ("step", "exp_avg", "exp_avg_sq"):
            if name in optimiser.state[parameter]:
                yield optimiser.state[parameter][name]


def play(optimisers: tuple[torch.optim.Optimizer, ...], seed: int, missing: int | None = None) -> None:
    for optimiser in optimisers:
        generator = torch.Generator().manual_seed(seed)
        for i, parameter in enumerate(optimiser.param_groups[0]["params"]):
            gradient = torch.randn(parameter.shape, generator=generator)
            parameter.grad = None if i == missing else gradient
        optimiser.step()


def same(lean: torch.optim.Optimizer, plain: torch.optim.Optimizer) -> bool:
    return all(torch.equal(a, b) for a, b in zip(tensors(lean), tensors(plain), strict=True))


def test_over_many_steps() -> None:
    both = pair()
    for seed in range(20):
        play(both, seed)
        assert same(*both)


def test_after_a_changed_rate() -> None:
    both = pair()
    for seed in range(10):
        for optimiser in both:
            optimiser.param_groups[0]["lr"] = 0.01 * 0.7**seed
        play(both, seed)
    assert same(*both)


@pytest.mark.parametrize("when", [{0}, {1}, {3, 4}, {0, 1, 2, 3}])
def test_with_a_missing_gradient(when: set[int]) -> None:
    """A parameter that gets none stands still, and its own count does too."""
    both = pair()
    for seed in range(8):
        play(both, seed, missing=1 if seed in when else None)
        assert same(*both)


@pytest.mark.parametrize("steps_before", [0, 1, 5])
def test_after_its_state_was_replaced(steps_before: int) -> None:
    both = pair()
    for seed in range(4):
        play(both, seed)
    fresh = pair()
    for seed in range(steps_before):
        play(fresh, 100 + seed)
    for old, new in zip(both, fresh, strict=True):
        new.load_state_dict(copy.deepcopy(old.state_dict()))
        for source, target in zip(old.param_groups[0]["params"], new.param_groups[0]["params"], strict=True):
            target.data.copy_(source.data)
    for seed in range(4, 8):
        play(both, seed)
        play(fresh, seed)
        assert same(*fresh)
        assert same(fresh[0], both[1])


def test_with_a_closure() -> None:
    lean, plain = pair()
    for optimiser in (lean, plain):
        first = optimiser.param_groups[0]["params"][0]

        def closure(optimiser: torch.optim.Optimizer = optimiser, first: nn.Parameter = first) -> float:
            optimiser.zero_grad()
            loss = first.square().sum()
            loss.backward()
            return loss.item()

        for _ in range(3):
            assert optimiser.step(closure) > 0
    assert same(lean, plain)
