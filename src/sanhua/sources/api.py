"""Read over HTTP: a JSON API page by page, each page kept as it was answered, or one file.

Only http and https; a redirect or a next link leads to the same host or to one of `hosts`, and
headers (which hold secrets) are sent to the first host alone. Nothing is taken from the environment
but the system's certificates. Answers of 429 and 5xx and broken connections are tried again, as
`Retry-After` says or with growing waits; everything has a limit: seconds, pages, bytes.
"""

from __future__ import annotations

import email.utils
import json
import random
import re
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

from sanhua.kernel.errors import Invalid, Unavailable
from sanhua.resource.collect import Api
from sanhua.sources.landing import Landing, Receiving

TRIES = 5
RETRY_WAIT_S = 60.0  # a longer Retry-After ends the fetch
CONNECT_WAIT_S = 10.0
READ_WAIT_S = 60.0
REDIRECTS_MAX = 5
PAGE_BYTES_MAX = 256 << 20  # a page is parsed in memory
AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
AGENT = "sanhua"
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FILE = re.compile(r"\.(csv|tsv|txt|parquet|xlsx|xlsm|zip|gz|ndjson|jsonl|json)$")


@dataclass(frozen=True, slots=True)
class Page:
    """One landed answer."""

    name: str
    content: str
    bytes: int


@dataclass(slots=True)
class Answered:
    """What a fetch gave; `digest` tells one whole from another."""

    files: list[Page] = field(default_factory=list[Page])
    records: int = 0
    digest: str = ""


def read(form: Api, source: str, records: str, landing: Landing, kind: str = "") -> Answered:
    """Land what an API or address answers; nothing of it when it fails midway. `kind` is a format
    that the answer has whatever the address ends in.

    Unavailable api.unreachable, api.status, api.timeout; Invalid api.too-large, api.too-many-pages,
    api.other-host, api.loop, api.not-json, api.no-records, api.bad-header.
    """
    _must_be_headers(form.headers)
    reading = _Reading(form, landing)
    made = Answered()
    with reading.client, reading.all_or_nothing():
        if form.pages.by or not (_is_file(form.url) or kind not in ("", "json")):
            for number, (page, count) in enumerate(reading.pages(source, records), 1):
                made.records += count
                if count or number == 1:
                    made.files.append(page)
        else:
            made.files.append(reading.file(source, {"excel": "xlsx"}.get(kind, kind)))
    whole = " ".join(f"{one.name} {one.content}" for one in made.files)
    made.digest = f"pages:{sha256(whole.encode()).hexdigest()}"
    return made


def _is_file(url: str) -> bool:
    """Whether an address names a file other than JSON that is asked for whole."""
    found = _FILE.search(urlsplit(url).path.lower())
    return found is not None and found[1] != "json"


def asked(form: Api) -> dict[str, str]:
    """What is asked, in words that hold no secret: of the query only its names."""
    parts = urlsplit(form.url)
    names = ",".join(sorted({pair.partition("=")[0] for pair in parts.query.split("&")} - {""}))
    found = {"url": f"{parts.scheme}://{parts.hostname or ''}{parts.path}", "query": names,
             "headers": ",".join(sorted(form.headers)), "pages": form.pages.by}  # fmt: skip
    return {key: value for key, value in found.items() if value}


class _Reading:
    def __init__(self, form: Api, landing: Landing) -> None:
        self.form, self.landing = form, landing
        self.until = time.monotonic() + form.timeout_s
        self.left = form.bytes_max
        self.home = _host(form.url)
        self.new: list[tuple[str, str]] = []
        self.client = httpx.Client(
            verify=ssl.create_default_context(),
            timeout=httpx.Timeout(READ_WAIT_S, connect=CONNECT_WAIT_S),
            follow_redirects=False,
            trust_env=False,
            headers={"User-Agent": AGENT, "Accept-Encoding": "gzip, deflate"},
            limits=httpx.Limits(max_connections=1),
        )

    # Pages

    def pages(self, source: str, records: str) -> Iterator[tuple[Page, int]]:
        """Each page, landed, with how many records it holds."""
        pages, at = self.form.pages, self.form.pages.start
        url, more = self.form.url, self._parameters(at, "")
        seen: set[str] = set()
        for number in range(1, self.form.pages_max + 2):
            if number > self.form.pages_max:
                raise Invalid("api.too-many-pages", most=self.form.pages_max)
            where = f"{url} {sorted(more.items())}"
            if where in seen:
                raise Invalid("api.loop", page=number)
            seen.add(where)
            name = f"{source}-{number:05d}.json" if pages.by else f"{source}.json"
            page, value, link = self._page(url, more, name)
            count = _count(value, records, name)
            yield page, count
            if not pages.by:
                return
            if pages.by in ("page", "offset"):
                if not count or (pages.size and count < pages.size):
                    return
                at += 1 if pages.by == "page" else pages.size
                more = self._parameters(at, "")
                continue
            following = _found(value, pages.at) if pages.at else link
            if following in (None, "", False):
                return
            if pages.by == "next":
                url, more = self._allowed(urljoin(url, str(following))), {}
            else:
                more = self._parameters(at, str(following))

    def _parameters(self, at: int, token: str) -> dict[str, str]:
        pages = self.form.pages
        found: dict[str, str] = {}
        if pages.by in ("page", "offset"):
            found[pages.parameter] = str(at)
        elif pages.by == "cursor" and token:
            found[pages.parameter] = token
        if pages.size_parameter and pages.size:
            found[pages.size_parameter] = str(pages.size)
        return found

    def _page(self, url: str, more: Mapping[str, str], name: str) -> tuple[Page, Any, str]:
        with self.landing.receiving(name) as receiving:
            body = bytearray()
            answer = self._received(url, more, receiving, body)
            try:
                value = json.loads(body)
            except (ValueError, RecursionError) as error:
                kind = answer.headers.get("content-type", "–")
                raise Invalid("api.not-json", page=name, type=kind[:60]) from error
            content = self._kept(receiving)
            link = answer.links.get("next", {}).get("url", "")
            return Page(name, content, receiving.bytes), value, link

    def file(self, source: str, kind: str) -> Page:
        """The file at the address, landed under its own ending."""
        name = urlsplit(self.form.url).path.rpartition("/")[2]
        ending = re.search(r"(\.[A-Za-z0-9]{1,8}){1,2}$", name)
        name = f"{source}{ending[0].lower() if ending and not kind else f'.{kind}'}"
        with self.landing.receiving(name) as receiving:
            self._received(self.form.url, {}, receiving, None)
            return Page(name, self._kept(receiving), receiving.bytes)

    def _kept(self, receiving: Receiving) -> str:
        if not self.landing.has(receiving.name, receiving.content):
            self.new.append((receiving.name, receiving.content))
        return receiving.keep()

    @contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """What was landed goes again when a later page fails."""
        try:
            yield
        except BaseException:
            for name, content in self.new:
                self.landing.path(name, content).unlink(missing_ok=True)
            raise

    # One answer

    def _received(
        self,
        url: str,
        more: Mapping[str, str],
        receiving: Receiving,
        body: bytearray | None,
    ) -> httpx.Response:
        """The body written to `receiving` (and `body`), tried again while that may help."""
        tried = 0
        while True:
            tried += 1
            wait = min(RETRY_WAIT_S, 0.5 * 2**tried) * random.uniform(0.5, 1.0)
            try:
                with self._answer(url, more) as answer:
                    if answer.status_code not in AGAIN:
                        if answer.status_code != 200:
                            raise Unavailable(
                                "api.status", status=answer.status_code, url=_shown(url)
                            )
                        self._copy(answer, receiving, body)
                        return answer
                    reason = f"HTTP {answer.status_code}"
                    said = _after(answer.headers.get("retry-after", ""))
                    wait = wait if said is None else said
            except httpx.InvalidURL as error:
                raise Invalid("api.bad-url", url=_shown(url)) from error
            except (httpx.TransportError, httpx.DecodingError) as error:
                reason = f"{type(error).__name__} {error}"[:200]
            if tried >= TRIES or wait > RETRY_WAIT_S:
                raise Unavailable(
                    "api.unreachable", url=_shown(url), reason=reason, tries=tried
                ) from None
            receiving.restart()
            if body is not None:
                body.clear()
            if time.monotonic() + wait > self.until:
                raise Unavailable("api.timeout", seconds=self.form.timeout_s, url=_shown(url))
            time.sleep(wait)

    def _answer(self, url: str, more: Mapping[str, str]) -> Any:
        """The answer's stream after redirects to where it may lead."""
        for _ in range(REDIRECTS_MAX):
            if time.monotonic() > self.until:
                raise Unavailable("api.timeout", seconds=self.form.timeout_s, url=_shown(url))
            headers = dict(self.form.headers) if _host(url) == self.home else {}
            whole = httpx.URL(url).copy_merge_params(dict(more)) if more else httpx.URL(url)
            request = self.client.build_request("GET", whole, headers=headers)
            answer = self.client.send(request, stream=True)
            if not answer.is_redirect:
                return _Closing(answer)
            to = answer.headers.get("location", "")
            answer.close()
            url, more = self._allowed(urljoin(str(whole), to)), {}
        raise Invalid("api.loop", page=REDIRECTS_MAX)

    def _copy(self, answer: httpx.Response, receiving: Receiving, body: bytearray | None) -> None:
        most = self.left if body is None else min(self.left, PAGE_BYTES_MAX)
        for data in answer.iter_bytes():  # as it comes: a trickle must not outlast the time
            if time.monotonic() > self.until:
                raise Unavailable(
                    "api.timeout", seconds=self.form.timeout_s, url=_shown(str(answer.url))
                )
            if receiving.bytes + len(data) > most:
                raise Invalid("api.too-large", megabytes=most >> 20)
            receiving.write(data)
            if body is not None:
                body += data
        self.left -= receiving.bytes

    def _allowed(self, url: str) -> str:
        """`url`, if data may be fetched from there: never from https down to http."""
        scheme, host = urlsplit(url).scheme, _host(url)
        if scheme not in ("http", "https"):
            raise Invalid("api.scheme", scheme=scheme[:20])
        down = scheme == "http" and urlsplit(self.form.url).scheme == "https"
        names = {host, host.rpartition(":")[0]}
        if down or (host != self.home and not names & set(self.form.hosts)):
            raise Invalid("api.other-host", host=f"{scheme}://{host}")
        return url


def _must_be_headers(headers: Mapping[str, str]) -> None:
    """Said here, by name: what a library says of a bad one holds its value, which is secret."""
    for name, value in headers.items():
        plain = value.isascii() and (value.isprintable() or not value) and value == value.strip()
        if not plain or not _HEADER.fullmatch(name):
            raise Invalid("api.bad-header", name=name[:60])


class _Closing:
    """An answer that is closed when it was read."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer

    def __enter__(self) -> httpx.Response:
        return self.answer

    def __exit__(self, *_: object) -> None:
        self.answer.close()


def _host(url: str) -> str:
    """`name:port`, the port always said."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError as error:
        raise Invalid("api.bad-url", url=_shown(url)) from error
    return f"{parts.hostname or ''}:{port or (443 if parts.scheme == 'https' else 80)}"


def _shown(url: str) -> str:
    """An address without what may be secret in it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"


def _after(written: str) -> float | None:
    """Seconds of a Retry-After: a number or a date."""
    if written.strip().isdecimal():
        return float(written)
    try:
        moment = email.utils.parsedate_to_datetime(written)
    except (TypeError, ValueError):
        return None
    return max(0.0, moment.timestamp() - time.time())


def _found(value: Any, path: str) -> Any:
    """`$.links.next` in a JSON value; None when it is not there."""
    for step in path.removeprefix("$").strip(".").split("."):
        if step:
            value = value.get(step) if isinstance(value, dict) else None
    return value


def _count(value: Any, records: str, name: str) -> int:
    found = _found(value, records or "$")
    if found is None:
        raise Invalid("api.no-records", page=name, records=records or "$")
    return len(found) if isinstance(found, list | dict) else 1
