"""The first pages over real HTTP: figures with their way down, two languages, nothing that runs."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.client import HTTPConnection
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import pytest
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from sanhua.asset.meter import head_of, usage_line
from sanhua.store.segment import SegmentWriter
from sanhua.web.pages import WAITING_MAX, liked, portal
from sanhua.web.show import node_path
from sanhua.workspace import templates
from sanhua.workspace.dealing import sign_deal
from sanhua.workspace.metering import meter_root, seal
from sanhua.workspace.opening import Workspace
from sanhua.workspace.reporting import report
from sanhua.workspace.running import run

HTML_MAX = 40 * 1024  # DESIGN §4
SENT_MAX = 300 * 1024
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class Server:
    port: int
    app: Any

    def get(self, path: str, method: str = "GET", **headers: str) -> Answer:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, headers=named)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, found, answer.read())
        finally:
            connection.close()


@contextmanager
def serving(app: Any) -> Iterator[Server]:
    """The app under uvicorn on a free loopback port, in a thread."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="error", lifespan="off", access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield Server(listener.getsockname()[1], app)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@contextmanager
def shown(folder: Path, *, shown: bool = True) -> Iterator[Server]:
    with Workspace(folder, env={}) as ws, serving(portal(ws, shown=shown)) as server:
        yield server


VOID = frozenset("meta link img col br".split())


@dataclass
class Page(HTMLParser):
    """A page as a browser would read it, with what is wrong with it."""

    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}> closes nothing")

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def said(self) -> str:
        return " ".join(" ".join(self.texts).split())


def read(answer: Answer) -> Page:
    """The page; nothing in it may run, load from elsewhere, or be without a name."""
    page = Page()
    page.feed(answer.text)
    page.close()
    names = [tag for tag, _ in page.tags]
    assert not page.wrong and not page.open, (page.wrong, page.open)
    for forbidden in ("script", "style", "iframe", "object", "embed", "form", "base"):
        assert forbidden not in names
    for tag, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on") or name == "style"], tag
        for name in ("href", "src", "action", "xlink:href"):
            target = attributes.get(name, "")
            assert not urlsplit(target).scheme and not target.startswith("//"), target
    assert names.count("h1") == names.count("main") == names.count("header") == 1
    assert page.all("html")[0]["lang"] in ("zh-CN", "en")
    assert names.count("table") == names.count("caption")
    assert all("scope" in heading for heading in page.all("th"))
    assert all("alt" in image for image in page.all("img"))
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    return page


def links(page: Page, at: str = "/") -> set[str]:
    found = {urljoin(at, a["href"]) for a in page.all("a")}
    return {link.partition("#")[0] for link in found}


def private_key(folder: Path, name: str) -> Path:
    """A key pair; the public half where parties.yaml says it is."""
    key = Ed25519PrivateKey.generate()
    (folder / "keys").mkdir(exist_ok=True)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / "keys" / f"{name}.pub").write_bytes(public)
    path = folder / "keys" / f"{name}.key"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


@pytest.fixture
def sold(small_project: Path) -> tuple[Path, Path, Path]:
    """The small project with a deal to a hostile name; the folder and both private keys."""
    parties = small_project / "parties.yaml"
    text = parties.read_text("utf-8").replace(
        "name: 测试工厂,", "name: 测试工厂, public_key: keys/plant.pub,"
    )
    name = json.dumps("银行" + HOSTILE, ensure_ascii=False)
    text += f"""
bank: {{name: {name}, uscc: 91310000MA1FL0000X, roles: [buyer], public_key: keys/bank.pub}}
clerk: {{name: 经办, person: true, of: bank, roles: [finance]}}
"""
    parties.write_text(text, "utf-8")
    (small_project / "deals").mkdir()
    (small_project / "deals" / "bank_1.yaml").write_text(
        "product: energy\nconsumer: bank\nplan: standard\nfields: [meter, day, kwh]\n"
        "purposes: [credit]\n"
        "delivery: api\nfrom: 2024-01-01\nthrough: 2099-12-31\nlevel: L1\n",
        "utf-8",
    )
    product = small_project / "products" / "energy.yaml"
    title = json.dumps(
        {"zh": "日电量" + HOSTILE, "en": 'Daily "energy" & more'}, ensure_ascii=False
    )
    product.write_text(
        product.read_text("utf-8").replace("title: 日电量", f"title: {title}"), "utf-8"
    )
    return small_project, private_key(small_project, "plant"), private_key(small_project, "bank")


def built(folder: Path) -> None:
    with Workspace(folder, env={}) as ws:
        made = run(ws)
        assert made.ok, [d.message("en") for d in made.diagnostics]


def test_the_first_page_shows_what_the_run_kept_and_every_figure_opens(small_project: Path):
    """38 readings and 4 days; 1,200.00 and 34.56 of 2024 carried."""
    built(small_project)
    with Workspace(small_project, env={}) as ws:
        assert report(ws, "disclosure", period="2024").ok
        ids = [figure.id for figure in run(ws).figures]
    with shown(small_project) as server:
        answer = server.get("/")
        page = read(answer)
        assert answer.status == 200 and page.all("html")[0]["lang"] == "zh-CN"
        hrefs = {a["href"] for a in page.all("a")}
        for figure in ids:
            assert node_path(figure) in hrefs
            opened = read(server.get(node_path(figure)))
            assert figure in opened.said
        for said in ("1,234.56 元", "42", "自证", "草稿", "未批准", "没有合约", "2024"):
            assert said in page.said, said


def test_a_disclosure_has_its_page_and_a_voucher_is_three_clicks_away(small_project: Path):
    """The line of 1,234.56, table A with its 27 rows, and both vouchers of the asset: from the
    first page by the disclosure and the cell, or by the asset.
    """
    built(small_project)
    with Workspace(small_project, env={}) as ws:
        assert report(ws, "disclosure", period="2024").ok
    with shown(small_project) as server:
        assert "/disclosure/plant/2024" in links(read(server.get("/")), "/")
        answer = server.get("/disclosure/plant/2024")
        page = read(answer)
        assert answer.status == 200 and len(answer.body) <= HTML_MAX
        for said in ("草稿", "全部相符", "1,234.56", "其中：数据资源", "表A", "四、账面价值"):
            assert said in page.said, said
        line = "/explain/figure:plant/balance_sheet/development.data/ending/2024"
        assert line in links(page, "/disclosure/plant/2024")
        below = links(read(server.get(line)), line)
        assert any(link.startswith("/explain/voucher:") for link in below)
        english = read(server.get("/disclosure/plant/2024?lang=en"))
        assert "all hold" in english.said and "of which: data resources" in english.said
        listed = read(server.get("/disclosures"))
        assert "/disclosure/plant/2024" in links(listed, "/disclosures")
        [asset] = [one for one in links(listed, "/disclosures") if one.startswith("/asset/")]
        memo = read(server.get(asset))
        assert len(server.get(asset).body) <= HTML_MAX
        for said in ("五个条件", "资本化", "evidence/paper.md", "recognise.conditions-met"):
            assert said in memo.said, said
        assert any(one.startswith("/explain/voucher:") for one in links(memo, asset))
        for path in ("/disclosure/plant/1999", "/disclosure/nobody/2024", "/asset/nothing"):
            assert server.get(path).status == 404


def test_every_link_from_the_first_page_on_leads_to_a_page_within_the_budget(small_project: Path):
    """The whole project is walked: no dead link, down to the raw bytes and back."""
    built(small_project)
    with shown(small_project) as server:
        waiting, seen = ["/"], {"/"}
        while waiting:
            link = waiting.pop()
            answer = server.get(link)
            assert answer.status == 200, link
            assert len(answer.body) <= HTML_MAX, link
            new = links(read(answer), link) - seen
            new = {one for one in new if "lang=" not in one}
            seen |= new
            waiting += new
    assert len(seen) > 100
    raw = [link for link in seen if link.startswith("/explain/sha256:")]
    assert len(raw) > 10
    assert any(link.startswith("/explain/rule:") for link in seen)


def test_a_figure_opens_step_by_step_down_to_the_rows_and_the_hash_of_the_raw_file(
    small_project: Path,
):
    built(small_project)
    digest = hashlib.sha256((small_project / "raw" / "readings.csv").read_bytes()).hexdigest()
    with shown(small_project) as server:
        home = read(server.get("/"))
        figure = next(a for a in links(home) if "/resource.rows/" in a)
        level = read(server.get(figure))
        assert "相加，等于上面的数字：" in level.said and "42" in level.said
        assert "/explain/table:readings" in links(level)
        table = read(server.get("/explain/table:readings"))
        assert "38" in table.said
        found: set[str] = set()
        for link in [a for a in links(table) if a.startswith("/explain/sha256:")]:
            found |= links(read(server.get(link)))
        raw_file = f"/explain/raw_file:readings@sha256:{digest}"
        assert raw_file in found
        raw = read(server.get(raw_file))
        assert f"/explain/sha256:{digest}" in links(raw)
        assert "readings.csv" in raw.said and "字节" in raw.said and "提供方" in raw.said
        assert "/explain/" in " ".join(links(raw))  # and back


def test_an_asset_names_its_rules_with_clause_and_how_sure_they_are(small_project: Path):
    built(small_project)
    with shown(small_project) as server:
        page = read(server.get("/explain/asset:energy_data?lang=en"))
        assert page.all("html")[0]["lang"] == "en"
        assert "财会〔2023〕11号" in page.said and "V full text read" in page.said
        assert "R recalled, not checked" in page.said
        assert "evt_" in page.said and "1,234.56 CNY" in page.said
        assert "/explain/voucher:2024-02-01?lang=en" in links(page)
        voucher = read(server.get("/explain/voucher:2024-02-01"))
        assert "books/vouchers/2024.csv:2" in voucher.said


def test_a_deal_goes_from_unsigned_to_in_force_and_its_calls_are_counted(
    sold: tuple[Path, Path, Path],
):
    """Three permits and two refusals in one segment, four strangers in another."""
    folder, plant, bank = sold
    built(folder)
    with Workspace(folder, env={}) as ws, serving(portal(ws, shown=True)) as server:
        assert "未签署" in read(server.get("/")).said
        sign_deal(ws, "bank_1", "maker", plant)
        assert "单方已签" in read(server.get("/")).said
        sign_deal(ws, "bank_1", "clerk", bank)
        assert "有效" in read(server.get("/")).said
        head = head_of("deal:bank_1", "party:bank", "product:energy", "sha256:0", "sha256:0")

        def lines(decisions: list[str]) -> list[bytes]:
            at = "2026-01-02T03:04:05.000Z"
            return [
                usage_line(
                    n, at, head, "credit", (1, 2, 30), d, "" if d == "permit" else "call.limit", ""
                )
                for n, d in enumerate(decisions, 1)
            ]

        writer = SegmentWriter(meter_root(ws), "20260102T030405-aaaaaaaa-0-1")
        writer.commit(lines(["permit", "permit", "permit", "deny", "deny"]))
        writer.close()
        assert len(seal(ws)) == 1
        page = server.get("/").text
        row = re.search(r"<tr>.*?deal:bank_1.*?</tr>", page, re.DOTALL)
        assert row and re.search(r">3</a>.*>2</a>", row[0]), row
        writer = SegmentWriter(meter_root(ws), "20260102T030405-aaaaaaaa-0-2")
        writer.commit(lines(["permit"]))
        writer.close()
        assert len(seal(ws)) == 1  # what comes later is added, not counted anew
        row = re.search(r"<tr>.*?deal:bank_1.*?</tr>", server.get("/").text, re.DOTALL)
        assert row and re.search(r">4</a>.*>2</a>", row[0]), row
        segment = read(server.get("/explain/segment:20260102T030405-aaaaaaaa-0-1"))
        assert any(a["href"].startswith("/explain/use_") for a in segment.all("a"))
        deal = read(server.get("/explain/deal:bank_1"))
        assert "签署" in deal.said and "计量段" in deal.said and "credit" in deal.said


def test_the_quality_of_a_resource_has_its_page_in_both_languages(small_project: Path):
    """Twenty indicators, each with a score or with what to declare; the drawn bars; the worse."""
    built(small_project)
    path = small_project / "raw" / "readings.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("M2,", "M7,", 3), encoding="utf-8")
    built(small_project)
    with shown(small_project) as server:
        page = read(server.get("/quality/readings"))
        assert len([a for a in page.all("svg")]) == 2
        for said in ("0105", "不可评估：", "没有与之对账的表", "meter 取自代码集 meters", "趋势"):
            assert said in page.said, said
        assert "/explain/check:readings/meter.codes" in links(page, "/quality/readings")
        english = read(server.get("/quality/readings?lang=en"))
        assert "meter is a code of meters" in english.said and "got worse" in english.said
        assert server.get("/quality/nothing").status == 404


def test_hostile_names_are_text_and_nothing_else(sold: tuple[Path, Path, Path]):
    folder, _, _ = sold
    built(folder)
    with shown(folder) as server:
        for path in ("/", "/explain/party:bank", "/explain/product:energy", "/explain/deal:bank_1"):
            page = read(server.get(path))  # no script, no img but the mark, no handler
            assert HOSTILE in page.said, path
            assert len(page.all("img")) == 1
        assert 'Daily "energy" & more' in read(server.get("/?lang=en")).said
        for path in (f"/explain/{HOSTILE}", "/explain/x%22%3E%3Cscript%3E", "/%3Cscript%3E"):
            answer = server.get(path.replace("<", "%3C").replace(">", "%3E").replace(" ", "%20"))
            assert answer.status == 404
            read(answer)


def test_a_node_id_survives_its_link():
    for node in (
        "figure:a/b.c/d/e/2026-H1",
        "col:t.名@sha256:00",
        "x:a//b",
        "x:../../etc",
        "x:a?b#c%2F",
    ):
        path = node_path(node)
        assert urljoin("/", path) == path  # no browser folds it
        assert unquote(urlsplit(path).path) == f"/explain/{node}"


def test_a_wide_node_is_paged_and_the_pages_hold_every_neighbour_once(small_project: Path):
    """600 vouchers rest on one party and one file."""
    book = small_project / "books" / "vouchers" / "2024.csv"
    rows = [
        f"2024-12-{n:04d},2024-12-31,薪酬,{account},{debit},{credit},{project},{paper}"
        for n in range(600)
        for account, debit, credit, project, paper in (
            ("5301.02", f"{n + 1}.00", "", "P1", "evidence/paper.md"),
            ("2211", "", f"{n + 1}.00", "", ""),
        )
    ]
    book.write_text(book.read_text("utf-8") + "\n".join(rows) + "\n", "utf-8")
    built(small_project)
    with shown(small_project) as server:
        path, found, pages = "/explain/party:plant", [], 0
        while path:
            answer = server.get(path)
            assert len(answer.body) <= HTML_MAX
            page = read(answer)
            found += [a["href"] for a in page.all("a") if "/explain/voucher:" in a["href"]]
            path = next((a["href"] for a in page.all("a") if "into=" in a["href"]), "")
            pages += 1
        assert pages > 6
        assert len(found) == len(set(found)) == 602


def test_languages_by_header_by_link_and_kept_on_the_way(small_project: Path):
    built(small_project)
    with shown(small_project) as server:
        assert read(server.get("/")).all("html")[0]["lang"] == "zh-CN"
        english = server.get("/", accept_language="en-GB,en;q=0.9,zh;q=0.5")
        assert read(english).all("html")[0]["lang"] == "en"
        assert "Value path" in server.get("/explain/product:energy", accept_language="en").text
        page = read(server.get("/?lang=en", accept_language="zh-CN"))
        assert page.all("html")[0]["lang"] == "en"
        onward = [a["href"] for a in page.all("a") if a["href"].startswith("/explain/")]
        assert onward and all(link.endswith("?lang=en") for link in onward)
        assert "Accept-Language" in english.headers["vary"]
    assert liked("", "zh") == "zh"
    assert liked("fr, en;q=0.4, zh;q=0.8", "en") == "zh"
    assert liked("en;q=x, de", "zh") == "zh"


def test_refusals_are_coded_for_people_and_for_programs(small_project: Path):
    built(small_project)
    with shown(small_project) as server:
        cases = {
            ("GET", "/explain/product:nope"): (404, "explain.no-such-node"),
            ("GET", "/explain/rule:mof_2023_11/nope@2024-01-01"): (404, "explain.no-such-node"),
            ("GET", "/explain/"): (404, "explain.no-such-node"),
            ("GET", "/static/../pages.py"): (404, "page.not-found"),
            ("GET", "/nowhere"): (404, "page.not-found"),
            ("POST", "/"): (405, "page.method"),
            ("GET", "/explain/product:energy?out=-1"): (422, "page.bad-parameter"),
            ("GET", "/explain/product:energy?into=%D9%A3"): (422, "page.bad-parameter"),
        }
        for (method, path), (status, code) in cases.items():
            answer = server.get(path, method, accept="text/html,*/*;q=0.8")
            assert (answer.status, code in read(answer).said) == (status, True), path
            told = server.get(path, method, accept="application/json")
            assert told.headers["content-type"] == "application/problem+json"
            body = json.loads(told.body)
            assert (told.status, body["status"], body["code"]) == (status, status, code)
            assert body["title"] and body["detail"]
        assert server.get("/", "POST").headers["allow"]
        head = server.get("/", "HEAD")
        assert (head.status, head.body) == (200, b"")
        assert server.get("/v1/nothing").headers["content-type"] == "application/problem+json"


def test_a_defect_shows_an_incident_alone_and_logs_the_rest(
    small_project: Path, caplog: pytest.LogCaptureFixture
):
    built(small_project)
    with sqlite3.connect(small_project / "state" / "state.db") as database:
        database.execute("DROP TRIGGER record_no_update")
        database.execute("UPDATE record SET body = '{}' WHERE kind = 'product'")
    database.close()
    with shown(small_project) as server:
        answer = server.get("/")
        page = read(answer)
        incident = re.search(r"[0-9a-f]{8}", page.said)
        assert answer.status == 500 and "page.defect" in page.said and incident
        assert "KeyError" not in answer.text and "Traceback" not in answer.text
        assert f"incident {incident[0]}" in caplog.text and "KeyError" in caplog.text
        assert server.get("/explain/table:readings").status == 200


def test_beyond_loopback_nothing_of_the_project_is_shown_or_even_read(small_project: Path):
    with Workspace(small_project, env={}) as ws:
        with serving(portal(ws, shown=False)) as server:
            for path in ("/", "/explain/product:energy", "/nowhere", "/?lang=en"):
                answer = server.get(path, accept="text/html")
                page = read(answer)
                assert answer.status == 403 and "page.not-shown" in page.said
                assert "小项目" not in page.said and "energy" not in page.said
            told = json.loads(server.get("/", accept="application/json").body)
            assert told["code"] == "page.not-shown"
            assert server.get("/static/portal.css").status == 200
        assert "project" not in ws.__dict__ and not ws.state.exists()


def test_a_foreign_name_that_points_here_sees_nothing(small_project: Path):
    """DNS rebinding: the browser says which name it was sent to."""
    built(small_project)
    with shown(small_project) as server:
        for host in (
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example:80",
            "10.0.0.1",
        ):
            answer = server.get("/", host=host)
            assert answer.status == 403 and "小项目" not in answer.text, host
        for host in ("localhost:8765", "127.0.0.1", "[::1]:8765", "LOCALHOST"):
            assert server.get("/", host=host).status == 200, host


def test_a_project_that_was_never_run_says_how_to(small_project: Path):
    with shown(small_project) as server:
        answer = server.get("/")
        assert answer.status == 200
        page = read(answer)
        assert "sanhua run" in page.said and "小项目" in page.said
        assert not (small_project / "state").exists()
    (small_project / "sql" / "daily.sql").write_text("SELECT nothing FROM readings\n", "utf-8")
    with Workspace(small_project, env={}) as ws:
        run(ws)
    with shown(small_project) as server:  # a run that failed has kept no stage figures
        page = read(server.get("/"))
        assert "还没有一次完整的运行" in page.said and "sanhua run" in page.said


def test_headers_forbid_all_but_our_style_and_caches_are_told_by_content(small_project: Path):
    built(small_project)
    with shown(small_project) as server:
        page = server.get("/")
        policy = page.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'self'; img-src 'self'")
        assert "unsafe" not in policy
        for answer in (page, server.get("/nowhere"), server.get("/static/portal.css")):
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "no-referrer"
        again = server.get("/", if_none_match=page.headers["etag"])
        assert (again.status, again.body) == (304, b"")
        sheet = read(page).all("link")[1]["href"]
        style = server.get(sheet)
        assert "immutable" in style.headers["cache-control"]
        assert style.headers["content-type"] == "text/css; charset=utf-8"
        assert server.get(sheet, if_none_match=style.headers["etag"]).status == 304
        assert server.get("/static/portal.css").headers["cache-control"] == "no-cache"
        assert b"@import" not in style.body and b"url(" not in style.body


def test_pages_wait_for_each_other_and_never_keep_the_event_loop_waiting(small_project: Path):
    """While every page thread is held, the loop answers at once; beyond the queue, 503."""
    built(small_project)
    with Workspace(small_project, env={}) as ws:
        pages: Any = portal(ws, shown=True)

        async def app(scope: Any, receive: Any, send: Any) -> None:
            if scope["path"] != "/tick":
                await pages(scope, receive, send)
                return
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        with serving(app) as server, ThreadPoolExecutor(WAITING_MAX + 8) as clients:
            with pages._browser._lock:  # a page that takes long
                asked = [clients.submit(server.get, "/") for _ in range(WAITING_MAX + 8)]
                deadline = time.monotonic() + 10
                while sum(one.done() for one in asked) < 8 and time.monotonic() < deadline:
                    started = time.perf_counter()
                    assert server.get("/tick").status == 204
                    assert time.perf_counter() - started < 2
            answers = [one.result() for one in asked]
    assert sorted(answer.status for answer in answers) == [200] * WAITING_MAX + [503] * 8
    assert "page.crowded" in next(a for a in answers if a.status == 503).text


def test_many_readers_and_a_writer_share_the_store(sold: tuple[Path, Path, Path]):
    folder, plant, bank = sold
    built(folder)
    paths = ["/", "/explain/product:energy", "/explain/table:readings", "/explain/deal:bank_1"]
    with Workspace(folder, env={}) as ws, serving(portal(ws, shown=True)) as server:
        with ThreadPoolExecutor(8) as clients:
            asked = [clients.submit(server.get, paths[n % 4]) for n in range(200)]
            sign_deal(ws, "bank_1", "maker", plant)
            sign_deal(ws, "bank_1", "clerk", bank)
            assert {one.result().status for one in asked} == {200}
        assert "有效" in read(server.get("/")).said


def test_the_power_template_stays_within_the_budget(tmp_path: Path):
    """DESIGN §4: a page ≤ 40 KB HTML, ≤ 300 KB gzipped with all it loads."""
    folder = tmp_path / "power"
    templates.write("power", folder)
    with Workspace(folder, env={}) as ws:
        assert run(ws).error is None
        assert report(ws, "disclosure").ok
    with shown(folder) as server:
        for path in ("/", "/?lang=en"):
            answer = server.get(path)
            page = read(answer)
            assert len(answer.body) <= HTML_MAX
            loaded = [link["href"] for link in page.all("link")] + [page.all("img")[0]["src"]]
            sent = [answer.body, *(server.get(link).body for link in loaded)]
            assert sum(len(gzip.compress(body)) for body in sent) <= SENT_MAX
        note = server.get("/explain/disclosure:grid_co/2026-H1")
        assert note.status == 200 and len(note.body) <= HTML_MAX
        read(note)


# The words and the colours


def test_every_kind_and_every_edge_has_its_words():
    """Whatever a record class can be, and whatever an edge can say."""
    import sanhua
    from sanhua.kernel.record import KINDS
    from sanhua.web import words

    source = Path(sanhua.__file__).parent
    text = "".join(p.read_text("utf-8") for p in source.rglob("*.py"))
    verbs = set(re.findall(r'Ref\("([a-z_]+)"\)', text))
    kinds = {kind for kind in KINDS if KINDS[kind].__module__.startswith("sanhua.")}
    assert verbs - words.VERBS.keys() == set()
    assert kinds - words.KINDS.keys() == set()
    tables: list[Callable[[], Any]] = [lambda: words.KINDS, lambda: words.FACTS, lambda: words.PAGE]
    for table in tables:
        assert all(word.zh and word.en for word in table().values())


def luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_every_text_colour_stands_out_on_every_ground():
    """WCAG 2.2, 1.4.3: at least 4.5 to 1, in light and dark."""
    css = files("sanhua.web").joinpath("static", "portal.css").read_text("utf-8")
    light, dark = re.findall(r":root \{(.*?)\}", css, re.DOTALL)[:2]
    for block in (light, dark):
        colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block))
        for text in ("ink", "quiet", "link", "raw", "resource", "asset", "capital", "bad", "good"):
            for ground in ("card", "ground"):
                a, b = sorted((luminance(colours[text]), luminance(colours[ground])))
                assert (b + 0.05) / (a + 0.05) >= 4.5, (text, ground)
