import dataclasses
import io
import json
import math

import numpy as np
import pytest
import torch
from rich.console import Console
from torch.utils._python_dispatch import TorchDispatchMode

from sparring.data import DataOptions, open_data
from sparring.errors import SparringError, UsageError
from sparring.evaluate import Evaluation, Figure, _samples, _size, evaluate
from sparring.metrics.ranking import make_ranking
from sparring.types import DataSpec


@pytest.fixture(scope="module")
def digits(make_dataset, digit_images):
    notes = ("made for a test",)
    return make_dataset(*digit_images, validation=400, test=497, fingerprint="digits of a test", notes=notes)


def replay(dataset, x):
    """A generator that shows these stored images, as many times as it takes."""
    return lambda n: dataset.spec.encode(x[torch.arange(n) % len(x)])


NAMES = ["FD-classifier", "FDinf-classifier", "KD-classifier", "different bins", "two-sample test"]
NAMES += ["precision", "recall", "density", "coverage", "near copies", "authenticity", "nearer to train"]


def test_held_out_real_data_come_out_at_the_floor(digits):
    got = evaluate(replay(digits, digits.validation.x), digits)
    assert [f.name for f in got.figures] == [*NAMES, "class distance"]
    assert got.n == 497
    assert got["FD-classifier"].value < 2.5 * got["FD-classifier"].floor
    for name in ("precision", "recall", "coverage"):
        assert got[name].value == pytest.approx(got[name].floor, abs=0.1)
    assert got["class distance"].note == "none missing"
    for name in ("FDinf-classifier", "KD-classifier"):
        assert got[name].value < 5 * got[name].error
    assert got["different bins"].value < 0.3
    assert got["two-sample test"].value == pytest.approx(0.5, abs=0.1)
    for name in ("authenticity", "nearer to train"):
        assert got[name].value == pytest.approx(got[name].floor, abs=0.1)
        assert got[name].better == "as real"
        assert (got[name].error, got[name].floor_error) == pytest.approx((0.022, 0.022), abs=0.01)
    assert "among 900 of 900 training images" in got["authenticity"].note
    assert got["near copies"].value < 0.01
    assert got["near copies"].error > 0.001
    assert got["different bins"].note.startswith("share of 22 ")
    assert got.notes[0] == "made for a test"
    assert "N = 497, not 10000: a part of these data has no more examples" in got.notes
    assert any("WARNING: N = 497 is under 1000" in note for note in got.notes)
    assert not any("do they lie in [0, 1]?" in note for note in got.notes)
    assert any("10 times the 64 features" in note for note in got.notes)
    assert any("% right on 497 test images" in note for note in got.notes)


def test_each_kind_of_damage_is_seen_by_the_figure_for_it(digits):
    x, y = digits.validation.x, digits.validation.y
    good = evaluate(replay(digits, x), digits)

    dropped = evaluate(replay(digits, x[y >= 5]), digits)
    assert dropped["class distance"].note == "missing: 0, 1, 2, 3, 4"
    assert dropped["class distance"].value > 0.4
    assert dropped["recall"].value < good["recall"].value - 0.2
    assert dropped["coverage"].value < good["coverage"].value - 0.2
    assert dropped["precision"].value > good["precision"].value - 0.1

    copies = evaluate(replay(digits, x[:10]), digits)
    assert copies["recall"].value < 0.1
    assert copies["coverage"].value < 0.3

    for bad in (dropped, copies):
        assert bad["different bins"].value > 3 * good["different bins"].value
        assert bad["KD-classifier"].value > 5 * bad["KD-classifier"].error
        assert bad["two-sample test"].value > 0.6
        assert bad["FDinf-classifier"].value > 4 * bad["FDinf-classifier"].error

    learned = evaluate(replay(digits, digits.train.x), digits)
    assert learned["authenticity"].value < good["authenticity"].value - 0.2
    assert learned["nearer to train"].value > good["nearer to train"].value + 0.2
    assert learned["FD-classifier"].value < 2 * good["FD-classifier"].value

    noisy = evaluate(lambda n: (replay(digits, x)(n) + torch.linspace(-1, 1, 64).view(8, 8)).clamp(-1, 1), digits)
    assert noisy["FD-classifier"].value > 3 * good["FD-classifier"].value
    assert noisy["precision"].value < good["precision"].value


def test_copies_of_any_training_image_are_found(digits, monkeypatch):
    """Near copies of a whole training part that is larger than N: each image has one pixel one grey level off."""
    near = digits.train.x.clone()
    near[:, 0, 4, 4] ^= 1
    got = evaluate(replay(digits, near), digits, n=300)
    assert got["authenticity"].value < 0.02
    assert got["authenticity"].floor > 0.4
    assert got["near copies"].value > 0.99
    assert got["near copies"].floor < 0.02
    for name in ("authenticity", "near copies"):
        assert "among 900 of 900 training images" in got[name].note
    monkeypatch.setattr("sparring.evaluate.MOST_SEARCHED", 64 * 450)
    some = evaluate(replay(digits, digits.train.x), digits, n=300)
    assert "among 450 of 900 training images" in some["authenticity"].note
    monkeypatch.setattr("sparring.evaluate.MOST_SEARCHED", 64)
    assert "among 300 of 900" in evaluate(replay(digits, near), digits, n=300)["authenticity"].note
    monkeypatch.setattr("sparring.evaluate.MOST_COMPARED", 64 * 450)
    fewer = evaluate(replay(digits, digits.train.x), digits, n=300)["near copies"]
    assert "among 450 of 900" in fewer.note
    assert fewer.value == pytest.approx(0.5, abs=0.1)


def test_a_fifth_of_noisy_copies_is_a_fifth_of_near_copies(digits):
    """Noise of three grey levels, which no eye sees, in a fifth of the samples."""
    made = digits.validation.x[:300].clone()
    noise = 3 * torch.randn(60, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    made[:60] = (digits.train.x[:60] + noise).round().clamp(0, 255).byte()
    got = evaluate(replay(digits, made), digits, n=300)["near copies"]
    assert got.value == pytest.approx(0.2, abs=0.01)
    assert got.value - got.floor > 5 * got.error
    bare = dataclasses.replace(digits, test=None, validation=None, fingerprint="bare copies")
    assert evaluate(replay(digits, made), bare, n=300)["near copies"].value == pytest.approx(0.2, abs=0.01)


def test_errors_of_floors_are_those_of_their_measures(digits):
    """About as large as the scatter of floors of other draws, all of which should be 0 here."""
    show = replay(digits, digits.validation.x)
    got = [evaluate(show, digits, n=150, seed=seed) for seed in range(6)]
    for name in ("FDinf-classifier", "KD-classifier"):
        floors, errors = (torch.tensor([getattr(one[name], of) for one in got]) for of in ("floor", "floor_error"))
        assert 0.1 < float(floors.std() / errors.mean()) < 3
    for name in ("FDinf-classifier", "KD-classifier", "precision", "density", "class distance"):
        assert all(one[name].floor_error > 0 for one in got)
    assert got[0]["FD-classifier"].floor_error is None


def test_too_few_bins_are_left_out(digits):
    few = dataclasses.replace(digits, train=digits.validation, fingerprint="few to bin")
    got = evaluate(replay(digits, digits.train.x), few, n=300)
    assert "different bins" not in {f.name for f in got.figures}
    assert "different bins are left out: too few examples for 20 of them" in got.notes


def test_data_that_repeat_themselves_hide_no_copies(make_dataset, digit_images):
    x = digit_images[0]
    parts = [x[cut].repeat_interleave(2, 0) for cut in (slice(0, 500), slice(500, 900))]
    twice = make_dataset(torch.cat(parts), test=800)
    near = parts[0].clone()
    near[:, 0, 4, 4] ^= 1
    got, fresh = (evaluate(replay(twice, shown), twice) for shown in (near, x[900:]))
    assert got["authenticity"].value < 0.02
    assert got["authenticity"].floor > 0.4
    assert got["nearer to train"].floor == pytest.approx(0.5, abs=0.1)
    assert fresh["authenticity"].value == pytest.approx(fresh["authenticity"].floor, abs=0.1)


class Blind:
    name, note, ranking_only = "blind", "features: none", True

    def __call__(self, images):
        return torch.full((len(images), 3), 0.1)


@pytest.mark.parametrize("count", [1, 3])
def test_data_without_variety_are_a_clear_error(make_dataset, digits, count):
    data = make_dataset(digits.train.x[torch.arange(300) % count], test=150)
    with pytest.raises(UsageError, match=f"only {count} of the 150 training images"):
        evaluate(lambda n: torch.rand(n, 1, 8, 8) * 2 - 1, data)
    few = make_dataset(digits.train.x[torch.arange(300) % 20], test=150)
    assert any("WARNING: only 20 of the 150" in note for note in evaluate(replay(few, few.train.x), few).notes)
    with pytest.raises(UsageError, match="the same features"):
        evaluate(replay(digits, digits.validation.x), digits, features=Blind())


def test_the_same_call_gives_the_same_bits_and_another_seed_does_not(digits):
    first, again, other = (evaluate(replay(digits, digits.validation.x), digits, n=300, seed=s) for s in (0, 0, 1))
    assert first == again
    assert first != other


def test_stored_images_are_taken_as_they_are(digits):
    show = replay(digits, digits.validation.x)
    assert evaluate(lambda n: digits.spec.decode(show(n)), digits, n=300) == evaluate(show, digits, n=300)


def test_without_labels_random_convolutions_rank(digits):
    bare = dataclasses.replace(digits, spec=DataSpec("image", (1, 8, 8)))
    got = evaluate(replay(digits, digits.validation.x), bare)
    assert [f.name for f in got.figures] == [name.replace("classifier", "random-conv") for name in NAMES]
    for name in ("FD-random-conv", "KD-random-conv", "recall"):
        assert got[name].note == "for ranking only"


def test_without_anything_held_out_there_is_no_floor(digits):
    bare = dataclasses.replace(digits, test=None, validation=None, fingerprint="bare")
    got = evaluate(replay(digits, digits.validation.x), bare, n=400)
    assert all(f.floor is None for f in got.figures)
    assert all(f.floor_error is None for f in got.figures)
    assert "authenticity" not in {f.name for f in got.figures}
    assert any("no figure has a floor" in note for note in got.notes)
    assert "unknown" in json.dumps([str(note) for note in got.notes])


def test_few_samples_have_few_figures(digits):
    six = evaluate(lambda n: digits.spec.encode(digits.validation.x[:1].expand(n, -1, -1, -1)), digits, n=6)
    assert six["class distance"].note.startswith("too few samples to tell: ")
    assert 0.05 < six["class distance"].error < 0.5
    got = evaluate(replay(digits, digits.validation.x), digits, n=60)
    assert [f.name for f in got.figures] == [NAMES[0], *NAMES[5:9], "class distance"]
    assert "N = 60 is under 100: only the figures that so few samples allow" in got.notes
    assert any(note.startswith("WARNING: N = 60 is not above the 64 features") for note in got.notes)


def test_json_and_table(digits):
    got = evaluate(replay(digits, digits.validation.x[:5]), digits, n=300)
    assert Evaluation.from_json(json.loads(json.dumps(got.to_json()))) == got
    older = got.to_json()
    for figure in older["figures"]:
        del figure["floor_error"]
    assert Evaluation.from_json(older)["recall"].floor == got["recall"].floor
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(got.to_table())
    text = console.export_text()
    assert "FD-classifier" in text
    assert "WARNING" in text
    assert "as real" in text
    kernel = got["KD-classifier"]
    assert f"{kernel.floor:.4g} ± {kernel.floor_error:.0f}" in text
    with pytest.raises(KeyError):
        got["FID"]


def test_more_figures_are_asked_for(digits, monkeypatch):
    monkeypatch.setattr("sparring.metrics.more_figures.PATCHES", 500)
    show = replay(digits, digits.validation.x)
    usual, more = (evaluate(show, digits, n=300, more=more) for more in (False, True))
    assert more.figures[: len(usual.figures)] == usual.figures
    added = more.figures[len(usual.figures) :]
    assert [f.name for f in added] == ["MMD", "patches", "support size", "label score"]
    assert all(f.floor is not None for f in added)
    assert abs(more["MMD"].value) < 0.01
    assert more["label score"].value == pytest.approx(more["label score"].floor, rel=0.2)
    twins = evaluate(replay(digits, digits.validation.x[:30]), digits, n=300, more=True)
    assert twins["support size"].value < 100 < twins["support size"].floor
    bare = dataclasses.replace(digits, spec=DataSpec("image", (1, 8, 8)), test=None, validation=None)
    blind = evaluate(show, bare, n=300, more=True)
    assert [f.name for f in blind.figures[-3:]] == ["MMD", "patches", "support size"]
    assert blind["MMD"].floor is None


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda n: torch.zeros(n, 3, 8, 8), UsageError, "shape"),
        (lambda n: torch.zeros(n, 1, 8, 9), UsageError, "shape"),
        (lambda n: torch.zeros(n - 1, 1, 8, 8), UsageError, "shape"),
        (lambda n: torch.zeros(n, 1, 8, 8, dtype=torch.int32), UsageError, "floating"),
        (lambda n: torch.zeros(n, 3, 8, 8, dtype=torch.uint8), UsageError, "shape"),
        (lambda n: torch.zeros(0, 1, 8, 8), UsageError, "shape"),
        (lambda n: np.zeros((n, 1, 8, 8), np.float32), UsageError, "tensor, got a ndarray"),
        (lambda n: torch.full((n, 1, 8, 8), torch.nan), SparringError, "diverged"),
        (lambda n: torch.full((n, 1, 8, 8), torch.inf), SparringError, "diverged"),
    ],
)
def test_bad_samples_are_clear_errors(digits, make, error, match):
    with pytest.raises(error, match=match):
        evaluate(make, digits)


def test_too_few_are_clear_errors(digits, make_dataset, digit_images):
    show = replay(digits, digits.validation.x)
    for n in (5, -1):
        with pytest.raises(UsageError, match=f"n = {n} samples are too few"):
            evaluate(show, digits, n=n)
    with pytest.raises(UsageError, match=r"n = 300\.5: the number of samples must be a whole number"):
        evaluate(show, digits, n=300.5)
    x, y = digit_images
    tiny = make_dataset(x, y, test=4)
    with pytest.raises(UsageError, match=r"4 held-out examples are too few .* --set holdout=0\.3") as caught:
        evaluate(show, tiny)
    assert "\n" not in str(caught.value)
    tiny = make_dataset(x[:504], y[:504], test=500)
    with pytest.raises(UsageError, match="4 training examples"):
        evaluate(show, tiny)


def test_a_larger_holdout_helps_a_small_set(tmp_path, monkeypatch):
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path / "cache"))
    images = np.random.default_rng(0).integers(0, 256, (30, 8, 8), dtype=np.uint8)
    np.save(tmp_path / "few.npy", images)
    data = open_data(str(tmp_path / "few.npy"))
    with pytest.raises(UsageError, match="held-out examples"):
        _size(100, data.train, data.test)
    data = open_data(str(tmp_path / "few.npy"), DataOptions(holdout=0.3))
    assert _size(100, data.train, data.test) >= 6


def test_values_outside_the_range_are_reported(digits):
    got = evaluate(lambda n: 3 * replay(digits, digits.validation.x)(n), digits, n=300)
    assert any("were clipped" in note for note in got.notes)
    shifted = evaluate(lambda n: (replay(digits, digits.validation.x)(n) + 1) / 2, digits, n=300)
    assert any("do they lie in [0, 1]?" in note for note in shifted.notes)


class Largest(TorchDispatchMode):
    """The most bytes that any new tensor takes."""

    bytes = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        made = function(*args, **(kwargs or {}))
        memory = [x.untyped_storage().data_ptr() for x in (made, *args) if isinstance(x, torch.Tensor)]
        if isinstance(made, torch.Tensor) and memory[0] not in memory[1:]:
            self.bytes = max(self.bytes, made.nbytes)
        return made


def test_samples_are_checked_and_decoded_piece_by_piece(monkeypatch):
    """Beside the samples and the result, no tensor of their size is made."""
    monkeypatch.setattr("sparring.evaluate.VALUES", 1000)
    spec = DataSpec("image", (1, 8, 8))
    x = torch.rand(500, 1, 8, 8) * 2.2 - 1.1
    notes = []
    with Largest() as largest:
        got = _samples(lambda n: x, 500, spec, notes)
    assert got.equal(spec.decode(x))
    assert largest.bytes == got.nbytes
    share = 100 * float((x.abs() > 1.01).double().mean())
    assert notes == [f"WARNING: {share:.1f} % of the samples' values lie outside [-1, 1] and were clipped"]
    x[[3, 400], 0, 0, 0] = torch.nan
    with pytest.raises(SparringError, match="2 of 500 samples"):
        _samples(lambda n: x, 500, spec, [])


def test_names_from_the_data_are_no_markup():
    note = "missing: [/x], [red]a, \\, :smile:"
    got = Evaluation((Figure("FD-[/x]", 1.0, None, 9, "lower", note),), "", 9, 0, ("from [/y]", "[bold]b"))
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(got.to_table())
    text = console.export_text()
    for name in ("FD-[/x]", note, "from [/y]", "[bold]b"):
        assert name in text


def test_a_floor_of_the_validation_part_is_told(digits):
    show = replay(digits, digits.validation.x)
    said = "validation part, which also chose the best checkpoint"
    assert any(said in note for note in evaluate(show, dataclasses.replace(digits, test=None), n=300).notes)
    assert not any(said in note for note in evaluate(show, digits, n=300).notes)


def figure(ranking, samples):
    return ranking.figure(ranking.features(samples))


def test_the_ranking_of_images_orders_damage_and_is_repeatable(digits):
    ranking = make_ranking(digits)
    real = digits.spec.encode(digits.test.x)
    generator = torch.Generator().manual_seed(0)
    noisy = [real + s * torch.randn(real.shape, generator=generator) for s in (0, 0.2, 0.4, 0.8)]
    values = [figure(ranking, x) for x in noisy]
    assert values == sorted(values)
    assert values[0] == figure(make_ranking(digits), real)
    assert figure(ranking, real[digits.test.y < 5]) > values[0]
    assert figure(ranking, torch.full_like(real, torch.nan)) == math.inf
    assert ranking.n == 2000
