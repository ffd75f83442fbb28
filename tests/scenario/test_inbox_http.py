"""Files sent to the inbox over HTTP: what was answered 2xx is there, whatever dies afterwards; the
scheduler takes and builds it.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import deals
import pytest
import uvicorn
from test_feed import FILES, body, drop, name_of, total

from sanhua.kernel.errors import NotFound
from sanhua.web.arriving import Arriving
from sanhua.workspace.opening import Workspace
from sanhua.workspace.running import run
from sanhua.workspace.scheduling import ScheduledRun, schedule_file
from sanhua.workspace.sending import new_sender, revoke_sender


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    from test_feed import feed

    return feed.__wrapped__(tmp_path)


@contextmanager
def server(project: Path, *options: str) -> Iterator[deals.Gateway]:
    with deals.serving(project, *options) as gateway:
        yield gateway


def send(
    gateway: deals.Gateway,
    token: str,
    name: str,
    data: bytes | str,
    source: str = "flow",
    headers: dict[str, str] | None = None,
    method: str = "POST",
) -> tuple[int, dict[str, Any]]:
    line = http.client.HTTPConnection(gateway.address, timeout=20)
    try:
        said = {"Authorization": f"Bearer {token}"} if token else {}
        raw = data.encode() if isinstance(data, str) else data
        line.request(method, f"/inbox/{source}/{name}", raw, {**said, **(headers or {})})
        answer = line.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        line.close()


def token_of(project: Path) -> tuple[str, str]:
    with Workspace(project, env={}) as ws:
        made = new_sender(ws, "flow", "gates", "")
        with pytest.raises(NotFound):
            new_sender(ws, "nothing", "gates", "")
    return made["id"], made["token"]


def healthz(gateway: deals.Gateway) -> dict[str, Any]:
    line = http.client.HTTPConnection(gateway.address, timeout=20)
    line.request("GET", "/healthz")
    found = json.loads(line.getresponse().read())
    line.close()
    return found


def test_what_was_answered_is_there_after_a_kill_and_nothing_else_is_taken(feed: Path):
    issued, token = token_of(feed)
    with deals.serving(feed) as gateway:
        assert send(gateway, token, name_of(0), body(0))[0] == 201
        assert send(gateway, token, name_of(0), body(0))[0] == 200, "the same again"
        digest = base64.b64encode(hashlib.sha256(body(1).encode()).digest()).decode()
        told = {"Content-Digest": f"sha-256=:{digest}:"}
        assert send(gateway, token, name_of(1), body(1), headers=told)[0] == 201
        assert send(gateway, token, name_of(0), body(0, more=1))[0] == 201, "a correction"

        def code(*args: Any, **more: Any) -> tuple[int, str]:
            status, said = send(gateway, *args, **more)
            return status, said["code"]

        assert code("", name_of(2), body(2)) == (401, "inbox.no-token")
        assert code("sh_wrong", name_of(2), body(2)) == (401, "inbox.unknown-token")
        assert code(token, name_of(2), body(2), source="other") == (403, "inbox.other-source")
        assert code(token, name_of(2), b"") == (422, "inbox.empty")
        assert code(token, name_of(2), body(2), headers=told) == (422, "inbox.digest")
        assert code(token, name_of(2), body(2), method="DELETE") == (405, "inbox.method")
        for name in (
            "..%2f..%2fsanhua.yaml", "%2e%2e", ".hidden", "a.csv.part", "a%00.csv",
            "%C1%F7.csv",  # not in UTF-8: two such names would be one
        ):  # fmt: skip
            assert code(token, name, body(2)) == (422, "inbox.bad-name"), name
        with Workspace(feed, env={}) as ws:
            revoke_sender(ws, issued, "gone")
        assert code(token, name_of(3), body(3)) == (401, "inbox.unknown-token")
        gateway.kill()
    stored = b"".join(p.read_bytes() for p in (feed / "state").glob("state.db*"))
    assert token.encode() not in stored
    with Workspace(feed, env={}) as ws:
        made = run(ws)
        assert made.ok, made.error
        rows = ws.engine.query("SELECT count(*), CAST(sum(inflow) AS BIGINT) FROM flow")
        assert rows == [(6, sum(range(3)) + 3 + sum(range(3)) + 3)]
        from sanhua.workspace.reporting import report

        (fresh,) = report(ws, "freshness").data["sources"]
    assert (fresh["arrivals"], fresh["repeated"], fresh["corrected"]) == (4, 1, 1)
    left = [p for p in (feed / "state" / "raw" / "flow").rglob("*") if p.is_file()]
    assert len(left) == 3 and "sanhua.yaml" in {p.name for p in feed.iterdir()}


def test_only_a_file_for_the_inbox_may_take_longer_than_a_request(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("sanhua.web.arriving.ARRIVE_S", 0.5)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        head = [(b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 201, "headers": head})
        await send({"type": "http.response.body"})

    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, http=Arriving, lifespan="off", log_level="error")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        for path, taken in (("/inbox/flow/a.csv", True), ("/elsewhere", False)):
            line = http.client.HTTPConnection(*listener.getsockname(), timeout=20)
            line.putrequest("POST", path)
            line.putheader("Content-Length", "3")
            line.endheaders()
            try:
                for letter in b"a", b"b", b"c":
                    line.send(letter)
                    time.sleep(0.4)
                assert line.getresponse().status == 201 and taken
            except (OSError, http.client.HTTPException):
                assert not taken, "cut off"
            finally:
                line.close()
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


def test_the_scheduler_takes_what_comes_and_builds_what_is_made_from_it(feed: Path):
    _, token = token_of(feed)
    source = feed / "sources" / "flow.yaml"
    assert FILES["sources/flow.yaml"].count("done: .ok") == 1 and source.exists()
    with deals.serving(feed, "--schedule") as gateway:
        drop(feed, name_of(0), body(0))
        assert send(gateway, token, name_of(1), body(1))[0] == 201

        def built() -> bool:
            """The second look found nothing more to do."""
            waiting = (feed / "state" / "raw" / "flow" / "incoming").glob("*.json")
            made = (feed / "state" / "lake" / "built").glob("by_hour/*")
            return any(made) and not any(waiting) and schedule_file(feed).exists()

        deals.wait_until(built, 60)
        deals.wait_until(lambda: not any((feed / "inbox" / "flow").glob("*.csv")), 60)
        found = deals.say(feed, "source", "list")["sources"][0]
        assert found["fault"] == ""
        told = healthz(gateway)
        assert told["status"] == "ok"
        assert [one["source"] for one in told["schedule"]["sources"]] == ["flow"]
        page = http.client.HTTPConnection(gateway.address, timeout=20)
        page.request("GET", "/freshness?lang=zh")
        shown = page.getresponse().read().decode()
        page.close()
        assert "新鲜度" in shown and "<code>flow</code>" in shown and "落后" in shown
    with Workspace(feed, env={}) as ws:
        assert run(ws).ok
        assert total(ws)[0] == 6
        with ws.store.begin(actor=ws.actor, read_only=True) as uow:
            (ran,) = uow.all(ScheduledRun)
        assert ran.ok and ran.failures == 0
