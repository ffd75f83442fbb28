"""Wrong cells found by suggested rules alone, against a clean copy of the same table.

    python bench/clean_bench.py DIR [--json] [--rules FILE] [--threshold 0.6] [--write]

DIR holds dirty.csv and clean.csv: the same rows and columns in the same order (columns may be
named otherwise), or folders that each hold such a pair. A cell is wrong where the two texts
differ. dirty.csv is collected by the engine as a source without a contract would be, every column
text; rules are suggested from it, and those that a user is shown by default (confidence at least
the threshold) doubt cells by the same SQL that counts them. `--json` prints precision, recall and
F1 of that and nothing else. `--rules` scores hand-written rules of an ODCS `quality` file as well:
those that doubt single cells (required, unique, library metrics, `type: sql` queries of the form
`SELECT count(*) FROM table WHERE predicate`).
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from sanhua import sql
from sanhua.engine.duck import DuckEngine
from sanhua.engine.lake import Lake
from sanhua.kernel.table import Manifest, Reading
from sanhua.resource import suggest
from sanhua.resource.quality import unanchored

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "bench/results/clean_bench-2026-11-29.json"
TABLE = "dirty"
NUMBERED = f"(SELECT *, row_number() OVER () - 1 AS row_no FROM {TABLE})"

Cell = tuple[int, int]  # row, column; from 0


@dataclass(frozen=True)
class Score:
    """Of some flagged cells against the wrong ones."""

    right: int
    flagged: int
    wrong: int

    def figures(self) -> dict[str, float]:
        precision = self.right / self.flagged if self.flagged else float(not self.wrong)
        recall = self.right / self.wrong if self.wrong else 1.0
        f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
        return {"precision": round(precision, 4), "recall": round(recall, 4), "f1": round(f1, 4)}


def score(flagged: set[Cell], wrong: set[Cell]) -> Score:
    return Score(len(flagged & wrong), len(flagged), len(wrong))


def records(path: Path) -> list[list[str]]:
    csv.field_size_limit(1 << 30)
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as stream:
        return [row for row in csv.reader(stream) if row]


def wrong_cells(dirty: list[list[str]], clean: list[list[str]]) -> set[Cell]:
    """By exact string inequality, position by position, headings aside."""
    if len(dirty) != len(clean):
        raise SystemExit(f"{len(dirty) - 1} dirty rows and {len(clean) - 1} clean ones")
    return {
        (at, n)
        for at, (left, right) in enumerate(zip(dirty[1:], clean[1:], strict=True))
        for n in range(max(len(left), len(right)))
        if left[n : n + 1] != right[n : n + 1]
    }


class Set:
    """A pair of files, the dirty one collected."""

    def __init__(self, folder: Path, engine: DuckEngine) -> None:
        self.engine, self.name = engine, folder.name
        dirty = records(folder / "dirty.csv")
        self.wrong = wrong_cells(dirty, records(folder / "clean.csv"))
        self.cells = sum(map(len, dirty[1:]))
        self.manifest: Manifest = engine.collect(
            TABLE, [folder / "dirty.csv"], Reading(), None,
            inputs=["file:dirty"], step="bench", names=["dirty.csv"],
        )  # fmt: skip
        engine.bind(self.manifest)
        self.names = [column.name for column in self.manifest.columns]
        self.row_at = self._rows(dirty[1:])

    def _rows(self, dirty: list[list[str]]) -> list[int]:
        """Where the row of each kept row stands in the file: rejected rows are left out."""
        if self.manifest.rows == len(dirty):
            return list(range(len(dirty)))
        kept = self.engine.query(f"SELECT * FROM {TABLE}", rows_max=self.manifest.rows)
        found: list[int] = []
        at = 0
        for row in kept:
            while [cell or None for cell in dirty[at]] != list(row):
                at += 1
            found.append(at)
            at += 1
        return found

    def flagged(self, one: suggest.Suggestion) -> set[Cell]:
        column = self.names.index(one.column)
        relation = NUMBERED if one.determinant else f"{NUMBERED} AS {TABLE}"
        query = one.doubtful(relation, "row_no")
        rows = self.engine.query(query, rows_max=max(self.manifest.rows, 1))
        return {(self.row_at[int(row[0])], column) for row in rows}


def rules_of(path: Path, names: list[str]) -> Iterator[suggest.Suggestion]:
    """The rules of a file of properties as an ODCS schema lists them."""
    loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    for prop in loaded["properties"]:
        name = prop["name"]
        if name not in names:
            raise SystemExit(f"{path}: {name} is no column; there are {', '.join(names)}")
        quoted = sql.quote(name)
        made = suggest.Suggestion(
            "", TABLE, "written", name, "", suggest.Text(), "", {}, Decimal(1)
        )
        if prop.get("required"):
            yield replace(made, predicate=f"{quoted} IS NULL")
        for rule in prop.get("quality", []):
            arguments = rule.get("arguments", {})
            if rule.get("type") == "sql":
                head = f"SELECT count(*) FROM {TABLE} WHERE "
                query = " ".join(rule["query"].split())
                if not query.startswith(head):
                    raise SystemExit(f"{path}: {name}: does not start with {head}")
                sql.parse(query)
                yield replace(made, predicate=query.removeprefix(head))
            elif "pattern" in arguments:
                pattern = sql.literal(unanchored(arguments["pattern"]))
                yield replace(made, predicate=f"NOT regexp_matches({quoted}, {pattern})")
            elif "validValues" in arguments:
                listed = ", ".join(sql.literal(str(v)) for v in arguments["validValues"])
                yield replace(made, predicate=f"{quoted} NOT IN ({listed})")
            elif "missingValues" in arguments:
                yield replace(made, predicate=sql.in_list(name, arguments["missingValues"]))
            else:
                raise SystemExit(f"{path}: {name}: a rule that doubts no cell: {rule}")


def union(sets: Iterable[set[Cell]]) -> set[Cell]:
    return set().union(*sets)


def run(folder: Path, threshold: Decimal, rules: Path | None) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as scratch:
        engine = DuckEngine(Lake(Path(scratch) / "lake"))
        try:
            return _run(Set(folder, engine), threshold, rules)
        finally:
            engine.close()


def _run(found: Set, threshold: Decimal, rules: Path | None) -> dict[str, Any]:
    started = time.process_time()
    manifest = found.manifest
    offered = suggest.suggest(found.engine, TABLE, manifest.columns, manifest.rows)
    spent = time.process_time() - started
    shown = [one for one in offered if one.confidence >= threshold]
    cells = {one.id: found.flagged(one) for one in shown if one.violations}
    kinds: dict[str, set[Cell]] = defaultdict(set)
    for one in shown:
        kinds[one.kind] |= cells.get(one.id, set())
    told: dict[str, Any] = {
        "set": found.name,
        "rows": manifest.rows,
        "columns": len(found.names),
        "wrong": len(found.wrong),
        "cells": found.cells,
        "suggested": score(union(cells.values()), found.wrong).figures(),
        "kinds": {
            kind: {
                "rules": sum(one.kind == kind for one in shown),
                "flagged": len(own),
                **score(own, found.wrong).figures(),
            }
            for kind, own in sorted(kinds.items())
        },
        "rules": [
            {
                "kind": one.kind,
                "column": one.column,
                "of": one.determinant,
                "confidence": str(one.confidence),
                "flagged": len(cells.get(one.id, ())),
                "right": len(cells.get(one.id, set()) & found.wrong),
            }
            for one in shown
        ],
        "cpu_s": round(spent, 2),
    }
    if rules is not None:
        written = [found.flagged(one) for one in rules_of(rules, found.names)]
        told["written"] = score(union(written), found.wrong).figures() | {"rules": len(written)}
        told["both"] = score(union([*cells.values(), *written]), found.wrong).figures()
    return told


def shown_table(told: dict[str, Any]) -> str:
    lines = [f"{told['set']}: {told['rows']} rows, {told['columns']} columns, "
             f"{told['wrong']} wrong cells of {told['cells']}; {told['cpu_s']} CPU s"]  # fmt: skip
    heads = ("kind", "rules", "flagged", "precision", "recall", "f1")
    lines.append("  {:14}{:>6}{:>9}{:>11}{:>8}{:>8}".format(*heads))
    row = "  {:14}{:6}{:9}{:11.3f}{:8.3f}{:8.3f}"
    for kind, one in told["kinds"].items():
        lines.append(row.format(kind, *(one[head] for head in heads[1:])))
    total = told["suggested"] | {
        "rules": len(told["rules"]),
        "flagged": "",
    }
    for name, one in (("suggested", total), ("written", told.get("written")),
                      ("both", told.get("both"))):  # fmt: skip
        if one:
            lines.append(
                "  {:14}{:>6}{:>9}{:11.3f}{:8.3f}{:8.3f}".format(
                    name, one.get("rules", ""), "", one["precision"], one["recall"], one["f1"]
                )
            )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rules", type=Path)
    parser.add_argument("--threshold", type=Decimal, default=suggest.DEFAULT)
    parser.add_argument("--write", action="store_true", help=f"keep the figures in {RESULTS.name}")
    parser.add_argument("--each", action="store_true", help="every rule that flags something")
    args = parser.parse_args()
    one = (args.folder / "dirty.csv").exists()
    folders = [args.folder] if one else sorted(p.parent for p in args.folder.glob("*/dirty.csv"))
    if not folders:
        raise SystemExit(f"{args.folder}: no dirty.csv here or one folder below")
    results: list[dict[str, Any]] = []
    for folder in folders:
        rules = args.rules
        kept = ROOT / f"bench/rules/{folder.name}.yaml"
        if rules is None and not args.json and kept.exists():
            rules = kept
        told = run(folder, args.threshold, rules)
        results.append(told)
        if not args.json:
            print(shown_table(told), flush=True)
        if args.each:
            for rule in told["rules"]:
                if rule["flagged"]:
                    print("   ", rule)
    if args.json:
        figures = [told["suggested"] for told in results]
        print(json.dumps(figures[0] if one else dict(zip((f.name for f in folders), figures,
                                                        strict=True))))  # fmt: skip
    if args.write:
        told = {
            "when": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": f"{platform.machine()}, {os.cpu_count()} CPUs",
            "load": os.getloadavg(),
            "threshold": str(args.threshold),
            "sets": results,
        }
        RESULTS.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
