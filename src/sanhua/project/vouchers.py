"""What is wrong with a voucher among the others: another currency than the book's, the same one
twice, a reversal that does not undo what it names. Each is an error: nothing is posted until it is
mended.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sanhua.capital.voucher import Voucher
from sanhua.kernel.errors import Diagnostic, Invalid, Severity
from sanhua.kernel.ids import key_of
from sanhua.kernel.money import Money
from sanhua.kernel.time import Period
from sanhua.project.model import Project


def voucher_faults(project: Project) -> Iterator[Diagnostic]:
    """The faults of each entity's vouchers, in the order of the books."""
    currencies = {entity.id: entity.currency for entity in project.settings.entities}
    years = {entity.id: entity.fiscal_year for entity in project.settings.entities}
    own: dict[str, list[Voucher]] = defaultdict(list)
    for voucher in sorted(project.vouchers.values(), key=lambda v: (v.dated, v.number)):
        own[key_of(voucher.entity)].append(voucher)
    for entity, vouchers in own.items():
        yield from _currencies(vouchers, currencies.get(entity, "CNY"))
        yield from _repeated(vouchers)
        yield from _same_content(vouchers)
        yield from _reversals(vouchers)
        yield from doubtful(vouchers, years.get(entity, "01-01"))


def _fault(
    code: str,
    voucher: Voucher,
    facts: Mapping[str, str],
    *,
    severity: Severity = Severity.ERROR,
    at: int = 0,
) -> Diagnostic:
    said = {"number": voucher.number, "dated": voucher.dated.isoformat(), **facts}
    line = at or voucher.lines[0].line
    return Diagnostic(severity, code, voucher.path, line, 1, voucher.id, None, said)


def _currencies(vouchers: Sequence[Voucher], expected: str) -> Iterator[Diagnostic]:
    """The entity's book is kept in one currency (会计法 第十二条): the ERP translates, not we."""
    for voucher in vouchers:
        currency = voucher.lines[0].amount.currency
        if currency != expected:
            yield _fault(
                "voucher.other-currency", voucher, {"currency": currency, "expected": expected}
            )


def _repeated(vouchers: Sequence[Voucher]) -> Iterator[Diagnostic]:
    """A voucher pasted twice into one file reads as one with every line doubled."""
    for voucher in vouchers:
        said = [
            (line.account, line.amount, line.summary, line.project, line.party, line.evidence)
            for line in voucher.lines
        ]
        half, odd = divmod(len(said), 2)
        if not odd and half > 1 and said[:half] == said[half:]:
            again = voucher.lines[half].line
            yield _fault("voucher.repeated", voucher, {"lines": str(half)}, at=again)


def _same_content(vouchers: Sequence[Voucher]) -> Iterator[Diagnostic]:
    """Two numbers for one spending: the same day, lines, words and papers."""
    first: dict[object, Voucher] = {}
    reversed_ones = {voucher.reverses for voucher in vouchers}
    for voucher in vouchers:
        papers = {paper for line in voucher.lines for paper in line.evidence}
        if not papers or voucher.reverses or voucher.id in reversed_ones:
            continue
        lines = tuple(
            (line.account, line.amount, line.summary, line.project, line.phase, line.party)
            for line in voucher.lines
        )
        other = first.setdefault((voucher.dated, lines, frozenset(papers)), voucher)
        if other is not voucher:
            where = f"{other.path}:{other.lines[0].line}"
            yield _fault("voucher.same-content", voucher, {"other": other.number, "where": where})


def _reversals(vouchers: Sequence[Voucher]) -> Iterator[Diagnostic]:
    """Each account of a voucher is taken back once, on or after its day, by no more than it has."""
    by_id = {voucher.id: voucher for voucher in vouchers}
    left: dict[str, dict[str, Money]] = {}
    last: dict[str, Voucher] = {}
    for red in vouchers:
        original = by_id.get(red.reverses)
        if original is None:
            continue
        facts = {"original": original.number, "on": original.dated.isoformat()}
        if red.dated < original.dated or red is original:
            yield _fault("voucher.reversal-early", red, facts)
            continue
        if red.lines[0].amount.currency != original.lines[0].amount.currency:
            continue  # one of the two is in another currency than the book's
        open_ = left.setdefault(original.id, _sums(original))
        back = _sums(red)
        strange = [
            account
            for account, amount in back.items()
            if account not in open_ or amount.fen * _sums(original)[account].fen > 0
        ]
        if strange:
            line = next(line.line for line in red.lines if line.account == strange[0])
            yield _fault("voucher.reversal-differs", red, facts | {"account": strange[0]}, at=line)
            continue
        over = [account for account in back if abs(back[account].fen) > abs(open_[account].fen)]
        if over:
            before = last.get(original.id)
            if before is not None and not any(open_.values()):
                yield _fault("voucher.reversed-twice", red, facts | {"other": before.number})
                continue
            facts |= {"amount": back[over[0]].text, "left": open_[over[0]].text}
            yield _fault("voucher.reversal-exceeds", red, facts | {"account": over[0]})
            continue
        for account, amount in back.items():
            open_[account] = open_[account] + amount
        last[original.id] = red
    for original, sums in left.items():
        rest = {account: amount for account, amount in sums.items() if amount}
        if rest and original in last:
            account, amount = next(iter(rest.items()))
            facts = {"original": by_id[original].number, "account": account, "left": amount.text}
            yield _fault(
                "voucher.reversed-in-part", last[original], facts, severity=Severity.WARNING
            )


def _sums(voucher: Voucher) -> dict[str, Money]:
    """What the voucher adds to each account; one that comes to nothing stays."""
    found: dict[str, Money] = {}
    for line in voucher.lines:
        held = found.get(line.account)
        found[line.account] = line.amount if held is None else held + line.amount
    return found


# What is no fault, and an auditor asks about


def doubtful(vouchers: Sequence[Voucher], fiscal_year: str = "01-01") -> Iterator[Diagnostic]:
    """What an auditor asks about: an amount that stands twice, a number that is missing, a day
    outside the period that its file is named after.
    """
    yield from _twice(vouchers)
    yield from _missing(vouchers)
    files: dict[str, list[Voucher]] = defaultdict(list)
    for voucher in vouchers:
        period = _period_of(voucher.path, fiscal_year)
        if period is not None and voucher.dated not in period:
            files[voucher.path].append(voucher)
    for found in files.values():
        facts = {"count": str(len(found))}
        yield _fault("voucher.outside-file-period", found[0], facts, severity=Severity.WARNING)


def _twice(vouchers: Iterable[Voucher]) -> Iterator[Diagnostic]:
    seen: dict[tuple[Any, ...], Voucher] = {}
    for voucher in sorted(vouchers, key=lambda v: (v.dated, v.path, v.lines[0].line)):
        for line in voucher.lines:
            if not line.project or voucher.reverses:
                continue
            key = (voucher.entity, voucher.dated, line.account, line.project, line.amount)
            first = seen.setdefault(key, voucher)
            if first.id != voucher.id and _said(first) != _said(voucher):
                facts = {
                    "other": first.number,
                    "amount": line.amount.text,
                    "account": line.account,
                    "project": line.project,
                }
                code = "voucher.suspected-double"
                at = line.line
                yield _fault(code, voucher, facts, severity=Severity.WARNING, at=at)


def _missing(vouchers: Iterable[Voucher]) -> Iterator[Diagnostic]:
    """Numbers left out of a series (a prefix and a running number) that is there for the most part;
    an export of some vouchers has no series.
    """
    series: dict[tuple[str, int], dict[int, Voucher]] = defaultdict(dict)
    for voucher in vouchers:
        match = re.fullmatch(r"(.*?)(\d+)", voucher.number)
        if match:
            series[match[1], voucher.dated.year][int(match[2])] = voucher
    for (prefix, _), held in series.items():
        first, last = min(held), max(held)
        if len(held) < 3 or last - first >= 2 * len(held):
            continue
        lacking = [n for n in range(first, last) if n not in held]
        if lacking:
            width = len(held[first].number) - len(prefix)
            facts = {
                "series": prefix or "–",
                "count": str(len(lacking)),
                "missing": ", ".join(f"{prefix}{n:0{width}}" for n in lacking[:5]),
            }
            yield _fault("voucher.number-gap", held[first], facts, severity=Severity.NOTE)


def _said(voucher: Voucher) -> Any:
    """What `_same_content` compares: such a pair is told there."""
    return voucher.dated, [(x.account, x.amount, x.summary, x.evidence) for x in voucher.lines]


def _period_of(path: str, fiscal_year: str) -> Period | None:
    """The period that a file is named after, if it is after one."""
    name = path.rpartition("/")[2].partition(".")[0]
    try:
        return Period.named(name, fiscal_year)
    except (Invalid, ValueError):
        return None
