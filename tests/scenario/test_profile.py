"""`sanhua profile` on real files, an HTTP server and a database, with no project anywhere."""

from __future__ import annotations

import json
import re
import sqlite3
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from sanhua.cli.commands import cli
from sanhua.engine.duck import DuckEngine
from sanhua.engine.lake import Lake
from sanhua.kernel.table import Reading

HOUSEHOLDS = 600
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643


def resident_id(n: int) -> str:
    body = f"350102{1950 + n % 50}{1 + n % 12:02d}{1 + n % 28:02d}{n % 1000:03d}"
    return body + "10X98765432"[sum(w * int(d) for w, d in zip(WEIGHTS, body, strict=True)) % 11]


def households() -> str:
    """Made by a formula; every fault has its own column."""
    lines = ["户号,身份证号,手机,区县,状态,抄表日期,电量,电费,空列,备注"]
    for n in range(HOUSEHOLDS):
        kwh = "N/A" if n % 100 == 7 else "-999" if n == 50 else f"{100 + n % 37}.{n % 90:02d}"
        day = f"{1 + n % 28}/{1 + n % 12}/2025"
        state = ("运行", "停运", " 运行")[n % 3]
        fee = f'"¥{1000 + n:,}.50"'
        note = "锟斤拷" if n % 200 == 0 else f"第{n}户 电话 1390000{n:04d}"
        cells = [
            f"{n:08d}",
            resident_id(n),
            f"138{n:08d}",
            f"35010{n % 3}",
            state,
            day,
            kwh,
            fee,
            "",
        ]
        lines.append(",".join([*cells, note]))
    lines.insert(4, lines[3])  # the same row twice
    lines.insert(9, "00000009,太短")
    return "\n".join(lines) + "\n"


@pytest.fixture
def dirty(tmp_path: Path) -> Path:
    path = tmp_path / "户表.csv"
    path.write_text(households(), encoding="gb18030")
    return path


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, ["profile", *words])


def told(*words: str) -> dict[str, Any]:
    result = run(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def columns(table: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {column["name"]: column for column in table["columns"]}


def test_a_dirty_chinese_file_is_told_whole(dirty: Path):
    whole = told(str(dirty))
    (table,) = whole["tables"]
    assert table["read"]["encoding"] == "GB18030" and table["read"]["delimiter"] == ","
    assert (table["rows"], table["rejected"]) == (HOUSEHOLDS + 1, 1)
    assert table["rejects"] == [
        {"reason": "has 2 values, not 10", "rows": 1, "places": ["户表.csv:10"]}
    ]
    assert table["duplicate_rows"] == 1 and table["keys"] == []
    found = columns(table)
    assert [found[name]["kind"] for name in found] == [
        "code", "code", "integer", "integer", "text", "date", "decimal", "decimal", "empty", "text",
    ]  # fmt: skip
    assert found["抄表日期"]["pattern"] == "d/M/yyyy"
    assert found["抄表日期"]["least"] == "2025-01-01"
    assert found["电费"]["pattern"] == "¥1,234.5" and found["电费"]["most"] == "1599.5"
    assert found["电量"]["placeholders"] == 6 and found["电量"]["least"] == "-999"
    assert found["状态"]["top"][0] == {"value": " 运行", "count": 201}
    assert [one["kind"] for one in found["身份证号"]["identifiers"]] == ["resident_id"]
    codes = {(one["code"], one["column"]) for one in table["alerts"]}
    assert codes >= {
        ("profile.rejected", ""),
        ("profile.duplicate-rows", ""),
        ("profile.nearly-unique", "户号"),
        ("profile.code-with-zeros", "户号"),
        ("profile.personal", "身份证号"),
        ("profile.personal", "手机"),
        ("profile.padded", "状态"),
        ("profile.sentinel", "电量"),
        ("profile.placeholders", "电量"),
        ("profile.empty-column", "空列"),
        ("profile.garbled", "备注"),
    }


def test_no_personal_value_reaches_any_form_of_the_report(dirty: Path, tmp_path: Path):
    page = tmp_path / "r.html"
    result = run(str(dirty), "--html", str(page))
    assert result.exit_code == 0
    shown = result.output + page.read_text("utf-8") + json.dumps(told(str(dirty)))
    for n in range(HOUSEHOLDS):
        assert resident_id(n) not in shown and f"138{n:08d}" not in shown
        assert f"1390000{n:04d}" not in shown
    assert "不显示：疑为个人信息" in result.output
    suggested = told(str(dirty), "--suggest")["tables"][0]["suggested"]
    said = "".join(one["zh"] for one in suggested)
    assert "首尾无空白（201 行不符）" in said and "身份证号" not in said and "手机" not in said


def test_the_page_stands_alone_in_both_languages(dirty: Path, tmp_path: Path):
    page = tmp_path / "r.html"
    assert run(str(dirty), "--html", str(page)).exit_code == 0
    text = page.read_text("utf-8")
    assert "<script" not in text and "default-src 'none'" in text
    assert not re.findall(r"(?:src|href)=\"(?!#)|url\(|@import|https?://", text)
    assert "值得留意" in text and "worth a look" in text and 'lang="zh-CN"' in text
    assert text.count("<svg") == text.count('role="img"') > 2
    assert not list(tmp_path.glob("*.part"))


def test_names_and_values_are_text_in_the_page(tmp_path: Path):
    evil = tmp_path / "<b>x&.csv"
    evil.write_text('"<script>a</script>",b\n' + '"<img src=x>",1\n' * 20)
    page = tmp_path / "r.html"
    assert run(str(evil), "--html", str(page)).exit_code == 0
    text = page.read_text("utf-8")
    assert "<script" not in text and "<img" not in text and "&lt;img src=x&gt;" in text


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None: ...

        def do_GET(self) -> None:
            if self.path == "/moved":
                self.send_response(302)
                self.send_header("Location", "/a.csv")
                self.end_headers()
            elif self.path == "/api":
                self.send_response(200)
                self.send_header("Content-Type", "application/json; charset=utf-8")
                self.end_headers()
                self.wfile.write(b'[{"a": 1}, {"a": 2}]')
            elif self.path == "/page":
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(b"<p>hello</p>")
            elif self.path == "/cut":
                self.send_response(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b"a,b\n1,2\n")
            elif self.path == "/broken":
                self.send_error(500)
            else:
                super().do_GET()

    (tmp_path / "a.csv").write_text("a,b\n" + "".join(f"{n},x\n" for n in range(30)))
    serving = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    thread = threading.Thread(target=serving.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{serving.server_port}"
    serving.shutdown()
    thread.join()
    serving.server_close()


def test_an_address_is_fetched_and_its_failures_are_told(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for path in ("/a.csv", "/moved"):
        (table,) = told(server + path)["tables"]
        assert (table["rows"], table["keys"]) == (30, ["a"])
    assert told(f"{server}/api")["tables"][0]["read"]["format"] == "JSON"
    for path, code, exit_code in (
        ("/none.csv", "profile.no-target", 3),
        ("/broken", "profile.download-failed", 7),
        ("/cut", "profile.download-failed", 7),
        ("/page", "profile.no-format", 2),
    ):
        result = run(server + path, "--json")
        assert (result.exit_code, json.loads(result.stdout)["diagnostics"][0]["code"]) == (
            exit_code,
            code,
        )
    assert run("http://127.0.0.1:9/a.csv").exit_code == 7
    page = tmp_path / "page.html"
    good, bad = f"{server}/a.csv?token=s3cret", f"{server}/broken?token=s3cret"
    wrong = f"{server}/a.csv".replace("//", "//u:s3cret@")
    for target in (good, bad, wrong, "postgresql://u:s3#cret@127.0.0.1:1/x?password=s3cret#t"):
        result = run(target, "--html", str(page), "--json")
        assert "s3" not in result.output, "a report is passed on"
    assert "s3cret" not in page.read_text("utf-8")
    monkeypatch.setattr("sanhua.workspace.profiling.DOWNLOAD_BYTES_MAX", 20)
    assert "profile.download-too-large" in run(f"{server}/a.csv").output


def test_a_database_is_told_by_table(tmp_path: Path):
    path = tmp_path / "x.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE m (id INTEGER PRIMARY KEY, v REAL, note TEXT, photo BLOB)")
        rows = [(n, n / 4, None if n % 4 else "", b"\x00" * 5) for n in range(200)]
        db.executemany("INSERT INTO m VALUES (?, ?, ?, ?)", rows)
        db.execute('CREATE TABLE "no rows" (a, b)')
    db.close()
    whole = told(f"sqlite:///{path}")
    assert {table["name"]: table["rows"] for table in whole["tables"]} == {"m": 200, "no rows": 0}
    (table,) = told(f"sqlite:///{path}#m")["tables"]
    found = columns(table)
    assert table["keys"] == ["id"] and found["v"]["kind"] == "decimal"
    assert found["note"]["nulls"] == 200 and found["photo"]["distinct"] == 1
    cut = told(f"sqlite:///{path}#m", "--rows", "50")
    assert cut["tables"][0]["rows"] == 50
    assert "profile.rows-left" in {one["code"] for one in cut["diagnostics"]}
    for target, code in (
        (f"sqlite:///{path}#none", "profile.no-table"),
        (f"sqlite:///{tmp_path}/none.db", "database.unreachable"),
        ("nothing://x", "database.unknown"),
        ("postgresql://u:p@ss:w@h/db", "database.bad-url"),
    ):
        result = run(target, "--json")
        assert json.loads(result.stdout)["diagnostics"][0]["code"] == code, result.output
    assert not (tmp_path / "none.db").exists()


def test_globs_are_one_table_and_archives_many(tmp_path: Path):
    for n in range(3):
        (tmp_path / f"2025-0{n + 1}.csv").write_text(f"a,b\n{n},x\n{n + 10},y\n")
    (table,) = told(f"{tmp_path}/2025-*.csv")["tables"]
    assert (table["rows"], table["read"]["files"]) == (6, "3")
    with zipfile.ZipFile(tmp_path / "feed.zip", "w") as archive:
        archive.writestr("stops.txt", "stop_id,stop_name\n1,A\n2,B\n")
        archive.writestr("routes.txt", "route_id\n7\n")
        archive.writestr("readme.md", "# no table\n")
    names = [table["name"] for table in told(f"{tmp_path}/feed.zip")["tables"]]
    assert names == ["routes.txt", "stops.txt"]
    assert told(f"{tmp_path}/feed.zip!routes.txt")["tables"][0]["rows"] == 1
    assert "profile.no-target" in run(f"{tmp_path}/none*.csv").output


def test_the_howto_runs_word_for_word(dirty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    page = (Path(__file__).parents[2] / "docs" / "howto" / "profile-any-file.md").read_text("utf-8")
    commands = re.findall(r"^ *\$ sanhua (profile .*)", page, re.MULTILINE)
    assert len(commands) >= 5
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    Path("in/2025-01.csv").write_text("a;b\n1;2\n")
    Path("in/2025-02.csv").write_text("a;b\n3;4\n")
    with sqlite3.connect("meters.db") as db:
        db.execute("CREATE TABLE readings (id INTEGER, kwh REAL)")
    db.close()
    with zipfile.ZipFile("gtfs.zip", "w") as archive:
        archive.writestr("stops.txt", "stop_id\n1\n")
    for command in commands:
        if "http" in command or "postgresql" in command:
            continue  # the test of addresses runs their like
        result = CliRunner().invoke(cli, command.replace("'", "").split())
        assert result.exit_code == 0, f"{command}\n{result.output}"
    assert Path("report.html").stat().st_size > 5000


def test_a_file_without_a_heading_is_read_as_such_and_said_to_be(tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_text("1,1,x\n2,1,y\n3,2,z\n")
    whole = told(str(path))
    assert whole["tables"][0]["rows"] == 3
    assert whole["diagnostics"][0]["code"] == "collect.no-headings"


def test_a_wide_table_says_of_each_column_what_a_narrow_one_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Many columns are measured in turns, their values listed in the shared scan."""
    path = tmp_path / "a.csv"
    lines = [f"{n},{n % 5},{'N/A' if n % 9 == 0 else n / 4},x{n % 3}" for n in range(300)]
    path.write_text("id,few,number,text\n" + "\n".join(lines) + "\n")
    narrow = told(str(path))["tables"]
    monkeypatch.setattr("sanhua.workspace.profiling.COLUMNS_AT_ONCE", 1)
    assert told(str(path))["tables"] == narrow


def test_no_number_of_a_person_in_a_title_above_the_table_is_shown(tmp_path: Path):
    path = tmp_path / "a.csv"
    title = "制表：13800138000，110101199003074514\n"
    path.write_text(title + "编号,用电\n" + "".join(f"{n},{n * 3}\n" for n in range(40)), "utf-8")
    page = tmp_path / "a.html"
    result = run(str(path), "--html", str(page), "--json")
    (said,) = (d for d in json.loads(result.stdout)["diagnostics"] if "above" in d["code"])
    assert "制表：***" in said["message"]
    for text in (result.output, page.read_text("utf-8")):
        assert "13800138000" not in text and "110101199003074514" not in text


def test_a_file_of_a_thousand_columns_is_read(tmp_path: Path):
    path = tmp_path / "a.csv"
    rows = [[f"c{n}" for n in range(1000)], *([f"{n * m}" for n in range(1000)] for m in range(20))]
    path.write_text("\n".join(map(",".join, rows)), "utf-8")
    engine = DuckEngine(Lake(tmp_path / "lake"), temp=tmp_path / "temp")
    try:
        made = engine.collect(
            "t", [path], Reading(), None, inputs=["file:0"], step="s", names=["a.csv"]
        )
        assert (made.rows, len(made.columns)) == (20, 1000)
    finally:
        engine.close()


@pytest.mark.parametrize(
    "text",
    [
        'a,b\n1,"x ""y"""\n,\n2,\n\n3,z\n',
        "a,b\n" + "1,2\n" * 5000 + "1,2,3\n" + "4\n" + '5,"6\n',  # too wide, too narrow, open
    ],
)
def test_what_is_copied_straight_is_what_is_staged(tmp_path: Path, text: str):
    path = tmp_path / "a.csv"
    path.write_text(text, "utf-8")
    found: list[Any] = []
    for passing in (False, True):
        engine = DuckEngine(Lake(tmp_path / str(passing)), temp=tmp_path / "temp")
        try:
            made = engine.collect(
                "t", [path], Reading(), None, inputs=["file:0"], step="s", names=["a.csv"],
                passing=passing,
            )  # fmt: skip
            engine.bind(made)
            folder = engine.lake.path(made)
            aside = [
                engine.query(f"SELECT * FROM read_parquet('{folder / one.path}')")
                for one in made.rejects
            ]
            found.append((made.rows, made.rejected, engine.query("SELECT * FROM t"), aside))
        finally:
            engine.close()
    assert found[0] == found[1] and found[0][0] > 2


def test_a_phone_number_inside_a_remark_or_at_the_end_of_a_range_is_not_shown(tmp_path: Path):
    """Too few for their columns to be personal: one remark of three, one number in a hundred."""
    path = tmp_path / "a.csv"
    lines = [
        f"{('无', '已联系13912345678', '不在家')[n % 3]},{13812345678 if n == 50 else n}"
        for n in range(120)
    ]
    path.write_text("remark,number\n" + "\n".join(lines) + "\n")
    page = tmp_path / "r.html"
    result = run(str(path), "--html", str(page))
    shown = result.output + page.read_text("utf-8") + json.dumps(told(str(path)))
    assert "不在家" in shown
    assert "13912345678" not in shown and "13812345678" not in shown and "13,812" not in shown
