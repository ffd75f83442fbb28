"""The trend of quality: what earlier judgements of a contract said, and what got worse since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sanhua.kernel.text import Text
from sanhua.resource.quality.records import Finding, Quality


@dataclass(frozen=True, slots=True)
class Point:
    """One judgement: `version` of the record, the legal `day` it was kept, what it was over."""

    version: int
    day: str
    contract_version: str
    snapshots: tuple[str, ...]
    score: Decimal | None
    dimensions: Mapping[str, Decimal | None]
    checks: int
    failed: tuple[str, ...]  # check ids


@dataclass(frozen=True, slots=True)
class Worse:
    """A check that says less good than the judgement before; shares as six places, or a state.
    `redefined`: what it asks, or the contract that asks it, changed between the two.
    """

    check: str
    label: Text
    before: str
    after: str
    redefined: bool = False


def points(history: Iterable[tuple[int, str, Quality]]) -> list[Point]:
    """(version, day, judgement), oldest first, as points."""
    return [
        Point(
            version,
            day,
            judged.version,
            judged.snapshots,
            judged.score,
            {one.id: one.score for one in judged.dimensions},
            judged.checks,
            tuple(f.id for f in judged.findings if f.state == "failed"),
        )
        for version, day, judged in history
    ]


def worse(before: Quality, after: Quality) -> list[Worse]:
    """The checks of `after` that passed in `before` and do not now, that conform in a smaller share
    or can no longer be measured; those that fail first.
    """
    earlier = {finding.id: finding for finding in before.findings}
    found = [
        Worse(now.id, now.label, _shown(was), _shown(now), _asked(was) != _asked(now))
        for now in _failed_first(after.findings)
        if (was := earlier.get(now.id)) is not None and _is_worse(was, now)
    ]
    return found


def _asked(finding: Finding) -> tuple[object, ...]:
    return finding.definition, finding.label, finding.wanted


def _failed_first(findings: Sequence[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: finding.state != "failed")


def _is_worse(was: Finding, now: Finding) -> bool:
    if was.passed and not now.passed:
        return now.state in ("failed", "error")
    if was.ratio is None or now.ratio is None:
        return was.ratio is not None and now.state == "error"
    if was.denominator and now.denominator and was.numerator is not None:
        if now.numerator is not None:  # exact: the kept ratio is rounded
            return now.numerator * was.denominator < was.numerator * now.denominator
    return now.ratio < was.ratio


def _shown(finding: Finding) -> str:
    return finding.state if finding.ratio is None else format(finding.ratio, "f")
