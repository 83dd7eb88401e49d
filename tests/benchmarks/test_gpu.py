"""The benchmark for GPUs, its parts that a CPU can run."""

import importlib
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from sparring.recipes.build import build, find
from sparring.types import DataSpec


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    return importlib.import_module("gpu")


def test_it_measures_what_is_missing(gpu: ModuleType, tmp_path: Path, monkeypatch, capsys) -> None:
    file = tmp_path / "gpu.jsonl"
    small = {"batch": 4, "side": 16, "width": 8, "rounds": 2, "seconds": 0.001, "steps": 4, "matrix": 64}
    words = [word for name, value in small.items() for word in (f"--{name}", str(value))]
    monkeypatch.setattr(sys, "argv", ["gpu.py", "--device", "cpu", "--out", str(file), *words])
    monkeypatch.setattr(gpu, "find_mnist", lambda folder: "digits")
    monkeypatch.setattr(gpu, "COMPARED", 2)
    gpu.main()
    text = file.read_text()
    rows = [json.loads(line) for line in text.splitlines()]
    assert {row["game"] for row in rows} == {"gan-mnist", "dcgan", "r3gan", "gan-mnist, whole"}
    for row in rows[:-1]:
        assert row["milliseconds"] >= row["quickest"] > 0
        assert row["floor"] > 0
        assert row["apart"] == 0  # an eager side is its own reference
    lines, again = text.splitlines(), rows[-1]
    file.write_text("\n".join(lines[:-1]) + "\n")
    gpu.main()
    assert file.read_text().splitlines()[:-1] == lines[:-1]
    assert json.loads(file.read_text().splitlines()[-1])["steps"] == again["steps"]
    assert "| gan-mnist | digits 1x8x8 | 32 | eager | float32 |" in capsys.readouterr().out


def test_the_floor_counts_the_operations_and_the_optimisers_bytes(gpu: ModuleType) -> None:
    """Two operations a weight and example in each product of dense layers; Adam moves 7 numbers a weight."""
    recipe = build(find("gan-mnist"), DataSpec("image", (1, 8, 8)), {}, {"batch": 8})
    step = gpu.Played("gan-mnist", recipe, gpu.noise((1, 8, 8), 50)).step(
        ("eager", "float32", "last"), torch.device("cpu")
    )
    machine = gpu.Machine(torch.device("cpu"), "cpu", {"float32": 1e9, "tf32": 1e9, "bfloat16": 1e9}, 1e6)
    operations, seconds = machine.floor(step, "float32")
    generator = [100 * 256, 256 * 512, 512 * 1024, 1024 * 64]
    discriminator = [64 * 512, 512 * 256, 256]
    forward = 4 * sum(generator) + 8 * sum(discriminator) + 8 * sum(generator) + 8 * sum(discriminator)
    backward = 8 * sum(discriminator) + 8 * sum(discriminator[1:])  # its own weights, not the examples
    backward += 8 * sum(discriminator) + 8 * sum(generator) + 8 * sum(generator[1:])
    assert operations == 2 * (forward + backward)
    numbers = sum(p.numel() for p in step.state.players.parameters())
    assert seconds == pytest.approx(operations / 1e9 + 7 * 4 * numbers / 1e6)
