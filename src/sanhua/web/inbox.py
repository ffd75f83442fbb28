"""The inbox over HTTP: whoever holds a source's token puts files into it.

    POST /inbox/<source>/<name>      Authorization: Bearer <token>      (body: the file's bytes)

201 when the bytes are new under this name, 200 when they were here before: sending again is safe.
Other bytes under the same name are taken too, as a correction. An answer 2xx means that the file is
on the disk; whether it can be read is told by the next run and `sanhua report freshness`. A
`Content-Digest: sha-256=:…:` that does not match, or a body cut short, keeps nothing.
"""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sanhua.kernel.errors import Invalid, SanhuaError, Unavailable
from sanhua.kernel.messages import render
from sanhua.kernel.time import moment_text
from sanhua.resource.arrival import Sender
from sanhua.resource.collect import Inbox
from sanhua.sources.landing import Landing, Note, checked_name
from sanhua.workspace.arriving import landing_of
from sanhua.workspace.dealing import token_hash
from sanhua.workspace.opening import Workspace
from sanhua.workspace.sending import senders

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PREFIX = "/inbox/"
UPLOADS_MAX = 16  # files under way at once in a worker
CHUNK_WAIT_S = 30  # how long a sender may keep silent,
UPLOAD_WAIT_S = 3600  # and how long a file may take
STATUS = {
    "inbox.no-token": 401,
    "inbox.unknown-token": 401,
    "inbox.other-source": 403,
    "inbox.method": 405,
    "inbox.timeout": 408,
    "inbox.too-large": 413,
    "inbox.empty": 422,
    "inbox.bad-name": 422,
    "inbox.digest": 422,
    "inbox.crowded": 503,
    "run.disk-full": 507,
    "run.no-access": 503,
}


class InboxServer:
    """A worker's ASGI callable for the inboxes; every other path goes to `beyond`."""

    def __init__(
        self,
        ws: Workspace,
        beyond: Callable[[Scope, Receive, Send], Awaitable[None]],
        *,
        offset_s: float = 0.0,
    ) -> None:
        self._ws, self._beyond = ws, beyond
        self._offset = timedelta(seconds=offset_s)
        self._inboxes: dict[str, tuple[Inbox, Landing]] = {
            source.id: (source.fetched, landing_of(ws, source.id))
            for source in ws.project.sources.values()
            if isinstance(source.fetched, Inbox)
        }
        self._size, self._known = -1, dict[str, Sender]()
        self._under_way = 0
        self._threads = ThreadPoolExecutor(4, "inbox")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self._beyond(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        language = "en" if headers.get(b"accept-language", "")[:2] == "en" else "zh"
        try:
            status, said = await self._taken(scope, headers, receive)
        except SanhuaError as error:
            facts = error.diagnostic.facts
            title, hint = render(error.code, facts, language)
            status = STATUS.get(error.code, 422)
            said = {
                "type": f"urn:sanhua:error:{error.code}",
                "title": title,
                "status": status,
                "code": error.code,
                "detail": hint,
            }
        body = json.dumps(said, ensure_ascii=False).encode()
        kind = b"application/json" if status < 300 else b"application/problem+json"
        answer = [
            (b"content-type", kind),
            (b"content-length", b"%d" % len(body)),
            (b"cache-control", b"no-store"),
        ]
        if status == 401:
            answer.append((b"www-authenticate", b"Bearer"))
        if status == 503:
            answer.append((b"retry-after", b"1"))
        if status >= 400:
            answer.append((b"connection", b"close"))  # the rest of a body is not read
        await send({"type": "http.response.start", "status": status, "headers": answer})
        await send({"type": "http.response.body", "body": body})

    async def _taken(
        self, scope: Scope, headers: dict[bytes, str], receive: Receive
    ) -> tuple[int, dict[str, Any]]:
        loop = asyncio.get_running_loop()
        scheme, _, secret = headers.get(b"authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secret:
            raise Invalid("inbox.no-token")
        sender = await loop.run_in_executor(self._threads, self._sender, secret.strip())
        source, _, rest = scope["path"][len(PREFIX) :].partition("/")
        if sender is None:
            raise Invalid("inbox.unknown-token")
        if sender.source != source or source not in self._inboxes:
            raise Invalid("inbox.other-source", source=source[:63])
        if scope["method"] not in ("POST", "PUT"):
            raise Invalid("inbox.method", method=scope["method"])
        name = checked_name(rest)
        inbox, landing = self._inboxes[source]
        declared = headers.get(b"content-length", "")
        if declared.isdecimal() and int(declared) > inbox.bytes_max:
            raise Invalid("inbox.too-large", megabytes=inbox.bytes_max >> 20)
        if self._under_way >= UPLOADS_MAX:
            raise Unavailable("inbox.crowded", count=UPLOADS_MAX)
        self._under_way += 1
        try:
            return await self._received(
                sender, name, inbox, landing, headers.get(b"content-digest", ""), receive
            )
        finally:
            self._under_way -= 1

    async def _received(
        self,
        sender: Sender,
        name: str,
        inbox: Inbox,
        landing: Landing,
        digest: str,
        receive: Receive,
    ) -> tuple[int, dict[str, Any]]:
        loop = asyncio.get_running_loop()
        until = time.monotonic() + UPLOAD_WAIT_S
        with landing.receiving(name) as receiving:
            more = True
            while more:
                wait = min(CHUNK_WAIT_S, until - time.monotonic())
                try:
                    message = await asyncio.wait_for(receive(), max(wait, 0.01))
                except TimeoutError:
                    raise Unavailable("inbox.timeout", seconds=CHUNK_WAIT_S) from None
                if message["type"] == "http.disconnect":
                    raise Unavailable("inbox.timeout", seconds=CHUNK_WAIT_S)
                data = message.get("body", b"")
                more = message.get("more_body", False)
                if receiving.bytes + len(data) > inbox.bytes_max:
                    raise Invalid("inbox.too-large", megabytes=inbox.bytes_max >> 20)
                if data:
                    await loop.run_in_executor(self._threads, receiving.write, data)
            if not receiving.bytes:
                raise Invalid("inbox.empty", name=name)
            _must_match(digest, receiving.content)
            known = landing.has(name, receiving.content)
            content = await loop.run_in_executor(self._threads, receiving.keep)
            at = moment_text(datetime.now(UTC) + self._offset)
            note = Note(
                "".join(c for c in at if c.isdigit()) + f"-{secrets.token_hex(8)}",
                name,
                content,
                receiving.bytes,
                at,
                "http",
                sender.party,
            )
            await loop.run_in_executor(self._threads, landing.note, note)
        said = {"source": sender.source, "name": name, "content": content, "bytes": note.bytes}
        return 200 if known else 201, {**said, "received_at": at, "known": known}

    def _sender(self, secret: str) -> Sender | None:
        size = self._ws.store.size()
        if size != self._size:
            self._known = senders(self._ws)
            self._size = size
        return self._known.get(token_hash(secret))


def _must_match(digest: str, content: str) -> None:
    """RFC 9530: `sha-256=:<base64>:`, when the sender says it."""
    for part in digest.split(","):
        kind, _, value = part.strip().partition("=")
        if kind.lower() == "sha-256":
            wanted = base64.b64encode(bytes.fromhex(content.removeprefix("sha256:"))).decode()
            if value.strip().strip(":") != wanted:
                raise Invalid("inbox.digest")


def health(
    root: Path, shown: bool, beyond: Callable[[Scope, Receive, Send], Awaitable[None]]
) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """`GET /healthz`: that this worker answers; where the project may be shown, what is due."""
    from starlette.requests import Request

    from sanhua.web.pages import is_loopback
    from sanhua.workspace.scheduling import schedule_file

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != "/healthz":
            await beyond(scope, receive, send)
            return
        said: dict[str, Any] = {"status": "ok"}
        if shown and is_loopback(Request(scope, receive)):
            try:
                said["schedule"] = json.loads(schedule_file(root).read_bytes())
            except (OSError, ValueError):
                said["schedule"] = None
        body = json.dumps(said, ensure_ascii=False).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"cache-control", b"no-store"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return answer
