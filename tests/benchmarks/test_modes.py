"""The benchmark of modes goes on where it was stopped."""

import importlib
import json
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def modes(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    return importlib.import_module("modes")


def test_only_what_is_missing_is_run(modes: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results, samples = tmp_path / "results" / "modes.jsonl", tmp_path / "samples"

    def go(*more: str) -> list[str]:
        modes.main(["--rows", "gan,r3gan", "--results", str(results), "--samples", str(samples), "--steps", "2", *more])
        return capsys.readouterr().out.splitlines()

    assert len(go("--seeds", "1", "--data", "ring")) == 2
    assert go("--seeds", "1", "--data", "ring") == []
    before = results.read_text()
    added = [json.loads(line) for line in go("--seeds", "2", "--data", "ring,grid")]
    assert [(line["recipe"], line["data"], line["seed"]) for line in added] == [
        ("pacgan", "grid", 0),
        ("r3gan", "grid", 0),
        ("pacgan", "ring", 1),
        ("pacgan", "grid", 1),
        ("r3gan", "ring", 1),
        ("r3gan", "grid", 1),
    ]
    assert results.read_text().startswith(before)
    assert len(list(samples.iterdir())) == len(results.read_text().splitlines()) == 8
    shown = go("--table")
    assert [line.split(" | ")[:4] for line in shown[2:]] == [
        [f"| {data}", row, "2", "2"] for data in ("ring", "grid") for row in ("r3gan", "gan")
    ]
    go("--picture", str(tmp_path / "picture.png"))
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_a_row_is_known_by_its_settings_and_not_by_its_name(modes: ModuleType) -> None:
    """So a row whose settings are changed is run anew, and its old runs stand under what they were run with."""
    for row in modes.ROWS:
        (task,) = modes.list_tasks([row], ["ring"], [0], 10)
        assert modes.row_of(task) == row
    assert modes.changed("pacgan", {"pack": 2, "latent_dim": 2}) == {"latent_dim": 2}
    old = {"recipe": "pacgan", "settings": {"pack": 9}}
    assert modes.row_of(old) == "pacgan pack=9"
