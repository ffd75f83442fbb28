"""0601 from the gateway's own meter: answered calls over those that it should have answered."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import deals

from sanhua.asset.meter import head_of, usage_line
from sanhua.resource.quality import Finding, Quality
from sanhua.store.clock import SetClock
from sanhua.store.segment import SegmentWriter
from sanhua.workspace.metering import meter_root, seal
from sanhua.workspace.opening import Workspace
from sanhua.workspace.running import run


def calls(ws: Workspace) -> Finding | None:
    with ws.store.begin(actor=ws.actor, read_only=True) as uow:
        judged = uow.get(Quality, "quality:daily")
    return next((f for f in judged.findings if f.id == "check:daily/calls"), None)


def test_calls_of_whole_days_that_the_service_could_not_answer_lower_its_accessibility(
    small_project: Path,
):
    """Of five calls of yesterday three are answered, one failed for want of a served file, one was
    over the buyer's own limit: 3 of 4. A call of today and one of five weeks ago do not count.
    """
    deals.offer(small_project)
    clock = SetClock(datetime(2026, 3, 2, 4, tzinfo=UTC))
    with Workspace(small_project, env={}, clock=clock) as ws:
        run(ws)
        assert calls(ws) is None
        head = head_of("deal:bank_2026", "party:bank", "product:energy", "sha256:0", "sha256:0")
        made = [
            ("2026-03-01T03:00:00.000Z", ""),
            ("2026-03-01T03:00:01.000Z", ""),
            ("2026-03-01T03:00:02.000Z", ""),
            ("2026-03-01T03:00:03.000Z", "call.not-served"),
            ("2026-03-01T03:00:04.000Z", "call.limit"),
            ("2026-03-02T03:00:00.000Z", "call.not-served"),
            ("2026-01-25T03:00:00.000Z", "call.not-served"),
        ]
        writer = SegmentWriter(meter_root(ws), "20260302T030405-aaaaaaaa-0-1")
        writer.commit(
            [
                usage_line(
                    number, at, head, "credit", (0, 0, 0) if why else (1, 2, 30),
                    "deny" if why else "permit", why, "",
                )
                for number, (at, why) in enumerate(made, 1)
            ]
        )  # fmt: skip
        writer.close()
        assert len(seal(ws)) == 1
        run(ws)
        found = calls(ws)
        assert found is not None
        assert (found.indicator, found.numerator, found.denominator) == ("0601", 3, 4)
        assert found.state == "failed" and found.value == "75%"
        again = [step.status for step in run(ws).steps if step.step == "quality"]
        assert again == ["skipped", "skipped"]
