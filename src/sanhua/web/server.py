"""Serve: workers on one socket, one sealer, a graceful end.

The first process opens the project, takes the meter, binds the port, starts the workers and seals
what they close; it answers no calls. A worker that dies is replaced; workers whose parent dies end
themselves.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import signal
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from sanhua.engine.keyed import KeyedFile
from sanhua.kernel.errors import Broken, Conflict, SanhuaError, Unavailable
from sanhua.kernel.time import legal_day
from sanhua.store.lease import Leases
from sanhua.web.gateway import Gateway, Opened
from sanhua.web.meter import Meter
from sanhua.workspace.dealing import RESTS_ON, Access, accesses, remove_unserved, serving_root
from sanhua.workspace.metering import (
    await_workers,
    file_hash,
    meter_root,
    seal,
    serving_lock,
    start_counters,
    worker_lock,
)
from sanhua.workspace.opening import Workspace

REFRESH_S = 0.25  # how long a revoked token may still be answered
STALE_S = 5.0  # and how long while the store cannot be read; then no call is answered
SEAL_S = 1.0
GRACE_S = 20
SCHEDULER = -1  # its number among the processes
TIDY_S = 600.0  # between two looks for keyed files that no deal names any more
_log = logging.getLogger(__name__)


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
    schedule: bool = True,
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
        sealed, tidied = set[str](), [-TIDY_S]

        def seal_all() -> None:
            seal(ws, sealed)

        def tidy() -> None:
            if time.monotonic() >= tidied[0] + TIDY_S:
                tidied[0] = time.monotonic()
                remove_unserved(ws)

        await_workers(ws, GRACE_S)
        _tried(seal_all)
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

        def start_schedule() -> None:
            process = context.Process(target=_schedule, args=(options,), name="schedule")
            process.start()
            running[SCHEDULER] = process

        def replace_dead() -> None:
            for number, process in list(running.items()):
                if not process.is_alive():
                    start_schedule() if number == SCHEDULER else start(number)

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
            if schedule and ws.project.sources:
                start_schedule()
            told(f"http://{shown}:{address[1]}")
            failing: dict[Callable[[], Any], str] = {}
            while not stop.wait(SEAL_S):
                for work in (replace_dead, seal_all, tidy):
                    failing[work] = _tried(work, failing.get(work, ""))
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
            _tried(seal_all)


def _tried(work: Callable[[], Any], before: str = "") -> str:
    """Do it; what failed, which is said once and tried again next time, since workers serve
    meanwhile.
    """
    try:
        work()
    except Exception as error:
        if (failed := _text(error)) != before:
            _log.error("%s", failed)
        return failed
    return ""


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


# The scheduler


def _schedule(options: Options) -> None:
    """Run what is due until the first process ends or says so; a run under way ends first."""
    stopped = threading.Event()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process says when to end
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=lambda: (parent.join(), stopped.set()), daemon=True).start()
    from sanhua.workspace.scheduling import Scheduler

    offset = timedelta(seconds=options.offset_s)
    Scheduler(
        lambda: Workspace(Path(options.root), offset=offset),
        stopped.is_set,
        lambda line: _log.warning("%s", line),
    ).go_on()


# A worker


def _work(options: Options, number: int, listener: socket.socket, ready: Any) -> None:
    """One worker: an event loop, its own segment, the accesses as the store has them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process says when to end
    import uvicorn

    from sanhua.web.arriving import Arriving

    offset = timedelta(seconds=options.offset_s)
    with Workspace(Path(options.root), offset=offset) as ws, worker_lock(ws, number):
        root = meter_root(ws)
        meter = Meter(root, number, ack=options.ack)
        leases = Leases(root / "quota.db")
        from sanhua.web.inbox import InboxServer, health
        from sanhua.web.pages import portal

        pages = portal(ws, shown=options.portal)
        gateway = Gateway(
            meter,
            leases,
            health(ws.root, options.portal, InboxServer(ws, pages, offset_s=options.offset_s)),
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
            http=Arriving,
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
                _tried(gateway.give_back)
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
    """Every REFRESH_S the accesses as they are now, for as long as the worker lives; a store that
    does not answer holds nothing up but the looking.
    """
    loop = asyncio.get_running_loop()
    looking: asyncio.Future[None] | None = None
    said = ""
    while not server.should_exit:
        await asyncio.sleep(REFRESH_S)
        try:
            looking = looking or loop.run_in_executor(None, board.look)
            await asyncio.wait([looking], timeout=REFRESH_S)
            if looking.done():
                looking, done = None, looking
                done.result()
                board.apply()
                said = ""
        except Exception as error:
            looking = None
            if said != (said := repr(error)):
                _log.error("the deals could not be read: %s", _text(error))
        board.shut_when_stale()


def _text(error: BaseException) -> str:
    return str(error) if isinstance(error, SanhuaError) else repr(error)


class _Board:
    """The accesses of a worker: read anew when something that they rest on was logged or the legal
    day is another, swapped between calls. Not read for STALE_S, they open nothing.
    """

    def __init__(self, ws: Workspace, gateway: Gateway) -> None:
        self.ws, self.gateway = ws, gateway
        self._seen: tuple[int, date] | None = None  # the log's size and the legal day
        self._read_at = 0.0
        self._shut = False
        self._accesses: dict[str, Access] = {}
        self._files: dict[tuple[str, str], KeyedFile] = {}  # by name and content
        self._failed: dict[tuple[str, str], Any] = {}  # what was not opened, and its stamp then
        self._next: dict[str, Opened] | None = None
        self._told: set[str] = set()

    def refresh(self) -> None:
        self.look()
        self.apply()

    def look(self) -> None:
        """Read the store, in any thread; one at a time."""
        began = time.monotonic()
        seen = self.ws.store.size(), legal_day(self.ws.clock.now())
        anew = self._rests_on_another(seen)
        if anew:
            self._accesses = accesses(self.ws)
            for fault in {access.fault for access in self._accesses.values()} - {""} - self._told:
                self._told.add(fault)
                _log.error("%s", fault)
        failed = {name: at for name, at in self._failed.items() if _stamp(self._path(name)) == at}
        if anew or self._shut or failed != self._failed:
            self._failed = failed
            self._next = {
                hashed: Opened(access, self._file(access))
                for hashed, access in self._accesses.items()
            }
        self._seen, self._read_at = seen, began

    def _rests_on_another(self, seen: tuple[int, date]) -> bool:
        if self._seen is None or seen[0] < self._seen[0] or seen[1] != self._seen[1]:
            return True
        return seen != self._seen and bool(self.ws.store.kinds(self._seen[0]) & RESTS_ON)

    def _file(self, access: Access) -> KeyedFile | None:
        """The open file; one that is missing or not what was written opens nothing until there is
        another.
        """
        serving = access.serving
        if serving is None or access.refused:
            return None
        name = serving.file, serving.content
        known = self._files.get(name)
        if known is None and name not in self._failed:
            path = self._path(name)
            stamp = _stamp(path)
            try:
                if file_hash(path) != serving.content:
                    raise Broken("engine.keyed-differs", file=serving.file)
                known = self._files[name] = KeyedFile(path)
            except (OSError, SanhuaError) as error:
                self._failed[name] = stamp
                _log.error("%s", _text(error))
        return known

    def _path(self, name: tuple[str, str]) -> Path:
        return serving_root(self.ws) / name[0]

    def apply(self) -> None:
        """Swap what was read, on the event loop."""
        if self._next is None:
            return
        found, self._next, self._shut = self._next, None, False
        self._swap(found)
        used = {opened.file for opened in found.values()}
        for name in [name for name, file in self._files.items() if file not in used]:
            self._files.pop(name).close()

    def shut_when_stale(self) -> None:
        """Refuse every call while nobody knows what was revoked."""
        if not self._shut and time.monotonic() - self._read_at > STALE_S:
            self._shut = True
            _log.error("no call is answered: the deals were not read for %.0f s", STALE_S)
            self._swap(
                {
                    hashed: Opened(replace(opened.access, refused="call.not-refreshed"), None)
                    for hashed, opened in self.gateway.by_hash.items()
                }
            )

    def _swap(self, found: Mapping[str, Opened]) -> None:
        _tried(self.gateway.give_back)
        self.gateway.replace(found)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """What tells a file from another of its name; None when there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
