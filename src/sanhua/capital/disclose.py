"""Disclose 披露: balance-sheet lines 「其中：数据资源」, tables A and B, and the ties between them.

Every amount is a figure. A leaf is posted from vouchers and memos, a row or column that adds up is
summed from its cells, so that each opens down to the vouchers and is recomputed by a verifier.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

from sanhua.capital import note as noting
from sanhua.capital.consolidate import Elimination
from sanhua.capital.measure import Carrying, Kind, Layer, Movement, carry
from sanhua.capital.recognise import (
    AssetCard,
    AssetEntry,
    Outcome,
    Recognition,
    named,
)
from sanhua.capital.voucher import AccountingPolicy, Balances, Voucher, role_of
from sanhua.kernel import ids
from sanhua.kernel.errors import Citation, Diagnostic, Invalid, RuleGap, Severity
from sanhua.kernel.figure import Figure, Part, Posted
from sanhua.kernel.money import EXACT, FEN, Money
from sanhua.kernel.ports import Rule, Rules, Uow
from sanhua.kernel.record import HeldBy, Ref, record
from sanhua.kernel.text import Text
from sanhua.kernel.time import Period, add_months, parse_day
from sanhua.verify import canonical, sha256


class State(StrEnum):
    DRAFT = "draft"  # 草稿
    APPROVED = "approved"  # 已批准: a second person answers for it and for every asset in it
    AUDITED = "audited"  # 已审计: an auditor of another organisation signed it


class Scope(StrEnum):
    """Whose statements: one entity's, 母公司 those of a group's head alone, or 合并 the group's."""

    ENTITY = "entity"
    PARENT = "parent"
    GROUP = "group"


@record("disclosure")
@dataclass(frozen=True, slots=True)
class DisclosureNote:
    """`disclosure:jiahua/2024-H1`: what was shown for a period; approval is of these figures."""

    id: str
    entity: HeldBy
    starts_on: date
    ends_on: date
    currency: str
    figures: tuple[Annotated[str, Ref("shows")], ...]
    values: tuple[str, ...]  # of the figures, in their order
    assets: tuple[Annotated[str, Ref("discloses")], ...]
    ties_broken: tuple[str, ...] = ()
    notes: str = ""  # SHA-256 of the notes as shown, words and all


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table as the instrument prints it. A heading has no amounts."""

    id: str
    label: Text
    layer: str
    heading: bool
    part_of: str


@dataclass(frozen=True, slots=True)
class Cell:
    row: str
    column: str
    figure: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Table:
    """Table A (intangible assets) or B (inventories)."""

    id: str
    rows: tuple[Row, ...]
    columns: tuple[tuple[str, Text], ...]
    cells: tuple[Cell, ...]

    def amount(self, row: str, column: str = "total") -> Money:
        """The amount of a cell; KeyError when the table has none there."""
        for cell in self.cells:
            if cell.row == row and cell.column == column:
                return cell.amount
        raise KeyError((row, column))


@dataclass(frozen=True, slots=True)
class StatementLine:
    """A balance-sheet line with its 其中：数据资源; a parent may be unknown."""

    id: str
    label: Text
    sub_label: Text
    ending: Money
    beginning: Money
    parent_ending: Money | None
    parent_beginning: Money | None


@dataclass(frozen=True, slots=True)
class Tie:
    """勾稽: `left relation right` must hold. `subject` is a table/layer, a line or an asset."""

    code: str
    subject: str
    left: Money
    relation: str  # "=" or "<="
    right: Money

    @property
    def ok(self) -> bool:
        if self.relation == "=":
            return self.left == self.right
        return (self.left - self.right).amount <= 0


@dataclass(frozen=True, slots=True)
class Restatement:
    """前期差错更正: a line's 上年年末余额 as reported, and with earlier years' errors put right."""

    line: str
    reported: Money
    restated: Money
    assets: tuple[str, ...]

    @property
    def effect(self) -> Money:
        return self.restated - self.reported


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What is shown for a period; `balance_sheet` holds ids of its figures in statement order.

    `comparatives` are the tables of `comparative`, the same period a year before, as far as the
    instrument was in force then; `as_at` is the day whose knowledge and rules are shown, None for
    today's.
    """

    entity: str
    title: Text
    period: Period
    currency: str
    state: State
    figures: Mapping[str, Figure]
    balance_sheet: tuple[str, ...]
    lines: tuple[StatementLine, ...]
    tables: Mapping[str, Table]
    ties: tuple[Tie, ...]
    entries: tuple[AssetEntry, ...]
    carryings: tuple[Carrying, ...]
    approvals: Mapping[str, bool]
    beginning: date  # the first day of the fiscal year
    diagnostics: tuple[Diagnostic, ...] = ()
    scope: Scope = Scope.ENTITY
    members: tuple[str, ...] = ()  # entities of a group, its head first
    eliminations: tuple[Elimination, ...] = ()
    comparative: Period | None = None
    comparatives: Mapping[str, Table] = field(default_factory=dict[str, Table])
    restatements: tuple[Restatement, ...] = ()
    as_at: date | None = None
    sealed_on: date | None = None  # 签章日, of an audited one
    signed: Mapping[str, str] = field(default_factory=dict[str, str])  # role → person
    drawn_up: bool = True  # False: the audited one as it was kept, which nothing changes any more
    differs: bool = False  # … and what would be drawn up now is not the same
    notes: tuple[noting.Item, ...] = ()
    cited: tuple[Citation, ...] = ()  # of the rules that it and its verdicts were drawn by

    @property
    def note(self) -> str:
        """The node of its record."""
        return ids.node("disclosure", f"{self.entity}/{self.period.id}")

    @property
    def stem(self) -> str:
        """What its files are called, without ending."""
        scope = f"{self.scope}-" if self.scope is Scope.GROUP else ""
        return f"disclosure-{scope}{self.period.id}"


# Where a movement stands in the tables: layer → (table, layer of the table, kind → row, sign).

_COST_IN = {
    Kind.OPENING: "cost.increase.other",
    Kind.PURCHASED: "cost.increase.purchased",
    Kind.DEVELOPED: "cost.increase.developed",
    Kind.PROCESSED: "cost.increase.processed",
    Kind.OTHER_IN: "cost.increase.other",
}
_OUT = {
    Kind.DISPOSED: "disposed",
    Kind.LAPSED: "lapsed",
    Kind.OTHER_OUT: "other",
    Kind.CONTRIBUTED: "other",
    Kind.CONTRIBUTED_IN_GROUP: "other",
    Kind.HELD: "other",
}
_STOCK_OUT = (
    Kind.LAPSED,
    Kind.DISPOSED,
    Kind.OTHER_OUT,
    Kind.CONTRIBUTED,
    Kind.CONTRIBUTED_IN_GROUP,
)
_ROWS: dict[Layer, tuple[str, str, dict[Kind, str]]] = {
    Layer.COST: (
        "A",
        "cost",
        _COST_IN
        | {Kind.RETURNED: "cost.increase.other"}
        | {kind: f"cost.decrease.{out}" for kind, out in _OUT.items()},
    ),
    Layer.AMORTISATION: (
        "A",
        "amortisation",
        dict.fromkeys((Kind.OPENING, Kind.CHARGED, Kind.RETURNED), "amortisation.increase")
        | {kind: f"amortisation.decrease.{out}" for kind, out in _OUT.items()},
    ),
    Layer.IMPAIRMENT: (
        "A",
        "impairment",
        dict.fromkeys(
            (Kind.OPENING, Kind.CHARGED, Kind.TRANSFERRED, Kind.RETURNED), "impairment.increase"
        )
        | dict.fromkeys(_OUT, "impairment.decrease"),
    ),
    Layer.INVENTORY: (
        "B",
        "cost",
        _COST_IN
        | dict.fromkeys(_STOCK_OUT, "cost.decrease.other")
        | {Kind.SOLD: "cost.decrease.sold", Kind.LAPSED: "cost.decrease.lapsed"},
    ),
    Layer.WRITE_DOWN: (
        "B",
        "write_down",
        {
            Kind.OPENING: "write_down.increase",
            Kind.CHARGED: "write_down.increase",
            Kind.REVERSED: "write_down.decrease.reversed",
        }
        | dict.fromkeys((Kind.SOLD, *_STOCK_OUT), "write_down.decrease.written_off"),
    ),
}
# The layers behind a balance-sheet line, and the sign with which each counts.
LINE_LAYERS: dict[str, dict[Layer, int]] = {
    "development": {Layer.DEVELOPMENT: 1, Layer.DEVELOPMENT_IMPAIRMENT: -1},
    "intangible": {Layer.COST: 1, Layer.AMORTISATION: -1, Layer.IMPAIRMENT: -1},
    "inventory": {Layer.INVENTORY: 1, Layer.WRITE_DOWN: -1},
}
# A correction stands in the row of an increase or of a decrease by its sign.
_EITHER: dict[Layer, tuple[str, str]] = {
    Layer.COST: ("cost.increase.other", "cost.decrease.other"),
    Layer.AMORTISATION: ("amortisation.increase", "amortisation.decrease.other"),
    Layer.IMPAIRMENT: ("impairment.increase", "impairment.decrease"),
    Layer.INVENTORY: ("cost.increase.other", "cost.decrease.other"),
    Layer.WRITE_DOWN: ("write_down.increase", "write_down.decrease.reversed"),
}
_LINE_OF_TABLE = {"A": "intangible", "B": "inventory"}


def row_of(movement: Movement) -> tuple[str, str, str] | None:
    """Table, layer and row in which a movement of the period stands; None for development."""
    place = _ROWS.get(movement.layer)
    if place is None:
        return None
    if movement.kind is Kind.CORRECTED:
        return place[0], place[1], _EITHER[movement.layer][movement.amount.amount < 0]
    return place[0], place[1], place[2][movement.kind]


def sign_of(row: str) -> int:
    """Decreases are shown as positive amounts."""
    return -1 if ".decrease" in row else 1


def disclose(
    uow: Uow,
    entity: str,
    assets: Sequence[tuple[AssetCard, AssetEntry]],
    policy: AccountingPolicy,
    period: Period,
    **given: Any,
) -> Disclosure:
    """Measure the recognised assets, draw up what is shown for `period` and keep it; `given` as for
    `draw_up`.
    """
    currency, rules = given.get("currency", "CNY"), Citing(uow.rules)
    carryings = [
        measured(card, entry, policy, rules, period, uow.today(), currency)
        for card, entry in assets
    ]
    entries = [entry for _, entry in assets]
    shown = draw_up(entity, entries, carryings, policy, rules, period, **given)
    keep(uow, shown)
    return shown


def measured(
    card: AssetCard,
    entry: AssetEntry,
    policy: AccountingPolicy,
    rules: Rules,
    period: Period,
    known: date,
    currency: str = "CNY",
) -> Carrying:
    """The asset's movements to the end of `period`, as they are known on the day `known`: with what
    was corrected until then, and to that day alone while the period lasts.
    """
    until = min(period.through, known)
    later = [c.date for c in card.measurement.corrections if until < c.date <= known]
    found = carry(card, recognition_of(entry, currency), policy, rules, max([until, *later]))
    if not later:
        return found
    return replace(found, movements=tuple(m for m in found.movements if m.day <= until))


def recognition_of(entry: AssetEntry, currency: str = "CNY") -> Recognition:
    """The verdicts as they were kept."""
    return Recognition(entry.id, currency, entry.verdicts, entry.starts_on)


def keep(uow: Uow, shown: Disclosure) -> None:
    """Keep the record of what is shown, its figures and its eliminations."""
    day = shown.as_at or shown.period.through
    uow.add(note_of(shown), "disclosure.drawn_up", effective_on=day)
    for elimination in shown.eliminations:
        uow.add(elimination, "elimination.made", effective_on=elimination.day)
    for figure in shown.figures.values():
        uow.add(figure, "figure.disclosed", effective_on=day)


def as_kept(uow: Uow, shown: Disclosure) -> tuple[Disclosure, list[str]]:
    """The disclosure as the store has it, in the form of `shown`; and the ids of the figures that
    `shown` would say otherwise.
    """
    note = uow.get(DisclosureNote, shown.note)
    figures = {id: uow.get(Figure, id) for id in note.figures}
    differ = [
        id for id, f in shown.figures.items() if id not in figures or figures[id].value != f.value
    ]
    differ += [id for id in figures if id not in shown.figures]

    def money(id: str) -> Money:
        return (
            Money(figures[id].value, note.currency)
            if id in figures
            else Money(Decimal(), note.currency)
        )

    def of(line: StatementLine, name: str, column: str) -> Money | None:
        id = ids.figure(shown.entity, "balance_sheet", name, column, shown.period.id)
        return money(id) if id in figures else None

    def table(one: Table) -> Table:
        cells = tuple(replace(c, amount=money(c.figure)) for c in one.cells if c.figure in figures)
        return replace(one, cells=cells)

    lines = tuple(
        replace(
            line,
            ending=of(line, f"{line.id}.data", "ending") or line.ending * 0,
            beginning=of(line, f"{line.id}.data", "beginning") or line.beginning * 0,
            parent_ending=of(line, line.id, "ending"),
            parent_beginning=of(line, line.id, "beginning"),
        )
        for line in shown.lines
    )
    notes = tuple(
        replace(
            item,
            rows=tuple(
                tuple(replace(c, amount=money(c.figure)) if c.figure in figures else c for c in row)
                for row in item.rows
            ),
        )
        for item in shown.notes
    )
    kept = replace(
        shown,
        notes=notes,
        figures=figures,
        balance_sheet=tuple(id for id in figures if "/balance_sheet/" in id),
        lines=lines,
        tables={name: table(one) for name, one in shown.tables.items()},
        comparatives={name: table(one) for name, one in shown.comparatives.items()},
        drawn_up=False,
        differs=bool(differ) or note_of(shown).notes != note.notes,
    )
    return kept, differ


def note_of(shown: Disclosure) -> DisclosureNote:
    """The record of what was shown."""
    return DisclosureNote(
        shown.note,
        named("party", shown.entity.partition(".")[0]),
        shown.period.starts_on,
        shown.period.ends_on,
        shown.currency,
        tuple(shown.figures),
        tuple(format(figure.value, "f") for figure in shown.figures.values()),
        tuple(entry.id for entry in shown.entries),
        tuple(f"{tie.code} {tie.subject}" for tie in shown.ties if not tie.ok),
        sha256(canonical(notes_to_json(shown))),
    )


def state_of(approvals: Mapping[str, bool], signed: Mapping[str, str]) -> State:
    """`approvals` says of each asset whether its memo is approved, `signed` who (by role) signed
    the disclosure as it stands.
    """
    if not approvals or not all(approvals.values()) or "finance" not in signed:
        return State.DRAFT
    return State.AUDITED if "auditor" in signed else State.APPROVED


def draw_up(
    entity: str,
    entries: Sequence[AssetEntry],
    carryings: Sequence[Carrying],
    policy: AccountingPolicy,
    rules: Rules,
    period: Period,
    *,
    title: Text | None = None,
    currency: str = "CNY",
    fiscal_year: str = "01-01",
    balances: Sequence[Balances] = (),
    vouchers: Iterable[Voucher] = (),
    approvals: Mapping[str, bool] | None = None,
    known: noting.Known | None = None,
    signed: Mapping[str, str] | None = None,
    scope: Scope = Scope.ENTITY,
    members: Sequence[Disclosure] = (),
    eliminations: Sequence[Elimination] = (),
    as_at: date | None = None,
    reported: Mapping[str, Money] | None = None,
) -> Disclosure:
    """What is shown for `period` by the rules in force on its last day, or on `as_at`.

    A group's (`members`, its head first) is what its members show, less the `eliminations`, whose
    movements stand among `carryings`. `reported` has the 期末余额 of each line as the sealed
    statement of the year before shows it.
    """
    rules = rules if isinstance(rules, Citing) else Citing(rules)
    for carrying in carryings:
        if carrying.currency != currency:
            raise Invalid(
                "disclose.mixed-currency",
                node=carrying.asset,
                asset=carrying.asset,
                currency=carrying.currency,
                expected=currency,
            )
    drawing = _Drawing(
        entity, entries, carryings, rules, period, currency, fiscal_year, members, as_at
    )
    lines = drawing.balance_sheet(balances)
    tables = {name: drawing.table(name) for name in ("A", "B")}
    comparative = drawing.comparative
    compared = {name: drawing.table(name, _PRIOR) for name in tables if comparative}
    restatements = drawing.restatements()
    ties = [
        *drawing.parent_ties(lines, policy, list(vouchers)),
        *(tie for table in tables.values() for tie in drawing.table_ties(table, lines)),
        *drawing.comparative_ties(tables, compared),
        *drawing.opening_ties(restatements, reported or {}),
        *drawing.group_ties(lines),
        *(() if members else drawing.spending_ties()),
    ]
    for tie in ties:
        if not tie.ok:
            drawing.say(
                Severity.WARNING,
                "disclose.tie-fails",
                subject=tie.subject,
                tie=tie.code,
                left=tie.left.text,
                right=tie.right.text,
            )
    notes: tuple[noting.Item, ...] = ()
    figures: dict[str, Figure] = {}
    if known is not None:
        notes, figures = noting.draw(
            *(drawing.entity, period, currency, entries),
            *(_of_group(carryings, eliminations), policy),
            *(known, rules, LINE_LAYERS, as_at or period.through),
        )
    drawing.figures.update(figures)
    if as_at:
        drawing.rules_that_differ()
    approved = {entry.id: bool((approvals or {}).get(entry.id)) for entry in entries}
    return Disclosure(
        drawing.entity,
        title or Text(ids.key_of(entity)),
        period,
        currency,
        state_of(approved, signed or {}),
        drawing.figures,
        tuple(id for id in drawing.figures if "/balance_sheet/" in id),
        tuple(lines),
        tables,
        tuple(ties),
        tuple(entries),
        tuple(carryings),
        approved,
        drawing.year_starts,
        (*(d for carrying in carryings for d in carrying.diagnostics), *drawing.diagnostics),
        scope,
        tuple(member.entity for member in members),
        tuple(eliminations),
        comparative,
        compared,
        tuple(one for one in restatements if one.effect),
        as_at,
        None,
        dict(signed or {}),
        notes=notes,
        cited=tuple(dict.fromkeys([*rules.cited(entries), *(c for m in members for c in m.cited)])),
    )


class Citing:
    """Rules that remember what was asked of them."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.asked: dict[str, Rule] = {}

    def ask(self, instrument: str, name: str, *, on: date) -> Rule:
        rule = self.rules.ask(instrument, name, on=on)
        self.asked[rule.node] = rule
        return rule

    def working_days_after(self, start: date, days: int) -> date:
        return self.rules.working_days_after(start, days)

    def cited(self, entries: Sequence[AssetEntry]) -> tuple[Citation, ...]:
        """What was asked, and what the verdicts were decided by."""
        grounds = {n: None for e in entries for v in e.verdicts for n in v.grounds.rules}
        for said in grounds:
            path, _, day = ids.key_of(said).partition("@")
            instrument, _, name = path.partition("/")
            self.ask(instrument, name, on=parse_day(day))
        return tuple(dict.fromkeys(rule.citation for rule in self.asked.values()))


def _of_group(carryings: Sequence[Carrying], eliminations: Sequence[Elimination]) -> list[Carrying]:
    """Each asset as the group carries it: what was eliminated of it is its own, and its route is
    how the group came by it.
    """
    bought = {one.id: one.bought for one in eliminations}
    found = {c.asset: c for c in carryings if c.asset not in bought}
    entered = {asset: c.route for asset, c in found.items()}
    for other in carryings:
        asset = bought.get(other.asset, "")
        if asset in found:
            own = found[asset]
            route = own.route if other.route is entered[asset] else other.route
            found[asset] = replace(own, route=route, movements=own.movements + other.movements)
    return list(found.values())


def year_before(period: Period) -> Period:
    """The same period a year earlier."""
    name = f"{int(period.id[:4]) - 1}{period.id[4:].partition('@')[0]}"
    return Period(name, add_months(period.starts_on, -12), add_months(period.ends_on, -12))


_PRIOR = ".prior"  # tables of the year before, as they are presented again


@dataclass(slots=True)
class _Leaf:
    """What a leaf is made of: amounts by source, and the assets that they belong to."""

    by_source: dict[str, Decimal]
    assets: dict[str, None]


class _Drawing:
    """Figures of one entity or group and period, by id, in the order in which they are shown."""

    def __init__(
        self,
        entity: str,
        entries: Sequence[AssetEntry],
        carryings: Sequence[Carrying],
        rules: Rules,
        period: Period,
        currency: str,
        fiscal_year: str,
        members: Sequence[Disclosure],
        as_at: date | None,
    ) -> None:
        self.entity, self.entries, self.carryings = ids.key_of(entity), entries, carryings
        self.rules, self.period, self.currency = rules, period, currency
        self.members = members
        self.law_on = as_at or period.through
        self.year_starts = Period.year_of(period.through, fiscal_year).starts_on
        self.figures: dict[str, Figure] = {}
        self.diagnostics: list[Diagnostic] = []
        self.zero = Money(Decimal(), currency)
        self.comparative = self._comparative()
        self.leaves: dict[str, _Leaf] = {}
        self._holdings: dict[tuple[Layer, date], Decimal] = {}
        for carrying in carryings:
            if not members or carrying.asset.startswith("elimination:"):
                self._place(carrying)

    def _comparative(self) -> Period | None:
        """The period compared with, when the instrument was in force in it (未来适用法)."""
        before = year_before(self.period)
        try:
            self.rules.ask("mof_2023_11", "table_a_rows", on=before.starts_on)
        except RuleGap:
            return None
        return before

    def _place(self, carrying: Carrying) -> None:
        """Enter each movement of the asset into the leaves in which it counts."""
        spans = [("", self.period.starts_on, self.period.ends_on)]
        if self.comparative:
            spans.append((_PRIOR, self.comparative.starts_on, self.comparative.ends_on))
        known: dict[tuple[Layer, Kind, bool], list[tuple[str, date, date, int]]] = {}
        for movement in carrying.movements:
            key = movement.layer, movement.kind, movement.amount.amount < 0
            places = known.get(key)
            if places is None:
                places = known[key] = self._places(movement, carrying.route.value, spans)
            amount, day = movement.amount.amount, movement.day
            for where, first, end, sign in places:
                if first <= day < end:
                    leaf = self.leaves.get(where)
                    if leaf is None:
                        leaf = self.leaves[where] = _Leaf({}, {})
                    held = leaf.by_source.get(movement.source)
                    counted = amount if sign > 0 else -amount
                    leaf.by_source[movement.source] = (
                        counted if held is None else EXACT.add(held, counted)
                    )
                    leaf.assets[carrying.asset] = None

    def _places(
        self, movement: Movement, route: str, spans: Sequence[tuple[str, date, date]]
    ) -> list[tuple[str, date, date, int]]:
        """Leaves of such a movement: name, days within which it counts there, sign."""
        found: list[tuple[str, date, date, int]] = []
        for line, signs in LINE_LAYERS.items():
            if movement.layer in signs:
                sign, name = signs[movement.layer], f"balance_sheet/{line}.data"
                found.append((f"{name}/ending", date.min, self.period.ends_on, sign))
                found.append((f"{name}/beginning", date.min, self.year_starts, sign))
        place = row_of(movement)
        for prior, starts, ends in spans if place else ():
            table, layer, row = place or ("", "", "")
            name = f"table_{table.lower()}{prior}"
            found.append((f"{name}/{layer}.opening/{route}", date.min, starts, 1))
            found.append((f"{name}/{row}/{route}", starts, ends, sign_of(row)))
        return found

    def say(
        self,
        severity: Severity,
        code: str,
        *,
        path: str = "",
        subject: str = "",
        cite: Any = None,
        **facts: Any,
    ) -> None:
        self.diagnostics.append(
            Diagnostic(
                severity,
                code,
                path,
                1 if path else 0,
                1 if path else 0,
                subject if ":" in subject else "",
                cite.citation if cite else None,
                {"period": self.period.id, "cite": cite.cite if cite else "", **facts},
            )
        )

    # Balance sheet

    def balance_sheet(self, balances: Sequence[Balances]) -> list[StatementLine]:
        parents = self.rules.ask("mof_2023_11", "balance_sheet_parents", on=self.law_on)
        equal = self.rules.ask("mof_2023_11", "line_equals_parent_is_warned", on=self.law_on)
        lines: list[StatementLine] = []
        for parent in parents.value:
            line = parent["id"]
            label = Text(parent["zh"], parent["en"])
            sub_label = Text(f"{label.zh}—{parent['sub']}", f"{label.en}, {parent['sub_en']}")
            given = _balance(balances, self.period.through, (line, label.zh, label.en))
            last_year = _balance(balances, self._day_before(), (line, label.zh, label.en))
            ending, beginning = given[0], given[1] if given[1] is not None else last_year[0]
            for column, amount in (("ending", ending), ("beginning", beginning)):
                if amount is not None:
                    self._keep(f"balance_sheet/{line}/{column}", label, amount, given[2])
            for column in ("ending", "beginning"):
                self._leaf(f"balance_sheet/{line}.data/{column}", sub_label)
            made = StatementLine(
                line,
                label,
                sub_label,
                self._amount(f"balance_sheet/{line}.data/ending"),
                self._amount(f"balance_sheet/{line}.data/beginning"),
                ending,
                beginning,
            )
            lines.append(made)
            if equal.value and ending is not None and made.ending and made.ending == ending:
                path = next((b.origin.path for b in balances if b.on == self.period.through), "")
                self.say(
                    Severity.WARNING,
                    "disclose.line-equals-parent",
                    path=path,
                    cite=equal,
                    line=label.zh,
                    line_en=label.en,
                    amount=made.ending.text,
                )
        return lines

    def _day_before(self) -> date:
        return date.fromordinal(self.year_starts.toordinal() - 1)

    def _keep(self, name: str, label: Text, amount: Money, file: str) -> None:
        """A parent line as the entity's balances give it: its part is the file."""
        self._add(
            name,
            label,
            parts=[Part(file, amount.posted().amount)] if amount else [],
        )

    # Tables

    def table(self, name: str, prior: str = "") -> Table:
        """Table A or B, of the period or (`prior`) of the one compared with."""
        key = f"{name.lower()}{prior}"
        rule = f"table_{name.lower()}"
        columns = self.rules.ask("mof_2023_11", f"{rule}_columns", on=self.law_on)
        asked = self.rules.ask("mof_2023_11", f"{rule}_rows", on=self.law_on)
        rows = tuple(
            Row(
                row["id"],
                Text(row["zh"], row["en"]),
                row["layer"],
                row["heading"],
                row.get("part_of", ""),
            )
            for row in asked.value
        )
        heads = tuple((column["id"], Text(column["zh"], column["en"])) for column in columns.value)
        year = Text("（上期）", " (year before)") if prior else Text("")
        cells: list[Cell] = []
        for column, head in heads:
            for row in sorted((row for row in rows if not row.heading), key=_depth):
                label = Text(
                    f"表{name} {row.label.zh}（{head.zh}）{year.zh}",
                    f"table {name} {row.label.en} ({head.en}){year.en}",
                )
                where = f"table_{key}/{row.id}/{column}"
                if column == "total":
                    routes = [other for other, _ in heads if other != "total"]
                    self._sum(
                        where, label, [(f"table_{key}/{row.id}/{other}", 1) for other in routes]
                    )
                else:
                    self._cell(name, key, rows, row, column, where, label)
                cells.append(Cell(row.id, column, self._id(where), self._amount(where)))
        places = {row.id: place for place, row in enumerate(rows)}
        order = {column: place for place, (column, _) in enumerate(heads)}
        cells.sort(key=lambda cell: (places[cell.row], order[cell.column]))
        return Table(name, rows, heads, tuple(cells))

    def _cell(
        self,
        name: str,
        key: str,
        rows: Sequence[Row],
        row: Row,
        column: str,
        where: str,
        label: Text,
    ) -> None:
        """A cell of one route: summed from other cells, or a leaf posted from movements."""
        prefix = f"table_{key}"
        layer, _, what = row.id.partition(".")
        layers = list(dict.fromkeys(r.layer for r in rows if r.layer != "carrying"))
        if layer == "carrying" and what in ("closing", "opening"):
            terms = [
                (f"{prefix}/{other}.{what}/{column}", 1 if other == "cost" else -1)
                for other in layers
            ]
            self._sum(where, label, terms)
        elif layer in layers and what == "closing":
            terms = [("opening", 1), ("increase", 1), ("decrease", -1)]
            self._sum(
                where, label, [(f"{prefix}/{layer}.{term}/{column}", sign) for term, sign in terms]
            )
        elif parts := [r.id for r in rows if r.part_of == row.id]:
            self._sum(where, label, [(f"{prefix}/{part}/{column}", 1) for part in parts])
        elif (layer in layers and what == "opening") or (name, row.id) in _LEAF_ROWS:
            self._leaf(where, label)
        else:
            raise Invalid("disclose.rows-unknown", table=name, row=row.id)

    # What was corrected

    def restatements(self) -> list[Restatement]:
        """Each line's beginning without the errors of earlier years that were found in this one."""
        found: list[Restatement] = []
        if any(movement.why == "error" for c in self.carryings for movement in c.movements):
            self.rules.ask("cas_28", "prior_period_error_restated", on=self.law_on)
        for line, signs in LINE_LAYERS.items():
            errors = [
                (carrying.asset, movement.amount * signs[movement.layer])
                for carrying in self.carryings
                for movement in carrying.movements
                if movement.why == "error"
                and movement.decided
                and movement.layer in signs
                and movement.day < self.year_starts <= movement.decided
            ]
            restated = self._amount(f"balance_sheet/{line}.data/beginning")
            effect = Money.sum((amount for _, amount in errors), self.currency)
            assets = tuple(dict.fromkeys(asset for asset, _ in errors))
            found.append(Restatement(line, restated - effect, restated, assets))
        return found

    def rules_that_differ(self) -> None:
        """Say which of the rules asked had another value on the period's last day."""
        for name in _LAYOUT:
            now = self.rules.ask("mof_2023_11", name, on=self.law_on)
            try:
                then = self.rules.ask("mof_2023_11", name, on=self.period.through)
            except RuleGap:
                continue
            if now.value != then.value:
                self.say(
                    Severity.NOTE,
                    "disclose.rules-differ",
                    cite=now,
                    name=name,
                    other=then.cite,
                    since=now.starts_on.isoformat(),
                    day=self.law_on.isoformat(),
                )

    # Ties

    def parent_ties(
        self, lines: Sequence[StatementLine], policy: AccountingPolicy, vouchers: Sequence[Voucher]
    ) -> list[Tie]:
        """The sub-line against its parent: given, or for development what the ERP's accounts hold,
        with what they held before the first voucher here (an opening balance).

        A line without a parent to compare with has no tie: what was not checked is not called good.
        """
        found: list[Tie] = []
        for line in lines:
            parent = line.parent_ending
            if parent is None and line.id == "development" and vouchers:
                opened = (
                    movement.amount
                    for carrying in self.carryings
                    for movement in carrying.movements
                    if movement.layer is Layer.DEVELOPMENT
                    and movement.kind is Kind.OPENING
                    and movement.day < self.period.ends_on
                )
                booked = self._on_account(policy, vouchers, "development_capitalised")
                parent = booked + Money.sum(opened, self.currency)
            if parent is not None:
                found.append(Tie("tie.sub-not-above-parent", line.id, line.ending, "<=", parent))
            elif line.ending:
                self.say(
                    Severity.NOTE,
                    "disclose.parent-unknown",
                    line=line.label.zh,
                    line_en=line.label.en,
                    amount=line.ending.text,
                    day=self.period.through.isoformat(),
                )
        return found

    def _on_account(
        self, policy: AccountingPolicy, vouchers: Sequence[Voucher], role: str
    ) -> Money:
        return Money.sum(
            (
                line.amount
                for voucher in vouchers
                if voucher.dated < self.period.ends_on and ids.key_of(voucher.entity) == self.entity
                for line in voucher.lines
                if line.amount.currency == self.currency and role_of(policy, line.account) == role
            ),
            self.currency,
        )

    def table_ties(self, table: Table, lines: Sequence[StatementLine]) -> list[Tie]:
        """Each table against the movements themselves and against the balance sheet."""
        found: list[Tie] = []
        routes = [column for column, _ in table.columns if column != "total"]
        of_layer = {place[1]: layer for layer, place in _ROWS.items() if place[0] == table.id}
        for name, layer in of_layer.items():
            booked = self._held(layer, self.period.ends_on)
            subject = f"{table.id}/{name}"
            found.append(
                Tie("tie.roll-forward", subject, table.amount(f"{name}.closing"), "=", booked)
            )
        for row in table.rows:
            parts = [other.id for other in table.rows if other.part_of == row.id]
            if parts:
                of_which = Money.sum(map(table.amount, parts), self.currency)
                whole = table.amount(row.id)
                subject = f"{table.id}/{row.id}"
                found.append(Tie("tie.parts-not-above-whole", subject, of_which, "<=", whole))
        layers = LINE_LAYERS[_LINE_OF_TABLE[table.id]]
        for what, before in (("closing", self.period.ends_on), ("opening", self.period.starts_on)):
            held = (self._held(layer, before) * sign for layer, sign in layers.items())
            carried = Money.sum(held, self.currency)
            shown = table.amount(f"carrying.{what}")
            found.append(Tie("tie.carrying", f"{table.id}/carrying.{what}", shown, "=", carried))
        across = Money.sum(
            (table.amount("carrying.closing", route) for route in routes), self.currency
        )
        total = table.amount("carrying.closing")
        found.append(Tie("tie.columns-add-up", f"{table.id}/carrying.closing", across, "=", total))
        line = next(line for line in lines if line.id == _LINE_OF_TABLE[table.id])
        code = f"tie.table-{table.id.lower()}-to-balance-sheet"
        found.append(Tie(code, line.id, total, "=", line.ending))
        return found

    def _held(self, layer: Layer, before: date) -> Money:
        """What all assets have in a layer at the start of a day, from their movements."""
        if not self._holdings:
            days = (self.period.starts_on, self.period.ends_on)
            totals = {(of, day): Decimal() for of in Layer for day in days}
            for carrying in self.carryings:
                for movement in carrying.movements:
                    for day in days:
                        if movement.day < day:
                            key = movement.layer, day
                            totals[key] = EXACT.add(totals[key], movement.amount.amount)
            self._holdings = totals
        return Money(self._holdings[layer, before], self.currency)

    def comparative_ties(
        self, tables: Mapping[str, Table], compared: Mapping[str, Table]
    ) -> list[Tie]:
        """What the year before closed with, as presented again, is what this one opens with."""
        if self.comparative is None or self.comparative.ends_on != self.period.starts_on:
            return []
        return [
            Tie(
                "tie.opens-as-closed",
                f"{name}/carrying",
                tables[name].amount("carrying.opening"),
                "=",
                before.amount("carrying.closing"),
            )
            for name, before in compared.items()
        ]

    def opening_ties(
        self, restatements: Sequence[Restatement], reported: Mapping[str, Money]
    ) -> list[Tie]:
        """The beginning, but for errors found since, is the sealed statement's 期末余额."""
        return [
            Tie("tie.opening-as-sealed", one.line, one.reported, "=", reported[one.line])
            for one in restatements
            if one.line in reported
        ]

    def group_ties(self, lines: Sequence[StatementLine]) -> list[Tie]:
        """A group's line is what its members show, less what is eliminated."""
        found: list[Tie] = []
        for line in lines if self.members else ():
            signs = LINE_LAYERS[line.id]
            shown = [other for member in self.members for other in member.lines]
            of_members = [other.ending for other in shown if other.id == line.id]
            eliminated = [
                carrying.balance(layer, self.period.ends_on) * sign
                for carrying in self.carryings
                if carrying.asset.startswith("elimination:")
                for layer, sign in signs.items()
            ]
            whole = Money.sum((*of_members, *eliminated), self.currency)
            found.append(Tie("tie.group-less-eliminations", line.id, line.ending, "=", whole))
        return found

    def spending_ties(self) -> list[Tie]:
        """Verdicts account for all spending, and for what the ERP has on asset accounts."""
        found: list[Tie] = []
        for entry in self.entries:
            until = [
                v
                for v in entry.verdicts
                if v.amount.currency == self.currency and v.dated < self.period.ends_on
            ]
            of = {
                outcome: Money.sum((v.amount for v in until if v.outcome is outcome), self.currency)
                for outcome in Outcome
            }
            whole = Money.sum((v.amount for v in until), self.currency)
            parts = Money.sum(of.values(), self.currency)
            found.append(Tie("tie.spending-accounted", entry.id, parts, "=", whole))
            erp = Money.sum((v.amount for v in until if v.on_asset_account), self.currency)
            found.append(Tie("tie.books-agree", entry.id, of[Outcome.CAPITALISED], "=", erp))
        return found

    # Figures

    def _id(self, where: str) -> str:
        return f"figure:{self.entity}/{where}/{self.period.id}"

    def _amount(self, where: str) -> Money:
        return Money(self.figures[self._id(where)].value, self.currency)

    def _leaf(self, where: str, label: Text) -> None:
        """A figure posted from movements, one posting a source; a group's from its members' too."""
        leaf = self.leaves.get(where) or _Leaf({}, {})
        postings = [
            Posted(node, amount.quantize(FEN)) for node, amount in leaf.by_source.items() if amount
        ]
        parts: list[Part] = []
        for member in self.members:
            of = member.figures[f"figure:{member.entity}/{where}/{member.period.id}"]
            if of.value:
                parts.append(Part(of.id, of.value))
        assets = () if self.members else tuple(leaf.assets)
        self._add(where, label, parts=parts, postings=postings, recognised_in=assets)

    def _sum(self, where: str, label: Text, terms: Sequence[tuple[str, int]]) -> None:
        """A figure summed from others; zeros are left out."""
        parts = [
            Part(self._id(term), (self._amount(term) * sign).amount)
            for term, sign in terms
            if self._amount(term)
        ]
        self._add(where, label, parts=parts)

    def _add(
        self,
        where: str,
        label: Text,
        *,
        parts: Sequence[Part] = (),
        postings: Sequence[Posted] = (),
        recognised_in: Sequence[str] = (),
    ) -> None:
        value = Decimal()
        for counted in (*parts, *postings):
            value = EXACT.add(value, counted.amount)
        self.figures[self._id(where)] = Figure(
            self._id(where),
            label,
            value.quantize(FEN),
            self.currency,
            tuple(parts),
            tuple(postings),
            tuple(recognised_in),
        )


_LAYOUT = (
    "balance_sheet_parents",
    "line_equals_parent_is_warned",
    "table_a_columns",
    "table_a_rows",
    "table_b_columns",
    "table_b_rows",
)
_LEAF_ROWS = {(place[0], row) for place in _ROWS.values() for row in place[2].values()}


def _depth(row: Row) -> int:
    """The order in which rows can be computed: leaves, wholes, closings, carrying amounts."""
    if row.layer == "carrying":
        return 3
    if row.id.endswith(".closing"):
        return 2
    return 0 if row.part_of else 1


def _balance(
    balances: Sequence[Balances], on: date, names: Sequence[str]
) -> tuple[Money | None, Money | None, str]:
    """Ending, beginning and the file's hash of a line in the balances of a day."""
    for given in balances:
        if given.on == on:
            for name in names:
                if name in given.lines:
                    return *given.lines[name], given.origin.sha256
    return None, None, ""


def notes_to_json(shown: Disclosure) -> list[dict[str, Any]]:
    """The items of the notes: words in both languages, amounts with their figures."""

    def both(text: Text) -> dict[str, str]:
        return {"zh": text.say("zh"), "en": text.say("en")}

    def cell(one: noting.Cell) -> dict[str, Any]:
        if one.amount is None:
            return both(one.text)
        return {"id": one.figure, "amount": one.amount.text, "currency": one.amount.currency}

    def said(one: noting.Said | None) -> dict[str, Any] | None:
        if one is None:
            return None
        papers = [{"sha256": p.sha256, "path": p.path, "title": p.title} for p in one.evidence]
        told = {"by": one.by, "date": one.date.isoformat(), "evidence": papers}
        return {**both(one.text), **told, "path": one.origin.path, "line": str(one.origin.line)}

    return [
        {
            "id": item.id,
            "part": item.part,
            "label": both(item.label),
            "mandatory": item.mandatory,
            "status": item.status.value,
            "citation": f"{item.rule.number} {item.rule.clause}",
            "tag": item.rule.tag,
            "columns": [both(column) for column in item.columns],
            "rows": [[cell(one) for one in row] for row in item.rows],
            "told": [both(text) for text in item.told],
            "said": said(item.said),
            "wanted": both(item.wanted) if item.wanted else None,
        }
        for item in shown.notes
    ]


def to_json(shown: Disclosure, files: Sequence[str] = (), language: str = "zh") -> dict[str, Any]:
    """FORMATS §13 `report disclosure`, without the common keys."""
    return {
        "period": {
            "id": shown.period.id,
            "from": shown.period.starts_on.isoformat(),
            "through": shown.period.through.isoformat(),
        },
        "state": shown.state.value,
        "scope": shown.scope.value,
        "as_at": shown.as_at.isoformat() if shown.as_at else None,
        "sealed_on": shown.sealed_on.isoformat() if shown.sealed_on else None,
        "signed": dict(shown.signed),
        "figures": [
            {
                "id": id,
                "label": shown.figures[id].label.say(language),
                "amount": Money(shown.figures[id].value).text,
                "currency": shown.currency,
            }
            for id in shown.balance_sheet
        ],
        "tables": {name: _shown_table(table) for name, table in shown.tables.items()},
        "comparative": {
            "period": shown.comparative.id,
            "tables": {name: _shown_table(table) for name, table in shown.comparatives.items()},
        }
        if shown.comparative
        else None,
        "restatements": [
            {
                "line": one.line,
                "reported": one.reported.text,
                "restated": one.restated.text,
                "effect": one.effect.text,
                "assets": list(one.assets),
            }
            for one in shown.restatements
        ],
        "members": list(shown.members),
        "eliminations": [
            {
                "id": one.id,
                "day": one.day.isoformat(),
                "what": one.what,
                "sold": one.sold,
                "bought": one.bought,
                "sources": list(one.sources),
                "lines": [
                    {
                        "layer": line.layer,
                        "kind": line.kind,
                        "route": line.route,
                        "amount": line.amount.text,
                    }
                    for line in one.lines
                ],
            }
            for one in shown.eliminations
        ],
        "ties": [
            {
                "code": tie.code,
                "ok": tie.ok,
                "subject": tie.subject,
                "left": tie.left.text,
                "relation": tie.relation,
                "right": tie.right.text,
            }
            for tie in shown.ties
        ],
        "assets": [
            {
                "id": entry.id,
                "title": entry.title.say(language),
                "route": entry.route.value,
                "use": entry.use.value,
                "approved": shown.approvals[entry.id],
                **{
                    key: getattr(entry, key).text
                    for key in ("capitalised", "expensed", "waiting", "refused")
                },
                "verdicts": [
                    {
                        "voucher": verdict.voucher,
                        "path": verdict.path,
                        "line": verdict.line,
                        "date": verdict.dated.isoformat(),
                        "amount": verdict.amount.text,
                        "currency": verdict.amount.currency,
                        "outcome": verdict.outcome.value,
                        "code": verdict.code,
                        "citation": verdict.citation,
                    }
                    for verdict in entry.verdicts
                    if verdict.dated < shown.period.ends_on
                ],
            }
            for entry in shown.entries
        ],
        "notes": notes_to_json(shown),
        "files": list(files),
    }


def _shown_table(table: Table) -> dict[str, Any]:
    return {
        "rows": len(table.rows),
        "columns": [column for column, _ in table.columns],
        "cells": [
            {"row": c.row, "column": c.column, "id": c.figure, "amount": c.amount.text}
            for c in table.cells
        ],
    }
