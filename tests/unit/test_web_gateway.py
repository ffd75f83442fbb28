"""The gateway's hot path: what it asks for once, and what it writes in one piece."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from sanhua.asset.contract import Decision
from sanhua.web.gateway import Gateway, Opened
from sanhua.web.once import sent_at_once, whole
from sanhua.workspace.dealing import Access

MARCH_MS, APRIL_MS = 1_772_323_200_000, 1_775_001_600_000


def opened(included: dict[str, int], duties: str = "") -> Opened:
    decision = Decision(
        "deal:a", "sha256:7e", "product:p", "party:b", frozenset({"x"}), frozenset({"credit"}),
        "credit", 0, 1 << 50, 1 << 50, included=included, duties=duties,
    )  # fmt: skip
    access = Access("tok_1", "deal:a", "party:b", "product:p", decision=decision)
    return Opened(access, None)


class CountedLeases:
    """One bound of units, and how often it was asked for some."""

    def __init__(self, left: int) -> None:
        self.left, self.asked = left, 0

    def take(self, counter: str, least: int, bound: int) -> int:
        self.asked += 1
        got = least if self.left >= least else 0
        self.left -= got
        return got


def test_included_units_that_are_spent_are_not_asked_for_again_in_their_month():
    leases = CountedLeases(3)
    gateway = Gateway(None, leases, None)  # type: ignore[arg-type]
    access = opened({"row": 3})

    def reason(rows: int, ms: int) -> str:
        gateway._at(ms)
        assert access.decision is not None
        return gateway._reason(access, access.decision, ms, (1, rows, 10))

    assert [reason(2, MARCH_MS), reason(2, MARCH_MS)] == ["included", "usage"]
    asked = leases.asked
    assert [reason(2, MARCH_MS) for _ in range(5)] == ["usage"] * 5 and leases.asked == asked
    assert reason(1, MARCH_MS) == "included"  # fewer may still be had
    leases.left = 2
    assert reason(2, APRIL_MS) == "included"


def test_a_duty_cannot_end_a_header():
    duties = dict(opened({}, "attribute to=plant\r\nset-cookie: a=b").headers)[b"sanhua-duties"]
    assert duties == b"attribute to=plant set-cookie: a=b"


class Written:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.parts.append(data)

    def close(self) -> None:
        pass

    def is_closing(self) -> bool:
        return False


def cycle(*, keep_alive: bool) -> tuple[RequestResponseCycle, Written, list[str]]:
    transport, ended = Written(), list[str]()
    on_response: Callable[[], None] = lambda: ended.append("ended")  # noqa: E731
    log = logging.getLogger("test")
    made = RequestResponseCycle(
        {"type": "http", "method": "GET"},  # type: ignore[typeddict-item]
        transport,  # type: ignore[arg-type]
        FlowControl(transport),  # type: ignore[arg-type]
        log, log, False, [], asyncio.Event(), False, keep_alive, on_response,
    )  # fmt: skip
    return made, transport, ended


def test_an_answer_in_one_write_is_the_answer_of_two():
    """Fails when a new uvicorn has other parts: then answers fall back to two writes."""
    headers, body = [(b"content-type", b"text/csv"), (b"sanhua-deal", b"deal:100%")], b"a,b\n"
    one, at_once, ended = cycle(keep_alive=True)
    assert sent_at_once(one.send, whole(headers) % (b"use_1", len(body), body))
    assert len(at_once.parts) == 1 and one.response_complete and ended == ["ended"]
    two, written, _ = cycle(keep_alive=True)
    said = [*headers, (b"sanhua-use", b"use_1"), (b"content-length", b"%d" % len(body))]

    async def by_asgi() -> None:
        await two.send({"type": "http.response.start", "status": 200, "headers": said})
        await two.send({"type": "http.response.body", "body": body})

    asyncio.run(by_asgi())
    assert b"".join(written.parts) == b"".join(at_once.parts)
    assert vars(one).keys() == vars(two).keys() and two.response_complete


def test_an_answer_that_ends_the_connection_is_left_to_uvicorn():
    one, written, _ = cycle(keep_alive=False)
    assert not sent_at_once(one.send, b"x")

    async def send(message: Any) -> None: ...

    assert not sent_at_once(send, b"x")
    assert written.parts == [] and not one.response_started
