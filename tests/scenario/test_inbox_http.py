"""Files sent to the inbox over HTTP: what was answered 2xx is there, whatever dies afterwards; the
scheduler takes and builds it.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import deals
import pytest
from test_feed import FILES, body, drop, name_of

from sanhua.workspace.opening import Workspace
from sanhua.workspace.running import run


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


def healthz(gateway: deals.Gateway) -> dict[str, Any]:
    line = http.client.HTTPConnection(gateway.address, timeout=20)
    line.request("GET", "/healthz")
    found = json.loads(line.getresponse().read())
    line.close()
    return found


def test_what_was_answered_is_there_after_a_kill_and_counts_once(feed: Path):
    token = deals.say(feed, "source", "token", "flow", "--party", "gates")["token"]
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
        for name in ("..%2f..%2fsanhua.yaml", "%2e%2e", ".hidden", "a.csv.part", "a%00.csv"):
            assert code(token, name, body(2)) == (422, "inbox.bad-name"), name
        gateway.kill()
    with Workspace(feed, env={}) as ws:
        made = run(ws)
        assert made.ok, made.error
        rows = ws.engine.query("SELECT count(*), CAST(sum(inflow) AS BIGINT) FROM flow")
        assert rows == [(6, sum(range(3)) + 3 + sum(range(3)) + 3)]
    (fresh,) = deals.say(feed, "report", "freshness", code=1)["sources"]
    assert (fresh["arrivals"], fresh["repeated"], fresh["corrected"]) == (4, 1, 1)
    left = [p for p in (feed / "state" / "raw" / "flow").rglob("*") if p.is_file()]
    assert len(left) == 3 and "sanhua.yaml" in {p.name for p in feed.iterdir()}


def test_a_revoked_token_sends_nothing_more(feed: Path):
    made = deals.say(feed, "source", "token", "flow", "--party", "gates")
    assert deals.say(feed, "source", "token", "nothing", "--party", "gates", code=3)
    with deals.serving(feed) as gateway:
        assert send(gateway, made["token"], name_of(0), body(0))[0] == 201
        deals.say(feed, "source", "revoke", made["id"])
        assert send(gateway, made["token"], name_of(1), body(1))[0] == 401
    stored = b"".join(p.read_bytes() for p in (feed / "state").glob("state.db*"))
    assert made["token"].encode() not in stored


def test_the_scheduler_takes_what_comes_and_builds_what_is_made_from_it(feed: Path):
    token = deals.say(feed, "source", "token", "flow", "--party", "gates")["token"]
    source = feed / "sources" / "flow.yaml"
    assert FILES["sources/flow.yaml"].count("done: .ok") == 1 and source.exists()
    with deals.serving(feed, "--schedule") as gateway:
        drop(feed, name_of(0), body(0))
        assert send(gateway, token, name_of(1), body(1))[0] == 201

        def built() -> bool:
            found = deals.say(feed, "source", "list")["sources"][0]
            return bool(found["last_at"]) and found["fault"] == "" and not any(
                (feed / "state" / "raw" / "flow" / "incoming").glob("*.json")
            ) and any((feed / "state" / "lake" / "built").glob("by_hour/*"))  # fmt: skip

        deals.wait_until(built, 30)
        told = healthz(gateway)
        assert told["status"] == "ok"
        assert [one["source"] for one in told["schedule"]["sources"]] == ["flow"]
        page = http.client.HTTPConnection(gateway.address, timeout=20)
        page.request("GET", "/freshness?lang=zh")
        shown = page.getresponse().read().decode()
        page.close()
        assert "新鲜度" in shown and "<code>flow</code>" in shown and "落后" in shown
    with Workspace(feed, env={}) as ws:
        made = run(ws)  # what no select brings is done now, the tables are there
        done = {f"{step.step} {step.node}" for step in made.steps if step.status == "done"}
        assert not done & {"collect table:flow", "build table:by_hour"}
        with ws.store.begin(actor=ws.actor, read_only=True) as uow:
            from sanhua.workspace.scheduling import ScheduledRun

            (ran,) = uow.all(ScheduledRun)
        assert ran.ok and ran.failures == 0
