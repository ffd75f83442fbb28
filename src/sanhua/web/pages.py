"""The first pages of the portal: the value path, and every node's drill-down one level at a time.

    GET /                  the value path of the project, from what the last run has kept
    GET /quality/<id>      the quality of a resource: score, trend, indicators, checks, issues
    GET /disclosures       every disclosure, and the assets
    GET /disclosure/<entity>/<period>   a disclosure: lines, tables A and B, ties, state
    GET /asset/<id>        the memo of an asset: verdicts, conditions, judgements, movements
    GET /explain/<node>    a node: value, place, rules, what it stands on and what stands on it
    GET /static/<name>     the style sheet and the icon

Pages are made on the server, read only, without script, from one origin. There is no sign-in yet:
they are shown on a loopback address alone, and only to a browser that names one (a foreign site
that points its own name at 127.0.0.1 sees nothing). Reads happen in a few threads of their own, so
that no page keeps a call of the data gateway waiting.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from importlib.resources import files
from ipaddress import ip_address
from typing import Any
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sanhua.kernel.errors import (
    Broken,
    Conflict,
    Denied,
    Diagnostic,
    Invalid,
    NotFound,
    RuleGap,
    SanhuaError,
    Severity,
    Unavailable,
)
from sanhua.resource.arrival import Freshness
from sanhua.web.show import LANGUAGES, Here, Shower, node_path
from sanhua.workspace.arriving import forget, freshness_of
from sanhua.workspace.browsing import Browser, Overview
from sanhua.workspace.leafing import Leafing
from sanhua.workspace.opening import Workspace

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

THREADS = 2
FRESH_S = 30.0  # how long the page of freshness may be old
WAITING_MAX = 32  # pages that wait for a thread
STATUS: dict[type[SanhuaError], int] = {
    Invalid: 422,
    NotFound: 404,
    Conflict: 409,
    Denied: 403,
    RuleGap: 422,
    Unavailable: 503,
    Broken: 500,
}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
STATIC = {"portal.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml"}
_log = logging.getLogger(__name__)


def portal(ws: Workspace, *, shown: bool) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """The ASGI callable of a worker's pages. Not `shown`, every path says why, and nothing of the
    project.
    """
    return _Portal(ws, shown)


@dataclass(frozen=True, slots=True)
class _Page:
    """What a request is answered with."""

    body: bytes
    status: int = 200
    media: str = "text/html; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


class _Portal:
    def __init__(self, ws: Workspace, shown: bool) -> None:
        self._shown = shown
        self._ws = ws
        self._browser = Browser(ws)
        self._leafing = Leafing(ws)
        self._own = ws.project.settings.language if shown else "zh"
        self._static = {
            name: files("sanhua.web").joinpath("static", name).read_bytes() for name in STATIC
        }
        self._tags = {name: _tag(body) for name, body in self._static.items()}
        self._shower = Shower({name: f"/static/{name}?v={tag}" for name, tag in self._tags.items()})
        self._fresh: tuple[int, float, list[Freshness]] | None = None
        self._homes: tuple[Overview | None, dict[Here, bytes]] = None, {}
        self._threads = ThreadPoolExecutor(THREADS, "page")
        self._waiting = 0
        self._app = Starlette(
            routes=[
                Route("/", partial(self._answer, self._home)),
                Route("/quality/{contract}", partial(self._answer, self._quality)),
                Route("/disclosures", partial(self._answer, self._disclosures)),
                Route("/disclosure/{entity}/{period}", partial(self._answer, self._disclosure)),
                Route("/asset/{asset}", partial(self._answer, self._asset_page)),
                Route("/freshness", partial(self._answer, self._freshness)),
                Route("/explain/{node:path}", partial(self._answer, self._explain)),
                Route("/static/{name}", self._asset),
            ],
            exception_handlers={HTTPException: self._refuse},
        )
        self._app.router.redirect_slashes = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        static = request.url.path.startswith("/static/")  # nothing of the project is in it
        if not static and not (self._shown and is_loopback(request)):
            error = Denied("page.not-shown")
            answer = self._sent(request, self._problem(request, error.diagnostic, 403))
            await answer(scope, receive, send)
            return
        await self._app(scope, receive, send)

    # Requests

    def _home(self, request: Request, language: str) -> bytes:
        overview, here = self._browser.overview(), _here(request, language)
        drawn, pages = self._homes
        if drawn is not overview:  # another state of the store
            pages = {}
            self._homes = overview, pages
        if here not in pages:
            pages[here] = self._shower.home(overview, here)
        return pages[here]

    def _freshness(self, request: Request, language: str) -> bytes:
        size = self._ws.store.size() if self._ws.has_store else 0
        at = time.monotonic()
        if self._fresh is None or self._fresh[0] != size or at > self._fresh[1] + FRESH_S:
            forget(self._ws)
            found = [freshness_of(self._ws, one) for one in self._ws.project.sources.values()]
            self._fresh = size, at, found
        title = self._ws.project.settings.title
        return self._shower.freshness(self._fresh[2], title, _here(request, language))

    def _explain(self, request: Request, language: str) -> bytes:
        offsets = {name: _offset(request, name) for name in ("out", "into", "parts")}
        opened = self._browser.open(request.path_params["node"], **offsets)
        title = self._ws.project.settings.title
        return self._shower.node(opened, title, offsets, _here(request, language))

    def _disclosures(self, request: Request, language: str) -> bytes:
        after = _offset(request, "after")
        notes = self._leafing.listed()
        assets, count = self._leafing.assets(after)
        title, here = self._ws.project.settings.title, _here(request, language)
        return self._shower.disclosures(notes, assets, count, after, title, here)

    def _disclosure(self, request: Request, language: str) -> bytes:
        shown = self._leafing.disclosure(
            request.path_params["entity"], request.path_params["period"]
        )
        title = self._ws.project.settings.title
        return self._shower.disclosure(shown, title, _here(request, language))

    def _asset_page(self, request: Request, language: str) -> bytes:
        after = _offset(request, "after")
        shown = self._leafing.asset(request.path_params["asset"], after)
        title = self._ws.project.settings.title
        return self._shower.asset(shown, after, title, _here(request, language))

    def _quality(self, request: Request, language: str) -> bytes:
        said = self._browser.quality(request.path_params["contract"])
        title = self._ws.project.settings.title
        return self._shower.quality(said, title, _here(request, language))

    async def _answer(self, make: Callable[[Request, str], bytes], request: Request) -> Response:
        """Make a page in a thread; what fails becomes a page that says so."""
        language = self._language(request)
        if self._waiting >= WAITING_MAX:
            error = Unavailable("page.crowded", count=WAITING_MAX)
            return self._sent(request, self._problem(request, error.diagnostic, 503))
        self._waiting += 1
        loop = asyncio.get_running_loop()
        try:
            page = await loop.run_in_executor(self._threads, self._made, make, request, language)
        finally:
            self._waiting -= 1
        return self._sent(request, page)

    def _made(
        self, make: Callable[[Request, str], bytes], request: Request, language: str
    ) -> _Page:
        try:
            return _Page(make(request, language))
        except SanhuaError as error:
            status = next(code for kind, code in STATUS.items() if isinstance(error, kind))
            if error.code == "run.nothing-yet" and not _wants_json(request):
                return _Page(self._shower.never_run(self._ws.project, _here(request, language)))
            return self._problem(request, error.diagnostic, status)
        except Exception:
            incident = secrets.token_hex(4)
            _log.exception("incident %s: %s", incident, request.url.path)
            found = Diagnostic(Severity.ERROR, "page.defect", facts={"incident": incident})
            return self._problem(request, found, 500)

    async def _asset(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self._static:
            raise HTTPException(404)
        pinned = request.query_params.get("v") == self._tags[name]
        keep = "public, max-age=31536000, immutable" if pinned else "no-cache"
        headers = {"Cache-Control": keep}
        return self._sent(request, _Page(self._static[name], 200, STATIC[name], headers))

    async def _refuse(self, request: Request, error: Exception) -> Response:
        """Starlette's own refusals: no such path, another method."""
        assert isinstance(error, HTTPException)
        if error.status_code == 405:
            found = Invalid("page.method", method=request.method).diagnostic
        else:
            found = NotFound("page.not-found", path=request.url.path).diagnostic
        page = self._problem(request, found, error.status_code)
        return self._sent(request, page, error.headers)

    # Answers

    def _language(self, request: Request) -> str:
        """`?lang=`, else what the browser likes best, else the project's own language."""
        asked = request.query_params.get("lang")
        if asked in LANGUAGES:
            return asked
        return liked(request.headers.get("accept-language", ""), self._own)

    def _problem(self, request: Request, found: Diagnostic, status: int) -> _Page:
        """A refusal: a page for people, problem+json (RFC 9457) for programs."""
        language = self._language(request)
        if not _wants_json(request):
            shown = self._shown and found.code != "page.not-shown"
            return _Page(
                self._shower.problem(found, status, _here(request, language), shown), status
            )
        said = {
            "type": f"urn:sanhua:error:{found.code}",
            "title": found.message(language),
            "status": status,
            "code": found.code,
            "detail": found.hint(language),
        }
        body = json.dumps(said, ensure_ascii=False).encode()
        return _Page(body, status, "application/problem+json")

    def _sent(
        self, request: Request, page: _Page, more: Mapping[str, str] | None = None
    ) -> Response:
        headers = {**HEADERS, "Cache-Control": "private, no-cache", **page.headers, **(more or {})}
        if page.media != "text/css; charset=utf-8":
            headers["Vary"] = "Accept, Accept-Language"
        if page.status == 200:
            headers["ETag"] = f'"{_tag(page.body)}"'
            if headers["ETag"] in request.headers.get("if-none-match", ""):
                return Response(status_code=304, headers=headers)
        else:
            headers["Cache-Control"] = "no-store"
        return Response(page.body, page.status, headers, page.media)


def liked(accept: str, own: str) -> str:
    """The language of ours that an Accept-Language header puts first; `own` when it names none."""
    best, weight = own, 0.0
    for item in accept.split(","):
        name, _, parameter = item.strip().partition(";")
        code = name.strip().lower().partition("-")[0]
        try:
            quality = float(parameter.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        if code in LANGUAGES and quality > weight:
            best, weight = code, quality
    return best


def _wants_json(request: Request) -> bool:
    accept = request.headers.get("accept", "")
    return "text/html" not in accept and ("json" in accept or request.url.path.startswith("/v1/"))


def is_loopback(request: Request) -> bool:
    """Whether the browser was told a loopback address or `localhost`."""
    host = request.headers.get("host", "")
    name = (
        host.partition("]")[0].removeprefix("[") if host.startswith("[") else host.partition(":")[0]
    )
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name.lower().rstrip(".") == "localhost"


def _here(request: Request, language: str) -> Here:
    node = request.path_params.get("node")
    path = node_path(node) if node is not None else quote(request.url.path, safe="/:@.-_")
    return Here(path, language, "lang" in request.query_params)


def _offset(request: Request, name: str) -> int:
    value = request.query_params.get(name, "0")
    if not (value.isascii() and value.isdecimal() and len(value) < 10):
        raise Invalid("page.bad-parameter", name=name, value=value[:40])
    return int(value)


def _tag(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:16]
