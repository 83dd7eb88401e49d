"""The diagnosis, measured: runs made sick on purpose and healthy ones, on other seeds than those that set thresholds.

    python benchmarks/diagnosis.py --play design [--kinds oscillation,healthy]     # runs that set the thresholds
    python benchmarks/diagnosis.py --fit                                           # writes them to measured.json
    python benchmarks/diagnosis.py --play test                                     # runs that measure
    python benchmarks/diagnosis.py --score                                         # writes their rates beside them
    python benchmarks/diagnosis.py --remedies                                      # plays what was prescribed
    python benchmarks/diagnosis.py --table                                         # all of it as Markdown

Each run is a line of results/diagnosis.jsonl with what it recorded, and none is played twice. What the runs are:
planted.py.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from scipy.stats import beta

import sparring
from planted import HEALTHY_SEEDS, PLANTED, Case, cases, trained
from rows import HERE, Row, Rows, commit, markdown
from sparring.diagnosis.history import NOT_FINITE, History
from sparring.diagnosis.remedies import Remedy, prescribe
from sparring.diagnosis.sicknesses import SICKNESSES, Sickness, measured, threshold_name
from sparring.diagnosis.symptoms import SIGNALS, Symptoms, find_symptoms
from sparring.diagnosis.verdict import HEALTHY, class_shares, diagnose
from sparring.files import write_atomically
from sparring.runs.run import Run
from sparring.training.loop import SETTLING
from sparring.types import DataSpec

RESULTS = Rows(HERE / "results" / "diagnosis.jsonl", ("kind", "case", "seed", "what"))
MEASURED = Path(sparring.__file__).parent / "diagnosis" / "measured.json"
LOGARITHMIC = ("gradient", "largest_output", "unsteady")
"""Symptoms whose thresholds lie in the middle of logarithms."""
COST = 3.0
"""How many failures overlooked a false alarm is as bad as."""
CONFUSION = 0.2
"""The same for a failure of another kind that is taken for this one. It is little: a game can have several at once."""
ROUNDS = 4
REMEDIES = ("first remedy", "second remedy")
MEANT = {
    "divergence: finite below": 0.5,
    "nothing learned: learned below": 0.1,
    "modes missing: modes below": 0.95,
    "modes missing: classes below": 0.95,
}
"""Thresholds that the words mean by themselves: one mode of twenty or class of ten that is missing is missing."""


def rows_of(split: str, what: str = "planted") -> list[Row]:
    """The rows of these seeds."""
    return [row for row in RESULTS.read() if row["what"] == what and row["seed"] in HEALTHY_SEEDS[split]]


def recorded(run: Run) -> list[dict[str, Any]]:
    """What a diagnosis reads of metrics.jsonl, to four digits."""
    kept = ("figure", "real_", "sample_", "class_", NOT_FINITE, *(f"signal_{name}" for name in SIGNALS.values()))
    rows = [
        {name: v for name, v in row.items() if name.startswith(kept)} | {"step": row["step"]} for row in run.metrics
    ]
    return [
        {name: float(f"{v:.4g}") if name != "step" else v for name, v in row.items()} for row in rows if len(row) > 1
    ]


def play(case: Case, seed: int) -> None:
    """Train a case, and keep what it recorded."""
    row: Row = {"kind": case.kind, "case": case.name, "seed": seed, "what": "planted"}
    if row in RESULTS:
        return
    began = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        run, ended = trained(case, seed, Path(folder))
        row |= {"ended": ended} | observed(run)
    keep(row, began)


def keep(row: Row, began: float) -> None:
    """Add a row, and say what was found."""
    RESULTS.add(row | {"seconds": round(time.process_time() - began, 1), "commit": commit()})
    print(row["kind"], "|", row["case"], row["seed"], row["what"], row["ended"], found(row), flush=True)


def observed(run: Run) -> dict[str, Any]:
    """What a diagnosis needs of a run, and its remedy."""
    return {"shares": class_shares(run.spec), "identity": facts(run), "metrics": recorded(run)}


def facts(run: Run) -> dict[str, Any]:
    """What a remedy depends on."""
    return {name: run.identity[name] for name in ("recipe", "given", "settings", "data_options")} | {
        "spec": {"kind": run.spec.kind}
    }


def symptoms(row: Row) -> Symptoms:
    """The symptoms of a row."""
    return find_symptoms(History(row["metrics"]), tuple(row["shares"]))


def found(row: Row) -> list[str]:
    """The sicknesses that the thresholds in force find in a row."""
    thresholds, there = measured()["thresholds"], symptoms(row)
    return [sickness.name for sickness in SICKNESSES if sickness.signs(there, thresholds)]


def fit() -> None:
    """Set every threshold by the design runs: as few failures overlooked and false alarms as can be, in the middle."""
    rows = rows_of("design")
    known = dict(measured())
    thresholds = known["thresholds"] | MEANT
    for sickness in SICKNESSES:
        planted = [symptoms(row) for row in rows if row["kind"] == sickness.name]
        healthy = [symptoms(row) for row in rows if row["kind"] == HEALTHY]
        others = [symptoms(row) for row in rows if row["kind"] not in (HEALTHY, sickness.name)]
        for _ in range(ROUNDS):
            for sign in dict.fromkeys(sign for form in sickness.forms for sign in form):
                name = threshold_name(sickness, sign)
                if name in MEANT:
                    continue
                seen = sorted({there[sign.symptom] for there in planted + healthy + others if sign.symptom in there})
                middles = [midpoint(sign.symptom, low, high) for low, high in itertools.pairwise(seen)]
                thresholds[name] = best_of(sickness, name, thresholds, middles, planted, healthy, others)
    write({**known, "thresholds": {name: float(f"{value:.4g}") for name, value in thresholds.items()}})


def midpoint(symptom: str, low: float, high: float) -> float:
    """Between two values of a symptom."""
    return (low * high) ** 0.5 if symptom in LOGARITHMIC and low > 0 else (low + high) / 2


def best_of(
    sickness: Sickness,
    name: str,
    thresholds: dict[str, float],
    choices: list[float],
    planted: list[Symptoms],
    healthy: list[Symptoms],
    others: list[Symptoms],
) -> float:
    """The threshold of this name with the least loss, the others as they are; the middle one of those that tie."""

    def loss(value: float) -> float:
        tried = {**thresholds, name: value}
        overlooked = sum(not sickness.signs(there, tried) for there in planted)
        alarms, mistaken = (sum(bool(sickness.signs(there, tried)) for there in part) for part in (healthy, others))
        return overlooked + COST * alarms + CONFUSION * mistaken

    losses = [loss(value) for value in choices]
    least = min([loss(thresholds[name]), *losses])
    tying = [value for value, lost in zip(choices, losses, strict=True) if lost == least]
    return tying[len(tying) // 2] if tying else thresholds[name]


def score() -> None:
    """Count what the thresholds in force get right on the test runs, and keep it beside them."""
    rows = rows_of("test")
    detection = {}
    for sickness in SICKNESSES:
        named = [found(row) for row in rows if row["kind"] == sickness.name]
        detection[sickness.name] = rate(sum(sickness.name in names for names in named), len(named))
    healthy = [row for row in rows if row["kind"] == HEALTHY]
    alarms = rate(sum(bool(found(row)) for row in healthy), len(healthy))
    stopped = rate(sum(map(would_stop, healthy)), len(healthy))
    write({**measured(), "detection": detection, "false_alarms": alarms, "false_stops": stopped})


def would_stop(row: Row) -> bool:
    """Whether --on-sick would have stopped this run: what the loop asks after each measurement."""
    lines, steps = row["metrics"], row["metrics"][-1]["step"]
    measurements = [number for number, line in enumerate(lines) if "figure" in line]
    spec = spec_of(row)
    verdicts = [diagnose(lines[: number + 1], spec).midway() for number in measurements]
    settled = [lines[number]["step"] >= SETTLING * steps for number in measurements]
    pairs = zip(itertools.pairwise(verdicts), settled[1:], strict=True)
    return any(bool(now.findings) and now.name == before.name and late for (before, now), late in pairs)


def spec_of(row: Row) -> DataSpec:
    """As much of the data's specification as a diagnosis asks for."""
    return DataSpec("image", (1, 1, 1), tuple(map(str, range(len(row["shares"])))), shares=tuple(row["shares"]))


def rate(count: int, of: int) -> dict[str, Any]:
    """A share with its 95 % interval, Clopper and Pearson's."""
    low = float(beta.ppf(0.025, count, of - count + 1)) if count else 0.0
    high = float(beta.ppf(0.975, count + 1, of - count)) if count < of else 1.0
    return {"count": count, "of": of, "interval": [round(low, 4), round(high, 4)]}


def write(values: dict[str, Any]) -> None:
    """Keep thresholds and rates where the package reads them."""
    write_atomically(MEASURED, (json.dumps(values, indent=2) + "\n").encode())
    measured.cache_clear()


def remedy_of(row: Row) -> Remedy | None:
    """What is prescribed for a row."""
    return prescribe(diagnose(row["metrics"], spec_of(row)), row["identity"])


def treat(case: Case, seed: int) -> None:
    """Play what is prescribed for a planted failure of the test seeds, a second time if it is still sick."""
    row = next(
        r
        for r in RESULTS.read()
        if (r["kind"], r["case"], r["seed"], r["what"]) == (case.kind, case.name, seed, "planted")
    )
    for attempt in REMEDIES:
        after: Row = {"kind": case.kind, "case": case.name, "seed": seed, "what": attempt}
        remedy = remedy_of(row)
        if remedy is None or after in RESULTS:
            row = next((r for r in RESULTS.read() if all(r[n] == after[n] for n in RESULTS.key)), row)
            continue
        began = time.process_time()
        with tempfile.TemporaryDirectory() as folder:
            run, ended = trained(case, seed, Path(folder), remedy)
            row = after | {"ended": ended, "why": remedy.why} | observed(run)
        keep(row, began)


def table() -> str:
    """Detection by kind, false alarms, and remedies, on the test runs."""
    rows = [row for what in ("planted", *REMEDIES) for row in rows_of("test", what)]
    lines: list[tuple[object, ...]] = []
    for kind in [*(sickness.name for sickness in SICKNESSES), HEALTHY]:
        planted = [row for row in rows if row["kind"] == kind and row["what"] == "planted"]
        named = [found(row) for row in planted]
        if kind == HEALTHY:
            alarms, stops = (
                shown(rate(sum(part), len(planted))) for part in (map(bool, named), map(would_stop, planted))
            )
            lines.append((kind, f"{alarms} called sick at the end; {stops} on the way", "", "", ""))
            continue
        anywhere, first = (sum(kind in names[:n] for names in named) for n in (None, 1))
        any_finding = sum(map(bool, named))
        after = [[row for row in rows if row["kind"] == kind and row["what"] == what] for what in REMEDIES]
        healed = [sum(not found(row) for row in part) for part in after]
        treated = len(after[0])
        cured = f"{healed[0]} of {treated}; after a second {sum(healed)}" if treated else ""
        lines.append((kind, shown(rate(anywhere, len(named))), first, any_finding, cured))
    return markdown(("planted", "found", "found first", "called sick", "healthy after the remedy"), lines)


def shown(found: dict[str, Any]) -> str:
    """A rate as a table shows it."""
    low, high = found["interval"]
    return f"{found['count']} of {found['of']} ({low:.0%} to {high:.0%})" if found["of"] else "none yet"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--play", choices=PLANTED, help="train the runs of these seeds")
    parser.add_argument("--kinds", default="", help="only these, separated by commas")
    parser.add_argument("--fit", action="store_true", help="set the thresholds by the design runs")
    parser.add_argument("--score", action="store_true", help="count what they get right on the test runs")
    parser.add_argument("--remedies", action="store_true", help="play what is prescribed for the test runs")
    parser.add_argument("--table", action="store_true", help="show it all")
    options = parser.parse_args()
    kinds = [kind for kind in options.kinds.split(",") if kind]
    for case, seed in cases(options.play, kinds) if options.play else ():
        play(case, seed)
    if options.fit:
        fit()
    if options.score:
        score()
    for case, seed in cases("test", kinds) if options.remedies else ():
        if case.kind != HEALTHY:
            treat(case, seed)
    if options.table:
        print(table())
