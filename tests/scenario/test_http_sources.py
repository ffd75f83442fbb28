"""Sources that are HTTP APIs or files at an address, against a real server on loopback."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from textwrap import dedent
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from sanhua.kernel.errors import SanhuaError
from sanhua.resource.collect import Api, Pages
from sanhua.sources import api
from sanhua.sources.landing import Landing
from sanhua.store.clock import SetClock
from sanhua.workspace.arriving import fetch_of
from sanhua.workspace.opening import Workspace
from sanhua.workspace.running import run

Answer = tuple[int, dict[str, str], bytes]
ROWS = [{"id": n, "amount": 1.10 + n, "name": f"第{n}"} for n in range(7)]


class Site:
    """Answers by path; what was asked is kept."""

    def __init__(self) -> None:
        self.answers: dict[str, Callable[[dict[str, str], int], Answer]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = {k: v[0] for k, v in parse_qs(parts.query).items()}
                site.asked.append((self.path, dict(self.headers)))
                times = sum(urlsplit(p).path == parts.path for p, _ in site.asked)
                made = site.answers.get(parts.path)
                status, headers, body = made(query, times) if made else (404, {}, b"")
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if "Content-Length" not in headers:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    yield made
    made.close()


def answer(value: Any, status: int = 200, **headers: str) -> Answer:
    head = {"Content-Type": "application/json"}
    head |= {name.replace("_", "-"): text for name, text in headers.items()}
    return status, head, json.dumps(value, ensure_ascii=False).encode()


def paged(query: dict[str, str], times: int) -> Answer:
    """Three a page by page, offset or cursor."""
    at = int(query.get("offset", 0)) or (int(query.get("page", 1)) - 1) * 3
    at = int(query["after"]) if "after" in query else at
    rows = ROWS[at : at + 3]
    more = at + 3 if at + 3 < len(ROWS) else None
    return answer({"data": rows, "meta": {"next": more, "link": more and f"/rows?after={more}"}})


def read(site: Site, tmp_path: Path, path: str = "/rows", **form: Any) -> api.Answered:
    given = Api(site.url + path, **form)
    return api.read(given, "s", "$.data", Landing(tmp_path / "landing"))


@pytest.mark.parametrize(
    ("pages", "asked"),
    [
        (Pages("page", "page", 1), ["page=1", "page=2", "page=3", "page=4"]),
        (Pages("page", "page", 1, 3, "limit"), ["page=1", "page=2", "page=3"]),
        (Pages("offset", "offset", 0, 3), ["offset=0", "offset=3", "offset=6"]),
        (Pages("next", at="$.meta.link"), ["", "after=3", "after=6"]),
        (Pages("cursor", "after", at="$.meta.next"), ["", "after=3", "after=6"]),
    ],
)
def test_every_way_of_paging_gives_every_row_once(
    site: Site, tmp_path: Path, pages: Pages, asked: list[str]
):
    site.answers["/rows"] = paged
    made = read(site, tmp_path, pages=pages)
    assert (made.records, len(made.files)) == (7, 3)
    assert [urlsplit(path).query.split("&")[0] for path, _ in site.asked] == asked
    landing = Landing(tmp_path / "landing")
    kept = [landing.path(f.name, f.content).read_bytes() for f in made.files]
    rows = [row for page in kept for row in json.loads(page)["data"]]
    assert rows == ROWS and "第0".encode() in kept[0], "the bytes are as they were answered"


def test_a_busy_server_is_asked_again_and_a_broken_answer_is_not_kept(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    waited: list[float] = []
    monkeypatch.setattr(api.time, "sleep", waited.append)

    def busy(query: dict[str, str], times: int) -> Answer:
        if times == 1:
            return answer({}, 503, Retry_After="7")
        if times == 2:
            return 200, {"Content-Length": "999"}, b'{"data": [1'  # cut short
        return paged(query, times)

    site.answers["/rows"] = busy
    made = read(site, tmp_path)
    assert made.records == 3 and waited[0] == 7.0 and len(waited) == 2
    site.answers["/down"] = lambda query, times: answer({}, 500)
    with pytest.raises(SanhuaError) as error:
        read(site, tmp_path, "/down")
    assert error.value.code == "api.unreachable"
    site.answers["/later"] = lambda query, times: answer({}, 429, Retry_After="3600")
    with pytest.raises(SanhuaError) as error:
        read(site, tmp_path, "/later")
    assert error.value.code == "api.unreachable", "an hour is not waited"
    site.answers["/denied"] = lambda query, times: answer({}, 401)
    with pytest.raises(SanhuaError) as error:
        read(site, tmp_path, "/denied")
    assert error.value.code == "api.status"
    assert len(list((tmp_path / "landing").glob("*.json"))) == 1


def test_secrets_go_to_the_first_host_alone(site: Site, tmp_path: Path):
    other = Site()
    try:
        other.answers["/rows"] = paged
        far = f"{other.url}/rows"
        site.answers["/moved"] = lambda query, times: (302, {"Location": far}, b"")
        site.answers["/near"] = lambda query, times: (302, {"Location": "/rows"}, b"")
        site.answers["/rows"] = paged
        headers = {"Authorization": "Bearer s3cret"}
        with pytest.raises(SanhuaError) as error:
            read(site, tmp_path, "/moved", headers=headers)
        assert error.value.code == "api.other-host" and not other.asked
        assert read(site, tmp_path, "/near", headers=headers).records == 3
        assert site.asked[-1][1]["Authorization"] == "Bearer s3cret"
        host = other.url.removeprefix("http://")
        assert read(site, tmp_path, "/moved", headers=headers, hosts=(host,)).records == 3
        assert "Authorization" not in other.asked[-1][1]
        for place in ("file:///etc/passwd", "ftp://127.0.0.1/x"):
            site.answers["/odd"] = lambda query, times, to=place: (302, {"Location": to}, b"")
            with pytest.raises(SanhuaError) as error:
                read(site, tmp_path, "/odd")
            assert error.value.code == "api.scheme"
    finally:
        other.close()


def test_limits_end_a_fetch(site: Site, tmp_path: Path):
    def coded(**form: Any) -> str:
        with pytest.raises(SanhuaError) as error:
            read(site, tmp_path, **form)
        return error.value.code

    site.answers["/rows"] = lambda query, times: answer({"data": [1], "next": "/rows"})
    assert coded(pages=Pages("next", at="next")) == "api.loop"
    assert coded(pages=Pages("page", "page"), pages_max=3) == "api.too-many-pages"
    bomb = gzip.compress(b" " * 3_000_000)
    site.answers["/rows"] = lambda query, times: (200, {"Content-Encoding": "gzip"}, bomb)
    assert coded(bytes_max=1 << 20) == "api.too-large"
    site.answers["/rows"] = lambda query, times: (200, {"Content-Type": "text/html"}, b"<html>")
    assert coded() == "api.not-json"
    site.answers["/rows"] = lambda query, times: answer({"rows": []})
    assert coded() == "api.no-records"
    assert not [p for p in (tmp_path / "landing").iterdir() if p.is_file()]


def test_a_header_that_cannot_be_sent_is_told_of_without_its_value(site: Site, tmp_path: Path):
    site.answers["/rows"] = paged
    for value in ("Bearer s3cret\n", "Bearer s3cret密", " s3cret", "s3cret\r\nX: 1"):
        with pytest.raises(SanhuaError) as error:
            read(site, tmp_path, headers={"Authorization": value})
        assert error.value.code == "api.bad-header"
        assert "s3cret" not in f"{error.value} {error.value.diagnostic.facts}"
    assert not site.asked


def test_an_answer_that_trickles_ends_when_the_time_is_over(tmp_path: Path):
    class Slow(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            with contextlib.suppress(OSError):
                for _ in range(50):
                    self.wfile.write(b" ")
                    time.sleep(0.1)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        form = Api(f"http://127.0.0.1:{server.server_address[1]}/rows", timeout_s=1)
        began = time.monotonic()
        with pytest.raises(SanhuaError) as error:
            api.read(form, "s", "$", Landing(tmp_path / "landing"))
        assert error.value.code == "api.timeout" and time.monotonic() - began < 3
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


# Through a project


@pytest.fixture
def shop(tmp_path: Path, site: Site) -> Path:
    project = tmp_path / "shop"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("stops.txt", "stop_id,name\n1,湖滨\n")
        archive.writestr("routes.txt", "route_id\nA\nB\n")
    site.answers["/rows"] = paged
    site.answers["/v1/feed.zip"] = lambda query, times: (200, {}, packed.getvalue())
    site.answers["/v1/one.csv"] = lambda query, times: (200, {}, b"a,b\n1,2\n")
    for name, text in {
        "sanhua.yaml": "sanhua: 1\ntitle: 店\nentities:\n  shop: {regime: CAS}\n",
        "parties.yaml": "shop: {name: 测试店, roles: [holder]}\n",
        "sources/orders.yaml": """
            url: ${SHOP}/rows
            headers: {Authorization: "Bearer ${SHOP_TOKEN}"}
            pages: {by: cursor, parameter: after, at: $.meta.next}
            read: {records: $.data}
            cadence: 5min
            """,
        "sources/feed.yaml": """
            url: ${SHOP}/v1/feed.zip
            tables: {stops: stops.txt, routes: routes.txt}
            cadence: week
            """,
        "sources/one.yaml": "url: ${SHOP}/v1/one.csv\ncadence: once\n",
    }.items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
    return project


def test_run_fetches_pages_and_files_and_replaces_what_changed(shop: Path, site: Site):
    env = {"SHOP": site.url, "SHOP_TOKEN": "s3cret"}
    clock = SetClock(datetime(2026, 3, 2, tzinfo=UTC))

    def rows(ws: Workspace, table: str) -> int:
        from sanhua.workspace.snapshots import Snapshots

        Snapshots(ws).bind(table)
        return ws.engine.query(f"SELECT count(*) FROM {table}")[0][0]

    with Workspace(shop, env=env, clock=clock) as ws:
        made = run(ws)
        assert made.ok, made.diagnostics
        assert [rows(ws, t) for t in ("orders", "stops", "routes", "one")] == [7, 1, 2, 1]
        assert ws.engine.query("SELECT amount FROM orders WHERE id = '0'") == [("1.1",)]
    with Workspace(shop, env=env, clock=clock) as ws:
        assert all(step.status == "skipped" for step in run(ws).steps)
        assert sum(path == "/v1/one.csv" for path, _ in site.asked) == 1, "once"
    site.answers["/rows"] = lambda query, times: answer({"data": ROWS[:2], "meta": {}})
    with Workspace(shop, env=env, clock=clock) as ws:
        assert run(ws).ok and rows(ws, "orders") == 2
        told = fetch_of(ws, "orders")
        assert told is not None and (told.rows, told.pages) == (2, 1)
        assert "s3cret" not in str(told)
    kept = b"".join(p.read_bytes() for p in (shop / "state").rglob("*") if p.is_file())
    assert b"s3cret" not in kept
