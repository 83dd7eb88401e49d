"""The benchmark of few labels goes on where it was stopped, and takes no game for another."""

import importlib
import json
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def few_labels(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    return importlib.import_module("few_labels")


def test_rows_of_another_game_stay_apart(few_labels: ModuleType, tmp_path: Path, monkeypatch, capsys) -> None:
    results = tmp_path / "rows.jsonl"
    words = ["--seeds", "1", "--steps", "2", "--set", "width=16", "--set", "batch=10", "--no-baselines"]

    def go() -> list[str]:
        few_labels.main([*words, "--results", str(results), "--runs", str(tmp_path / "runs")])
        return [line for line in capsys.readouterr().out.splitlines() if line.startswith("| digits-5")]

    (row,) = go()
    cells = row.strip("| ").split(" | ")
    assert cells[:7] == ["digits-5", "few-labels", "width=16, batch=10", few_labels.PLAYED, "2", "1", "1"]
    error = 100 * json.loads(results.read_text())["errors"]["few labels and the game"]
    assert cells[7:] == [f"{error:.2f}", "—", "—", "—", "—"]
    before, played = results.read_text(), few_labels.PLAYED
    assert go() == [row]
    assert results.read_text() == before
    monkeypatch.setattr(few_labels, "PLAYED", "another")
    assert go() == [row, row.replace(played, "another")]
    assert results.read_text().startswith(before)


def test_each_measurement_is_there_once(few_labels: ModuleType) -> None:
    rows = few_labels.Rows(few_labels.RESULTS, few_labels.KEY).read()
    known = [[row[name] for name in few_labels.KEY] for row in rows]
    assert all(known.count(one) == 1 for one in known)
