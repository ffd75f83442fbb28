"""Requests that do not arrive: bounds in time, bytes and number, which uvicorn lacks.

uvicorn closes a connection that idles between two requests, but waits for ever for the rest of one
that was begun, keeps a head of any length, and takes any number of connections.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol as AutoHTTPProtocol
else:
    from uvicorn.protocols.http.auto import AutoHTTPProtocol

ARRIVE_S = 10.0  # from its first byte (or the connection's begin) until a request is whole
HEAD_BYTES_MAX = 64 * 1024
OWN_TIME = (
    "/inbox/"  # files take longer; the inbox bounds them itself, and asks for the token first
)
CONNECTIONS_MAX = 1000  # of a worker; fewer where the process may open few files


def connections_max() -> int:
    """CONNECTIONS_MAX, or half of what the process may open."""
    try:
        import resource
    except ImportError:  # Windows
        return CONNECTIONS_MAX
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return CONNECTIONS_MAX if soft < 0 else min(CONNECTIONS_MAX, soft // 2)


class Arriving(AutoHTTPProtocol):
    """uvicorn's protocol of one connection; what breaks a bound is cut off without an answer."""

    most = connections_max()

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._late: asyncio.TimerHandle | None = None
        self._head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.most:
            transport.abort()
        else:
            self._late = self.loop.call_later(ARRIVE_S, transport.abort)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            if not cycle.more_body or cycle.scope["path"].startswith(OWN_TIME):
                self._arrived()
                return
        if self._late is None:
            self._late = self.loop.call_later(ARRIVE_S, self.transport.abort)
        if cycle is None or cycle.response_complete:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES_MAX:
                self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._arrived()
        super().connection_lost(exc)

    def _arrived(self) -> None:
        self._head_bytes = 0
        if self._late is not None:
            self._late.cancel()
            self._late = None
