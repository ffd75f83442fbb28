"""Clocks: the host's, and one that is set by hand for replays and tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class SystemClock:
    """The host's clock, moved by `offset` for a rehearsal."""

    def __init__(self, offset: timedelta = timedelta()) -> None:
        self.offset = offset

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset


class SetClock:
    """Stands still until it is set or moved."""

    def __init__(self, moment: datetime) -> None:
        self.set(moment)

    def now(self) -> datetime:
        return self._moment

    def set(self, moment: datetime) -> None:
        if moment.tzinfo is None:
            raise ValueError("a moment carries its offset")
        self._moment = moment.astimezone(UTC)

    def advance(self, by: timedelta) -> None:
        self._moment += by
