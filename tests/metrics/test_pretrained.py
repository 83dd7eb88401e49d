"""Networks that others trained: found, fetched and checked; here with stand-ins, as the real files are large."""

import errno
import functools
import hashlib
import http.server
import io
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from sparring.errors import SparringError, UsageError
from sparring.metrics import dinov2, inception
from sparring.metrics.dinov2 import Block, DINOv2Features, Transformer, weights_of
from sparring.metrics.full import distance_to_all
from sparring.metrics.inception import InceptionFeatures
from sparring.metrics.pretrained import Weights, find
from sparring.metrics.resize import as_rgb, resized


def noise(n, *shape, seed=0):
    return torch.randint(0, 256, (n, *shape), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def served(tmp_path):
    """A folder that a web server on this machine gives away, and its address."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    folder = tmp_path / "served"
    folder.mkdir()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def weights(data, url):
    return Weights("net.pt", url, hashlib.sha256(data).hexdigest())


def test_a_download_is_asked_for_checked_and_kept(served):
    folder, address = served
    (folder / "net.pt").write_bytes(b"weights")
    wanted = weights(b"weights", address + "net.pt")
    with pytest.raises(UsageError, match="allow its download with --download") as caught:
        find(wanted)
    assert str(wanted.place.parent) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert find(wanted, download=True).read_bytes() == b"weights"
    (folder / "net.pt").unlink()
    assert find(wanted) == wanted.place


def test_another_file_is_neither_kept_nor_loaded(served):
    folder, address = served
    (folder / "net.pt").write_bytes(b"something else")
    wanted = weights(b"weights", address + "net.pt")
    with pytest.raises(SparringError, match="another checksum") as caught:
        find(wanted, download=True)
    assert str(wanted.place.parent) in str(caught.value)
    assert not list(wanted.place.parent.iterdir())
    wanted.place.write_bytes(b"something else")
    with pytest.raises(UsageError, match="not the published file"):
        find(wanted, download=True)


def test_no_network_says_where_to_put_the_file():
    wanted = weights(b"", "http://127.0.0.1:9/net.pt")
    with pytest.raises(SparringError, match="could not be downloaded") as caught:
        find(wanted, download=True)
    assert str(wanted.place.parent) in str(caught.value)
    assert caught.value.exit_code == 1


def test_a_disk_that_refuses_is_not_taken_for_the_network(served, monkeypatch):
    folder, address = served
    (folder / "net.pt").write_bytes(b"weights")

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("shutil.move", full)
    with pytest.raises(SparringError, match="no space left"):
        find(weights(b"weights", address + "net.pt"), download=True)


class Layers(nn.Module):
    def forward(self, x):
        return x.mean((2, 3))


class Program(nn.Module):
    """A stand-in with the interface of the published file."""

    def __init__(self):
        super().__init__()
        self.layers = Layers()

    def forward(self, x, return_features: bool = False, no_output_bias: bool = False):
        if return_features:
            return x[:, :, ::2, ::2].float().mean((2, 3))
        return torch.softmax(self.layers(x.float() / 255), 1)


@pytest.fixture
def program(monkeypatch):
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(Program()), buffer)
    data = buffer.getvalue()
    stand_in = replace(inception.WEIGHTS, sha256=hashlib.sha256(data).hexdigest())
    monkeypatch.setattr(inception, "WEIGHTS", stand_in)
    stand_in.place.parent.mkdir(parents=True)
    stand_in.place.write_bytes(data)
    return stand_in


torchscript = pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")


@torchscript
def test_inception_resizes_outside_or_inside(program):
    images = noise(70, 3, 20, 30)
    clean = InceptionFeatures(protocol="clean")
    expected = ((resized(images, 299) - 128) / 128).mean((2, 3))
    assert torch.allclose(clean(images), expected, atol=1e-5)
    inside = InceptionFeatures(protocol="stylegan")
    assert torch.allclose(inside(images), images[:, :, ::2, ::2].float().mean((2, 3)))
    assert torch.allclose(clean.probabilities(images).sum(1), torch.ones(70))
    assert clean(noise(2, 1, 8, 8)).shape == (2, 3)
    assert "antialiased" in clean.note
    assert "antialiased" not in inside.note


@torchscript
def test_the_name_of_a_distance_holds_its_protocol(program):
    inside, clean = InceptionFeatures(protocol="stylegan"), InceptionFeatures()
    assert inside.distance_name(50_000, full=True) == "fid50k_full"
    assert clean.distance_name(10_000) == "clean-fid10k"
    assert clean.distance_name(497) == "clean-fid497"
    with pytest.raises(UsageError, match="protocol"):
        InceptionFeatures(protocol="torchvision")


@torchscript
def test_another_program_is_never_run(program):
    program.place.write_bytes(program.place.read_bytes() + b"0")
    with pytest.raises(UsageError, match="not the published file"):
        InceptionFeatures()


def test_the_published_files_are_named_with_their_checksums():
    for known in (inception.WEIGHTS, *map(weights_of, "sbl")):
        assert known.url.startswith("https://")
        assert known.url.endswith(known.file)
        assert len(bytes.fromhex(known.sha256)) == 32
    with pytest.raises(UsageError, match="size"):
        weights_of("g")


# Published: 21, 86 and 300 million parameters; the files have these bytes, of which four a parameter, and a header.
@pytest.mark.parametrize(("size", "bytes_"), [("s", 88_283_115), ("b", 346_378_731), ("l", 1_217_586_395)])
def test_the_network_has_as_many_weights_as_the_published_file(size, bytes_):
    variant = dinov2.VARIANTS[size]
    with torch.device("meta"):
        network = Transformer(variant.width, variant.depth, variant.heads)
    held = 4 * sum(p.numel() for p in network.parameters())
    assert 0 < bytes_ - held < 150_000
    names = set(network.state_dict())
    assert {"cls_token", "pos_embed", "mask_token", "patch_embed.proj.weight", "norm.bias"} <= names
    assert {f"blocks.11.{n}" for n in ("ls1.gamma", "attn.qkv.bias", "attn.proj.weight", "mlp.fc2.weight")} <= names


def test_a_block_is_torchs_own_encoder_layer_with_scales_of_one():
    torch.manual_seed(0)
    block = Block(32, 4).eval()
    layer = nn.TransformerEncoderLayer(32, 4, 128, 0.0, "gelu", 1e-6, batch_first=True, norm_first=True).eval()
    layer.load_state_dict(
        {
            "self_attn.in_proj_weight": block.attn["qkv"].weight,
            "self_attn.in_proj_bias": block.attn["qkv"].bias,
            "self_attn.out_proj.weight": block.attn["proj"].weight,
            "self_attn.out_proj.bias": block.attn["proj"].bias,
            "linear1.weight": block.mlp["fc1"].weight,
            "linear1.bias": block.mlp["fc1"].bias,
            "linear2.weight": block.mlp["fc2"].weight,
            "linear2.bias": block.mlp["fc2"].bias,
            **{f"norm{i}.{k}": v for i in (1, 2) for k, v in getattr(block, f"norm{i}").state_dict().items()},
        }
    )
    x = torch.randn(2, 7, 32)
    with torch.no_grad():
        assert torch.allclose(block(x), layer(x), atol=1e-5)
        block.ls1["gamma"].zero_()
        block.ls2["gamma"].zero_()
        assert torch.equal(block(x), x)


def test_dinov2_reads_weights_and_nothing_else(monkeypatch):
    monkeypatch.setitem(dinov2.VARIANTS, "s", dinov2.VARIANTS["s"]._replace(width=24, depth=2, heads=3))
    torch.manual_seed(0)
    network = Transformer(24, 2, 3)
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.1)
    place = weights_of("s").place
    place.parent.mkdir(parents=True)

    def put(what):
        torch.save(what, place)
        digest = hashlib.sha256(place.read_bytes()).hexdigest()
        monkeypatch.setitem(dinov2.VARIANTS, "s", dinov2.VARIANTS["s"]._replace(sha256=digest))

    put(network.state_dict())
    features = DINOv2Features("s")
    images = noise(3, 3, 40, 40)
    got = features(images)
    assert got.shape == (3, 24)
    assert features.name == "dinov2-s"
    one_by_one = torch.cat([features(x[None]) for x in images])
    assert torch.allclose(got, one_by_one, atol=1e-5)
    assert torch.equal(features(images[:, :1].contiguous()), features(images[:, :1].expand(-1, 3, -1, -1)))
    put({"other": torch.zeros(3)})
    with pytest.raises(SparringError, match="does not hold the weights"):
        DINOv2Features("s")
    put(network)
    with pytest.raises(SparringError, match="does not hold the weights"):
        DINOv2Features("s")


def test_positions_are_interpolated_to_the_patches_of_the_image():
    network = Transformer(4, 1, 1)
    with torch.no_grad():
        network.pos_embed[:] = 0.5
    assert network._positions(16, 16).shape == (1, 257, 4)
    assert torch.allclose(network._positions(16, 16), torch.tensor(0.5))
    assert network._positions(37, 37) is network.pos_embed


def test_resizing_is_pillows_and_antialiased():
    images = noise(2, 3, 64, 48)
    got = resized(images, 16)
    plane = Image.fromarray(images[1, 2].numpy().astype(np.float32)).resize((16, 16), Image.Resampling.BICUBIC)
    assert np.array_equal(got[1, 2].numpy(), np.asarray(plane))
    # A pattern finer than the result must become grey, not another pattern.
    stripes = torch.zeros(1, 1, 64, 64, dtype=torch.uint8)
    stripes[..., ::2] = 255
    assert float((resized(stripes, 16) - 127.5).abs().max()) < 10
    assert torch.equal(resized(images[..., :48, :], 48), images[..., :48, :].float())
    # Float images are the same ones, not rounded.
    assert torch.allclose(resized(images.float() / 127.5 - 1, 16), got, atol=1e-3)


@pytest.mark.parametrize("images", [noise(2, 2, 8, 8), noise(2, 8, 8), noise(2, 4, 8, 8), 2 * torch.ones(2, 3, 8, 8)])
def test_other_images_are_a_usage_error(images):
    with pytest.raises(UsageError):
        as_rgb(images)


@torchscript
def test_fifty_thousand_against_all_is_called_fid50k_full(program, digits, monkeypatch):
    features = InceptionFeatures(protocol="stylegan")
    monkeypatch.setattr(InceptionFeatures, "__call__", lambda self, x: x.flatten(1)[:, 20:22].float())
    name, got = distance_to_all(features, [digits.test.x[:250].repeat(40, 1, 1, 1)] * 5, digits.train)
    assert name == "fid50k_full"
    assert got.warning == ""
