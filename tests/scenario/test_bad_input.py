"""Bad input gets a code, a place, a way out and an exit code; nothing is lost or half-written, and
no traceback is ever shown.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sanhua.cli.commands import cli
from sanhua.cli.show import exit_code
from sanhua.kernel.errors import RuleGap
from sanhua.kernel.ledger import PeriodClose
from sanhua.store.clock import SetClock
from sanhua.workspace import opening
from sanhua.workspace.opening import Workspace
from sanhua.workspace.running import run
from sanhua.workspace.verifying import verify_store

RAW = "raw/readings.csv"
FAULTS, INVALID, NOT_FOUND, CONFLICT, DENIED, RULE_GAP, UNAVAILABLE, BROKEN = range(1, 9)


def told(*args: object, env: dict[str, str | None] | None = None) -> tuple[int, dict[str, Any]]:
    """The exit code and the one JSON object of a command."""
    result = CliRunner().invoke(cli, [*(str(arg) for arg in args), "--json"], env=env)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    said = json.loads(result.stdout)
    assert said["ok"] is (result.exit_code == 0)
    for found in said["diagnostics"]:
        assert (
            found["message"] and {"code", "path", "line", "column", "node", "rule"} <= found.keys()
        )
        assert found["code"] != "run.defect", found
        assert not re.search(r"(?<!\$)\{[a-z_]+\}", found["message"]), found  # a fact is missing
        if found["severity"] == "error":
            assert found["hint"], found
    return result.exit_code, said


def errors(said: dict[str, Any]) -> list[dict[str, Any]]:
    return [found for found in said["diagnostics"] if found["severity"] == "error"]


def edit(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / name
    text = path.read_text("utf-8")
    assert old in text, f"{name} lacks {old}"
    path.write_text(text.replace(old, new), "utf-8")


def events(folder: Path) -> list[str]:
    """The ids of the events that are committed."""
    with closing(sqlite3.connect(folder / "state" / "state.db")) as db:
        return [row[0] for row in db.execute("SELECT id FROM event ORDER BY seq")]


def snapshot(folder: Path, table: str) -> str:
    """The table's current snapshot."""
    _, said = told("explain", f"table:{table}", "-C", folder)
    return next(e["to"] for e in said["edges"] if e["from"] == f"table:{table}")


def steps(said: dict[str, Any]) -> dict[str, str]:
    return {f"{step['step']} {step['node']}": step["status"] for step in said["steps"]}


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the state of the first run is kept for the others."""
    return tmp_path_factory.mktemp("built") / "state"


@pytest.fixture
def built(small_project: Path, state: Path) -> Path:
    """The project after a first run."""
    if state.exists():
        shutil.copytree(state, small_project / "state")
    else:
        assert told("run", "-C", small_project)[0] == 0
        shutil.copytree(small_project / "state", state)
    return small_project


def intact(folder: Path, before: list[str]) -> None:
    """What was committed still stands, and every seal holds."""
    assert events(folder)[: len(before)] == before
    code, said = told("verify", "-C", folder)
    assert code == 0, said


# What does not compile: found by `check` at its line; `run` begins nothing

Edit = Callable[[Path], None]


def write(name: str, text: str | bytes) -> Edit:
    data = text.encode() if isinstance(text, str) else text
    return lambda folder: (folder / name).write_bytes(data) and None


def swap(name: str, old: str, new: str) -> Edit:
    return lambda folder: edit(folder, name, old, new)


def recode(name: str) -> Edit:
    return lambda f: (f / name).write_bytes((f / name).read_text("utf-8").encode("gbk")) and None


def cycle(folder: Path) -> None:
    edit(folder, "sql/daily.sql", "FROM readings", "FROM hourly")
    (folder / "sql/hourly.sql").write_text("SELECT meter, day AS read_at, kwh FROM daily\n")


SOURCE, SQL, BOOK = "sources/readings.yaml", "sql/daily.sql", "books/vouchers/2024.csv"
CONTRACT = "contracts/readings.odcs.yaml"
UNCOMPILED: dict[str, tuple[Edit, str, str, int]] = {
    "an unknown key": (swap(SOURCE, "cadence", "cadense"), "format.unknown-key", SOURCE, 3),
    "an empty file": (write(SOURCE, ""), "format.empty-file", SOURCE, 1),
    "a file that is no mapping": (write(SOURCE, "- a\n"), "format.not-a-mapping", SOURCE, 1),
    "broken YAML": (swap(SOURCE, "title: 读数", 'title: "读数'), "format.yaml", SOURCE, 4),
    "YAML in GBK": (recode(SOURCE), "format.not-utf8", SOURCE, 1),
    "YAML nested without end": (write(SOURCE, "a: " + "[" * 5000), "format.too-deep", SOURCE, 1),
    "a key given twice": (swap(SOURCE, "cadence: day", "cadence: day\ncadence: day"),
                          "format.duplicate-key", SOURCE, 4),
    "an anchor": (swap(SOURCE, "读数", "&a 读数"), "format.anchor", SOURCE, 1),
    "a broken sanhua.yaml": (write("sanhua.yaml", "sanhua: 1\nentities: [a"), "format.yaml",
                             "sanhua.yaml", 3),
    "an unknown table": (swap(SQL, "FROM readings", "FROM reading"), "sql.unknown-table", SQL, 2),
    "an unknown column": (swap(SQL, "sum(kwh)", "sum(kwhh)"), "sql.unknown-column", SQL, 1),
    "a syntax error": (swap(SQL, "GROUP BY", "GROUPED BY"), "sql.syntax", SQL, 4),
    "a statement that writes": (write(SQL, "DROP TABLE readings"), "sql.not-one-select", SQL, 1),
    "two statements": (write(SQL, "SELECT 1 AS a; SELECT 2 AS a"), "sql.not-one-select", SQL, 1),
    "a cycle": (cycle, "sql.cycle", "sql/hourly.sql", 1),
    "a file read by SQL": (swap(SQL, "FROM readings", "FROM read_csv('/etc/passwd') AS readings"),
                           "sql.not-allowed", SQL, 2),
    "the clock in SQL": (swap(SQL, "sum(kwh) AS", "max(now()) AS"), "sql.not-allowed", SQL, 1),
    "chance in SQL": (swap(SQL, "sum(kwh) AS", "sum(random()) AS"), "sql.not-allowed", SQL, 1),
    "an amount in words": (swap(BOOK, "34.56,,P1", "三十四,,P1"), "voucher.text-amount", BOOK, 4),
    "an amount with separators": (swap(BOOK, "1200.00,,P1", '"1,200.00",,P1'),
                                  "voucher.text-amount", BOOK, 2),
    "a currency in an amount": (swap(BOOK, "34.56,,P1", "34.56 USD,,P1"),
                                "voucher.text-amount", BOOK, 4),
    "half a fen": (swap(BOOK, "34.56,,P1", "34.565,,P1"), "voucher.too-many-decimals", BOOK, 4),
    "debit that is not credit": (swap(BOOK, ",,34.56,", ",,34.57,"), "voucher.unbalanced", BOOK, 4),
    "a ragged voucher": (swap(BOOK, ",,34.56,,", ",,34.56"), "format.ragged", BOOK, 5),
    "a day that is none": (swap(BOOK, "2024-03-31", "2024-02-30"), "format.not-a-day", BOOK, 4),
    "vouchers in GBK": (recode(BOOK), "format.not-utf8", BOOK, 2),
    "a workbook that is none": (write("books/vouchers/2025.xlsx", "junk"), "format.not-a-workbook",
                                "books/vouchers/2025.xlsx", 0),
    "a pattern that no engine compiles": (
        swap(CONTRACT, "{name: phone, logicalType: string}",
             "{name: phone, logicalType: string, logicalTypeOptions: {pattern: '^(?=1)'}}"),
        "engine.bad-pattern", CONTRACT, 21),
    "a date pattern with letters unknown": (swap(CONTRACT, "d/M/yyyy H:mm", "EEE d/M/yyyy H:mm"),
                                            "collect.unknown-pattern", CONTRACT, 14),
    "another accounting regime": (swap("sanhua.yaml", "CAS", "IFRS"), "recognise.other-regime",
                                  "sanhua.yaml", 4),
    "a paper that is not there": (lambda f: (f / "evidence/paper.md").unlink(), "ref.evidence",
                                  "rights/claims.yaml", 6),
}  # fmt: skip


@pytest.mark.parametrize("what", UNCOMPILED)
def test_what_does_not_compile_is_shown_at_its_line_and_nothing_is_run(built: Path, what: str):
    spoil, code, path, line = UNCOMPILED[what]
    before = events(built)
    spoil(built)
    exit_code, said = told("check", "-C", built)
    assert exit_code == FAULTS
    at = {(found["code"], found["path"], found["line"]) for found in errors(said)}
    assert (code, path, line) in at
    _, english = told("check", "-C", built, "--language", "en")
    assert [found["code"] for found in english["diagnostics"]] == [
        found["code"] for found in said["diagnostics"]
    ]
    for zh, en in zip(errors(said), errors(english), strict=True):
        assert zh["message"] != en["message"] and zh["hint"] != en["hint"]
    exit_code, ran = told("run", "-C", built)
    assert exit_code == INVALID
    assert errors(ran)[0]["code"] == "run.does-not-compile"
    assert code in {found["code"] for found in errors(ran)}
    assert events(built) == before


def test_the_nearest_known_word_is_named(small_project: Path):
    edit(small_project, SOURCE, "cadence", "cadense")
    edit(small_project, SQL, "sum(kwh)", "sum(kwhh)")
    _, said = told("check", "-C", small_project, "--language", "en")
    hints = {found["code"]: found["hint"] for found in errors(said)}
    assert "cadence" in hints["format.unknown-key"]
    edit(small_project, SOURCE, "cadense", "cadence")
    _, said = told("check", "-C", small_project, "--language", "en")
    assert "kwh" in errors(said)[0]["hint"]


def test_a_report_over_what_does_not_compile_names_the_errors_too(small_project: Path):
    edit(small_project, BOOK, "34.56,,P1", "abc,,P1")
    code, said = told("report", "disclosure", "-C", small_project)
    assert code == INVALID
    assert [found["code"] for found in errors(said)] == [
        "run.does-not-compile",
        "voucher.text-amount",
    ]


def test_010_no_and_12_30_stay_the_text_that_they_were(small_project: Path):
    """FORMATS §1.3: every scalar is read as text and typed by its key."""
    meter = "meter_code: {title: 表号,"
    texts = "version: 010, status: no, context: 12:30,"
    edit(small_project, "standards/elements.yaml", meter, f"{meter} {texts}")
    edit(small_project, "standards/codes/meters.csv", "M1,一号表", "010,一号表\nno,二\n12:30,三")
    code, _ = told("check", "-C", small_project)
    assert code == 0
    with Workspace(small_project) as ws:
        element = ws.project.elements["meter_code"]
        codes = [row[0] for row in ws.project.codes["meters"].rows]
    assert element.version == "010"
    assert codes == ["010", "no", "12:30", "M2"]


def test_a_folder_that_is_no_project_is_told_how_to_become_one(tmp_path: Path):
    for verb in (["check"], ["run"], ["explain", "x"], ["report", "quality"], ["verify"]):
        code, said = told(*verb, "-C", tmp_path)
        assert (code, errors(said)[0]["code"]) == (INVALID, "project.not-a-project")
        assert "sanhua init" in errors(said)[0]["hint"]
    assert list(tmp_path.iterdir()) == []


def test_data_that_is_elsewhere_says_which_variable_is_missing(small_project: Path):
    edit(small_project, SOURCE, RAW, "${SANHUA_DATA}/x.csv")
    for verb, wanted in (("check", FAULTS), ("run", INVALID)):
        code, said = told(verb, "-C", small_project, env={"SANHUA_DATA": None})
        assert code == wanted
        found = errors(said)[-1]
        assert (found["code"], found["path"], found["line"]) == (
            "format.unset-variable",
            SOURCE,
            2,
        )
        assert "SANHUA_DATA" in found["message"]
    code, said = told("run", "-C", small_project, env={"SANHUA_DATA": str(small_project / "no")})
    assert (code, errors(said)[0]["code"]) == (NOT_FOUND, "collect.no-files")
    assert (errors(said)[0]["path"], errors(said)[0]["line"]) == (SOURCE, 1)


STRAY = (
    "", "-1", "1e999", "NaN", "no", "010", "12:30", "null", "[]", "{a: b}", "2024-13-01", "9" * 30,
    "${X}", "${", '"', "'", "\0", "\ufeff", "💥", "x" * 5000, "!!python/object:os.system", "*a",
    "&a", ", :", "%", "-5%", "SELECT", "9999-12-31", "0001-01-01",
)  # fmt: skip


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_edit_of_a_file_ever_shows_a_traceback(small_project: Path, data: st.DataObject):
    """A word of any file of the project is replaced, or its line taken away or doubled."""
    files = sorted(p for p in small_project.rglob("*") if p.suffix in (".yaml", ".csv", ".sql"))
    path = data.draw(st.sampled_from(files))
    before = path.read_bytes()
    lines = before.decode().splitlines(keepends=True)
    at = data.draw(st.integers(0, len(lines) - 1))
    words = list(re.finditer(r"[\w.%]+", lines[at]))
    change = data.draw(st.sampled_from(["word", "word", "drop", "double", "cut"]))
    if change == "word" and words:
        word, stray = data.draw(st.sampled_from(words)), data.draw(st.sampled_from(STRAY))
        lines[at] = lines[at][: word.start()] + stray + lines[at][word.end() :]
    elif change == "double":
        lines.insert(at, lines[at])
    elif change == "cut":
        lines = [*lines[:at], lines[at][: len(lines[at]) // 2]]
    else:
        del lines[at]
    path.write_text("".join(lines), encoding="utf-8", newline="")
    try:
        result = CliRunner().invoke(cli, ["check", "-C", str(small_project), "--json"])
    finally:
        path.write_bytes(before)
    assert result.exit_code in (0, FAULTS, INVALID), result.output
    assert all(found["message"] for found in json.loads(result.stdout)["diagnostics"])


# Raw files: the step fails at the file's line; what stood before stands


def append(data: bytes) -> Edit:
    def add(folder: Path) -> None:
        with (folder / RAW).open("ab") as file:
            file.write(data)

    return add


def encoded(folder: Path) -> None:
    edit(folder, SOURCE, "cadence: day", "cadence: day\nread: {encoding: utf-8}")
    recode(RAW)(folder)


def instead(name: str, data: bytes) -> Edit:
    def put(folder: Path) -> None:
        edit(folder, SOURCE, RAW, name)
        (folder / name).write_bytes(data)

    return put


UNREADABLE: dict[str, tuple[Edit, str, str, int]] = {
    "empty": (write(RAW, b""), "collect.empty", RAW, 1),
    "in another encoding than it says": (encoded, "collect.wrong-encoding", RAW, 1),
    "in no encoding": (append(b"M1,\xff\xff,1,2\n"), "collect.wrong-encoding", RAW, 42),
    "with a heading twice": (swap(RAW, "meter,时间,kwh,phone", "meter,时间,kwh,kwh"),
                             "collect.duplicate-heading", RAW, 1),
    "without a heading that the contract needs": (swap(RAW, "时间,kwh,", "时间,kw,"),
                                                  "collect.missing-heading", RAW, 1),
    "cut gzip": (instead("raw/r.csv.gz", b"\x1f\x8b\x08\0\0\0junk"), "collect.broken-archive",
                 "raw/r.csv.gz", 1),
    "no workbook": (instead("raw/r.xlsx", b"junk"), "collect.broken-archive", "raw/r.xlsx", 1),
    "no Parquet": (instead("raw/r.parquet", b"PAR1junk"), "collect.cannot-read",
                   "raw/r.parquet", 1),
    "no JSON": (instead("raw/r.json", b'[{"a": 1,}]'), "collect.bad-json", "raw/r.json", 1),
}  # fmt: skip


@pytest.mark.parametrize("what", UNREADABLE)
def test_an_unreadable_raw_file_fails_its_step_and_the_last_good_table_stands(
    built: Path, what: str
):
    spoil, code, path, line = UNREADABLE[what]
    before, stood = events(built), snapshot(built, "daily")
    good, source = (built / RAW).read_bytes(), (built / SOURCE).read_bytes()
    spoil(built)
    exit_code, said = told("run", "-C", built)
    assert exit_code == INVALID
    found = errors(said)[0]
    assert (found["code"], found["path"], found["line"]) == (code, path, line)
    assert found["node"] == "table:readings"
    done = steps(said)
    assert done["collect table:readings"] == "failed"
    assert done["build table:daily"] == done["product product:energy"] == "blocked"
    assert done["recognise asset:energy_data"] == "skipped"  # does not depend on it
    intact(built, before)
    assert snapshot(built, "daily") == stood
    (built / RAW).write_bytes(good)
    (built / SOURCE).write_bytes(source)
    exit_code, said = told("run", "-C", built)
    assert exit_code == 0
    assert "failed" not in steps(said).values()


def test_a_raw_file_that_cannot_be_opened_is_named(built: Path):
    before = events(built)
    (built / RAW).unlink()
    (built / RAW).mkdir()
    code, said = told("run", "-C", built)
    assert (code, errors(said)[0]["code"]) == (NOT_FOUND, "collect.no-files")
    intact(built, before)


def test_a_file_with_headings_alone_is_a_warning(small_project: Path):
    (small_project / RAW).write_text("meter,时间,kwh,phone\n", "utf-8")
    code, said = told("run", "-C", small_project)
    assert code == 0
    found = [item for item in said["diagnostics"] if item["code"] == "collect.no-rows"]
    assert [(item["path"], item["line"]) for item in found] == [(SOURCE, 1)]


def test_ragged_rows_and_huge_fields_are_kept_as_they_are_good_or_rejected(small_project: Path):
    """40 rows with 2 bad ones; added: too short, too long, 10 MB in a field, an open quote."""
    append(b"M1,1/2/2024 3:00\nM1,1/2/2024 3:00,1,2,3,4\n")(small_project)
    append(b"M2,3/2/2024 9:00,1.25," + b"x" * 10_000_000 + b"\n")(small_project)
    append(b'"open,3/2/2024 9:00,1,2\n')(small_project)
    code, said = told("run", "-C", small_project)
    assert code == 0
    collected = said["steps"][1]
    assert (collected["rows"], collected["rejected"]) == (40, 4)
    assert "collect.mended-quotes" in {one["code"] for one in said["diagnostics"]}
    (rejects,) = (small_project / "state" / "lake").rglob("rejects-0.parquet")
    (kept,) = rejects.parent.glob("part-*.parquet")
    with duckdb.connect() as db:
        listed = db.execute(f"SELECT reasons, row FROM '{rejects}'").fetchall()
        longest = db.execute(f"SELECT max(length(phone)) FROM '{kept}'").fetchone()
        meters = db.execute(f"SELECT meter FROM '{kept}' ORDER BY meter").fetchall()
    assert all(reasons for reasons, _ in listed)
    rows = " ".join(row for _, row in listed)
    for text in ("n/a", "31/2/2024", "M1,1/2/2024 3:00", "1,2,3,4"):
        assert text in rows
    assert meters[0] == ('"open',)
    assert longest == (10_000_000,)


def test_an_edited_raw_file_is_another_version_and_the_first_is_not_forgotten(built: Path):
    before, stood = events(built), snapshot(built, "daily")
    edit(built, RAW, "M1,1/2/2024 0:00,0.50", "M1,1/2/2024 0:00,9.50")
    code, said = told("run", "-C", built)
    assert code == 0
    assert steps(said)["collect table:readings"] == "done"
    assert snapshot(built, "daily") != stood
    intact(built, before)
    assert told("explain", stood, "-C", built)[0] == 0


# SQL and rules that fail on the data


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ("sum(CAST(phone || 'x' AS INTEGER))", "engine.cannot-run"),
        ("sum(phone)", "engine.cannot-bind"),
        ("sum(kwh) * 100000000000000", "engine.cannot-run"),
    ],
)
def test_sql_that_fails_on_the_data_is_shown_at_its_file(built: Path, expression: str, code: str):
    before, stood = events(built), snapshot(built, "daily")
    edit(built, SQL, "sum(kwh) AS", f"{expression} AS")
    exit_code, said = told("run", "-C", built)
    assert exit_code == INVALID
    found = errors(said)[0]
    assert (found["code"], found["path"], found["node"]) == (code, SQL, "table:daily")
    assert found["line"] >= 1
    intact(built, before)
    assert snapshot(built, "daily") == stood


def test_one_failing_rule_of_280_leaves_the_others_their_values(small_project: Path):
    rules = [
        f"      - {{name: rule {n}, type: sql, dimension: accuracy, mustBeLessThan: 1000, "
        f"query: SELECT count(*) FROM readings WHERE kwh > {n}}}"
        for n in range(280)
    ]
    rules[100] = rules[100].replace("kwh > 100", "CAST(phone AS TINYINT) > 1")
    contract = small_project / "contracts" / "readings.odcs.yaml"
    contract.write_text(contract.read_text("utf-8") + "    quality:\n" + "\n".join(rules), "utf-8")
    code, said = told("run", "-C", small_project)
    assert code == FAULTS
    assert [(found["code"], found["node"]) for found in errors(said)] == [
        ("quality.not-measured", "check:readings/rule_100")
    ]
    assert "rule 100" in errors(said)[0]["message"]
    _, report = told("report", "quality", "-C", small_project)
    (readings,) = (r for r in report["resources"] if r["id"] == "quality:readings")
    states = {found["id"]: found["state"] for found in readings["findings"]}
    assert readings["errors"] == 1
    measured = [n for n in range(280) if states[f"check:readings/rule_{n}"] == "passed"]
    assert len(measured) == 279
    intact(small_project, [])


# What a right, a period, a state forbids


def test_a_column_graded_above_its_listing_is_denied_with_column_reason_and_class(built: Path):
    """A phone number is graded general4 by its detector; the listing shows general2 at most."""
    before = events(built)
    edit(built, SQL, "sum(kwh) AS kwh", "sum(kwh) AS kwh, min(phone) AS phone")
    kwh = "value: energy}]"
    phone = f"{kwh}\n      - {{name: phone, logicalType: string}}"
    edit(built, "contracts/daily.odcs.yaml", kwh, phone)
    edit(built, "products/energy.yaml", "class: general", "class: general2")
    code, said = told("run", "-C", built)
    assert code == DENIED
    found = errors(said)[0]
    assert (found["code"], found["node"]) == ("listing.grade-above-class", "product:energy.phone")
    assert (found["path"], found["line"]) == ("products/energy.yaml", 1)
    for word in ("phone", "general4", "general2", "手机号码"):
        assert word in found["message"]
    assert steps(said)["product product:energy"] == "failed"
    intact(built, before)


def test_a_voucher_in_a_closed_period_is_set_aside_and_the_rest_goes_on(built: Path):
    with Workspace(built) as ws, ws.store.begin(actor=ws.actor) as uow:
        month = date(2024, 3, 1), date(2024, 4, 1)
        close = PeriodClose("close:plant.entity/2024-03", "book:plant.entity", *month)
        uow.add(close, "period.closed")
    before = events(built)
    with (built / BOOK).open("a", encoding="utf-8") as file:
        file.write("2024-03-02,2024-03-30,x,5301.02,1.00,,P1,evidence/paper.md\n")
        file.write("2024-03-02,2024-03-30,x,2211,,1.00,,\n")
    code, said = told("run", "-C", built)
    assert code == FAULTS
    [found] = errors(said)
    assert (found["code"], found["path"], found["line"], found["node"]) == (
        "voucher.period-closed",
        BOOK,
        6,
        "voucher:2024-03-02",
    )
    assert "2024-03" in found["message"] and "2024-04-01" in found["hint"]
    assert steps(said)["recognise asset:energy_data"] == "done"
    assert said["stages"]["capital"]["capitalised"] == "1234.56"
    intact(built, before)
    assert errors(told("run", "-C", built)[1]) == [found]  # until it is mended
    edit(built, BOOK, "2024-03-30", "2024-04-30")  # the way out
    code, said = told("run", "-C", built)
    assert (code, said["stages"]["capital"]["capitalised"]) == (0, "1235.56")


def test_a_booked_voucher_is_not_changed_but_corrected_by_another(built: Path):
    before = events(built)
    edit(built, BOOK, "34.56", "35.56")
    code, said = told("run", "-C", built)
    assert (code, errors(said)[0]["code"]) == (CONFLICT, "store.same-id-other-body")
    assert (errors(said)[0]["path"], errors(said)[0]["line"]) == (BOOK, 4)
    intact(built, before)


def test_a_day_before_the_rule_is_a_gap_and_nothing_is_guessed(small_project: Path):
    """The source→rights matrix is 国数综政策〔2026〕35号, known from 2026-07-03."""
    with Workspace(small_project, env={}, clock=SetClock(datetime(2026, 7, 2, tzinfo=UTC))) as ws:
        made = run(ws)
        assert isinstance(made.error, RuleGap) and exit_code(made.error) == RULE_GAP
        found = made.error.diagnostic
        assert (found.code, found.path) == ("rule.gap", "rights/claims.yaml")
        assert "2026-07-03" in found.message("en") and found.hint("zh")
        assert verify_store(ws).ok
        assert {s.node for s in made.steps if s.status == "failed"} == {"claim:readings"}


# Two at once, no room, files taken away


def test_while_one_runs_another_waits_and_then_gives_up(
    built: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(opening, "LOCK_WAIT_S", 0.2)
    before = events(built)
    edit(built, RAW, "M1,1/2/2024 0:00,0.50", "M1,1/2/2024 0:00,9.50")
    with closing(sqlite3.connect(built / "state" / "run.lock", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        code, said = told("run", "-C", built)
    assert (code, errors(said)[0]["code"]) == (CONFLICT, "run.busy")
    assert events(built) == before
    assert told("run", "-C", built)[0] == 0


def test_two_runs_started_together_both_succeed_and_work_is_done_once(small_project: Path):
    command = [sys.executable, "-m", "sanhua", "run", "-C", str(small_project), "--json"]
    pair = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
    said = [json.loads(process.communicate(timeout=60)[0]) for process in pair]
    assert [process.returncode for process in pair] == [0, 0]
    assert sorted(one["skipped"] for one in said)[0] == 0
    assert sorted(one["skipped"] for one in said)[1] == len(said[0]["steps"])
    intact(small_project, [])


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """A file system of the size given; asked again, the same one is resized."""
    at = tmp_path / "disk"
    at.mkdir()
    mounted = False

    def sized(size: str) -> Path:
        nonlocal mounted
        if sys.platform != "linux" or os.geteuid() != 0:
            pytest.skip("a small file system is mounted by root on Linux only")
        option = f"remount,size={size}" if mounted else f"size={size}"
        made = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", option, "tmpfs", str(at)], capture_output=True
        )
        if made.returncode:
            pytest.skip(f"no small file system: {made.stderr.decode().strip()}")
        mounted = True
        return at

    yield sized
    if mounted:
        subprocess.run(["umount", str(at)], check=True)


@pytest.mark.parametrize("size", ["200k", "700k", "1200k"])
def test_a_full_disk_is_told_and_the_next_run_goes_on(
    small_project: Path, small_disk: Callable[[str], Path], size: str
):
    folder = small_disk(size) / "small"
    shutil.copytree(small_project, folder)
    code, said = told("run", "-C", folder)
    assert code == UNAVAILABLE
    assert errors(said)[0]["code"].endswith("disk-full")
    small_disk("50m")
    assert told("run", "-C", folder)[0] == 0
    intact(folder, [])


def test_a_full_lake_fails_the_step_and_leaves_no_half_snapshot(
    small_project: Path, small_disk: Callable[[str], Path]
):
    lake = small_disk("40k") / "lake"
    with (small_project / RAW).open("a", encoding="utf-8") as file:
        for n in range(40_000):
            file.write(f"M1,1/2/2024 3:00,{n}.{n % 100:02},{n * 2654435761 % 2**32}\n")
    env: dict[str, str | None] = {"SANHUA_LAKE": str(lake)}
    code, said = told("run", "-C", small_project, env=env)
    assert code == UNAVAILABLE
    assert errors(said)[0]["code"].endswith("disk-full")
    assert steps(said)["recognise asset:energy_data"] == "done"
    assert not [path for path in lake.rglob("*.parquet")]
    small_disk("50m")
    assert told("run", "-C", small_project, env=env)[0] == 0
    assert told("verify", "-C", small_project, env=env)[0] == 0


def test_a_lake_taken_away_is_built_again_to_the_same_bytes(built: Path):
    stood = snapshot(built, "daily")
    shutil.rmtree(built / "state" / "lake")
    assert told("verify", "-C", built)[0] == BROKEN
    code, said = told("run", "-C", built)
    assert code == 0
    done = {name for name, status in steps(said).items() if status == "done"}
    assert done == {"collect table:readings", "build table:daily"}
    assert snapshot(built, "daily") == stood
    intact(built, [])


def test_one_snapshot_taken_away_is_built_again_alone(built: Path):
    stood = snapshot(built, "daily")
    shutil.rmtree(built / "state" / "lake" / "built" / "daily")
    code, said = told("run", "-C", built)
    assert code == 0
    assert [n for n, status in steps(said).items() if status == "done"] == ["build table:daily"]
    assert snapshot(built, "daily") == stood


def test_a_log_taken_away_is_not_begun_again_behind_its_published_checkpoint(built: Path):
    for path in (built / "state").glob("state.db*"):
        path.unlink()
    for _ in range(2):
        code, said = told("run", "-C", built)
        assert (code, errors(said)[0]["code"]) == (CONFLICT, "store.behind-published")
        assert events(built) == []
    assert list((built / "state" / "lake").rglob("part-*.parquet"))
    assert told("verify", "-C", built)[0] == BROKEN


@pytest.mark.parametrize("verb", [["run"], ["verify"], ["explain", "product:energy"]])
def test_a_damaged_store_is_broken_for_every_verb(built: Path, verb: list[str]):
    path = built / "state" / "state.db"
    for other in (built / "state").glob("state.db-*"):
        other.unlink()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    code, said = told(*verb, "-C", built)
    assert code == BROKEN
    assert errors(said)[0]["code"] in ("store.corrupt", "verify.broken")


# Ids, people, files named on the command line


def test_before_the_first_run_the_way_out_is_to_run(small_project: Path):
    for verb in (["explain", "x"], ["verify"], ["prove", "x", "-o", small_project / "x.zip"]):
        code, said = told(*verb, "-C", small_project)
        assert (code, errors(said)[0]["code"]) == (INVALID, "run.nothing-yet")
        assert "sanhua run" in errors(said)[0]["hint"]
    assert not (small_project / "state" / "state.db").exists()


def test_unknown_ids_are_not_found_and_write_nothing(built: Path):
    before = events(built)
    for name in ("nope", "product:nope", "figure:a/b/c/d/e", "", "../..", "sha256:00", "资产"):
        code, said = told("explain", name, "-C", built)
        wanted = "explain.no-such-figure" if "/b/" in name else "explain.no-such-node"
        assert (code, errors(said)[0]["code"]) == (NOT_FOUND, wanted)
    bundle = built / "x.zip"
    assert told("prove", "nope", "-o", bundle, "-C", built)[0] == NOT_FOUND
    assert told("approve", "nope", "--as", "checker", "-C", built)[0] == NOT_FOUND
    assert told("report", "disclosure", "--entity", "nope", "-C", built)[0] == NOT_FOUND
    code, said = told("run", "dayly", "-C", built)
    assert (code, errors(said)[0]["code"]) == (NOT_FOUND, "run.unknown-target")
    assert "daily" in errors(said)[0]["hint"]
    assert told("report", "disclosure", "--period", "2024-13", "-C", built)[0] == INVALID
    assert told("run", "-C", built, env={"SANHUA_ACTOR": "nobody"})[0] == INVALID
    assert not bundle.exists()
    assert events(built)[: len(before)] == before


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("product:energi", "product:energy"),
        ("energi", "energy"),
        ("prodct:energy", "product:energy"),
        ("col:daily.kwhh", "col:daily.kwh@sha256:"),
        ("col:daily.kwh", "col:daily.kwh@sha256:"),
        ("voucher:2024-02-1", "voucher:2024-02-01"),
        ("plant/stages/resource.row/value/2026-01-01", "/stages/resource.rows/value/"),
        ("plant/balance_sheet/development.data/ending/2024-H1", "sanhua report disclosure"),
    ],
)
def test_an_unknown_id_is_answered_with_the_nearest(built: Path, name: str, nearest: str):
    code, said = told("explain", name, "-C", built)
    assert code == NOT_FOUND and nearest in errors(said)[0]["hint"]


def test_the_hash_of_a_file_opens_the_raw_file_that_it_is(built: Path):
    digest = hashlib.sha256((built / RAW).read_bytes()).hexdigest()
    code, said = told("explain", f"sha256:{digest}", "-C", built)
    assert (code, said["root"]) == (0, f"raw_file:readings@sha256:{digest}")


def test_a_column_that_comes_from_no_column_says_what_it_is(small_project: Path):
    edit(small_project, SQL, "sum(kwh) AS kwh", "sum(kwh) AS kwh, count(*) AS n, 'kWh' AS unit")
    edit(small_project, SQL, "SELECT meter", "SELECT (SELECT count(*) FROM meters) AS known, meter")
    assert told("run", "-C", small_project)[0] == 0
    at = snapshot(small_project, "daily")
    for column, label in (
        ("n", "no source column: counts rows of readings"),
        ("known", "no source column: counts rows of standards/codes/meters.csv"),
        ("unit", "no source column: a constant"),
    ):
        code, said = told("explain", f"col:daily.{column}@{at}", "-C", small_project)
        assert code == 0 and said["nodes"][0]["label"]["en"] == label
        counted = {edge["to"] for edge in said["edges"] if edge["edge"] == "made_from"}
        assert bool(counted) is (column != "unit")
    assert snapshot(small_project, "readings") in {
        edge["to"] for edge in told("explain", f"col:daily.n@{at}", "-C", small_project)[1]["edges"]
    }


def test_a_bundle_that_cannot_be_written_leaves_nothing(built: Path):
    code, said = told("prove", "product:energy", "-o", built / "no" / "x.zip", "-C", built)
    assert (code, errors(said)[0]["code"]) == (NOT_FOUND, "prove.no-folder")
    code, said = told("prove", "product:energy", "-o", built / "raw", "-C", built)
    assert (code, errors(said)[0]["code"]) == (INVALID, "cli.usage")
    if sys.platform == "linux":
        code, said = told("prove", "product:energy", "-o", "/proc/x.zip", "-C", built)
        assert code in (NOT_FOUND, UNAVAILABLE)
    assert not list(built.rglob("*.part"))


def test_a_bundle_that_is_cut_or_changed_is_broken(built: Path, tmp_path: Path):
    bundle, cut = tmp_path / "x.zip", tmp_path / "cut.zip"
    assert told("prove", "product:energy", "-o", bundle, "-C", built)[0] == 0
    data = bundle.read_bytes()
    assert told("verify", bundle)[0] == 0
    for part in (b"", data[:10], data[: len(data) // 2], data[:-1], data + b"\0"):
        cut.write_bytes(part)
        code, said = told("verify", cut)
        assert (code, errors(said)[0]["code"]) == (BROKEN, "verify.broken")
    assert told("verify", tmp_path / "none.zip")[0] == INVALID
    assert told("verify", bundle, "--key", tmp_path / "none.pem")[0] == NOT_FOUND
    code, said = told("verify", bundle, "--key", built / RAW)
    assert (code, errors(said)[0]["code"]) == (INVALID, "verify.key")


def test_who_may_not_approve_is_told_why_and_nothing_is_signed(built: Path, tmp_path: Path):
    asset, before = "asset:energy_data", events(built)

    def refused(*args: object) -> tuple[int, str]:
        code, said = told("approve", asset, *args, "-C", built)
        return code, errors(said)[0]["code"]

    assert refused("--as", "maker") == (DENIED, "approve.maker-is-checker")
    assert refused("--as", "steward") == (DENIED, "approve.role")
    assert refused("--as", "checker", "--role", "auditor") == (DENIED, "approve.role")
    assert refused("--as", "nobody") == (NOT_FOUND, "approve.no-such-person")
    assert refused("--as", "plant") == (NOT_FOUND, "approve.no-such-person")
    key = ("--as", "checker", "--key")
    assert refused(*key, tmp_path / "none.pem") == (NOT_FOUND, "run.no-file")
    assert refused(*key, built / RAW) == (INVALID, "approve.key")
    own = tmp_path / "own.pem"
    own.write_bytes(
        Ed25519PrivateKey.generate().private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
    )
    assert refused(*key, own) == (DENIED, "approve.no-declared-key")
    edit(built, "books/assets/energy_data.yaml", "title: 电量数据", "title: 电量数据集")
    assert refused("--as", "checker") == (CONFLICT, "approve.not-current")
    assert events(built) == before
    assert told("run", "-C", built)[0] == 0
    assert told("approve", asset, "--as", "checker", "-C", built)[0] == 0


def test_a_command_that_is_not_right_is_told_as_json_too(small_project: Path):
    for wrong in (["run", "--nope"], ["explain"], ["report", "nope"], ["run", "-C", "no/such/x"]):
        code, said = told(*wrong, *(() if "-C" in wrong else ("-C", small_project)))
        assert code == INVALID
        assert errors(said)[0]["code"] in ("cli.usage", "project.not-a-project")


def test_init_never_touches_what_is_there(built: Path, tmp_path: Path):
    code, said = told("init", built)
    assert (code, errors(said)[0]["code"]) == (CONFLICT, "init.not-empty")
    code, said = told("init", tmp_path / "new", "--template", "powr")
    assert (code, errors(said)[0]["code"]) == (INVALID, "init.no-template")
    assert not (tmp_path / "new").exists()


def test_people_read_the_place_the_code_and_the_way_out_on_stderr(small_project: Path):
    edit(small_project, SQL, "FROM readings", "FROM reading")
    command = [sys.executable, "-m", "sanhua", "run", "-C", str(small_project), "--language", "en"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert said.returncode == INVALID
    assert f"{SQL}:2:6: error sql.unknown-table" in said.stderr
    assert "→ nearest: readings" in said.stderr
    assert "Traceback" not in said.stderr + said.stdout
