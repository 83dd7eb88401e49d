"""The diagnosis, measured: runs made sick on purpose and healthy ones, on other seeds than those that set thresholds.

    python benchmarks/diagnosis.py --play design [--kinds oscillation,healthy]     # runs that set the thresholds
    python benchmarks/diagnosis.py --fit                                           # writes measured.json
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
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from scipy.stats import binomtest

import sparring
from planted import NEW, PLANTED, Case, cases, floors_of, of_new_digits, trained
from rows import HERE, Row, Rows, commit, markdown
from sparring.data.toys import TOYS
from sparring.diagnosis.history import NOT_FINITE, History
from sparring.diagnosis.remedies import Remedy, prescribe
from sparring.diagnosis.sicknesses import FAR, SICKNESSES, Sickness, Sign, measured, threshold_name
from sparring.diagnosis.symptoms import SIGNALS, Symptoms, find_symptoms
from sparring.diagnosis.verdict import HEALTHY, Verdict, class_shares, diagnose
from sparring.files import write_atomically
from sparring.identity import Identity
from sparring.runs.run import Run
from sparring.training.sickness import SETTLING
from sparring.types import DataSpec

RESULTS = Rows(HERE / "results" / "diagnosis.jsonl", ("kind", "case", "seed", "what"))
MEASURED = Path(sparring.__file__).parent / "diagnosis" / "measured.json"
LOGARITHMIC = ("gradient", "largest_output", "unsteady")
"""Symptoms whose thresholds lie in the middle of logarithms."""
COST = 3.0
"""How many failures overlooked a false alarm is as bad as."""
CONFUSION = 0.2
"""The same for a failure of another kind that is taken for this one. It is little: a game can have several at once."""
ROUNDS = 2
CHOICES = 40
"""Thresholds that are tried for a symptom where there are others beside it; alone it has all."""
REMEDIES = ("first remedy", "second remedy")
LATER = ("real_to_train", "real_copies", "real_held_out")
MARGIN = 1.25
"""How much further from the data than the worst healthy design run a run may be and be called healthy."""
MEANT = {
    "divergence: finite below": 0.5,
    "nothing learned: learned below": 0.1,
    "modes missing: modes below": 0.95,
    "modes missing: classes below": 0.95,
    "memorisation: copies above": 0.05,
}
"""Thresholds that the words mean by themselves: one mode of twenty or class of ten that is missing is missing, and one
copy in twenty samples is a copy too many (no planted run has recorded that yet)."""


def rows_of(split: str, what: str = "planted") -> list[Row]:
    """The rows of these seeds."""
    return [with_floors(row) for row in RESULTS.read() if row["what"] == what and row["seed"] in PLANTED[split]]


def with_floors(row: Row) -> Row:
    """A row with the floors of its data that were not recorded yet when it was played."""
    first, *later = row["metrics"]
    return row | {"metrics": [later_floors(row) | first, *later]}


def later_floors(row: Row) -> dict[str, float]:
    """The floors that are recorded since; those of copies, and how many examples are held out."""
    known = floors_of(row["case"].split()[0]) if kind_of(row) == "image" else {}
    return {name: value for name, value in known.items() if name in LATER}


def kind_of(row: Row) -> Literal["image", "points"]:
    """The kind of a row's data."""
    return "points" if row["case"].split()[0] in TOYS else "image"


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
    identity = run.identity.to_json()
    return {name: identity[name] for name in ("recipe", "given", "defaults", "settings", "data_options")}


def symptoms(row: Row) -> Symptoms:
    """The symptoms of a row."""
    return find_symptoms(History(row["metrics"]), tuple(row["shares"]))


def verdict_of(row: Row) -> Verdict:
    """The verdict on a row by the thresholds in force."""
    return diagnose(row["metrics"], spec_of(row))


def found(row: Row) -> list[str]:
    """The sicknesses that are found in a row."""
    return [finding.sickness for finding in verdict_of(row).findings]


def fit() -> None:
    """Set the thresholds by the design runs: as few failures overlooked and false alarms as can be.

    New digits beside a few others are no copies: they are healthy, too, as far as copies go.
    """
    played = rows_of("design")
    rows = [(row["kind"], symptoms(row)) for row in played]
    rows += [(HEALTHY, {"to_train": of_new["to_train"]}) for of_new in new_digits("design")]
    known = dict(measured())
    thresholds = known["thresholds"] | MEANT
    for _ in range(ROUNDS):
        for sickness in SICKNESSES:
            for form in sickness.forms:
                thresholds |= best_of(sickness, form, thresholds, rows)
    names = [threshold_name(sickness, sign) for sickness in SICKNESSES for form in sickness.forms for sign in form]
    healthy = [row for row in played if row["kind"] == HEALTHY]
    far = {kind: beyond([symptoms(row) for row in healthy if kind_of(row) == kind]) for kind in ("image", "points")}
    write({**known, "thresholds": {name: digits(thresholds[name]) for name in names}, "far": far})


def new_digits(split: str) -> list[Symptoms]:
    """What is seen of new digits beside few others, for each size and draw."""
    draws = itertools.product(NEW["sizes"], NEW[split])
    return [find_symptoms(History([{"step": 1} | of_new_digits(count, draw)])) for count, draw in draws]


def beyond(healthy: list[Symptoms]) -> dict[str, float]:
    """The thresholds of FAR for a kind of data: the worst of its healthy runs is MARGIN times nearer to real examples,
    which have 1 in all of its symptoms."""
    signs = itertools.chain(*FAR.forms)
    worst = {threshold_name(FAR, sign): min(there[sign.symptom] for there in healthy) for sign in signs}
    return {name: digits(1 - MARGIN * (1 - value)) for name, value in worst.items()}


def digits(value: float) -> float:
    """Four digits of it."""
    return float(f"{value:.4g}")


def best_of(
    sickness: Sickness, form: tuple[Sign, ...], thresholds: dict[str, float], rows: list[tuple[str, Symptoms]]
) -> dict[str, float]:
    """The thresholds of a form with the least loss, the others as they are; of those that tie, one in their middle.

    All its thresholds are tried together: each alone would stop where only two at a time help.
    """
    names = [threshold_name(sickness, sign) for sign in form]
    most = CHOICES if len(form) > 1 else len(rows)
    choices = [candidates(name, sign.symptom, thresholds, rows, most) for name, sign in zip(names, form, strict=True)]
    others = replace(sickness, forms=tuple(other for other in sickness.forms if other is not form))
    found = np.array([bool(others.signs(there, thresholds)) for _, there in rows])
    costs = np.array([-1.0 if kind == sickness.name else COST if kind == HEALTHY else CONFUSION for kind, _ in rows])
    holds = [
        np.array([[sign.holds(there, value) for _, there in rows] for value in values])
        for sign, values in zip(form, choices, strict=True)
    ]
    together = holds[0]
    for more in holds[1:]:
        together = (together[:, None] & more).reshape(-1, len(rows))
    losses = (together | found) @ costs
    tying = np.flatnonzero(losses < losses.min() + 1e-9)
    tried = np.stack(np.unravel_index(tying, [len(values) for values in choices]), 1)
    places = tried[np.abs(tried - tried.mean(0)).sum(1).argmin()]
    return {name: values[place] for name, values, place in zip(names, choices, places, strict=True)}


def candidates(
    name: str, symptom: str, thresholds: dict[str, float], rows: list[tuple[str, Symptoms]], most: int
) -> list[float]:
    """Between any two neighbouring values of a symptom there is a threshold to try, or ``most`` of these, evenly."""
    if name in MEANT:
        return [thresholds[name]]
    seen = sorted({there[symptom] for _, there in rows if symptom in there})
    middles = [midpoint(symptom, low, high) for low, high in itertools.pairwise(seen)]
    return [middles[place] for place in np.unique(np.linspace(0, len(middles) - 1, most).round().astype(int))]


def midpoint(symptom: str, low: float, high: float) -> float:
    """Between two values of a symptom."""
    return (low * high) ** 0.5 if symptom in LOGARITHMIC and low > 0 else (low + high) / 2


def score() -> None:
    """Count what the verdicts by the thresholds in force are on the test runs, and keep it beside them."""
    rows = rows_of("test")
    kinds = [*(sickness.name for sickness in SICKNESSES), HEALTHY]
    confusion = {kind: dict(Counter(verdict_of(row).name for row in rows if row["kind"] == kind)) for kind in kinds}
    healthy = [row for row in rows if row["kind"] == HEALTHY]
    alarms = rate(sum(bool(found(row)) for row in healthy), len(healthy))
    known = measured()
    write({name: known[name] for name in ("thresholds", "far")} | {"confusion": confusion, "false_alarms": alarms})


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
    return DataSpec(kind_of(row), (1, 1, 1), tuple(map(str, range(len(row["shares"])))), shares=tuple(row["shares"]))


def rate(count: int, of: int) -> dict[str, Any]:
    """A share with its 95 % interval (Clopper and Pearson 1934)."""
    low, high = binomtest(count, of).proportion_ci() if of else (0.0, 1.0)
    return {"count": count, "of": of, "interval": [round(float(low), 4), round(float(high), 4)]}


def write(values: dict[str, Any]) -> None:
    """Keep thresholds and rates where the package reads them."""
    write_atomically(MEASURED, (json.dumps(values, indent=2) + "\n").encode())
    measured.cache_clear()


def remedy_of(row: Row) -> Remedy | None:
    """What is prescribed for a row."""
    facts, spec = row["identity"], spec_of(row)
    return prescribe(
        verdict_of(row),
        Identity(
            recipe=facts["recipe"],
            recipe_digest="",
            data="",
            data_options=facts["data_options"],
            own=facts["settings"]["own"],
            general=facts["settings"]["general"],
            spec=spec,
            fingerprint="",
            given=facts["given"],
            defaults=facts.get("defaults", {}),
        ),
    )


def treat(case: Case, seed: int) -> None:
    """Play what is prescribed for a planted failure of the test seeds, a second time if it is still sick."""
    this = (case.kind, case.name, seed)
    played = [with_floors(r) for r in RESULTS.read() if (r["kind"], r["case"], r["seed"]) == this]
    if not played:
        return
    row = played[0]
    for attempt in REMEDIES:
        after: Row = {"kind": case.kind, "case": case.name, "seed": seed, "what": attempt}
        remedy = remedy_of(row)
        if remedy is None or after in RESULTS:
            row = next((r for r in played if r["what"] == attempt), row)
            continue
        began = time.process_time()
        with tempfile.TemporaryDirectory() as folder:
            run, ended = trained(case, seed, Path(folder), remedy)
            row = after | {"ended": ended, "why": remedy.why} | observed(run)
        keep(row, began)


def table() -> str:
    """What was found, by kind, and what remedies did, on the test runs; and what is seen of new digits."""
    rows = [row for what in ("planted", *REMEDIES) for row in rows_of("test", what)]
    lines: list[tuple[object, ...]] = []
    for kind in [*(sickness.name for sickness in SICKNESSES), HEALTHY]:
        planted = [row for row in rows if row["kind"] == kind and row["what"] == "planted"]
        verdicts = [verdict_of(row) for row in planted]
        named = [found(row) for row in planted]
        anywhere, first = (sum(kind in names[:n] for names in named) for n in (None, 1))
        sick, healthy = (sum(map(bool, those)) for those in (named, (verdict.healthy for verdict in verdicts)))
        settings = len({row["case"] for row in planted})
        if kind == HEALTHY:
            lines.append(
                (kind, settings, "", f"{healthy} of {len(planted)}", shown(rate(sick, len(planted))), healthy, "")
            )
            continue
        after = [[row for row in rows if row["kind"] == kind and row["what"] == what] for what in REMEDIES]
        healed = [sum(bool(verdict_of(row).healthy) for row in part) for part in after]
        treated = len(after[0])
        cured = f"{healed[0]} of {treated}; after a second {sum(healed)}" if treated else ""
        lines.append((kind, settings, shown(rate(anywhere, len(named))), first, sick, healthy, cured))
    head = ("planted", "settings", "found", "found first", "called sick", "called healthy", "healthy after the remedy")
    healthy_rows = [row for row in rows if row["kind"] == HEALTHY]
    stops = shown(rate(sum(map(would_stop, healthy_rows)), len(healthy_rows)))
    new, thresholds = new_digits("test"), measured()["thresholds"]
    copies = next(sickness for sickness in SICKNESSES if sickness.name == "memorisation")
    called = shown(rate(sum(bool(copies.signs(there, thresholds)) for there in new), len(new)))
    return "\n".join(
        [
            markdown(head, lines),
            "",
            f"healthy runs that would have been stopped on the way: {stops}",
            f"new digits beside few others, called memorisation: {called}",
        ]
    )


def shown(found: dict[str, Any]) -> str:
    """A rate as a table shows it."""
    low, high = found["interval"]
    return f"{found['count']} of {found['of']} ({low:.0%} to {high:.0%})" if found["of"] else "none yet"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--play", choices=PLANTED, help="train the runs of these seeds")
    parser.add_argument("--kinds", default="", help="only these, separated by commas")
    parser.add_argument("--data", default="", help="only on these")
    parser.add_argument("--seeds", default="", help="only these of the split's")
    parser.add_argument("--fit", action="store_true", help="set the thresholds by the design runs")
    parser.add_argument("--score", action="store_true", help="count what they get right on the test runs")
    parser.add_argument("--remedies", action="store_true", help="play what is prescribed for the test runs")
    parser.add_argument("--table", action="store_true", help="show it all")
    options = parser.parse_args()
    kinds, data, seeds = (
        [word for word in words.split(",") if word] for words in (options.kinds, options.data, options.seeds)
    )
    for case, seed in cases(options.play, kinds, data, [*map(int, seeds)]) if options.play else ():
        play(case, seed)
    if options.fit:
        fit()
    if options.score:
        score()
    for case, seed in cases("test", kinds, data, [*map(int, seeds)]) if options.remedies else ():
        if case.kind != HEALTHY:
            treat(case, seed)
    if options.table:
        print(table())
