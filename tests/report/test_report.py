"""The report: whole, closed to the network and to hostile text, and honest about what is missing."""

import json
import math
import re
import shlex
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch
from PIL import Image

import sparring
from sparring.errors import UsageError
from sparring.report.curves import chart, read_curves, thinned, ticks
from sparring.report.html import VOID, Html, tag
from sparring.report.images import encode
from sparring.report.neighbours import nearest_training
from sparring.report.recorded import FRAMES, commands
from sparring.report.write import report

HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>&amp;</style>\udcff"
LARGEST = 6 << 20


class Page(HTMLParser):
    """Checks that tags are balanced, and keeps elements and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, name, attributes):
        assert len(dict(attributes)) == len(attributes)
        self.elements.append((name, dict(attributes)))
        if name not in VOID:
            self.open.append(name)

    def handle_endtag(self, name):
        assert self.open.pop() == name

    def handle_data(self, text):
        self.text += text

    def all(self, name):
        return [attributes for element, attributes in self.elements if element == name]

    def check_closed(self):
        """Nothing is fetched: no address but data:, no handler, no script but ours."""
        for name, attributes in self.elements:
            assert not any(key.startswith("on") or key in ("style", "href", "srcset", "action") for key in attributes)
            assert (attributes.get("src") or "data:image/").startswith("data:image/"), (name, attributes)
        assert (len(self.all("script")), len(self.all("style"))) == (1, 1)
        assert not {"link", "iframe", "a", "object", "form"} & {name for name, _ in self.elements}
        (policy,) = [m["content"] for m in self.all("meta") if m.get("http-equiv") == "Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; img-src data:;")
        assert "unsafe" not in policy
        assert "http" not in policy
        assert all(image["alt"] for image in self.all("img"))


@pytest.mark.parametrize("kind", ["digits", "gaussian"])
def test_a_run_as_one_page(kind: str, digits_run, gaussian_run, spar, tmp_path: Path) -> None:
    trained = {"digits": digits_run, "gaussian": gaussian_run}[kind]
    unread = shutil.ignore_patterns("evaluation.json")  # other tests may have evaluated it
    run = sparring.load(shutil.copytree(trained.path, tmp_path / "run", ignore=unread))
    out = tmp_path / "page.html"
    done = spar("report", run.path, "--out", out, "--device", "cpu")
    assert (done.code, done.out, done.err) == (0, f"report: {out}\n", "")
    assert out.stat().st_size < LARGEST
    page = Page(out.read_text(encoding="utf-8"))
    page.check_closed()
    pictures = len(list(run.directory.samples.glob("*.png")))
    (slider,) = page.all("input")
    assert (slider["min"], slider["max"], slider["value"]) == ("0", str(pictures - 1), str(pictures - 1))
    frames = [figure for figure in page.all("figure") if "data-what" in figure]
    assert ["hidden" in figure for figure in frames] == [True] * (pictures - 1) + [False]
    assert "was not evaluated yet" in page.text
    assert "held-out real examples" in page.text
    assert ("evenly spaced" in page.text) == (kind == "gaussian")
    assert page.text.count("Missing here") == (2 if kind == "gaussian" else 1)


@pytest.mark.parametrize(
    "given",
    [
        ("digits", "--recipe", "gan-mnist", "--set", "k=2", "--set", "holdout=0.2", "--seed", 3),
        ("digits", "--batch", 8, "--set", "latent_dim=5"),
        ("gaussian", "--recipe", "gan-1d", "--set", "M=16", "--set", "mu=1"),
        ("ring", "--set", "points=300"),
        ("ring", "--recipe", "r3gan"),
        ("digits", "--recipe", "ae"),
    ],
    ids=lambda given: " ".join(map(str, given[:3])),
)
def test_the_command_trains_the_same_run_again(given: tuple, spar, tmp_path: Path, monkeypatch) -> None:
    """Whatever of its settings the recipe heeds here, and with as many threads."""
    monkeypatch.chdir(tmp_path)
    assert spar("train", *given, "--steps", 2, "--device", "cpu", "--out", "run", "--set", "threads=1").code == 0
    run = sparring.load("run")
    words = shlex.split(commands(run.identity, "")[0])
    ended = spar(*words[1:], "--device", "cpu", "--out", "again")
    assert (ended.code, ended.err) == (0, "")
    again = sparring.load("again")
    heeded = {name: getattr(run.identity, name) for name in ("given", "defaults", "chosen")}
    assert replace(again.identity, **heeded) == run.identity
    assert torch.equal(again.sample(4, checkpoint="last"), run.sample(4, checkpoint="last"))


def test_figures_with_floors(digits_copy: Path) -> None:
    run = sparring.load(digits_copy)
    figures = [
        {"name": HOSTILE[:-1], "value": 1.25, "floor": 0.75, "n": 9, "better": "lower", "note": HOSTILE, "error": 0.5}
    ]
    values = {
        "checkpoint": "best",
        "step": 7,
        "figures": figures,
        "features": "",
        "n": 9,
        "seed": 3,
        "notes": ["a note"],
    }
    (digits_copy / "evaluation.json").write_text(json.dumps(values))
    page = Page(report(run))
    page.check_closed()
    assert "1.25 ± 0.50.75lower" in page.text
    assert "a note" in page.text
    assert "9 samples of step 7, seed 3" in page.text
    assert f"are of step {run.step()}" in page.text
    for damaged in ("{", "[]", '{"figures": 3}', '{"figures": [], "notes": [], "features": "", "n": 1, "seed": 0}'):
        (digits_copy / "evaluation.json").write_text(damaged)
        assert "evaluation.json is damaged" in Page(report(run)).text


def test_hostile_text_stays_text(digits_copy: Path, tmp_path: Path) -> None:
    recipe = json.loads((digits_copy / "recipe.json").read_text())
    recipe["data"] = HOSTILE
    recipe["spec"]["name"] = HOSTILE
    recipe["spec"]["classes"][0] = HOSTILE
    recipe["chosen"] = {"why": HOSTILE, "settings": {}}
    recipe["data_options"] = {HOSTILE: HOSTILE}
    recipe["fingerprint"] = recipe["sparring"] = HOSTILE
    (digits_copy / "recipe.json").write_text(json.dumps(recipe))
    with (digits_copy / "metrics.jsonl").open("a") as file:
        file.write(json.dumps({"step": 3, HOSTILE: 1.0}) + "\n")
        file.write(
            '{"step": "x", "d_loss": 1}\n{"step": 4, "d_loss": NaN, "g_loss": "<b>"}\n{"step": NaN, "d_loss": 2}\n'
        )
    (digits_copy / "samples" / "000099.png").write_bytes(b"<svg onload=alert(1)>")
    Image.new("L", (8, 8)).save(digits_copy / "samples" / "<b>.png")
    written = sparring.load(digits_copy).report(tmp_path / "<i>.html")
    page = Page(written.read_text(encoding="utf-8"))
    page.check_closed()
    assert "<script>alert(1)</script>" in page.text
    assert not {"b", "i"} & {name for name, _ in page.elements}


def test_an_unfinished_run_says_what_is_missing(digits_copy: Path) -> None:
    shutil.rmtree(digits_copy / "checkpoints")
    shutil.rmtree(digits_copy / "samples")
    (digits_copy / "metrics.jsonl").unlink()
    page = Page(report(sparring.load(digits_copy)))
    page.check_closed()
    assert "0 of 30 (unfinished)" in page.text
    assert page.text.count("Missing here") == 7
    assert page.text.count("holds no checkpoint yet") == 3
    assert not page.all("input")


def test_data_that_are_gone(digits_copy: Path) -> None:
    recipe = json.loads((digits_copy / "recipe.json").read_text())
    (digits_copy / "recipe.json").write_text(json.dumps(recipe | {"data": "/nowhere/at-all"}))
    page = Page(report(sparring.load(digits_copy)))
    assert "/nowhere/at-all" in page.text
    assert page.text.count("Missing here") == 2  # the neighbours, and the evaluation


def test_many_large_pictures_stay_small(digits_copy: Path) -> None:
    """First and last of them are shown, and noise of a megabyte each is made small."""
    noise = torch.randint(0, 256, (640, 640, 3), generator=torch.Generator().manual_seed(0), dtype=torch.uint8).numpy()
    Image.fromarray(noise).save(digits_copy / "samples" / "000100.png", compress_level=1)
    for step in range(101, 170):
        shutil.copy(digits_copy / "samples" / "000000.png", digits_copy / "samples" / f"{step:06d}.png")
    kind, content = encode(Image.fromarray(noise), 50_000)
    assert kind == "webp"
    assert len(content) <= 50_000
    text = report(sparring.load(digits_copy))
    frames = [figure["data-what"] for figure in Page(text).all("figure") if "data-what" in figure]
    assert (len(frames), frames[0], frames[-1]) == (FRAMES, "step 0", "step 169")
    assert len(text) < LARGEST


def test_another_kind_of_file_is_refused(digits_run) -> None:
    with pytest.raises(UsageError, match=r"one FILE\.html"):
        digits_run.report("page.pdf")


def test_neighbours_are_those_of_plain_arithmetic(digits) -> None:
    samples = digits.train.x[:3].clone()
    samples[1] = 255 - samples[1]
    found = nearest_training(samples, digits)
    plain = (samples[:, None].double() - digits.train.x[None].double()).square().flatten(2).mean(2).sqrt()
    assert torch.allclose(found.distances, plain.min(1).values)
    assert found.distances[0] == 0
    assert torch.equal(found.nearest, digits.train.x[plain.argmin(1)])
    real = (digits.test.x[:, None].double() - digits.train.x[None].double()).square().flatten(2).mean(2).sqrt().min(1)
    assert (len(found.floor), found.searched, found.training) == (100, 1257, 1257)
    assert found.floor.min() >= real.values.min() - 1e-9
    assert found.floor.max() <= real.values.max() + 1e-9


def test_thinned_curves_keep_ends_and_peaks() -> None:
    curve = [(float(i), math.sin(i)) for i in range(10_000)]
    curve[4321] = (4321.0, 50.0)
    few = thinned(curve)
    assert len(few) <= 302
    assert (few[0], few[-1]) == (curve[0], curve[-1])
    assert curve[4321] in few
    assert [x for x, _ in few] == sorted(x for x, _ in few)


@pytest.mark.parametrize("values", [[3.0], [0.0, 0.0], [1e-9, 1e9], [-5.0, 1e12], [1e200, -1e200], [7, 7.0000001]])
def test_charts_stay_in_their_frame(values: list[float]) -> None:
    page = Page(chart("a", {"b": [(float(i), y) for i, y in enumerate(values)]}))
    for x, y in re.findall(r"([\d.e+-]+),([\d.e+-]+)", page.all("polyline")[0]["points"]):
        assert 0 <= float(x) <= 360
        assert 0 <= float(y) <= 210


def test_ticks_are_few_and_round() -> None:
    assert ticks(0, 10_000) == [0, 5_000, 10_000]
    assert len(ticks(-0.3, 0.9)) >= 2
    for high in (1.5, 3.0, 7.0, 9.9):
        assert 2 <= len(ticks(0, high)) <= 6


def test_only_finite_numbers_are_curves() -> None:
    rows = [{"step": 1, "a": 1, "b": math.nan, "c": "x", "d": True}, {"step": None, "a": 3}, {"step": 2, "a": math.inf}]
    assert read_curves(rows) == {"a": [(1.0, 1.0)]}


def test_text_is_escaped_once() -> None:
    assert tag("p", "a<b", Html("<i></i>"), title='"') == '<p title="&quot;">a&lt;b<i></i></p>'
