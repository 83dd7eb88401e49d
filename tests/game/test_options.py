"""Penalties, packs, views and clipped weights, as the adversarial game uses them."""

import pytest
import torch
from torch import Tensor, nn

from sparring import objectives
from sparring.errors import UsageError
from sparring.game import Adversarial, FeatureMatching, TwoUpdates, Unrolled, skill
from sparring.networks import MLPDiscriminator, MLPGenerator
from sparring.objectives import DIVERGENCES, Objective, f_gan, hinge, non_saturating, relativistic, wasserstein
from sparring.penalties import DRAGAN, R1, R1R2, R2, WGANGP
from sparring.types import PROGRESS, Drawn, Inputs, Memory, Players, Statistics, View
from sparring.views import InstanceNoise

DOUBLE = torch.float64
OBJECTIVES = {name: value for name, value in vars(objectives).items() if isinstance(value, Objective)}
OBJECTIVES |= {f"f-gan of {name}": f_gan(divergence) for name, divergence in DIVERGENCES.items()}


def players(dim: int = 2, pack: int = 1) -> Players:
    torch.manual_seed(0)
    return Players(
        MLPGenerator(3, (8,), (dim,), activation=nn.Tanh, output=nn.Identity),
        MLPDiscriminator((dim * pack,), (8,), activation=nn.Tanh),
    ).double()


def drawn(n: int = 6, dim: int = 2) -> Drawn:
    torch.manual_seed(1)
    return Drawn((torch.randn(n, dim, dtype=DOUBLE) + 1,), (torch.randn(n, 3, dtype=DOUBLE),))


class Counting(nn.Module):
    """A linear discriminator that counts its passes."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([[0.3, -0.4]], dtype=DOUBLE))
        self.shown: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        self.shown.append(x.detach())
        return x @ self.weight.T


@pytest.mark.parametrize("joined", [False, True])
@pytest.mark.parametrize(
    "penalties", [(R1(3.0),), (R1(3.0), R2(1.0)), (R1R2(2.0),), (WGANGP(10.0),), (DRAGAN(10.0), R2(2.0))]
)
def test_penalties_are_added_joined_or_apart(joined: bool, penalties: tuple) -> None:
    """The loss is the adversarial one plus each penalty called alone; so is its gradient."""
    pair, given = players(), drawn()
    weights = list(pair.discriminator.parameters())
    plain, _ = Adversarial(non_saturating).discriminator_loss(pair, given)
    fake = pair.generator(*given.latent).detach()
    torch.manual_seed(2)
    alone = sum(p(lambda x: pair.discriminator(x).squeeze(1), given.real, (fake,)) for p in penalties)
    torch.manual_seed(2)
    loss, statistics = Adversarial(non_saturating, joined=joined, penalties=penalties).discriminator_loss(pair, given)
    torch.testing.assert_close(loss, plain + alone)
    torch.testing.assert_close(statistics["d_loss"], plain.detach())
    torch.testing.assert_close(statistics["d_penalty"], alone.detach())
    expected = torch.autograd.grad(plain + alone, weights)
    for found, known in zip(torch.autograd.grad(loss, weights), expected, strict=True):
        torch.testing.assert_close(found, known)
    assert all(not x.requires_grad for x in given.real)


@pytest.mark.parametrize(("joined", "passes"), [(False, 2), (True, 1)])
def test_penalties_on_what_was_judged_cost_no_pass(joined: bool, passes: int) -> None:
    pair = Players(players().generator, Counting())
    penalties = (R1(1.0), R2(1.0), R1R2(1.0))
    Adversarial(non_saturating, joined=joined, penalties=penalties).discriminator_loss(pair, drawn())
    assert len(pair.discriminator.shown) == passes


def test_weights_are_clipped_after_the_discriminators_move_alone() -> None:
    pair = players()
    game = Adversarial(wasserstein, clip_weights=0.05)
    before = [p.clone() for p in pair.parameters()]
    game.after_step(pair, "generator", {}, {})
    assert all(torch.equal(a, b) for a, b in zip(before, pair.parameters(), strict=True))
    game.after_step(pair, "discriminator", {}, {})
    for old, new in zip(before[-4:], pair.discriminator.parameters(), strict=True):
        assert torch.equal(new, old.clamp(-0.05, 0.05))
    assert all(torch.equal(a, b) for a, b in zip(before, pair.generator.parameters(), strict=False))


@pytest.mark.parametrize("shape", [(2,), (1, 4, 4), (3, 4, 2)])
def test_a_pack_is_judged_as_one(shape: tuple[int, ...]) -> None:
    """The discriminator sees m examples joined in their first dimension, each example once, in order."""
    m = 3
    generator = nn.Sequential(nn.Linear(3, 8), nn.Linear(8, torch.Size(shape).numel()), nn.Unflatten(1, shape))
    seen: list[Tensor] = []
    network = nn.Sequential(nn.Flatten(), nn.Linear(m * torch.Size(shape).numel(), 1))
    network.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach()))
    pair = Players(generator, network)
    game = Adversarial(relativistic, pack=m, penalties=(R1(1.0),))
    assert [(turn.real, turn.fake) for turn in game.turns(4)] == [(12, 12), (12, 12)]
    given = Drawn((torch.randn(12, *shape),), (torch.randn(12, 3),))
    loss, _ = game.discriminator_loss(pair, given)
    assert loss.isfinite()
    real, fake = seen[:2]
    assert real.shape == fake.shape == (4, m * shape[0], *shape[1:])
    assert torch.equal(real.reshape(12, *shape), given.real[0])
    game.generator_loss(pair, given)
    assert seen[-1].shape == real.shape


def test_packs_of_labelled_examples_are_refused() -> None:
    labels = torch.zeros(6, dtype=torch.int64)
    given = Drawn((drawn().real[0], labels), drawn().latent)
    with pytest.raises(UsageError, match="packs of examples"):
        Adversarial(non_saturating, pack=2).discriminator_loss(players(pack=2), given)


def test_the_view_is_on_real_and_fake_and_in_both_turns() -> None:
    pair = Players(players().generator, Counting())
    given = drawn()

    class Shifted(View):
        def __call__(self, inputs: Inputs, memory: Memory) -> Inputs:
            return (inputs[0] + 100, *inputs[1:])

    game = Adversarial(non_saturating, view=Shifted())
    game.discriminator_loss(pair, given)
    game.generator_loss(pair, given)
    assert torch.equal(pair.discriminator.shown[0], given.real[0] + 100)
    for shown in pair.discriminator.shown[1:]:
        torch.testing.assert_close(shown, pair.generator(*given.latent).detach() + 100)
    assert len(pair.discriminator.shown) == 3


def test_instance_noise_leaves_the_generator_its_gradient() -> None:
    pair = players()
    loss, _ = Adversarial(non_saturating, view=InstanceNoise(0.1)).generator_loss(pair, drawn())
    assert all(g.abs().max() > 0 for g in torch.autograd.grad(loss, list(pair.generator.parameters())))


def test_instance_noise_has_its_deviation_and_may_fade() -> None:
    torch.manual_seed(0)
    x = torch.zeros(100_000, dtype=DOUBLE)
    for progress, fading, expected in ((0.0, True, 0.5), (0.5, True, 0.25), (1.0, True, 0.0), (1.0, False, 0.5)):
        (shown,) = InstanceNoise(0.5, fading=fading)((x,), {PROGRESS: torch.tensor(progress)})
        assert shown.std().item() == pytest.approx(expected, rel=0.02)


def test_penalties_may_fade_over_the_run() -> None:
    pair, given = players(), drawn()
    penalised = {"penalties": (R1(3.0),)}
    whole, _ = Adversarial(non_saturating, **penalised).discriminator_loss(pair, given)
    plain, _ = Adversarial(non_saturating).discriminator_loss(pair, given)
    fading = Adversarial(non_saturating, **penalised, fade=lambda progress: 1 - progress)
    for progress in (0.0, 0.25, 1.0):
        at = Drawn(given.real, given.latent, {PROGRESS: torch.tensor(progress, dtype=DOUBLE)})
        loss, statistics = fading.discriminator_loss(pair, at)
        torch.testing.assert_close(loss, plain + (1 - progress) * (whole - plain))
        torch.testing.assert_close(statistics["d_penalty"], loss.detach() - plain.detach())


def test_a_view_remembers_and_adapts_after_the_discriminators_moves() -> None:
    """Its memory is the game's; it is told what each of the discriminator's moves measured, and no other."""

    class Counted(View):
        def memory(self) -> Memory:
            return {"moves": torch.zeros(())}

        def __call__(self, inputs: Inputs, memory: Memory) -> Inputs:
            return inputs

        def adapt(self, memory: Memory, statistics: Statistics) -> None:
            memory["moves"].add_(statistics["d_real"])

    game = Adversarial(non_saturating, view=Counted())
    memory = game.memory()
    assert game.memory()["moves"] is not memory["moves"]
    for player in ("discriminator", "generator", "discriminator"):
        game.after_step(players(), player, memory, {"d_real": torch.tensor(0.5)})
    assert memory["moves"].item() == 1


@pytest.mark.parametrize(("name", "objective"), OBJECTIVES.items())
def test_how_often_the_discriminator_is_right(name: str, objective: Objective) -> None:
    """A discriminator that is best for a known ratio p/q is right as often as the ratio says."""
    log_ratio = torch.tensor([2.0, 1.0, 0.5, -1.0], dtype=DOUBLE)
    if objective.optimum is None or objective.relativistic:
        pairs = skill(objective, log_ratio, torch.tensor([1.0, 2.0, 0.0, -2.0], dtype=DOUBLE))
        assert {key: value.item() for key, value in pairs.items()} == {"d_real": 0.75, "d_fake": 0.75}
        return
    found = skill(objective, objective.optimum(log_ratio), objective.optimum(log_ratio - 1.5))
    assert {key: value.item() for key, value in found.items()} == {"d_real": 0.75, "d_fake": 0.75}


def test_two_updates_refuse_what_they_do_not_do() -> None:
    others = ({"penalties": (R1(1.0),)}, {"pack": 2}, {"view": InstanceNoise(1.0)}, {"joined": True}, {"half": True})
    for options in others:
        with pytest.raises(UsageError, match="two updates"):
            TwoUpdates(non_saturating, **options)
    for objective in (relativistic, hinge):
        with pytest.raises(UsageError, match="two updates"):
            TwoUpdates(objective)


def test_feature_matching_is_the_distance_of_the_means() -> None:
    pair, given = players(), drawn()
    game = FeatureMatching(non_saturating)
    assert [(turn.player, turn.real) for turn in game.turns(6)] == [("discriminator", 6), ("generator", 6)]
    loss, _ = game.generator_loss(pair, given)
    hidden = [torch.tanh(pair.discriminator.net[1](x)).mean(0) for x in (given.real[0], pair.generator(*given.latent))]
    torch.testing.assert_close(loss, (hidden[0] - hidden[1]).square().sum())
    at_equilibrium, _ = game.generator_loss(Players(nn.Identity(), pair.discriminator), Drawn(given.real, given.real))
    assert at_equilibrium.item() == 0


def test_feature_matching_needs_features() -> None:
    with pytest.raises(UsageError, match="Counting has no features"):
        FeatureMatching(non_saturating).generator_loss(Players(players().generator, Counting()), drawn())


@pytest.mark.parametrize(
    "game", [Unrolled(non_saturating, ahead=0, rate=0.1), Unrolled(relativistic, ahead=0, rate=0.1)]
)
def test_looking_no_step_ahead_is_the_plain_game(game: Unrolled) -> None:
    pair, given = players(), drawn()
    plain = Adversarial(game.objective)
    torch.testing.assert_close(game.generator_loss(pair, given)[0], plain.generator_loss(pair, given)[0])
