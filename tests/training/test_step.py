"""One step: the average, the clipped gradient, the players that stand still."""

import pytest
import torch
from torch import nn

from sparring.networks import spectral
from sparring.training.step import batch_norms, power_iterations, standing_still, update_average
from sparring.types import Recipe


def weights(module: nn.Module) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in module.parameters()])


def test_average_is_the_geometric_sum(tiny, play) -> None:
    """a_n = keep^n w_0 + (1 - keep) Σ keep^(n-i) w_i; the running averages of batch norm are the newest ones."""
    keep = 0.7
    history = [weights(play(tiny(ema=keep), steps).players.generator) for steps in range(6)]
    state = play(tiny(ema=keep), 5)
    expected = keep**5 * history[0] + (1 - keep) * sum(keep ** (5 - i) * history[i] for i in range(1, 6))
    torch.testing.assert_close(weights(state.average), expected)
    for kept, new in zip(state.average.buffers(), state.players.generator.buffers(), strict=True):
        assert torch.equal(kept, new)
    assert state.generator is state.average
    assert not any(p.data_ptr() == q.data_ptr() for p in state.average.parameters() for q in state.players.parameters())


def test_average_does_not_change_the_game(tiny, play) -> None:
    with_average, without = play(tiny(ema=0.9), 5), play(tiny(), 5)
    assert torch.equal(weights(with_average.players), weights(without.players))
    assert without.average is None
    assert without.generator is without.players.generator


def test_average_waits_for_the_end_of_the_pretraining(tiny, play) -> None:
    state = play(tiny(ema=0.5, pretrain=4), 4)
    assert state.step == 0
    assert torch.equal(weights(state.average), weights(state.players.generator))
    fresh = play(tiny(pretrain=4), 0)
    assert torch.equal(weights(state.players.generator), weights(fresh.players.generator))
    assert not torch.equal(weights(state.players.discriminator), weights(fresh.players.discriminator))


def test_average_that_ramps_up_forgets_by_the_steps_done(tiny, play) -> None:
    """With the half-life at half of the steps done: step i keeps 2^(-2 / i), at the most ``ema``."""
    settings = {"ema": 0.6, "ema_rampup": 0.5}
    history = [weights(play(tiny(**settings), steps).players.generator) for steps in range(5)]
    expected = history[0]
    for i in range(1, 5):
        keep = min(0.6, 2 ** (-2 / i))
        expected = keep * expected + (1 - keep) * history[i]
    torch.testing.assert_close(weights(play(tiny(**settings), 4).average), expected)


@pytest.mark.parametrize("keep", [0.5, torch.tensor(0.5)])
def test_average_of_a_known_walk(keep: float | torch.Tensor) -> None:
    average, network = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
    nn.init.constant_(average.weight, 0.0)
    for i in range(1, 4):
        nn.init.constant_(network.weight, float(i))
        update_average(average, network, keep)
    assert average.weight.item() == pytest.approx(0.5**3 * 1 + 0.5**2 * 2 + 0.5 * 3)


def plain(parameters: list[nn.Parameter], lr: float) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, lr=1.0)


@pytest.mark.parametrize("clip", [1e-3, 1e6])
def test_clip_bounds_the_length_of_a_move(tiny, play, clip: float) -> None:
    """Under plain gradient steps of rate 1 the weights move by the clipped gradient."""
    recipe: Recipe = tiny(optimiser=plain, clip=clip)
    before, after = play(recipe, 0), play(recipe, 1)
    for player in ("generator", "discriminator"):
        moved = weights(getattr(after.players, player)) - weights(getattr(before.players, player))
        free = weights(getattr(play(tiny(optimiser=plain), 1).players, player)) - weights(
            getattr(before.players, player)
        )
        if clip < 1:
            assert moved.norm().item() == pytest.approx(clip, rel=1e-3)
            if player == "discriminator":  # its gradient has the same direction; the generator meets another opponent
                assert torch.nn.functional.cosine_similarity(moved, free, dim=0).item() == pytest.approx(1, abs=1e-3)
        else:
            torch.testing.assert_close(moved, free)


@pytest.mark.parametrize("player", ["generator", "discriminator"])
def test_who_is_held_stands_still(tiny, play, player: str) -> None:
    before, after = play(tiny(), 0), play(tiny(hold=player), 5)
    other = "generator" if player == "discriminator" else "discriminator"
    held = getattr(before.players, player).state_dict()
    for name, tensor in getattr(after.players, player).state_dict().items():
        assert torch.equal(tensor, held[name]), name
    assert not torch.equal(weights(getattr(before.players, other)), weights(getattr(after.players, other)))


def test_standing_still_normalises_by_the_batch() -> None:
    """A network that stands still is the same function as ever, but keeps its running averages."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.BatchNorm1d(3, track_running_stats=False))
    x = torch.randn(10, 2)
    norms = batch_norms(network)
    assert norms == [network[1]]
    kept = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with standing_still(norms):
        still = network(x)
    assert all(torch.equal(tensor, kept[name]) for name, tensor in network.state_dict().items())
    assert torch.equal(network(x), still)
    assert int(network[1].num_batches_tracked) == 1
    with pytest.raises(ZeroDivisionError), standing_still(norms):
        raise ZeroDivisionError
    assert norms[0].track_running_stats


def test_spectral_norms_stand_still_too() -> None:
    """The followed singular values do not move while the other player does, and are used as they are."""
    torch.manual_seed(0)
    network = spectral(nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 1)))
    followed = power_iterations(network)
    assert len(followed) == 2
    kept = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    x = torch.randn(10, 4)
    with standing_still(followed):
        network(x).sum().backward()
    assert all(torch.equal(tensor, kept[name]) for name, tensor in network.state_dict().items())
    assert all(layer.training for layer in followed)
    network(x)
    assert not torch.equal(network[0].parametrizations.weight[0]._u, kept["0.parametrizations.weight.0._u"])
