"""From latent codes to examples: chunks, seeds, labels, files."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import sparring
from sparring.cli.given import read_latents
from sparring.errors import UsageError
from sparring.runs.export import write_samples
from sparring.training.chunks import CHUNK, in_chunks
from sparring.training.sampling import class_number, draw_latents, grid_latents

CPU = torch.device("cpu")


def test_the_chunk_changes_nothing(digits_run: sparring.Run) -> None:
    """One image and a thousand are made alike: what comes with it in its chunk does not matter."""
    z = torch.randn(CHUNK + 200, 100)
    many = digits_run.sample(len(z), latents=z)
    assert many.shape == (CHUNK + 200, 1, 8, 8)
    assert torch.equal(digits_run.sample(10, latents=z[:10]), many[:10])
    assert torch.equal(digits_run.sample(1, latents=z[-1:]), many[-1:])
    assert many.dtype == torch.float32
    assert many.abs().max() <= 1


def test_seeds(digits_run: sparring.Run) -> None:
    assert torch.equal(digits_run.sample(5, 3), digits_run.sample(5, 3))
    assert not torch.equal(digits_run.sample(5, 3), digits_run.sample(5, 4))
    for wrong in (-1, 2**70):
        with pytest.raises(UsageError, match="out of range"):
            digits_run.sample(1, wrong)


def test_the_users_random_numbers_are_left_alone(digits_run: sparring.Run) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    digits_run.sample(3)
    digits_run.evaluate(50)
    assert torch.equal(torch.rand(3), expected)


def test_running_averages_are_used_and_the_mode_is_kept(tiny) -> None:
    generator = tiny().generator()
    inputs = (torch.randn(4, 2),)
    made = in_chunks(generator, inputs, CPU)
    assert generator.training
    with torch.no_grad():
        torch.testing.assert_close(made, generator.eval()(*inputs))


def test_latents_of_the_users_own(digits_run: sparring.Run) -> None:
    z = np.random.default_rng(0).normal(size=(3, 100))
    assert torch.equal(digits_run.sample(3, latents=z), digits_run.sample(3, latents=torch.from_numpy(z).float()))
    for wrong, says in (
        (z[:, :5], r"shape \(3, 5\), but this run needs \(3, 100\)"),
        (z[:2], r"shape \(2, 100\)"),
        (np.full((3, 100), np.nan), "not finite"),
        (np.array([["a"] * 100] * 3), "no numbers"),
    ):
        with pytest.raises(UsageError, match=says):
            digits_run.sample(3, latents=wrong)


def test_labels(conditional_run: sparring.Run) -> None:
    z = torch.randn(20, 4)
    drawn = conditional_run.sample(20, latents=z)
    _, labels = draw_latents(conditional_run.recipe, conditional_run.spec, 20, 0)
    for label in labels.unique().tolist():
        alone = conditional_run.sample(20, latents=z, label=label)
        assert torch.equal(drawn[labels == label], alone[labels == label])
    assert len(labels.unique()) > 3
    for wrong in (-1, 10, "x"):
        with pytest.raises(UsageError, match=f"no class {wrong}: this generator knows 0 to 9"):
            conditional_run.sample(1, label=wrong)
    every = conditional_run.sample(20, latents=z, label=labels)
    assert torch.equal(every, drawn)
    assert torch.equal(conditional_run.sample(20, latents=z, label=labels.tolist()), drawn)
    for wrong in ([1, 2, 3], labels.float(), ["a"] * 20):
        with pytest.raises(UsageError, match="labels are"):
            conditional_run.sample(20, label=wrong)
    with pytest.raises(UsageError, match="no class 10"):
        conditional_run.sample(2, label=[3, 10])


def test_a_class_goes_by_its_name_or_its_number() -> None:
    spec = sparring.DataSpec("image", (1, 2, 2), ("cat", "2", "dog"))
    assert [class_number(spec, called) for called in ("cat", "dog", "0", "2", 2, 0)] == [0, 2, 0, 1, 2, 0]
    with pytest.raises(UsageError, match=r"no class bird: this generator knows 0 to 2 \(cat, 2, dog\)"):
        class_number(spec, "bird")


def test_a_generator_without_classes(digits_run: sparring.Run) -> None:
    with pytest.raises(UsageError, match="knows no classes"):
        digits_run.sample(1, label=0)
    with pytest.raises(UsageError, match="one or more"):
        digits_run.sample(0)


def test_the_grid_has_one_row_a_class(conditional_run: sparring.Run, digits_run: sparring.Run) -> None:
    (z, labels), columns = grid_latents(conditional_run.recipe, conditional_run.spec)
    assert columns == 8
    assert labels.view(10, columns).eq(torch.arange(10)[:, None]).all()
    assert z.view(10, columns, 4).eq(z[:columns]).all()  # the same codes in each row
    (z,), columns = grid_latents(digits_run.recipe, digits_run.spec)
    assert (len(z), columns) == (25, 5)
    with Image.open(conditional_run.directory.samples / "000006.png") as sheet:
        assert sheet.height / sheet.width == pytest.approx(10 / 8, rel=0.02)


def test_latents_are_drawn_all_at_once(digits_run: sparring.Run, gaussian_run: sparring.Run) -> None:
    (few,), (many,) = (draw_latents(digits_run.recipe, digits_run.spec, n, 1) for n in (9, 700))
    assert torch.equal(few, many[:9])  # so that sample(9) is the beginning of sample(700)
    assert torch.equal(digits_run.sample(25, seed=3), digits_run.sample(600, seed=3)[:25])
    (z,) = draw_latents(gaussian_run.recipe, gaussian_run.spec, 9, 1)
    assert z[:, 0].diff().min() > 0  # spread over the whole interval, whatever their number


@pytest.mark.parametrize("out", ["a.npy", "b.NPY"])
def test_arrays(digits_run: sparring.Run, gaussian_run: sparring.Run, tmp_path: Path, out: str) -> None:
    for run, dtype, shape in ((digits_run, np.uint8, (4, 1, 8, 8)), (gaussian_run, np.float32, (4, 1))):
        made = run.sample(4)
        write_samples(run.spec, made, tmp_path / out)
        array = np.load(tmp_path / out)
        assert (array.dtype, array.shape) == (dtype, shape)
        assert (array == run.spec.decode(made).numpy()).all()


def test_a_picture_each(digits_run: sparring.Run, tmp_path: Path) -> None:
    made = digits_run.sample(3)
    write_samples(digits_run.spec, made, tmp_path / "new" / "folder")
    files = sorted((tmp_path / "new" / "folder").iterdir())
    assert [file.name for file in files] == ["000000.png", "000001.png", "000002.png"]
    with Image.open(files[2]) as image:
        assert (np.asarray(image) == digits_run.spec.decode(made)[2, 0].numpy()).all()
    write_samples(digits_run.spec, made, tmp_path / "new" / "folder")  # the same call again
    with pytest.raises(UsageError, match=r"holds other pictures already, such as 000002\.png"):
        write_samples(digits_run.spec, made[:2], tmp_path / "new" / "folder")


def test_colour_pictures(tmp_path: Path) -> None:
    spec = sparring.DataSpec("image", (3, 4, 5))
    made = torch.rand(2, 3, 4, 5) * 2 - 1
    write_samples(spec, made, tmp_path / "folder")
    with Image.open(tmp_path / "folder" / "000001.png") as image:
        assert (np.asarray(image) == spec.decode(made)[1].permute(1, 2, 0).numpy()).all()


def test_names_that_say_nothing(digits_run: sparring.Run, gaussian_run: sparring.Run, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"give FILE.png, FILE.npy or a directory"):
        write_samples(digits_run.spec, digits_run.sample(1), tmp_path / "a.jpg")
    with pytest.raises(UsageError, match="no images"):
        write_samples(gaussian_run.spec, gaussian_run.sample(1), tmp_path / "folder")
    assert list(tmp_path.iterdir()) == []


def test_files_of_latents(tmp_path: Path) -> None:
    np.save(tmp_path / "good.npy", np.arange(6).reshape(3, 2))
    assert torch.equal(read_latents(tmp_path / "good.npy"), torch.arange(6.0).view(3, 2))
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.save(tmp_path / "complex.npy", np.ones((2, 2), complex))
    np.save(tmp_path / "texts.npy", np.array(["a"]))
    np.save(tmp_path / "scalar.npy", np.float32(3))
    np.savez(tmp_path / "many.npz", a=np.ones(2))
    (tmp_path / "empty.npy").write_bytes(b"")
    (tmp_path / "text.npy").write_text("1 2 3")
    for name in (
        "objects.npy",
        "complex.npy",
        "texts.npy",
        "scalar.npy",
        "many.npz",
        "empty.npy",
        "text.npy",
        "no.npy",
    ):
        with pytest.raises(UsageError, match=name):
            read_latents(tmp_path / name)
