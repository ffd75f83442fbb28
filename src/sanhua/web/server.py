"""Serve: workers on one socket, one sealer, a graceful end.

The first process opens the project, takes the meter, binds the port, starts the workers and seals
what they close; it answers no calls. A worker that dies is replaced; workers whose parent dies end
themselves.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from sanhua.engine.keyed import KeyedFile
from sanhua.kernel.errors import Conflict, SanhuaError, Unavailable
from sanhua.store.lease import Leases
from sanhua.web.gateway import Gateway, Opened
from sanhua.web.meter import Meter
from sanhua.workspace.dealing import accesses, serving_root
from sanhua.workspace.metering import meter_root, seal, serving_lock, start_counters
from sanhua.workspace.opening import Workspace

REFRESH_S = 0.25  # how long a revoked token may still be answered
SEAL_S = 1.0
GRACE_S = 20


@dataclass(frozen=True, slots=True)
class Options:
    """How a worker serves; sent to it as it is started."""

    root: str
    ack: bool
    workers: int
    offset_s: float
    high_ms: int
    portal: bool  # whether the project may be shown: only where no sign-in is needed


def serve(
    ws: Workspace,
    host: str,
    port: int,
    *,
    workers: int = 1,
    ack: bool = True,
    told: Callable[[str], None] = lambda url: None,
    stop: threading.Event | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT (or `stop`); then finish calls, write the meter and seal it.

    Unavailable serve.port when the port is taken, Conflict serve.running when another process
    serves this folder.
    """
    stop = stop or threading.Event()
    with serving_lock(ws) as mine:
        if not mine:
            raise Conflict("serve.running", folder=str(ws.root))
        seal(ws)
        high_ms = start_counters(ws)
        listener = _listen(host, port)
        address = listener.getsockname()
        options = Options(
            str(ws.root),
            ack,
            workers,
            ws.clock_offset.total_seconds(),
            high_ms,
            host in ("127.0.0.1", "::1", "localhost"),
        )
        context = multiprocessing.get_context("spawn")
        running: dict[int, Any] = {}
        for name in (signal.SIGTERM, signal.SIGINT):
            if threading.current_thread() is threading.main_thread():
                signal.signal(name, lambda *_: stop.set())
        ready = context.Semaphore(0)

        def start(number: int) -> None:
            process = context.Process(
                target=_work, args=(options, number, listener, ready), name=f"worker-{number}"
            )
            process.start()
            running[number] = process

        try:
            for number in range(workers):
                start(number)
            for _ in range(workers):
                while not ready.acquire(timeout=0.2):
                    if stop.is_set():
                        return
                    if not any(process.is_alive() for process in running.values()):
                        raise Unavailable("serve.no-worker")
            shown = f"[{address[0]}]" if ":" in address[0] else address[0]
            told(f"http://{shown}:{address[1]}")
            while not stop.wait(SEAL_S):
                for number, process in list(running.items()):
                    if not process.is_alive():
                        start(number)
                _sealed(ws)
        finally:
            for process in running.values():
                process.terminate()
            deadline = time.monotonic() + GRACE_S
            for process in running.values():
                process.join(max(0.1, deadline - time.monotonic()))
                if process.is_alive():
                    process.kill()
                    process.join()
            listener.close()
            _sealed(ws)


def _sealed(ws: Workspace) -> None:
    """Seal what is closed; a store that is busy or a full disk is tried again next time."""
    try:
        seal(ws)
    except (Unavailable, Conflict) as error:
        print(error, file=sys.stderr)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise Unavailable(
            "serve.port", host=host, port=port, reason=error.strerror or str(error)
        ) from error
    listener.listen(1024)
    return listener


# A worker


def _work(options: Options, number: int, listener: socket.socket, ready: Any) -> None:
    """One worker: an event loop, its own segment, the accesses as the store has them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process says when to end
    import uvicorn

    with Workspace(Path(options.root), offset=timedelta(seconds=options.offset_s)) as ws:
        root = meter_root(ws)
        meter = Meter(root, number, ack=options.ack)
        leases = Leases(root / "quota.db")
        from sanhua.web.pages import portal

        gateway = Gateway(
            meter,
            leases,
            portal(ws, shown=options.portal),
            high_ms=options.high_ms,
            workers=options.workers,
            offset_ms=int(options.offset_s * 1000),
        )
        board = _Board(ws, gateway)
        board.refresh()
        config = uvicorn.Config(
            gateway,
            log_level="warning",
            access_log=False,
            lifespan="off",
            server_header=False,
            date_header=False,
            proxy_headers=False,  # nothing asks where a call came from
            timeout_graceful_shutdown=10,
            limit_concurrency=None,
            h11_max_incomplete_event_size=64 * 1024,
        )
        server = uvicorn.Server(config)

        async def run() -> None:
            meter.start(gateway.anonymous_line)
            watch = asyncio.create_task(_watch(board, server))
            ready.release()
            try:
                await server.serve(sockets=[listener])
            finally:
                watch.cancel()
                await meter.stop()
                gateway.give_back()
                leases.close()

        parent = multiprocessing.parent_process()
        if parent is not None:
            threading.Thread(
                target=lambda: (parent.join(), setattr(server, "should_exit", True)), daemon=True
            ).start()
        try:
            import uvloop
        except ImportError:
            asyncio.run(run())
        else:
            uvloop.run(run())


async def _watch(board: _Board, server: Any) -> None:
    loop = asyncio.get_running_loop()
    while not server.should_exit:
        await asyncio.sleep(REFRESH_S)
        try:
            await loop.run_in_executor(None, board.look)
        except SanhuaError as error:
            print(error, file=sys.stderr)
        board.apply()


class _Board:
    """The accesses of a worker: read anew when the log has grown, swapped between calls."""

    def __init__(self, ws: Workspace, gateway: Gateway) -> None:
        self.ws, self.gateway = ws, gateway
        self._size = -1
        self._files: dict[str, KeyedFile] = {}
        self._next: dict[str, Opened] | None = None

    def refresh(self) -> None:
        self.look()
        self.apply()

    def look(self) -> None:
        """Read the store, in any thread."""
        size = self.ws.store.size()
        if size == self._size:
            return
        found: dict[str, Opened] = {}
        for hashed, access in accesses(self.ws).items():
            file = None
            if access.serving is not None and not access.refused:
                file = self._file(access.serving.file, access.serving.content)
            found[hashed] = Opened(access, file)
        self._size, self._next = size, found

    def _file(self, name: str, content: str) -> KeyedFile | None:
        """The open file; one that is missing or not what was written opens nothing."""
        known = self._files.get(name)
        if known is None:
            import hashlib

            path = serving_root(self.ws) / name
            try:
                with path.open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
                if f"sha256:{digest}" != content:
                    print(f"{name}: not the file that was written", file=sys.stderr)
                    return None
                known = KeyedFile(path)
            except (OSError, SanhuaError) as error:
                print(error, file=sys.stderr)
                return None
            self._files[name] = known
        return known

    def apply(self) -> None:
        """Swap, on the event loop."""
        if self._next is not None:
            self.gateway.give_back()
            self.gateway.replace(self._next)
            self._next = None
