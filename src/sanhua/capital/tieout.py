"""Tie out 对账: the entity book against the ledger's trial balances 科目余额表, month by month.

    ending of the ledger  =  opening of the first trial balance + our entries since

holds to the fen on every account of a role in `DATA_ROLES`: what stands there is data, and nothing
else. Other mapped accounts are shared with the rest of the company: told, not judged. The opening
of the first trial balance is accepted: it is what was booked before. Turnover is compared net, for
red entries stand on either side.

Either system may amortise, never both: the policy says which (`amortises`), and the other's entries
are told.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from sanhua.capital.measure import Unbooked
from sanhua.capital.voucher import AccountingPolicy, Voucher, covers, role_of
from sanhua.kernel import ids
from sanhua.kernel.errors import Diagnostic, Severity
from sanhua.kernel.figure import Figure, Part, Posted
from sanhua.kernel.ledger import Book, Entry
from sanhua.kernel.money import Money
from sanhua.kernel.record import DefinedBy, HeldBy, Ref, SummedFrom, record
from sanhua.kernel.text import Text
from sanhua.kernel.time import Period

Facts = dict[str, Any]
DATA_ROLES = frozenset(
    "development_capitalised intangible_data accumulated_amortisation intangible_impairment"
    " inventory_data inventory_provision contract_cost held_for_sale held_for_sale_provision"
    " shared_cost".split()
)


@dataclass(frozen=True, slots=True)
class TrialLine:
    """One account of a trial balance; balances are debit positive."""

    account: str
    name: str
    opening: Money
    debit: Money
    credit: Money
    ending: Money
    line: int

    @property
    def movement(self) -> Money:
        return self.debit - self.credit


@record("trial")
@dataclass(frozen=True, slots=True)
class Trial:
    """科目余额表 `trial:plant_co/2025-03`: what the general ledger says of a month; `lines` by the
    account's code with `-` for `.`.
    """

    id: str
    entity: HeldBy
    period: str
    starts_on: date
    ends_on: date
    lines: Mapping[str, TrialLine]
    path: str
    file: DefinedBy

    @property
    def month(self) -> Period:
        return Period(self.period, self.starts_on, self.ends_on)

    def leaves(self) -> list[TrialLine]:
        """The accounts that no other account of the table is part of."""
        codes = {line.account for line in self.lines.values()}
        above = {
            code[:end]
            for code in codes
            for end in range(1, len(code))
            if code[:end] in codes and covers(code[:end], code)
        }
        return [line for line in self.lines.values() if line.account not in above]


def key(account: str) -> str:
    """An account's key in `Trial.lines`."""
    return account.replace(".", "-")


@dataclass(frozen=True, slots=True)
class TieLine:
    """What the ledger and the entity book say of one account: net movement of the month, and
    ending. `told` 仅列示: an account that holds other things than data, not judged.
    """

    account: str
    name: str
    role: str
    ledger_movement: Money
    movement: Money
    ledger_ending: Money
    ending: Money
    told: bool = False

    @property
    def difference(self) -> Money:
        return self.ending - self.ledger_ending

    @property
    def ok(self) -> bool:
        same = self.movement.fen == self.ledger_movement.fen
        return self.told or (same and not self.difference.fen)


@record("tieout")
@dataclass(frozen=True, slots=True)
class TieOut:
    """对账 `tieout:plant_co/2025-03`: each figure opens to the entries that it sums."""

    id: str
    entity: HeldBy
    period: str
    trial: Annotated[str, Ref("tied_to")]
    ok: bool
    lines: tuple[TieLine, ...]
    figures: tuple[SummedFrom, ...]


@dataclass(slots=True)
class Tied:
    tieouts: list[TieOut] = field(default_factory=list[TieOut])
    figures: list[Figure] = field(default_factory=list[Figure])
    diagnostics: list[Diagnostic] = field(default_factory=list[Diagnostic])


Posting = tuple[str, str, int, date]  # entry, account, fen (debit positive), day


def roll(trials: Sequence[Trial]) -> Iterator[Diagnostic]:
    """Whether each account goes on from the month before, and from its opening to its ending; and
    whether debits are credits.
    """
    before: Trial | None = None
    for trial in sorted(trials, key=lambda one: one.starts_on):
        for line in trial.lines.values():
            if (line.opening + line.debit - line.credit).fen != line.ending.fen:
                facts: Facts = {
                    "account": line.account,
                    "opening": line.opening.text,
                    "debit": line.debit.text,
                    "credit": line.credit.text,
                    "ending": line.ending.text,
                }
                yield _said(trial, "trial.does-not-add", line.line, **facts)
            last = before.lines.get(key(line.account)) if before else None
            held = last.ending if last else Money(Decimal(), line.opening.currency)
            follows = before is not None and before.ends_on == trial.starts_on
            if follows and held.fen != line.opening.fen:
                facts: Facts = {
                    "account": line.account,
                    "opening": line.opening.text,
                    "ending": held.text,
                    "before": before.period if before else "",
                }
                yield _said(trial, "trial.does-not-roll", line.line, **facts)
        if before is not None and before.ends_on < trial.starts_on:
            facts: Facts = {"period": trial.period, "before": before.period}
            yield _said(trial, "trial.month-missing", 1, Severity.WARNING, **facts)
        leaves = trial.leaves()
        sums = [sum(part(line).fen for line in leaves) for part in (_opening, _movement, _ending)]
        if any(sums):
            left = next(fen for fen in sums if fen)
            facts: Facts = {"period": trial.period, "difference": Money.of_fen(left).text}
            yield _said(trial, "trial.unbalanced", 1, Severity.WARNING, **facts)
        before = trial


def _opening(line: TrialLine) -> Money:
    return line.opening


def _movement(line: TrialLine) -> Money:
    return line.movement


def _ending(line: TrialLine) -> Money:
    return line.ending


def _said(
    trial: Trial, code: str, line: int, severity: Severity = Severity.ERROR, **facts: Any
) -> Diagnostic:
    return Diagnostic(severity, code, trial.path, line, node=trial.id, facts=facts)


def tie(
    trials: Sequence[Trial], postings: Iterable[Posting], policy: AccountingPolicy, currency: str
) -> Tied:
    """One entity's trial balances against the entries of its book."""
    made = Tied()
    posted = _ByAccount(postings)
    carried: dict[str, tuple[Money, str]] = {}  # account → our ending, the figure that says so
    until: date | None = None
    for trial in sorted(trials, key=lambda one: one.starts_on):
        since = until or trial.starts_on
        if until is None:
            _accept(made, trial, posted, policy, currency)
        lines: list[TieLine] = []
        figures: list[Figure] = []
        leaves = {line.account: line for line in trial.leaves()}
        units = _units(leaves, carried, posted, policy, trial.ends_on)
        for account, (role, ours) in units.items():
            own = posted.between(ours, since, trial.ends_on)
            month = [p for p in own if p[3] in trial.month]
            ledger = leaves.get(account)
            zero = Money(Decimal(), currency)
            opening, figure = carried.get(account, (None, ""))
            if opening is None:
                opening = ledger.opening if until is None and ledger else zero
            ending = opening + _sum(own, currency)
            line = TieLine(
                account,
                ledger.name if ledger else _name(policy, account),
                role,
                ledger.movement if ledger else zero,
                _sum(month, currency),
                ledger.ending if ledger else zero,
                ending,
                role not in DATA_ROLES,
            )
            if line.told and not (line.movement or line.ending):
                continue
            lines.append(line)
            if line.told:
                continue
            parts = (
                (Part(figure, opening.amount, "value"),)
                if figure
                else (Part(trial.id, opening.amount, f"lines.{key(account)}.opening.amount"),)
                if ledger and opening
                else ()
            )
            moved = _figure(trial, line, "movement", line.movement, (), month)
            ended = _figure(trial, line, "ending", ending, parts, own)
            figures += [moved, ended]
            carried[account] = (ending, ended.id)
            if not line.ok:
                facts: Facts = {
                    "account": account,
                    "name": line.name,
                    "movement": line.movement.text,
                    "ledger_movement": line.ledger_movement.text,
                    "ending": line.ending.text,
                    "ledger_ending": line.ledger_ending.text,
                }
                code = "tie.ledger-differs" if ledger else "tie.not-in-ledger"
                at = ledger.line if ledger else 1
                made.diagnostics.append(_said(trial, code, at, Severity.WARNING, **facts))
        node = ids.node("tieout", ids.key_of(trial.id))
        ok = all(line.ok for line in lines)
        named = tuple(figure.id for figure in figures)
        made.tieouts.append(
            TieOut(node, trial.entity, trial.period, trial.id, ok, tuple(lines), named)
        )
        made.figures += figures
        until = trial.ends_on
    return made


class _ByAccount:
    """Postings by account, in order of their days."""

    def __init__(self, postings: Iterable[Posting]) -> None:
        self.held: dict[str, list[Posting]] = defaultdict(list)
        for one in postings:
            self.held[one[1]].append(one)
        for found in self.held.values():
            found.sort(key=_order)

    def between(self, accounts: Iterable[str], since: date, until: date) -> list[Posting]:
        """Those of `since <= day < until`."""
        found: list[Posting] = []
        for account in sorted(accounts):
            held = self.held.get(account, [])
            first = bisect_left(held, (since, ""), key=_order)
            found += held[first : bisect_left(held, (until, ""), key=_order)]
        return found


def _order(one: Posting) -> tuple[date, str]:
    return one[3], one[0]


def _units(
    leaves: Mapping[str, TrialLine],
    carried: Iterable[str],
    posted: _ByAccount,
    policy: AccountingPolicy,
    until: date,
) -> dict[str, tuple[str, set[str]]]:
    """The accounts that are compared, as the ledger names them: (role, our accounts in it)."""
    found: dict[str, tuple[str, set[str]]] = {}
    for account in leaves:
        if role := role_of(policy, account):
            found[account] = (role, set())
    for account in sorted(posted.held):
        if posted.held[account][0][3] >= until:
            continue
        role = role_of(policy, account)
        held = [code for code in found if covers(code, account) and found[code][0] == role]
        name = max(held, key=len, default=account)
        if role:
            found.setdefault(name, (role, set()))[1].add(account)
    for account in carried:
        found.setdefault(account, (role_of(policy, account), {account}))
    return dict(sorted(found.items()))


def _accept(
    made: Tied,
    trial: Trial,
    posted: _ByAccount,
    policy: AccountingPolicy,
    currency: str,
) -> None:
    """Tell where the first trial balance opens with other than what the book holds by then."""
    for line in trial.leaves():
        if role_of(policy, line.account) not in DATA_ROLES:
            continue
        own = [account for account in posted.held if covers(line.account, account)]
        before = posted.between(own, date.min, trial.starts_on)
        held = _sum(before, currency)
        if held.fen == line.opening.fen:
            continue
        facts: Facts = {
            "account": line.account,
            "opening": line.opening.text,
            "held": held.text,
        }
        if before:
            made.diagnostics.append(
                _said(trial, "tie.opening-differs", line.line, Severity.WARNING, **facts)
            )
        else:
            made.diagnostics.append(
                _said(trial, "tie.opening-accepted", line.line, Severity.NOTE, **facts)
            )


def _sum(postings: Iterable[Posting], currency: str) -> Money:
    return Money.of_fen(sum(one[2] for one in postings), currency)


def _figure(
    trial: Trial,
    line: TieLine,
    column: str,
    value: Money,
    parts: tuple[Part, ...],
    postings: Sequence[Posting],
) -> Figure:
    """Each entry counts once an account, as its record says it."""
    sums: dict[tuple[str, str], int] = {}
    for entry, account, fen, _ in postings:
        sums[entry, account] = sums.get((entry, account), 0) + fen
    entity = ids.key_of(trial.entity)
    zh, en = {"movement": ("本期净发生", "movement"), "ending": ("期末余额", "ending")}[column]
    return Figure(
        ids.figure(entity, "tie_out", line.account, column, trial.period),
        Text(f"{line.name or line.account} {zh}", f"{line.account} {en}"),
        value.amount,
        value.currency,
        parts,
        tuple(Posted(entry, Money.of_fen(fen).amount) for (entry, _), fen in sums.items() if fen),
    )


# Who amortises


def amortises(lines: Iterable[tuple[str, int]], policy: AccountingPolicy) -> int:
    """The amortisation that lines of (account, fen) charge, in fen; of a derecognition 0."""
    found = [(role_of(policy, account) or account, fen) for account, fen in lines]
    if any(role == "intangible_data" for role, _ in found):
        return 0
    return -sum(fen for role, fen in found if role == "accumulated_amortisation")


def leaves_it_to(policy: AccountingPolicy, on: date) -> str:
    """The system that amortises on a day: sanhua, erp, or empty while whoever is first may."""
    since = policy.amortises_from
    return policy.amortises if since is None or on >= since else ""


def booked_twice(
    vouchers: Sequence[Voucher], confirmed: Container[str], policy: AccountingPolicy
) -> list[Diagnostic]:
    """The ERP's own amortisation where it is this program's to charge, and confirms none of it."""
    back = {voucher.reverses for voucher in vouchers}
    found: list[Diagnostic] = []
    for voucher in vouchers:
        lines = [(line.account, line.amount.fen) for line in voucher.lines]
        charged = amortises(lines, policy)
        own = voucher.id in confirmed or voucher.reverses or voucher.id in back
        if charged and not own and leaves_it_to(policy, voucher.dated) == "sanhua":
            amount = Money.of_fen(charged, voucher.lines[0].amount.currency).text
            at = next(
                line.line
                for line in voucher.lines
                if role_of(policy, line.account) == "accumulated_amortisation"
            )
            facts: Facts = {"number": voucher.number, "amount": amount}
            code = "amortisation.booked-twice"
            found.append(
                Diagnostic(Severity.ERROR, code, voucher.path, at, node=voucher.id, facts=facts)
            )
    return found


def for_the_erp(
    found: Unbooked, ours: Container[str], policy: AccountingPolicy, book: Book
) -> tuple[list[Entry], list[tuple[Entry, Voucher]], list[Diagnostic]]:
    """The unbooked entries that remain to be posted here, those of them that a voucher books
    otherwise, and what the ERP did not book, or otherwise, of those that the policy leaves to it.
    `ours` are entries that were posted here before: whoever amortises from now on.
    """
    rest: list[Entry] = []
    told: list[Diagnostic] = []
    near = {entry.id: voucher for entry, voucher in found.otherwise}
    for entry in found.left:
        charged = amortises([(line.account, line.amount) for line in entry.lines], policy)
        theirs = leaves_it_to(policy, entry.effective_on) == "erp" and entry.id not in ours
        if not (theirs and charged):
            rest.append(entry)
            continue
        facts: Facts = {
            "asset": ids.key_of(entry.source),
            "day": entry.effective_on.isoformat(),
            "amount": Money.of_fen(charged, book.currency).text,
        }
        voucher = near.get(entry.id)
        if voucher is None:
            code, place = "amortisation.erp-missing", (policy.origin.path, policy.origin.line)
        else:
            code, place = "amortisation.erp-differs", (voucher.path, voucher.lines[0].line)
            facts["number"] = voucher.number
        told.append(Diagnostic(Severity.WARNING, code, *place, node=entry.source, facts=facts))
    kept = {entry.id for entry in rest}
    return rest, [pair for pair in found.otherwise if pair[0].id in kept], told


def second_charges(
    found: Unbooked, within: Period, policy: AccountingPolicy, book: Book
) -> list[Diagnostic]:
    """Each voucher of the period that amortises what is booked already, or what nothing asks for:
    a charge stands in the book once, whoever booked it.
    """
    told: list[Diagnostic] = []
    for voucher, fen in found.spare:
        if voucher.dated not in within:
            continue
        at = next(
            line.line
            for line in voucher.lines
            if role_of(policy, line.account) == "accumulated_amortisation"
        )
        facts: Facts = {
            "number": voucher.number,
            "month": f"{voucher.dated:%Y-%m}",
            "amount": Money.of_fen(fen, book.currency).text,
        }
        code = "amortisation.twice"
        told.append(
            Diagnostic(Severity.WARNING, code, voucher.path, at, node=voucher.id, facts=facts)
        )
    return told


def _name(policy: AccountingPolicy, account: str) -> str:
    known = policy.accounts.get(account)
    return known.name if known else ""
