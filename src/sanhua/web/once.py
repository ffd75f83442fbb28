"""An answer in one write, where uvicorn's cycle would take two.

ASGI hands an answer over in two messages, and uvicorn checks every header and writes each message
at once: two system calls and two wake-ups of the caller, a quarter of a call's time. Where `send`
belongs to the cycle of uvicorn's httptools protocol as we know it, in its plain state, the whole
answer goes to its transport. Anything else is left to ASGI.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

_USED = frozenset(
    "transport flow disconnected keep_alive default_headers access_log response_started "
    "response_complete message_event on_response".split()
)
_known: dict[type, bool] = {}


def whole(headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    """A 200 with these headers, to be filled with (sanhua-use, length of the body, body)."""
    lines = b"".join(b"%s: %s\r\n" % header for header in headers).replace(b"%", b"%%")
    return b"HTTP/1.1 200 OK\r\n" + lines + b"sanhua-use: %s\r\ncontent-length: %d\r\n\r\n%s"


def sent_at_once(send: Callable[[Any], Awaitable[None]], answer: bytes) -> bool:
    """Send a whole answer to a GET, or leave everything as it is and say False."""
    cycle: Any = getattr(send, "__self__", None)
    if not (_known.get(type(cycle)) or _is_known(cycle)):
        return False
    if (
        cycle.response_started
        or cycle.disconnected
        or not cycle.keep_alive
        or cycle.flow.write_paused
        or cycle.default_headers
        or cycle.access_log
    ):
        return False
    cycle.response_started = cycle.response_complete = True
    cycle.transport.write(answer)
    cycle.message_event.set()
    cycle.on_response()
    return True


def _is_known(cycle: Any) -> bool:
    """Whether this is uvicorn's cycle with the parts that are used here."""
    kind = type(cycle)
    if kind not in _known:
        try:
            from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
        except ImportError:
            return False
        _known[kind] = kind is RequestResponseCycle and vars(cycle).keys() >= _USED
    return _known[kind]
