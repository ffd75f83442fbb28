"""Hard CSV files: how many a user gets exactly as the suite expects.

    python bench/csv_suites.py PATH [PATH …] [--json] [--told] [--peers PYTHON] [--write]

PATH is a folder of the form of csv-spectrum (csvs/, json/) or of Pollock (csv/, clean/,
parameters/), or a tar of one. Each file goes through `DuckEngine.collect` without a contract and
without a word on how to read it: what a user gets who names the file and nothing else. `--told`
also says what the suite's parameters say (delimiter, quote, header, lines above it). `--peers`
scores DuckDB's own reader (sniffing, all text) and, where it has pandas, its reader of unknown
delimiters by the same comparison, run by another PYTHON.

**Read exactly**: the table has the expected rows in the expected order, each with the expected
cells, and the expected headings. Blanks around a cell, the kind of line end inside it, empty cells
at a row's end and rows that hold nothing are not compared: the suites are not of one mind there.
A column whose heading is expected to be empty may have any made name, and one that is expected
under another's name that name and a number. Where the suite made up the headings (its parameters
say that the file has none), the table must have made names. A file of no bytes is read exactly
when it is refused as empty.

**Lost silently**: an expected row whose text stands in the file but, whatever its cells, in no row
of the table, in no reject, and in no lines that were told as standing above the table; a file that
is refused with its reason loses nothing silently.

A file whose expected cells stand nowhere in it is not counted but named: csv-spectrum's
location_coordinates expects 1234567890 where the file says 2095257564. Of Pollock, whose clean
files were made by hand, all are counted.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import platform
import re
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
MADE = re.compile(r"column_?\d+|Unnamed: \d+|_?c\d+|\d*", re.IGNORECASE)
csv.field_size_limit(1 << 30)


@dataclass(frozen=True)
class Case:
    """A file and what is expected of it; `headings` is None when it has none."""

    path: Path
    headings: list[str] | None
    rows: list[list[str]]
    parameters: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Got:
    """What a reader made of a file: a table or a refusal, and what it said of the rest."""

    headings: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    aside: list[str] = field(default_factory=list)  # rejects, lines told
    refused: str = ""


# The suites


def cases(folder: Path) -> Iterator[Case]:
    if (folder / "json").is_dir():
        for path in sorted((folder / "csvs").iterdir()):
            wanted = json.loads((folder / "json" / f"{path.stem}.json").read_text("utf-8"))
            wanted = wanted if isinstance(wanted, list) else [wanted]
            rows = [[str(value) for value in one.values()] for one in wanted]
            yield Case(path, list(wanted[0]) if wanted else [], rows)
        return
    for path in sorted((folder / "csv").iterdir()):
        said = folder / "parameters" / f"{path.name}_parameters.json"
        parameters = json.loads(said.read_text("utf-8")) if said.exists() else {}
        text = (folder / "clean" / path.name).read_bytes().decode("utf-8-sig", "replace")
        rows = list(csv.reader(io.StringIO(text, newline="")))
        headings: list[str] | None = None
        if int(parameters.get("header_lines", 1)):
            headings, rows = (rows[0], rows[1:]) if rows else (None, rows)
        elif rows and rows[0] == parameters.get("column_names"):
            rows = rows[1:]
        yield Case(path, headings, rows, parameters)


def unpacked(path: Path, folder: Path) -> Path:
    """The folder that holds the suite."""
    if path.is_file():
        with tarfile.open(path) as tar:
            tar.extractall(folder, filter="data")
        path = folder
    for one in (path, *(p for p in path.rglob("*") if p.is_dir())):
        if (one / "csv").is_dir() or (one / "csvs").is_dir():
            return one
    sys.exit(f"{path}: no csv/ or csvs/ in it")


# Comparing


def plain(cell: Any) -> str:
    text = "" if cell is None else str(cell)
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def plain_rows(rows: Sequence[Sequence[Any]]) -> list[list[str]]:
    made = []
    for row in rows:
        cells = [plain(cell) for cell in row]
        while cells and not cells[-1]:
            cells.pop()
        if cells:
            made.append(cells)
    return made


def same_headings(wanted: Sequence[str] | None, got: Sequence[str]) -> bool:
    if wanted is None:
        return all(MADE.fullmatch(one) for one in got)
    names = [plain(one) for one in wanted]
    names += [""] * (len(got) - len(names))
    if any(names[len(got) :]):
        return False
    for n, (name, one) in enumerate(zip(names, map(plain, got), strict=False)):
        again = name in names[:n] and re.fullmatch(re.escape(name) + r"[._]?\d*", one)
        alike = name.casefold() in (other.casefold() for other in names[:n]) and re.fullmatch(
            re.escape(name) + r"_\d+", one
        )
        if not (one == name or (not name and MADE.fullmatch(one)) or again or alike):
            return False
    return True


def exact(case: Case, got: Got) -> bool:
    if not case.rows and not case.headings and got.refused:
        return got.refused == "collect.empty"
    if got.refused or not same_headings(case.headings, got.headings):
        return False
    return plain_rows(case.rows) == plain_rows(got.rows)


def mark(text: str) -> str:
    """What is left of a row when it does not matter how it was cut into cells."""
    return re.sub(r"[\s\"',;|\\]", "", text)


def lost(case: Case, got: Got) -> int:
    if got.refused:
        return 0
    there = Counter(mark("".join(row)) for row in plain_rows([got.headings, *got.rows]))
    aside = "\n".join(mark(text) for text in got.aside)
    text = case.path.read_bytes().decode("utf-8", "replace")
    whole, lines = mark(text), {mark(line) for line in re.split("[\r\n]+", text)}
    missing = 0
    for row, count in Counter(map(tuple, plain_rows(case.rows))).items():
        left = mark("".join(row))
        stands = left in whole if "\n" in "".join(row) else left in lines
        named = same_headings(row, got.headings)
        if stands and not named and count > there[left] and left not in aside:
            missing += count - there[left]
    return missing


def answerable(case: Case) -> bool:
    """Whether the expected result of a suite made by machine can follow from its file."""
    if case.parameters:
        return True
    text = mark(case.path.read_bytes().decode("utf-8", "replace"))
    return all(mark(cell) in text for row in case.rows for cell in row)


# The readers


def ours(case: Case, told: bool) -> Got:
    from sanhua.engine.duck import DuckEngine
    from sanhua.engine.lake import Lake
    from sanhua.kernel.errors import Diagnostic, SanhuaError

    with tempfile.TemporaryDirectory(prefix="suite-") as name:
        engine = DuckEngine(Lake(Path(name) / "lake"), temp=Path(name), threads=1)
        said: list[Diagnostic] = []
        try:
            made = engine.collect(
                "t", [case.path], reading(case.parameters if told else {}), None,
                inputs=["sha256:0"], step="s", names=[case.path.name], tell=said.append,
            )  # fmt: skip
            engine.bind(made)
            rows = engine.query("SELECT * FROM t", rows_max=10_000_000)
            aside = above(case.path, said)
            for file in made.rejects:
                import pyarrow.parquet as pq

                aside += pq.read_table(engine.lake.path(made) / file.path)["row"].to_pylist()
        except SanhuaError as error:
            return Got(refused=error.code)
        finally:
            engine.close()
    return Got([column.name for column in made.columns], [list(row) for row in rows], aside)


def above(path: Path, said: Sequence[Any]) -> list[str]:
    """The lines that were told as standing above the table."""
    lines = path.read_bytes().decode("utf-8", "replace").splitlines()
    return [
        "\n".join(lines[one.facts["first"] - 1 : one.facts["last"]])
        for one in said
        if one.code == "collect.above-the-table"
    ]


def reading(parameters: dict[str, Any]) -> Any:
    """What the suite says of a file as a person would say it."""
    from sanhua.kernel.table import Reading

    if not parameters:
        return Reading(format="csv")
    return Reading(
        format="csv",
        delimiter=parameters["delimiter"],
        quote=parameters["quotechar"],
        escape="\\" if parameters["escapechar"] == "\\" else "",
        header=int(parameters["header_lines"]),
        skip=int(parameters["preamble_lines"]),
    )


def duckdb_reader(path: Path) -> Got:
    import duckdb

    try:
        made = duckdb.sql(f"FROM read_csv('{str(path).replace(chr(39), chr(39) * 2)}', "
                          "all_varchar = true)")  # fmt: skip
        return Got(list(made.columns), [list(row) for row in made.fetchall()])
    except duckdb.Error as error:
        return Got(refused=str(error)[:80])


def pandas_reader(path: Path) -> Got:
    import pandas  # pyright: ignore[reportMissingImports]

    try:
        made = pandas.read_csv(
            path, sep=None, engine="python", dtype=str, keep_default_na=False
        ).reset_index(drop=True)
        return Got([str(one) for one in made.columns], made.fillna("").values.tolist())
    except Exception as error:  # pandas raises what its parsers raise
        return Got(refused=str(error)[:80] or "error")


PEERS: dict[str, Callable[[Path], Got]] = {"duckdb": duckdb_reader, "pandas": pandas_reader}


@dataclass(frozen=True)
class Score:
    name: str
    exact: bool
    lost: int
    refused: str


def score(case: Case, read: Callable[[Case], Got]) -> Score:
    got = read(case)
    return Score(case.path.name, exact(case, got), lost(case, got), got.refused)


def scored(found: Sequence[Case], read: Callable[[Case], Got]) -> list[Score]:
    with ProcessPoolExecutor() as pool:
        return list(pool.map(partial(score, read=read), found, chunksize=8))


def by_peer(case: Case, name: str) -> Got:
    return PEERS[name](case.path)


def peers(python: str, folder: Path) -> dict[str, dict[str, int]]:
    done = subprocess.run(
        [python, __file__, str(folder), "--as-peer"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def as_peer(found: Sequence[Case]) -> dict[str, dict[str, Any]]:
    made = {}
    for name in PEERS:
        try:
            version = __import__(name).__version__
        except ImportError:
            continue
        made[name] = {"version": version, **summary(scored(found, partial(by_peer, name=name)))}
    return made


def summary(scores: Sequence[Score]) -> dict[str, int]:
    return {
        "read_exactly": sum(one.exact for one in scores),
        "of": len(scores),
        "rows_lost_silently": sum(one.lost for one in scores),
    }


def kind(name: str) -> str:
    """`row_less_sep_row11_col3.csv` → `row_less_sep_row#_col#`; files of no such name together."""
    if not re.match(r"(row|file)_", name):
        return "other"
    return re.sub(r"\d+", "#", Path(name).stem) if name.startswith("row") else "file"


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("paths", type=Path, nargs="+")
    asked.add_argument("--json", action="store_true")
    asked.add_argument("--told", action="store_true")
    asked.add_argument("--peers", metavar="PYTHON")
    asked.add_argument("--write", action="store_true")
    asked.add_argument("--as-peer", action="store_true", help=argparse.SUPPRESS)
    given = asked.parse_args()
    figures: dict[str, Any] = {}
    everything: list[Score] = []
    for path in given.paths:
        with tempfile.TemporaryDirectory(prefix="suite-") as name:
            folder = unpacked(path, Path(name))
            found = list(cases(folder))
            unanswerable = [case.path.name for case in found if not answerable(case)]
            found = [case for case in found if answerable(case)]
            if given.as_peer:
                print(json.dumps(as_peer(found)))
                return
            scores = scored(found, partial(ours, told=False))
            everything += scores
            figures[path.name] = summary(scores)
            if unanswerable:
                print("not counted, expects what its file does not say: "
                      + ", ".join(unanswerable), file=sys.stderr)  # fmt: skip
            if given.json:
                continue
            if given.told:
                figures[path.name]["told"] = summary(scored(found, partial(ours, told=True)))
            if given.peers:
                figures[path.name]["peers"] = peers(given.peers, folder)
            show(path.name, figures[path.name], scores)
    if given.json:
        print(json.dumps(summary(everything)))
    if given.write:
        figures |= {
            "python": platform.python_version(),
            "machine": f"{platform.machine()}, {os.cpu_count()} CPUs",
            "date": f"{datetime.now(UTC):%Y-%m-%d}",
        }
        path = ROOT / "bench" / "results" / f"csv_suites-{figures['date']}.json"
        path.write_text(json.dumps(figures, indent=2) + "\n")


def show(name: str, figures: dict[str, Any], scores: Sequence[Score]) -> None:
    print(f"{name}: {figures['read_exactly']} of {figures['of']} read exactly, "
          f"{figures['rows_lost_silently']} rows lost silently")  # fmt: skip
    if "told" in figures:
        print(f"  with the suite's parameters said: {figures['told']['read_exactly']}")
    for peer, found in figures.get("peers", {}).items():
        print(f"  {peer} {found['version']}: {found['read_exactly']}, "
              f"{found['rows_lost_silently']} rows lost silently")  # fmt: skip
    for one in sorted({kind(score.name) for score in scores}):
        own = [score for score in scores if kind(score.name) == one]
        print(f"  {one}: {sum(score.exact for score in own)} of {len(own)}")
        for score in own:
            if not score.exact or score.lost:
                why = score.refused or "otherwise"
                print(f"    {score.name}: {why}" + (f", {score.lost} lost" if score.lost else ""))


if __name__ == "__main__":
    main()
