"""The data gateway: plain ASGI. Token → decision → keyed file → meter → answer.

    GET /v1/data/<product>?<key column>=…&purpose=…&fields=a,b&format=json|csv|arrow&limit=&after=
    Authorization: Bearer <token>        Idempotency-Key: <request>     (a repeat is billed once)

A whole key gives its rows, fewer key columns a page of rows in key order. Every call leaves a usage
record; the answer names it in `sanhua-use`. In ack mode the record is on disk before the answer is
sent. A repeat is the same question under the same key about the same data: another question, or the
same one when newer data is served, is another call.
"""

from __future__ import annotations

import hmac
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import unquote_plus

from sanhua.asset.contract import Decision, window_of
from sanhua.asset.meter import head_of, spelt, usage_line
from sanhua.engine.keyed import KeyedFile
from sanhua.kernel.errors import Unavailable
from sanhua.kernel.time import legal_day
from sanhua.store.lease import Leases
from sanhua.web.answer import FORMATS, as_arrow, as_csv, as_json, problem, projected
from sanhua.web.meter import Meter
from sanhua.web.once import sent_at_once, whole
from sanhua.workspace.dealing import Access, token_hash

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PREFIX = "/v1/data/"
PAGE_ROWS = 100
UNITS = ("call", "row", "mb")
WINDOWS = ("day", "month", "year", "term")
CLOCK_SLACK_MS = 1000  # a clock may be set back by this much while it is disciplined
_REQUEST = re.compile(rb"[!#-\[\]-~]{1,128}")  # printable, nothing that JSON escapes
_COUNT = re.compile(r"[1-9][0-9]{0,5}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")  # would end a header


class Refused(Exception):
    """A call that is not answered, with its public code."""

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.code, self.facts = code, facts


class Opened:
    """An access with its open file and the parts of answers and records that never change."""

    __slots__ = (
        "access",
        "bucket",
        "bucket_at",
        "decision",
        "denied_head",
        "file",
        "head",
        "headers",
        "held",
        "purposes",
        "secret",
        "spent",
        "text",
    )

    def __init__(self, access: Access, file: KeyedFile | None) -> None:
        self.access, self.file = access, file
        self.decision: Decision | None = access.decision
        snapshot = access.serving.snapshot if access.serving else "sha256:0"
        terms = access.decision.terms if access.decision else "sha256:0"
        self.head = head_of(access.deal, access.consumer, access.product, snapshot, terms)
        self.headers = [
            (b"cache-control", b"no-store"),
            (b"sanhua-deal", access.deal.encode()),
            (b"sanhua-terms", terms.encode()),
        ]
        if access.decision is not None and access.decision.duties:
            duties = _CONTROL.sub(" ", access.decision.duties)
            self.headers.append((b"sanhua-duties", duties.encode()))
        self.text = {  # of a whole answer but for its use, its length and its body
            kind: whole([(b"content-type", form.encode()), *self.headers])
            for kind, form in FORMATS.items()
        }
        covered = access.decision.purposes if access.decision else ()
        self.purposes = {code: spelt(code) for code in covered}  # as they stand in a usage record
        self.secret = b""  # the token's hash
        self.held: dict[str, int] = {}  # counter → units taken from its lease
        self.spent: dict[str, int] = {}  # counter → so many included units were not to be had
        self.bucket, self.bucket_at = 0.0, 0.0


class Gateway:
    """One worker's ASGI callable; what is not data goes to `portal`.

    `clock_ms` gives epoch milliseconds, `high_ms` the last moment that the meter knows of.
    """

    def __init__(
        self,
        meter: Meter,
        leases: Leases,
        portal: Callable[[Scope, Receive, Send], Awaitable[None]],
        *,
        high_ms: int = 0,
        workers: int = 1,
        offset_ms: int = 0,
    ) -> None:
        self.meter, self.leases, self.portal = meter, leases, portal
        self.workers, self.offset_ms = workers, offset_ms
        self.high_ms = high_ms
        self.by_hash: dict[str, Opened] = {}
        self._by_header: dict[bytes, Opened] = {}
        self._salt = secrets.randbits(30)
        self._number = 0
        self._second, self._second_text = 0, ""
        self._day: date | None = None
        self._windows: dict[str, str] = {}  # kind of window → the name of the one that runs

    def replace(self, opened: Mapping[str, Opened]) -> None:
        """Take the accesses as they are now; what was cached of the old ones is gone with them, but
        for what they hold of the limits.
        """
        for name, new in opened.items():
            new.secret = name.encode()
            old = self.by_hash.get(name)
            if old is not None and old is not new:
                new.held, new.spent = old.held, old.spent
                new.bucket, new.bucket_at = old.bucket, old.bucket_at
        self.by_hash, self._by_header = dict(opened), {}

    # Moments and ids

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000 + self.offset_ms

    def _at(self, ms: int) -> str:
        second, rest = divmod(ms, 1000)
        if second != self._second:
            moment = datetime.fromtimestamp(second, UTC)
            self._second, self._second_text = second, moment.strftime("%Y-%m-%dT%H:%M:%S.")
            day = legal_day(moment)
            if day != self._day:
                self._day = day
                self._windows = {window: window_of(window, day) for window in WINDOWS}
        return f"{self._second_text}{rest:03d}Z"

    def _new_number(self, ms: int) -> int:
        """The 128 bits of a UUIDv7 that no other worker gives."""
        self._number = n = self._number + 1
        return (
            (ms << 80) | (7 << 76) | (n >> 32 & 0xFFF) << 64 | 2 << 62 | self._salt << 32
            | (n & 0xFFFFFFFF)
        )  # fmt: skip

    # A call

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self.portal(scope, receive, send)
            return
        await self._data(scope, send)

    async def _data(self, scope: Scope, send: Send) -> None:
        token = request = accept = language = b""
        for name, value in scope["headers"]:
            if name == b"authorization":
                token = value
            elif name == b"idempotency-key":
                request = value
            elif name == b"accept":
                accept = value
            elif name == b"accept-language":
                language = value
        opened = self._by_header.get(token)
        ms = self.now_ms()
        at = self._at(ms)
        purpose = ""
        try:
            if opened is None:
                opened = self._open(token)
            if scope["method"] != "GET":
                raise Refused("call.method", method=scope["method"])
            if request and not _REQUEST.fullmatch(request):
                raise Refused("call.bad-parameter", name="Idempotency-Key", value="")
            asked = _asked(scope["query_string"])
            said = asked.pop("purpose", "")
            decision = self._may(opened, scope["path"][len(PREFIX) :], ms)
            purpose = said or decision.default_purpose
            if not purpose:
                raise Refused("call.purpose-missing", purposes=", ".join(sorted(decision.purposes)))
            listed = asked.pop("fields", "")
            fields = tuple(dict.fromkeys(listed.split(","))) if listed else ()
            refused = decision.decide(fields, purpose, ms)
            if refused:
                raise Refused(refused, purpose=purpose, fields=listed, deal=opened.access.deal)
            kind = asked.pop("format", "") or _kind(accept)
            if kind not in FORMATS:
                raise Refused("call.not-acceptable", value=kind, known=", ".join(FORMATS))
            rows, after = _rows(opened.file, asked, decision.page)
            body = _written(opened.file, rows, after, fields, kind)
            units = (1, len(rows), len(body))
            if decision.limits:
                self._reserve(opened, decision, units)
            reason = self._reason(opened, decision, ms, units)
            number = self._new_number(ms)
            self.meter.record(
                usage_line(
                    number,
                    at,
                    opened.head,
                    opened.purposes[purpose],
                    units,
                    "permit",
                    reason,
                    request.decode("latin-1"),
                    asked=self._fingerprint(opened, scope) if request else "",
                )
            )
            if self.meter.ack:
                await self.meter.committed()
        except Refused as error:
            await self._refuse(send, opened, error, ms, purpose, language)
            return
        except Unavailable as error:
            refusal = Refused(error.code, **error.diagnostic.facts)
            await self._refuse(send, opened, refusal, ms, purpose, language)
            return
        use = b"use_%032x" % number
        if sent_at_once(send, opened.text[kind] % (use, len(body), body)):
            return
        headers = [
            (b"content-type", FORMATS[kind].encode()),
            *opened.headers,
            (b"sanhua-use", use),
            (b"content-length", b"%d" % len(body)),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _fingerprint(self, opened: Opened, scope: Scope) -> str:
        """What was asked, for telling a repeat; the key is the token's hash, so that the meter
        gives no parameter away.
        """
        asked = scope["path"].encode() + b"?" + scope["query_string"]
        return hmac.digest(opened.secret, asked, "sha256")[:12].hex()

    def _open(self, header: bytes) -> Opened:
        scheme, _, secret = header.partition(b" ")
        if scheme.lower() != b"bearer" or not secret:
            raise Refused("call.no-token")
        opened = self.by_hash.get(token_hash(secret.strip().decode("latin-1")))
        if opened is None:
            raise Refused("call.unknown-token")
        self._by_header[header] = opened
        return opened

    def _may(self, opened: Opened, product: str, ms: int) -> Decision:
        """The decision of an access that may be used at all just now."""
        access, decision = opened.access, opened.decision
        if access.refused or decision is None or opened.file is None:
            raise Refused(access.refused or "call.not-served", deal=access.deal)
        if decision.product != f"product:{product}":
            raise Refused("call.no-such-product", product=product)
        if ms < self.high_ms - CLOCK_SLACK_MS:
            raise Refused("call.clock-set-back", seconds=(self.high_ms - ms) // 1000)
        self.high_ms = max(ms, self.high_ms)
        if self.meter.full is not None:
            raise Refused(self.meter.full.code, **self.meter.full.diagnostic.facts)
        if self.meter.crowded:
            raise Refused("call.crowded")
        if decision.qps:
            self._rate(opened, decision.qps / self.workers)
        return decision

    def _rate(self, opened: Opened, qps: float) -> None:
        """A bucket that fills at `qps`, a second's worth deep (one call at least)."""
        now = time.monotonic()
        deep = max(qps, 1.0)
        opened.bucket = min(deep, opened.bucket + (now - opened.bucket_at) * qps)
        opened.bucket_at = now
        if opened.bucket < 1:
            raise Refused("call.rate", qps=qps * self.workers)
        opened.bucket -= 1

    def _reserve(self, opened: Opened, decision: Decision, used: tuple[int, int, int]) -> None:
        """Take what a call uses from every limit, or nothing: Refused call.limit."""
        taken: list[tuple[str, int]] = []
        for unit, most, window in decision.limits:
            units = used[UNITS.index(unit)]
            bound = most * 1_000_000 if unit == "mb" else most
            counter = f"{decision.deal}|{unit}|{self._windows[window]}"
            if units and not self._take(opened, counter, units, bound):
                for name, back in taken:
                    opened.held[name] += back
                raise Refused("call.limit", unit=unit, limit=most, window=window)
            taken.append((counter, units))

    def _take(self, opened: Opened, counter: str, units: int, bound: int) -> bool:
        held = opened.held.get(counter, 0)
        if held < units:
            held += self.leases.take(counter, units - held, bound)
        if held < units:
            opened.held[counter] = held
            return False
        opened.held[counter] = held - units
        return True

    def _reason(
        self, opened: Opened, decision: Decision, ms: int, used: tuple[int, int, int]
    ) -> str:
        """Why the call is permitted, as far as this worker knows; the bill counts anew."""
        if ms >= decision.ends_ms:
            return "grace"
        for unit, most in decision.included.items():
            units = used[UNITS.index(unit)]
            bound = most * 1_000_000 if unit == "mb" else most
            counter = f"{decision.deal}|included.{unit}|{self._windows['month']}"
            # What is spent is not asked for again: each call would be a transaction of the leases.
            if units >= opened.spent.get(counter, units + 1):
                return decision.reason
            if not self._take(opened, counter, units, bound):
                opened.spent[counter] = units
                return decision.reason
        return "included" if decision.included else decision.reason

    def give_back(self) -> None:
        """Return what no call used of the leases, so that nobody is refused for it."""
        for opened in self.by_hash.values():
            for counter, units in opened.held.items():
                if units:
                    self.leases.give_back(counter, units)
            opened.held.clear()

    # Refusals

    async def _refuse(
        self,
        send: Send,
        opened: Opened | None,
        error: Refused,
        ms: int,
        purpose: str,
        language: bytes,
    ) -> None:
        if opened is None:
            self.meter.anonymous(error.code)
        else:
            number, at = self._new_number(ms), self._at(ms)
            spelt = opened.purposes.get(purpose, "")
            self.meter.record(
                usage_line(number, at, opened.head, spelt, (0, 0, 0), "deny", error.code, "")
            )
        await _answer(
            send, *problem(error.code, error.facts, "en" if language[:2] == b"en" else "zh")
        )

    def anonymous_line(self, reason: str, times: int) -> bytes:
        """The record of so many refusals of somebody unknown."""
        ms = self.now_ms()
        head = head_of("", "", "", "sha256:0", "sha256:0")
        return usage_line(
            self._new_number(ms), self._at(ms), head, "", (0, 0, 0), "deny", reason, "", times
        )


async def _answer(send: Send, status: int, body: bytes) -> None:
    """A refusal as problem+json."""
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
    ]
    if status == 405:
        headers.append((b"allow", b"GET"))
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    if status in (429, 503):
        headers.append((b"retry-after", b"1"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _asked(query: bytes) -> dict[str, str]:
    """The parameters of a call; Refused call.bad-parameter for one that comes twice."""
    found: dict[str, str] = {}
    if not query:
        return found
    for pair in query.decode("latin-1").split("&"):
        name, _, value = pair.partition("=")
        if "%" in pair or "+" in pair:
            name, value = unquote_plus(name), unquote_plus(value)
        if name in found:
            raise Refused("call.bad-parameter", name=name, value=value)
        if pair:
            found[name] = value
    return found


def _kind(accept: bytes) -> str:
    """The form that an Accept header asks for; JSON when it does not say."""
    if b"arrow" in accept:
        return "arrow"
    return "csv" if b"text/csv" in accept else "json"


def _rows(file: KeyedFile | None, asked: dict[str, str], most: int) -> tuple[list[str], str]:
    """The rows of a key or a page of at most `most`, and the position behind the page (empty: no
    more).
    """
    assert file is not None
    if len(asked) == len(file.key):
        try:
            return file.rows_at([asked[name] for name in file.key]), ""
        except KeyError:
            pass
    limit, after = asked.pop("limit", ""), asked.pop("after", "")
    prefix: list[str] = []
    for name in file.key:
        if name not in asked:
            break
        prefix.append(asked.pop(name))
    if asked:
        name, value = next(iter(asked.items()))
        raise Refused("call.bad-parameter", name=name, value=value)
    if limit and not (_COUNT.fullmatch(limit) and int(limit) <= most):
        raise Refused("call.bad-parameter", name="limit", value=limit)
    position: Sequence[str | int] = ()
    if after:
        try:
            position = _position(after, len(file.key))
        except (ValueError, RecursionError) as error:
            raise Refused("call.bad-parameter", name="after", value=after) from error
    rows, last = file.page(prefix, position, int(limit or min(PAGE_ROWS, most)))
    return rows, _after(last)


def _after(last: Sequence[str | int]) -> str:
    import base64
    import json

    return base64.urlsafe_b64encode(json.dumps(last).encode()).decode() if last else ""


def _position(after: str, width: int) -> Sequence[str | int]:
    import base64
    import json

    found = json.loads(base64.urlsafe_b64decode(after.encode()))
    kinds = [str] * width + [int]
    if not isinstance(found, list) or [type(one) for one in found] != kinds:  # pyright: ignore
        raise ValueError(after)
    *names, number = found  # pyright: ignore[reportUnknownVariableType]
    "".join(names).encode()  # pyright: ignore[reportUnknownArgumentType]  # no half surrogates
    if not 0 <= number < 1 << 63:
        raise ValueError(after)
    return found  # pyright: ignore[reportUnknownVariableType]


def _written(
    file: KeyedFile | None, rows: list[str], after: str, fields: Sequence[str], kind: str
) -> bytes:
    assert file is not None
    if fields:
        rows = [projected(body, fields) for body in rows]
    if kind == "json":
        return as_json(rows, after)
    columns = [column for column in file.columns if not fields or column.name in fields]
    if kind == "csv":
        return as_csv(rows, [column.name for column in columns])
    return as_arrow(rows, columns)
