"""Usage records to disk: one file a worker, all waiting records at each sync of the disk."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from sanhua.kernel.errors import Unavailable
from sanhua.store.segment import SegmentWriter

SEGMENT_S = 30.0  # a segment is closed at this age, so that it is sealed within a minute
SEGMENT_BYTES = 256 << 20
WINDOW_S = 0.05  # what a power cut may take in window mode
RETRY_S = 0.25
WAITING_MAX = 100_000  # records in memory while the disk takes none
DENIED_MAX = 10_000  # beyond so many, refusals are only counted
_DENIED = b'"decision":"deny"'
_log = logging.getLogger(__name__)


class Meter:
    """Takes records from the event loop; one thread writes them.

    In ack mode `committed` returns when the disk has everything recorded so far. In window mode
    nobody waits and at most WINDOW_S of records can be lost, when the machine itself fails.

    Whatever fails, those who wait are told (Unavailable), and it is tried again each RETRY_S: the
    segment is closed, a new one begun, what was not written written.
    """

    def __init__(self, folder: Path, worker: int, *, ack: bool) -> None:
        self.ack = ack
        self.full: Unavailable | None = None  # why the disk takes nothing just now
        self._folder, self._worker = folder, worker
        self._writer: SegmentWriter | None = None
        self._began = 0.0
        self._count = 0
        self._waiting: list[bytes] = []
        self._writing = 0  # records that are with the thread
        self._bytes = 0
        self._asking: list[asyncio.Future[None]] = []
        self._anonymous: Counter[str] = Counter()
        self._wake = asyncio.Event()
        self._stopping = False
        self._thread = ThreadPoolExecutor(1, "meter")
        self._task: asyncio.Task[None] | None = None
        self._line_of: Callable[[str, int], bytes] | None = None

    def start(self, line_of: Callable[[str, int], bytes]) -> None:
        """Begin writing; `line_of(reason, times)` makes the record of refusals without a deal."""
        self._line_of = line_of
        self._task = asyncio.get_running_loop().create_task(self._run())

    def record(self, line: bytes) -> None:
        """Take one record. Of refusals no more than DENIED_MAX wait: further ones are counted by
        their reason, so that memory is bounded whatever the disk does.
        """
        if len(self._waiting) + self._writing >= DENIED_MAX and _DENIED in line:
            self._anonymous[json.loads(line)["reason"]] += 1
        else:
            self._waiting.append(line)
        if not self._wake.is_set():
            self._wake.set()

    def anonymous(self, reason: str) -> None:
        """Count a refusal of somebody unknown: as many as come in a round are one record, so that
        strangers cannot fill the disk.
        """
        self._anonymous[reason] += 1
        self._wake.set()

    @property
    def crowded(self) -> bool:
        """Whether no more can be kept in memory."""
        return len(self._waiting) + self._writing >= WAITING_MAX

    async def committed(self) -> None:
        """Wait until what was recorded so far is on disk; Unavailable store.meter-full."""
        done = asyncio.get_running_loop().create_future()
        self._asking.append(done)
        await done

    async def _run(self) -> None:
        while not self._stopping:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), 1.0)
            if not self.ack:
                await asyncio.sleep(WINDOW_S)
            self._wake.clear()
            await self._commit()
            if self.full is not None and not self._stopping:
                await asyncio.sleep(RETRY_S)
                self._wake.set()

    async def _commit(self, *, last: bool = False) -> None:
        """One round: everything that waits, in one batch. What fails never leaves it."""
        lines, self._waiting, self._writing = self._waiting, [], len(self._waiting)
        asking, self._asking = self._asking, []
        anonymous, self._anonymous = self._anonymous, Counter()
        try:
            assert self._line_of is not None
            counted = [self._line_of(reason, times) for reason, times in anonymous.items()]
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._thread, self._write, lines + counted, last)
        except Exception as error:
            if not isinstance(error, Unavailable):
                error = Unavailable("store.meter-failed", reason=repr(error))
            if self.full is None or self.full.code != error.code:
                _log.error("%s", error)
            self.full = error
            if self.ack:
                # Those who wait get no answer, so theirs are no calls; they record their refusal.
                lines = [line for line in lines if _DENIED in line]
            self._waiting = lines + self._waiting
            self._anonymous.update(anonymous)
            for done in asking:
                if not done.done():  # whose call was not given up
                    done.set_exception(error)
        else:
            self.full = None
            for done in asking:
                if not done.done():
                    done.set_result(None)
        self._writing = 0

    def _write(self, lines: list[bytes], last: bool) -> None:
        """In the meter's thread: a segment that is old or spoilt is closed before anything more is
        acknowledged, and the `last` one behind it.
        """
        self._rotate(now=False)
        if lines:
            if self._writer is None:
                self._count += 1
                began = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
                name = f"{began}-{secrets.token_hex(4)}-{self._worker}-{self._count}"
                self._writer = SegmentWriter(self._folder, name)
                self._began, self._bytes = time.monotonic(), 0
            self._writer.commit(lines)
            self._bytes += sum(map(len, lines))
        if last:
            self._rotate(now=True)

    def _rotate(self, *, now: bool) -> None:
        if self._writer is None:
            return
        old = time.monotonic() - self._began > SEGMENT_S or self._bytes > SEGMENT_BYTES
        if now or old or self._writer.spoilt:
            self._writer.close()
            self._writer = None

    async def stop(self) -> None:
        """Write what waits and close the segment; what the disk does not take is said."""
        self._stopping = True
        self._wake.set()
        if self._task is not None:
            await self._task
        await self._commit(last=True)
        lost = len(self._waiting) + self._anonymous.total()
        if lost:
            _log.error("%d usage records could not be written", lost)
        self._thread.shutdown()
