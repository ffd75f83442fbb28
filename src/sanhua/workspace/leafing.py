"""Leaf through the books: disclosures and assets as pages show them, read from what is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sanhua.capital.disclose import DisclosureNote, State, measured
from sanhua.capital.measure import Kind, Layer
from sanhua.capital.recognise import AssetEntry, Verdict
from sanhua.kernel import ids
from sanhua.kernel.errors import Invalid, NotFound, SanhuaError
from sanhua.kernel.figure import Figure
from sanhua.kernel.ledger import Entry
from sanhua.kernel.money import Money
from sanhua.kernel.ports import Uow
from sanhua.kernel.text import Text
from sanhua.kernel.time import Period, legal_day
from sanhua.project.read import nearest_or_some
from sanhua.workspace.approving import Approval, is_sound, state_of
from sanhua.workspace.opening import Workspace

ASSETS_MAX = 100  # of one page
VERDICTS_MAX = 60
MOVED_MAX = 60
LAW = "mof_2023_11"


@dataclass(frozen=True, slots=True)
class Signed:
    """An approval, and whether it still holds for what it approved."""

    id: str
    person: str
    role: str
    at: str
    signed: bool
    holds: bool
    sealed_on: date | None = None


@dataclass(frozen=True, slots=True)
class ShownAsset:
    """An asset in a list."""

    node: str
    title: Text
    capitalised: Money
    approved: bool


@dataclass(frozen=True, slots=True)
class Listed:
    """A disclosure in a list, with the balance-sheet lines at its end."""

    note: DisclosureNote
    entity: str
    period: str
    state: State
    lines: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the balance sheet and its 其中：数据资源: figures at the end and the beginning."""

    label: Text
    parent: tuple[Figure | None, Figure | None]
    sub_label: Text
    sub: tuple[Figure | None, Figure | None]


@dataclass(frozen=True, slots=True)
class Row:
    """A row of table A or B; a heading has no cells. `deep` is how far it is indented."""

    label: Text
    deep: int
    cells: tuple[Figure | None, ...]


@dataclass(frozen=True, slots=True)
class Table:
    id: str
    columns: tuple[Text, ...]
    rows: tuple[Row, ...]
    empty: bool  # nothing but zeros


@dataclass(frozen=True, slots=True)
class ShownDisclosure:
    """All that the page of a disclosure shows."""

    note: DisclosureNote
    entity: str
    period: str
    name: str
    state: State
    signed: tuple[Signed, ...]
    lines: tuple[Line, ...]
    tables: tuple[Table, ...]
    assets: tuple[ShownAsset, ...]
    more: int  # assets beyond those


@dataclass(frozen=True, slots=True)
class Moved:
    """What a month added to a layer of an asset."""

    day: date
    layer: Layer
    kind: Kind
    amount: Money
    source: str


@dataclass(frozen=True, slots=True)
class ShownPage:
    """All that the page of an asset shows. `moved` is None when the file was edited since the memo;
    `posted` are the entries in the entity's book that stand on it.
    """

    entry: AssetEntry
    entity: str
    signed: tuple[Signed, ...]
    verdicts: tuple[Verdict, ...]
    more: int | None  # the offset from which the verdicts go on
    moved: tuple[Moved, ...] | None
    moved_left: int
    posted: tuple[Entry, ...]
    files: Mapping[str, str]  # evidence → its path
    disclosed: tuple[str, ...]


class Leafing:
    """Reads disclosures and assets of one project for pages."""

    def __init__(self, ws: Workspace) -> None:
        self.ws = ws
        self._known: tuple[int, dict[str, State]] = 0, {}  # at a size of the log

    def _must_be(self) -> None:
        if not self.ws.has_store:
            raise Invalid("run.nothing-yet", folder=str(self.ws.root.name))

    def listed(self) -> list[Listed]:
        """Every disclosure, the latest period first."""
        self._must_be()
        with self.ws.store.begin(actor=self.ws.actor, read_only=True) as uow:
            notes = sorted(uow.all(DisclosureNote), key=lambda n: (n.ends_on, n.id), reverse=True)
            return [
                Listed(
                    note,
                    *_names(note),
                    self._state(uow, note)[0],
                    tuple(uow.get(Figure, f) for f in note.figures if _is(f, ".data", "ending")),
                )
                for note in notes
            ]

    def assets(self, after: int) -> tuple[list[ShownAsset], int]:
        """A page of the assets, and how many there are."""
        self._must_be()
        with self.ws.store.begin(actor=self.ws.actor, read_only=True) as uow:
            nodes = sorted(uow.ids(AssetEntry))
            page = [uow.get(AssetEntry, n) for n in nodes[after : after + ASSETS_MAX]]
            return [self._asset(uow, one) for one in page], len(nodes)

    def disclosure(self, entity: str, period: str) -> ShownDisclosure:
        """NotFound audit.no-disclosure."""
        self._must_be()
        node = ids.node("disclosure", f"{entity}/{period}")
        with self.ws.store.begin(actor=self.ws.actor, read_only=True) as uow:
            note = uow.find(DisclosureNote, node)
            if note is None:
                known = uow.ids(DisclosureNote)
                raise NotFound(
                    "audit.no-disclosure", node=node, nearest=nearest_or_some(node, known)
                )
            figures = {name: uow.get(Figure, name) for name in note.figures}
            state, signed = self._state(uow, note)
            owner = self.ws.project.parties.get(ids.key_of(note.entity))
            return ShownDisclosure(
                note,
                entity,
                period,
                owner.name if owner else entity,
                state,
                signed,
                tuple(self._lines(note, entity, period, figures)),
                tuple(self._table(name, note, entity, period, figures) for name in ("A", "B")),
                tuple(
                    self._asset(uow, uow.get(AssetEntry, one)) for one in note.assets[:ASSETS_MAX]
                ),
                max(len(note.assets) - ASSETS_MAX, 0),
            )

    def asset(self, name: str, after: int = 0) -> ShownPage:
        """The memo of an asset; NotFound explain.no-such-node."""
        self._must_be()
        node = ids.node("asset", name)
        with self.ws.store.begin(actor=self.ws.actor, read_only=True) as uow:
            entry = uow.find(AssetEntry, node)
            if entry is None:
                nearest = nearest_or_some(node, uow.ids(AssetEntry))
                raise NotFound("explain.no-such-node", node=node, nearest=nearest)
            moved = self._moved(uow, entry)
            sources = self.ws.store.into(node, "posted_from")
            posted = [one for s in sources if (one := uow.find(Entry, s)) is not None]
            papers = [
                *(paper for met in entry.conditions for paper in met.evidence),
                *entry.control,
                *entry.measurement_evidence,
                *(paper for one in entry.judgements for paper in one.evidence),
            ]
            files = self.ws.store.sources(list(dict.fromkeys(papers)), "content")
            end = after + VERDICTS_MAX
            return ShownPage(
                entry,
                ids.key_of(entry.entity),
                self._signed(uow, node),
                entry.verdicts[after:end],
                end if len(entry.verdicts) > end else None,
                None if moved is None else tuple(moved[-MOVED_MAX:]),
                max(len(moved or ()) - MOVED_MAX, 0),
                tuple(sorted(posted, key=lambda e: (e.effective_on, e.id))[-MOVED_MAX:]),
                {node: path.removeprefix("file:") for node, path in files.items()},
                tuple(self.ws.store.into(node, "discloses")),
            )

    # Parts

    def _signed(self, uow: Uow, node: str) -> tuple[Signed, ...]:
        content = self.ws.store.kept(node).content
        given = [uow.get(Approval, one) for one in self.ws.store.into(node, "approves")]
        return tuple(
            Signed(
                one.id,
                one.person,
                one.role,
                one.at,
                bool(one.signature),
                one.content == content and is_sound(one),
                one.sealed_on,
            )
            for one in sorted(given, key=lambda one: one.at)
        )

    def _state(self, uow: Uow, note: DisclosureNote) -> tuple[State, tuple[Signed, ...]]:
        size = self.ws.store.size()
        if self._known[0] != size:
            self._known = size, {}
        if note.id not in self._known[1]:
            self._known[1][note.id] = state_of(self.ws, uow, note)
        return self._known[1][note.id], self._signed(uow, note.id)

    def _asset(self, uow: Uow, entry: AssetEntry) -> ShownAsset:
        approved = any(one.holds for one in self._signed(uow, entry.id))
        return ShownAsset(entry.id, entry.title, entry.capitalised, approved)

    def _lines(
        self, note: DisclosureNote, entity: str, period: str, figures: Mapping[str, Figure]
    ) -> list[Line]:
        parents = self.ws.rules.ask(LAW, "balance_sheet_parents", on=_through(note)).value

        def at(name: str) -> tuple[Figure | None, Figure | None]:
            ending, beginning = (
                figures.get(ids.figure(entity, "balance_sheet", name, column, period))
                for column in ("ending", "beginning")
            )
            return ending, beginning

        return [
            Line(
                Text(one["zh"], one["en"]),
                at(one["id"]),
                Text(one["sub"], one["sub_en"]),
                at(f"{one['id']}.data"),
            )
            for one in parents
        ]

    def _table(
        self,
        name: str,
        note: DisclosureNote,
        entity: str,
        period: str,
        figures: Mapping[str, Figure],
    ) -> Table:
        key, on = f"table_{name.lower()}", _through(note)
        columns = self.ws.rules.ask(LAW, f"{key}_columns", on=on).value
        rows = self.ws.rules.ask(LAW, f"{key}_rows", on=on).value

        def cells(row: Mapping[str, str]) -> tuple[Figure | None, ...]:
            return tuple(
                figures.get(ids.figure(entity, key, row["id"], column["id"], period))
                for column in columns
            )

        made = [
            Row(
                Text(row["zh"], row["en"]),
                0 if row["heading"] else 2 if row.get("part_of") else 1,
                () if row["heading"] else cells(row),
            )
            for row in rows
        ]
        return Table(
            name,
            tuple(Text(column["zh"], column["en"]) for column in columns),
            tuple(made),
            not any(cell and cell.value for row in made for cell in row.cells),
        )

    def _moved(self, uow: Uow, entry: AssetEntry) -> list[Moved] | None:
        """What measurement makes of the memo until today; None when the file no longer is the one
        that the memo was made from, or cannot be measured.
        """
        card = self.ws.project.assets.get(ids.key_of(entry.id))
        if card is None or card.origin.sha256 != entry.file:
            return None
        policy = self.ws.project.policy.get(card.entity)
        if policy is None:
            return None
        today = legal_day(self.ws.clock.now())
        ever = Period("", date.min, today)
        currency = entry.capitalised.currency
        try:
            found = measured(card, entry, policy, self.ws.rules, ever, today, currency)
        except SanhuaError:
            return None
        summed: dict[tuple[date, Layer, Kind], tuple[Decimal, str]] = {}
        for m in found.movements:
            key = (m.day, m.layer, m.kind)
            amount, source = summed.get(key, (Decimal(), m.source))
            summed[key] = amount + m.amount.amount, source if source == m.source else entry.id
        return [
            Moved(day, layer, kind, Money(amount, currency), source)
            for (day, layer, kind), (amount, source) in summed.items()
        ]


def _through(note: DisclosureNote) -> date:
    return Period("", note.starts_on, note.ends_on).through


def _names(note: DisclosureNote) -> tuple[str, str]:
    entity, _, period = ids.key_of(note.id).partition("/")
    return entity, period


def _is(figure: str, line: str, column: str) -> bool:
    _, report, name, at, _ = figure.split("/")
    return report == "balance_sheet" and name.endswith(line) and at == column
