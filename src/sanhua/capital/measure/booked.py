"""Booked 已入账: which of the entries that measurement asks for the ERP's own vouchers book.

Accounts are compared by role. First each month by itself: a line of a voucher answers for one
entry, all vouchers of a kind for all its entries, one voucher for several entries, several for one.
Then amortisation that nobody booked in its month is looked for in later ones, where the ERP made up
for it. No line answers twice. Money received is left to the ERP: it may stand there with its tax.

Which voucher books what is told by amounts alone. Where they fit in several ways the earlier entry
is taken first; of very many, that some choice comes out even is taken for chance. Some vouchers for
some entries, none of which adds up by itself, are not matched: nothing is posted for such entries,
and they are told as booked otherwise. A line an entry matches.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sanhua.capital.matching import sharing_out, total
from sanhua.capital.measure.entries import ACCOUNT, CHARGES, LATE
from sanhua.capital.voucher import AccountingPolicy, Voucher, role_of
from sanhua.kernel.ledger import Book, Entry

Month = tuple[int, int]
_AMORTISED = frozenset(CHARGES["amortisation"])


@dataclass(slots=True)
class Unbooked:
    """`left` are the entries that no voucher has booked, `otherwise` those of them that a voucher
    of their month has booked at another amount; `spare` is what vouchers amortise (fen) and no
    entry asks for.
    """

    left: list[Entry] = field(default_factory=list[Entry])
    otherwise: list[tuple[Entry, Voucher]] = field(default_factory=list[tuple[Entry, Voucher]])
    spare: list[tuple[Voucher, int]] = field(default_factory=list[tuple[Voucher, int]])


@dataclass(slots=True)
class _Open:
    """A voucher with those of its lines that answer for nothing yet."""

    voucher: Voucher
    lines: Counter[tuple[str, int]]

    @property
    def month(self) -> Month:
        return self.voucher.dated.year, self.voucher.dated.month

    def of(self, roles: Iterable[str]) -> Counter[str]:
        lines = self.lines.items()
        return total([{role: fen * n} for (role, fen), n in lines if role in roles])

    def holds(self, wanted: Mapping[tuple[str, int], int]) -> bool:
        return all(self.lines[line] >= n for line, n in wanted.items())

    def take(self, roles: Iterable[str]) -> None:
        self.lines = Counter({key: n for key, n in self.lines.items() if key[0] not in roles})


def unbooked(
    required: Iterable[Entry], vouchers: Iterable[Voucher], policy: AccountingPolicy, book: Book
) -> Unbooked:
    """What of the required entries the vouchers book, and what they amortise beside them. A voucher
    that another takes back, and that other, book nothing.
    """
    vouchers = list(vouchers)
    taken_back = {voucher.reverses for voucher in vouchers}
    opened: dict[Month, list[_Open]] = defaultdict(list)
    by_line: dict[tuple[Month, tuple[str, int]], deque[_Open]] = defaultdict(deque)
    for voucher in vouchers:
        if not voucher.reverses and voucher.id not in taken_back:
            one = _Open(voucher, _lines(voucher, policy, book))
            opened[one.month].append(one)
            for line in one.lines:
                by_line[one.month, line].append(one)
    wanting: dict[tuple[Month, frozenset[str]], list[Entry]] = {}
    no: set[tuple[Month, frozenset[tuple[tuple[str, int], int]]]] = set()  # asked for in vain
    for entry in sorted(required, key=lambda entry: (entry.effective_on, entry.id)):
        wanted = Counter(_by_role(entry, policy))
        rarest = min(wanted, key=lambda line: len(by_line[_month(entry), line]), default=("", 0))
        holders = by_line[_month(entry), rarest]
        while holders and not holders[0].lines[rarest]:
            holders.popleft()  # taken by other entries
        alike = _month(entry), frozenset(wanted.items())
        held = (
            next((one for one in holders if one.holds(wanted)), None) if alike not in no else None
        )
        if held is None:
            no.add(alike)
            roles = frozenset(role for role, _ in wanted)
            wanting.setdefault((_month(entry), roles), []).append(entry)
        else:
            held.lines.subtract(wanted)
    left: list[Entry] = []
    for (month, roles), entries in wanting.items():
        left += _of_month(entries, opened[month], roles, policy)
    left.sort(key=lambda entry: (entry.effective_on, entry.id))
    every = sorted(
        (one for month in opened.values() for one in month), key=lambda one: one.voucher.dated
    )
    left = _later(left, every, policy)
    found = Unbooked(left)
    moving: dict[tuple[Month, frozenset[tuple[str, bool]]], Voucher | None] = {}
    for entry in left:
        says = total([{role: fen} for role, fen in _by_role(entry, policy)])
        key = _month(entry), frozenset((role, fen > 0) for role, fen in says.items())
        if key not in moving:
            moving[key] = _moves_alike(says, opened[key[0]])
        if (voucher := moving[key]) is not None:
            found.otherwise.append((entry, voucher))
    near = {voucher.id for _, voucher in found.otherwise}
    red = Counter[int]()  # which take back what they do not name
    for one in every:
        fen = -one.of(_AMORTISED)["accumulated_amortisation"]
        if not fen or one.voucher.id in near or _leaves(one.voucher, policy):
            continue
        if fen < 0:
            red[-fen] += 1
        else:
            found.spare.append((one.voucher, fen))
    kept: list[tuple[Voucher, int]] = []
    for one in reversed(found.spare):  # the last one first
        if red[one[1]]:
            red[one[1]] -= 1
        else:
            kept.append(one)
    found.spare = kept[::-1]
    return found


def _of_month(
    entries: list[Entry], opened: Sequence[_Open], roles: frozenset[str], policy: AccountingPolicy
) -> list[Entry]:
    """The entries of a month and a kind that its vouchers do not book."""
    says = [total([{role: fen} for role, fen in _by_role(e, policy)]) for e in entries]
    holders = [one for one in opened if one.of(roles)]
    asked = total(says)
    if holders and total([one.of(roles) for one in holders]) == asked:
        for one in holders:
            one.take(roles)
        return []
    whole = next((one for one in holders if one.of(roles) == asked), None)
    if whole is not None:
        whole.take(roles)
        return []
    amounts = [one.of(roles) for one in holders]
    several = sharing_out(amounts, says, _any)  # one voucher for several entries
    for n in several:
        holders[n].take(roles)
    done = {place for places in several.values() for place in places}
    left = [n for n in range(len(entries)) if n not in done]
    parts = [one for one in holders if one.of(roles)]
    together = sharing_out([says[n] for n in left], [one.of(roles) for one in parts], _any)
    for places in together.values():  # several vouchers for one entry
        for place in places:
            parts[place].take(roles)
    left = [n for at, n in enumerate(left) if at not in together]
    return [entries[n] for n in left]


def _later(left: list[Entry], opened: Sequence[_Open], policy: AccountingPolicy) -> list[Entry]:
    """What is left of amortisation once vouchers of later months have made up for it: one for an
    entry, or one for several, with those of its own month.
    """
    waiting: dict[tuple[str, int], deque[Entry]] = defaultdict(deque)
    says: dict[str, Counter[str]] = {}
    for entry in left:
        by_role = _by_role(entry, policy)
        if by_role and all(role in _AMORTISED for role, _ in by_role):
            says[entry.id] = total([{role: fen} for role, fen in by_role])
            waiting[min(by_role)].append(entry)
    done: set[str] = set()
    charging = [one for one in opened if one.of(_AMORTISED)]
    for one in charging:
        for line in [line for line, n in one.lines.items() if n > 0]:
            late = waiting.get(line, deque())
            while late and _month(late[0]) < one.month:
                wanted = Counter(_by_role(late[0], policy))
                if not one.holds(wanted):
                    break
                one.lines.subtract(wanted)
                done.add(late.popleft().id)
    parts = [entry for entry in left if entry.id in says and entry.id not in done]
    wholes = [one for one in charging if one.of(_AMORTISED)]
    together = sharing_out(
        [one.of(_AMORTISED) for one in wholes],
        [says[entry.id] for entry in parts],
        lambda n, place: _month(parts[place]) <= wholes[n].month,
    )
    for n, places in together.items():
        wholes[n].take(_AMORTISED)
        done.update(parts[place].id for place in places)
    return [entry for entry in left if entry.id not in done]


def _moves_alike(says: Mapping[str, int], opened: Sequence[_Open]) -> Voucher | None:
    """The last voucher of a month that moves the same accounts of the asset the same way; what an
    earlier year is charged with is no charge of the month.
    """
    moved = says.keys() & ACCOUNT.values()
    for one in reversed(opened):
        late = LATE not in says and any(n and role == LATE for (role, _), n in one.lines.items())
        books = one.of(moved)
        if moved and not late and all(books[role] * says[role] > 0 for role in moved):
            return one.voucher
    return None


def _leaves(voucher: Voucher, policy: AccountingPolicy) -> bool:
    """Whether it derecognises something."""
    return any(role_of(policy, line.account) == "intangible_data" for line in voucher.lines)


def _any(whole: int, part: int) -> bool:
    return True


def _month(entry: Entry) -> Month:
    return entry.effective_on.year, entry.effective_on.month


def _lines(voucher: Voucher, policy: AccountingPolicy, book: Book) -> Counter[tuple[str, int]]:
    return Counter(
        (role_of(policy, line.account) or line.account, line.amount.fen)
        for line in voucher.lines
        if line.amount.currency == book.currency
    )


def _by_role(entry: Entry, policy: AccountingPolicy) -> list[tuple[str, int]]:
    named = [(role_of(policy, line.account) or line.account, line.amount) for line in entry.lines]
    return [(role, fen) for role, fen in named if role != "bank"]
