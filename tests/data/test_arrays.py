"""Arrays and IDX files: axes, values, labels, and what is refused."""

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pytest

from sparring.data import DataOptions, open_data
from sparring.errors import UsageError
from sparring.types import Dataset

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (40, 6, 5), dtype=np.uint8)
COLOUR = RNG.integers(0, 256, (40, 6, 5, 3), dtype=np.uint8)


def everything(data: Dataset) -> np.ndarray:
    """All images (N, C, H, W), in the order of their content."""
    parts = [part for part in (data.train, data.validation, data.test) if part is not None]
    return in_order(np.concatenate([part.read(np.arange(len(part))).x.numpy() for part in parts]))


def in_order(images: np.ndarray) -> np.ndarray:
    flat = images.reshape(len(images), -1)
    return images[np.lexsort(flat.T)]


def saved(tmp_path: Path, array: np.ndarray, name: str = "a.npy") -> str:
    np.save(tmp_path / name, array)
    return str(tmp_path / name)


def usage_error(data: str, options: DataOptions | None = None) -> str:
    with pytest.raises(UsageError) as caught:
        open_data(data, options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (GREY, GREY[:, None]),
        (GREY[..., None], GREY[:, None]),
        (GREY[:, None], GREY[:, None]),
        (COLOUR, COLOUR.transpose(0, 3, 1, 2)),
        (COLOUR.transpose(0, 3, 1, 2), COLOUR.transpose(0, 3, 1, 2)),
        (np.asfortranarray(COLOUR), COLOUR.transpose(0, 3, 1, 2)),
        (GREY.astype(np.int64), GREY[:, None]),
        (GREY.astype(">i2"), GREY[:, None]),
        (GREY / 255, GREY[:, None]),
        ((GREY / 127.5 - 1).astype(np.float32), GREY[:, None]),
        ((GREY / 255).astype(np.float16), GREY[:, None]),
        (GREY.astype(np.uint16) * 257, GREY[:, None]),
        ((GREY.astype(np.uint16) * 257).astype(">u2"), GREY[:, None]),
        ((GREY / 255).astype(">f4"), GREY[:, None]),
        (GREY > 127, (GREY[:, None] > 127) * np.uint8(255)),
        ((GREY > 127).astype(np.uint8), (GREY[:, None] > 127) * np.uint8(255)),
        (np.concatenate([COLOUR, np.full((40, 6, 5, 1), 255, np.uint8)], 3), COLOUR.transpose(0, 3, 1, 2)),
    ],
    ids=str,
)
def test_axes_and_values(tmp_path: Path, array: np.ndarray, expected: np.ndarray) -> None:
    for path in (saved(tmp_path, array), str(tmp_path / "a.npz")):
        if path.endswith(".npz"):
            np.savez_compressed(path, images=array)
        data = open_data(path)
        assert data.spec.shape == expected.shape[1:]
        found = everything(data)
        assert found.dtype == np.uint8
        tolerance = 1 if array.dtype == np.float16 else 0
        if tolerance:
            assert abs(found.astype(int).mean() - expected.astype(int).mean()) < 1
        else:
            assert np.array_equal(found, in_order(expected.astype(np.uint8)))


def test_transparent_arrays_are_laid_over_white(tmp_path: Path) -> None:
    array = np.zeros((12, 4, 4, 4), np.uint8)
    array[:, :2, :, 3] = 255
    data = open_data(saved(tmp_path, array), DataOptions(channels="1"))
    assert np.unique(everything(data)[:, 0, :2]).tolist() == [0]
    assert np.unique(everything(data)[:, 0, 2:]).tolist() == [255]


def test_ambiguous_axes_are_channels_last_and_said_so(tmp_path: Path) -> None:
    data = open_data(saved(tmp_path, RNG.integers(0, 256, (20, 3, 8, 3), dtype=np.uint8)))
    assert data.spec.shape == (3, 3, 8)
    assert any("(N, H, W, C)" in note for note in data.notes)


def test_range_says_what_values_mean(tmp_path: Path) -> None:
    path = saved(tmp_path, GREY.astype(np.float32))
    assert "--set range=" in usage_error(path)
    assert np.array_equal(everything(open_data(path, DataOptions(range="0..255"))), in_order(GREY[:, None]))
    near = saved(tmp_path, np.clip(GREY.astype(np.float32), 1, 254) - 0.1, "c.npy")
    rounded = in_order(np.clip(GREY, 1, 254)[:, None])
    assert np.array_equal(everything(open_data(near, DataOptions(range="0..255"))), rounded)
    cut = open_data(saved(tmp_path, GREY / 200, "b.npy"), DataOptions(range="0..1"))
    assert any("were cut to 0..1" in note for note in cut.notes)
    assert everything(cut).max() == 255


def test_any_two_numbers_can_be_black_and_white(tmp_path: Path) -> None:
    twelve_bits = saved(tmp_path, np.rint(GREY.astype(np.float64) * 4095 / 255).astype(np.uint16))
    dark = open_data(twelve_bits)
    assert everything(dark).max() == round(4095 / 257)
    assert any("WARNING" in note and "--set range=0..4095" in note for note in dark.notes)
    assert np.array_equal(everything(open_data(twelve_bits, DataOptions(range="0..4095"))), in_order(GREY[:, None]))
    hounsfield = saved(tmp_path, GREY.astype(np.float32) * 10 - 1000, "d.npy")
    assert "--set range=-1000..1550" in usage_error(hounsfield)
    assert np.array_equal(everything(open_data(hounsfield, DataOptions(range="-1000..1550"))), in_order(GREY[:, None]))
    alike = open_data(saved(tmp_path, GREY / 255 * 7, "e.npy"), DataOptions(range="0..255"))
    assert any("a small part of 0..255" in note for note in alike.notes)


def test_values_that_are_no_images(tmp_path: Path) -> None:
    array = GREY.astype(np.float32) / 255
    array[3, 2, 1] = np.nan
    array[7, 0, 0] = np.inf
    message = usage_error(saved(tmp_path, array))
    assert "2 values are NaN or infinite" in message
    assert "(3, 2, 1)" in message
    for wrong, words in (
        (np.array([object()] * 3), "Python objects, which are never read; save it as uint8"),
        (GREY.astype(complex), "complex128"),
        (np.full((5, 4, 4), "a"), "dtype"),
        (GREY.astype(np.int32) - 300, "no plain meaning"),
        (GREY[0], "(6, 5)"),
        (GREY[:0], "(0, 6, 5)"),
        (COLOUR[..., :2], "channels"),
    ):
        assert words in usage_error(saved(tmp_path, wrong, "w.npy")), words


def test_damaged_files(tmp_path: Path) -> None:
    whole = Path(saved(tmp_path, GREY)).read_bytes()
    for length in (len(whole) - 100, 40):
        (tmp_path / "a.npy").write_bytes(whole[:length])
        assert "cut off" in usage_error(str(tmp_path / "a.npy"))
    for text in ("not an array", ""):
        (tmp_path / "a.npy").write_text(text)
        assert "no .npy file" in usage_error(str(tmp_path / "a.npy"))
    np.savez(tmp_path / "a.npz", images=GREY)
    (tmp_path / "a.npy").write_bytes((tmp_path / "a.npz").read_bytes())
    assert "npz archive" in usage_error(str(tmp_path / "a.npy"))
    whole = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "a.npz").write_bytes(whole[:-100])
    assert "cannot read" in usage_error(str(tmp_path / "a.npz"))
    spoilt = bytearray(whole)
    spoilt[400] ^= 255
    (tmp_path / "a.npz").write_bytes(spoilt)
    assert "cannot read" in usage_error(str(tmp_path / "a.npz"))


def test_objects_in_an_npz_are_never_unpickled(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=np.array([[[{"a": 1}]]]), labels=np.array([1]))
    assert "never read" in usage_error(str(tmp_path / "a.npz"))
    np.savez(tmp_path / "b.npz", images=GREY, labels=np.array([object()] * 40))
    assert "never read" in usage_error(str(tmp_path / "b.npz"))


def test_labels(tmp_path: Path) -> None:
    path = str(tmp_path / "a.npz")
    labels = np.arange(40) % 3 * 10
    labels[5] = -1
    np.savez(path, x=GREY, y=labels)
    data = open_data(path, DataOptions(holdout=0))
    assert data.spec.classes == ("0", "10", "20")
    known = {GREY[i].tobytes(): int(labels[i]) // 10 if labels[i] >= 0 else -1 for i in range(40)}
    x, y = data.train.read(np.arange(len(data.train)))
    assert y is not None
    assert [known[image.numpy().tobytes()] for image in x] == y.tolist()
    np.savez(path, data=GREY, labels=np.array(["cat", "dog"] * 20)[:, None])
    assert open_data(path).spec.classes == ("cat", "dog")
    np.savez(path, pictures=GREY, labels=np.arange(39))
    assert "do not fit 40 images" in usage_error(path)
    np.savez(path, images=GREY, labels=np.ones((40, 2, 2)))
    assert "do not fit" in usage_error(path)
    np.savez(path, images=GREY, labels=np.full(40, 0.5j))
    assert "neither classes (whole numbers) nor attributes" in usage_error(path)


def test_which_array_of_an_npz(tmp_path: Path) -> None:
    path = str(tmp_path / "a.npz")
    np.savez(path, foo=GREY, bar=np.arange(3))
    assert everything(open_data(path)).shape == (40, 1, 6, 5)
    np.savez(path, foo=GREY, bar=COLOUR)
    assert "2 arrays with 3 or 4 axes" in usage_error(path)
    np.savez(path, foo=np.arange(3))
    assert "0 arrays with 3 or 4 axes" in usage_error(path)
    np.savez(path, x_train=GREY, y_train=np.arange(40) % 2, x_test=GREY[:7], y_test=np.arange(7) % 2)
    data = open_data(path)
    assert data.test is not None
    assert len(data.test) == 7
    assert data.spec.classes == ("0", "1")


def idx(array: np.ndarray) -> bytes:
    code = {"uint8": 8, "int8": 9, "int16": 11, "int32": 12, "float32": 13, "float64": 14}[array.dtype.name]
    head = bytes([0, 0, code, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    return head + array.astype(array.dtype.newbyteorder(">")).tobytes()


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("array", [GREY, GREY.astype(np.int32), (GREY / 255).astype(np.float32)], ids=str)
def test_single_idx_files(tmp_path: Path, pack, array: np.ndarray) -> None:
    (tmp_path / "some-images-idx3-ubyte.gz").write_bytes(pack(idx(array)))
    data = open_data(str(tmp_path / "some-images-idx3-ubyte.gz"))
    assert np.array_equal(everything(data), in_order(GREY[:, None]))
    assert data.spec.classes == ()
    (tmp_path / "some-labels-idx1-ubyte.gz").write_bytes(pack(idx((np.arange(40) % 2).astype(np.uint8))))
    assert open_data(str(tmp_path / "some-images-idx3-ubyte.gz")).spec.classes == ("0", "1")


@pytest.mark.parametrize("dotted", [False, True])
def test_the_four_classic_files_are_a_set(tmp_path: Path, dotted: bool) -> None:
    for stem, count in (("train", 30), ("t10k", 10)):
        names = [f"{stem}-images-idx3-ubyte", f"{stem}-labels-idx1-ubyte"]
        names = [name.replace("-idx", ".idx") for name in names] if dotted else names
        (tmp_path / names[0]).write_bytes(idx(GREY[:count]))
        (tmp_path / names[1]).write_bytes(idx((np.arange(count) % 4).astype(np.uint8)))
    data = open_data(str(tmp_path))
    assert data.spec.classes == ("0", "1", "2", "3")
    assert data.test is not None
    assert np.array_equal(data.test.read(np.arange(10)).x.numpy()[:, 0], GREY[:10])


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_damaged_idx_files(tmp_path: Path, pack) -> None:
    path = tmp_path / "images"
    packed = pack(idx(GREY))
    path.write_bytes(packed[:-300])
    assert any(words in usage_error(str(path)) for words in ("ends too early", "cannot read"))


def test_headers_that_lie(tmp_path: Path) -> None:
    """A damaged header may promise any size; it costs neither memory nor a traceback."""
    for shape in ((2**31, 28, 28), (3, 2**31, 2**31), (3, 30_000, 30_000)):
        head = bytes([0, 0, 13, 3]) + b"".join(n.to_bytes(4, "big") for n in shape)
        (tmp_path / "images").write_bytes(head + bytes(5_000))
        assert any(w in usage_error(str(tmp_path / "images")) for w in ("ends too early", "too large"))


def test_a_large_npz_is_read_in_blocks(tmp_path: Path) -> None:
    """Blocks smaller than the array join up, for a compressed archive too."""
    array = RNG.integers(0, 256, (300, 128, 128), dtype=np.uint8)
    np.savez_compressed(tmp_path / "a.npz", images=array)
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        assert archive.namelist() == ["images.npy"]
    assert np.array_equal(everything(open_data(str(tmp_path / "a.npz"))), in_order(array[:, None]))
