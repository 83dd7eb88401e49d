"""What GANs are compared with: `spar compare` on messages, and on images with several seeds.

    python benchmarks/compare.py [--data sms-spam digits mnist] [--seconds 20] [--seed 0 1 2] [--draws 20] [--table]

Each row is one comparison, in results/compare.jsonl: what is there is not done again, and trainings that were stopped
go on. Pictures go beside the trainings (--out).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import torch

import sparring
from rows import HERE, Row, Rows, commit, markdown, mean_and_spread
from sparring.files import save_png
from sparring.rivals.texts import NAMES

RESULTS = Rows(HERE / "results" / "compare.jsonl", ("data", "seconds", "seed", "draws"))
TEXTS = ("sms-spam",)


def measure(row: Row, out: Path) -> None:
    """One comparison, if it is not there yet."""
    if row in RESULTS:
        return
    name = "-".join(str(value) for value in row.values() if value is not None)
    given = {"seeds": row["draws"]} if row["data"] in TEXTS else {"seconds": row["seconds"], "runs": out / name}
    found = sparring.compare(row["data"], seed=row["seed"], device="cpu", **given)
    save_png(found.picture(), out / f"{name}.png")
    RESULTS.add(row | {"commit": commit(), "threads": torch.get_num_threads(), "found": found.to_json()})


def per_cent(value: float) -> str:
    """A share, its sign told by the column."""
    return f"{100 * value:.2f} %"


def text_table(row: Row) -> str:
    """Errors over the number of labels."""
    lines = []
    for learned in row["found"]["learned"]:
        errors = [learned[name] for name in ("generative", "discriminative")]
        pairs = [b - a for a, b in zip(*errors, strict=True)]
        cells = [mean_and_spread(own, per_cent) for own in (*errors, pairs)]
        lines.append([learned["labels"], len(pairs), *cells])
    return markdown(["labels", "draws", *NAMES, "difference (mean ± deviation of pairs)"], lines)


def image_table(rows: list[Row]) -> str:
    """Mean and spread of every figure over the seeds of one data set and time."""
    found = [row["found"] for row in rows]
    distance = found[0]["distance"]
    columns: dict[str, tuple[str, Callable[[float], str]]] = {
        "steps": ("steps", lambda v: f"{v:.0f}"),
        "CPU s": ("seconds", lambda v: f"{v:.1f}"),
        distance: ("distance", lambda v: f"{v:.1f}"),
        "reconstruction": ("reconstruction", lambda v: f"{v:.4f}"),
        "probe": ("probe", lambda v: f"{100 * v:.1f} %"),
        "probe of code": ("code_probe", lambda v: f"{100 * v:.1f} %"),
    }
    lines = []
    for each in zip(*([*one["rivals"], one["reference"]] for one in found), strict=True):
        values = (([own[key] for own in each], show) for key, show in columns.values())
        cells = ["—" if None in found else mean_and_spread(found, show) for found, show in values]
        lines.append([each[0]["name"], *cells])
    return markdown(["", *columns], lines)


def table() -> str:
    """All that was measured, a table for each data set and time."""
    parts = []
    for (data, seconds, _), rows in RESULTS.groups("data", "seconds", "draws").items():
        if data in TEXTS:
            parts.append(f"{data}\n\n{text_table(rows[0])}")
        else:
            seeds = ", ".join(str(row["seed"]) for row in rows)
            parts.append(f"{data}, {seconds:g} s, seeds {seeds}, N = {rows[0]['found']['n']}\n\n{image_table(rows)}")
    return "\n\n".join(parts)


def main() -> None:
    """Measure what is missing, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", nargs="+", default=["sms-spam", "digits", "mnist"])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--seed", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("runs/compare"))
    parser.add_argument("--table", action="store_true", help="only print what was measured")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    for data in [] if options.table else options.data:
        for seed in options.seed[:1] if data in TEXTS else options.seed:
            draws, seconds = (options.draws, None) if data in TEXTS else (None, options.seconds)
            measure({"data": data, "seconds": seconds, "seed": seed, "draws": draws}, options.out)
    print(table())


if __name__ == "__main__":
    main()
