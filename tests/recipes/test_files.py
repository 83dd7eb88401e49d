"""A user's own recipe file: it runs when it is named, only then, and its mistakes are one line."""

import json
import re
import shutil
from pathlib import Path

import pytest

import sparring
from sparring.errors import UsageError
from sparring.recipes.build import find, own_hints
from sparring.training.display import Display

QUIET = {"device": "cpu", "display": Display(quiet=True)}


def test_a_file_trains_and_is_named_to_sample(conditional_run: sparring.Run, conditional_file: Path) -> None:
    assert conditional_run.identity.recipe == "mine"
    with pytest.raises(UsageError, match=r"trained with a recipe file: name it \(--recipe .*mine.py\)"):
        sparring.load(conditional_run.path)
    again = sparring.load(conditional_run.path, str(conditional_file))
    assert again.sample(2).shape == (2, 1, 8, 8)


def test_a_file_can_be_read_like_any_recipe(conditional_file: Path, spar) -> None:
    result = spar("recipes", conditional_file)
    assert (result.code, result.err) == (0, "")
    assert "A conditional perceptron." in result.out
    assert "Embedding(10, 8)" in result.out
    assert "\n  width " in result.out


def test_own_settings_of_a_file(conditional_file: Path, tmp_path: Path) -> None:
    run = sparring.train("digits", str(conditional_file), out=tmp_path / "run", **QUIET, width="5", steps="2")
    assert run.recipe.generator().net[0].out_features == 5
    assert sparring.load(run.path, str(conditional_file)).recipe.generator().net[0].out_features == 5


def test_only_the_same_text_is_run_again(conditional_run: sparring.Run, conditional_file: Path, tmp_path: Path) -> None:
    changed = tmp_path / "mine.py"
    changed.write_text(conditional_file.read_text().replace('"none"', '"mine"'))
    with pytest.raises(UsageError, match="its text has changed"):
        sparring.load(conditional_run.path, str(changed))
    with pytest.raises(UsageError, match=r"the text of mine\.py has changed"):
        sparring.train("digits", str(changed), out=conditional_run.path, **QUIET)
    moved = tmp_path / "other.py"
    shutil.copy(conditional_file, moved)
    assert sparring.load(conditional_run.path, str(moved)).sample(1).shape == (1, 1, 8, 8)


@pytest.mark.parametrize("digest", ["", None, "kept"])
def test_a_run_cannot_name_the_file_that_runs(
    conditional_run: sparring.Run, tmp_path: Path, digest: str | None
) -> None:
    """A directory from elsewhere executes nothing, whatever its recipe.json says."""
    run = shutil.copytree(conditional_run.path, tmp_path / "run")
    evil = run / "evil.py"
    evil.write_text(f"open({str(tmp_path / 'proof')!r}, 'w')\n")
    identity = json.loads((run / "recipe.json").read_text())
    identity["recipe"] = str(evil)
    if digest != "kept":
        identity["recipe_digest"] = digest
    (run / "recipe.json").write_text(json.dumps(identity))
    with pytest.raises(UsageError):
        sparring.load(run)
    assert not (tmp_path / "proof").exists()


def test_nothing_is_left_beside_the_file(conditional_file: Path) -> None:
    find(str(conditional_file))
    assert [path.name for path in conditional_file.parent.iterdir()] == ["mine.py"]


def test_the_newest_text_is_run(tmp_path: Path) -> None:
    """Also when a rewritten file has the size and the time of the old one."""
    path = tmp_path / "r.py"
    found = []
    for value in (1, 2):
        path.write_text(f"def recipe(spec, *, x: int = {value}):\n    return x\n")
        found.append(find(str(path)).function(None))
    assert found == [1, 2]


MISTAKES = {
    "syntax": ("import torch\ndef recipe(spec:\n", r"line 2: SyntaxError"),
    "at import": ("x = 1\ny = x / 0\n", r"line 2: ZeroDivisionError: division by zero"),
    "missing import": ("import torhc\n", r"line 1: ModuleNotFoundError"),
    "in the function": ("def recipe(spec):\n    return spec.nothing\n", r"line 2: AttributeError"),
    "deep": ("def f():\n    raise ValueError('so')\ndef recipe(spec):\n    return f()\n", r"line 2: ValueError: so"),
    "no function": ("x = 1\n", r"defines no function recipe"),
    "a class": ("class recipe: pass\n", r"defines no function recipe"),
    "wrong value": ("def recipe(spec):\n    return 3\n", r"returned int, not a sparring.Recipe"),
    "no argument": ("def recipe():\n    return 3\n", r"TypeError: recipe\(\) takes 0 positional"),
    "no default": ("def recipe(spec, *, width: int):\n    return 3\n", r"'width' needs a default"),
    "odd type": ("def recipe(spec, *, widths: tuple = (1, 2)):\n    return 3\n", r"'widths' needs .* a plain type"),
    "unknown type": ("def recipe(spec, *, width: 'Nothing' = 1):\n    return 3\n", r"NameError: name 'Nothing'"),
    "many lines": ("raise ValueError('one\\ntwo')\n", r"line 1: ValueError: one two"),
    "null byte": ("x = '\0'\n", r"SyntaxError|ValueError"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_one_line_with_file_and_line(mistake: str, tmp_path: Path, spar) -> None:
    text, says = MISTAKES[mistake]
    path = tmp_path / "faulty.py"
    path.write_text(text)
    result = spar("train", "gaussian", "--recipe", path, "--out", tmp_path / "run")
    assert result.code == 2
    assert result.err.startswith("spar: ")
    assert result.err.count("\n") == 1
    assert str(path) in result.err or "faulty.py" in result.err
    assert re.search(says, result.err), result.err
    assert not (tmp_path / "run").exists()


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        find(str(tmp_path / "none.py"))
    (tmp_path / "folder.py").mkdir()
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        find(str(tmp_path / "folder.py"))


def test_types_without_annotation_are_those_of_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "r.py"
    path.write_text("def recipe(spec, *, width=3, rate=0.5, on=True, name='a'):\n    return 3\n")
    assert own_hints(find(str(path)).function) == {"width": int, "rate": float, "on": bool, "name": str}


def test_the_nearest_recipe_is_named() -> None:
    with pytest.raises(UsageError, match=r"there is no recipe 'gan-mnits'. Did you mean gan-mnist"):
        find("gan-mnits")
    with pytest.raises(UsageError, match=r"no recipe 'xyzzy'. Known: auto, gan-mnist, gan-1d"):
        find("xyzzy")


BROKEN = {
    "wrong shape": (
        "spec.shape, activation=nn.ReLU)",
        "(1, 4, 4), activation=nn.ReLU)",
        r"shape \(1, 4, 4\).*\(1, 8, 8\)",
    ),
    "misfit": ("MLPDiscriminator(spec.shape,", "MLPDiscriminator((3,),", "mat1 and mat2 shapes cannot be multiplied"),
    "loss": (
        "Adversarial(non_saturating)",
        "Adversarial(non_saturating._replace(generator=lambda r, f: f.no_such))",
        "no_such",
    ),
}


@pytest.mark.parametrize("mistake", BROKEN)
def test_what_fails_in_a_step_is_told_before_anything_is_written(mistake: str, tmp_path: Path) -> None:
    right, wrong, says = BROKEN[mistake]
    text = SIMPLE.replace(right, wrong)
    assert text != SIMPLE
    (tmp_path / "mine.py").write_text(text)
    with pytest.raises(UsageError, match=rf"the recipe file fails: .*mine\.py.*{says}"):
        sparring.train("digits", str(tmp_path / "mine.py"), out=tmp_path / "run", **QUIET)
    assert not (tmp_path / "run").exists()


SIMPLE = """
from torch import nn

from sparring.game import Adversarial
from sparring.networks import MLPDiscriminator, MLPGenerator
from sparring.objectives import non_saturating
from sparring.recipes.parts import adam, normal
from sparring.types import Recipe


def recipe(spec):
    return Recipe(
        paper="none",
        generator=lambda: MLPGenerator(4, (8,), spec.shape, activation=nn.ReLU),
        discriminator=lambda: MLPDiscriminator(spec.shape, (8,), activation=nn.ReLU),
        game=Adversarial(non_saturating),
        latent=normal(4),
        optimiser=adam(0.5, 0.999),
        batch=8,
        steps=2,
    )
"""


def test_the_simple_recipe_is_right(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(SIMPLE)
    assert sparring.train("digits", str(tmp_path / "mine.py"), out=tmp_path / "run", **QUIET).step("last") == 2
