"""What the benchmarks share: results that grow over sittings; and how stacked digits are read."""

import importlib
import os
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import torch

import sparring


@pytest.fixture(autouse=True)
def in_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))


@pytest.fixture
def stacked() -> ModuleType:
    return importlib.import_module("stacked_mnist")


def test_a_row_is_added_once(tmp_path: Path) -> None:
    rows = importlib.import_module("rows").Rows(tmp_path / "new" / "rows.jsonl", ("recipe", "seed"))
    assert rows.read() == []
    assert {"recipe": "dcgan", "seed": 0} not in rows
    for seed in (0, 1):
        rows.add({"recipe": "dcgan", "seed": seed, "kl": 3.5})
    assert {"recipe": "dcgan", "seed": 1, "steps": 7} in rows
    assert {"recipe": "dcgan", "seed": 2} not in rows
    assert [row["seed"] for row in rows.read()] == [0, 1]


def test_channels_are_read_one_by_one(stacked: ModuleType) -> None:
    by_brightness = SimpleNamespace(classify=lambda x: (None, x.flatten(1).max(1).values.long()))
    images = torch.zeros(2, 3, 4, 4, dtype=torch.uint8)
    images[0, 0], images[0, 1], images[1, 2] = 7, 2, 9
    assert stacked.read_triples(images, by_brightness).tolist() == [720, 9]


@pytest.mark.slow
@pytest.mark.skipif(not os.environ.get("SPARRING_DATA"), reason="SPARRING_DATA IS NOT SET: no real digits")
def test_real_triples_give_the_floor(stacked: ModuleType) -> None:
    shares = stacked.shares_of_triples(sparring.open_data("stacked-mnist"))
    assert shares.sum().item() == pytest.approx(1)
    assert shares.min() > 0.0005
    labels = torch.multinomial(shares, 26_000, True, generator=torch.Generator().manual_seed(0))
    found = stacked.judge(labels, shares)
    assert found["modes"] == 1000
    assert found["kl"] == pytest.approx(0.0194, abs=0.002)
    one = stacked.judge(torch.full((26_000,), 123), shares)
    assert one["modes"] == 1
    assert one["kl"] == pytest.approx(6.9, abs=0.5)
