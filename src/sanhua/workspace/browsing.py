"""Browse: what pages show of a project, read from what is kept; nothing is run for a page."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, cast

from sanhua.asset.contract import UsageContract, lasts_until, signatures
from sanhua.asset.meter import MeterSegment
from sanhua.asset.party import Party
from sanhua.asset.price import PricePlan
from sanhua.asset.product import DataProduct
from sanhua.capital.disclose import DisclosureNote, State
from sanhua.capital.recognise import AssetEntry, Outcome
from sanhua.kernel import ids
from sanhua.kernel.errors import Diagnostic, Invalid, NotFound, SanhuaError, Severity
from sanhua.kernel.figure import Figure
from sanhua.kernel.ledger import PeriodClose
from sanhua.kernel.money import Money
from sanhua.kernel.ports import Uow
from sanhua.kernel.text import Text
from sanhua.kernel.time import legal_day, parse_day
from sanhua.resource.collect import PartRead, RawFile
from sanhua.resource.grade import Grading
from sanhua.resource.lineage import Table
from sanhua.resource.publish import DataResource
from sanhua.resource.quality import Quality
from sanhua.verify import open_note
from sanhua.workspace.approving import approved_by_role, state_of
from sanhua.workspace.assessing import said_of
from sanhua.workspace.explaining import cite, counted, dated, describe, find_part, open_call
from sanhua.workspace.opening import Workspace
from sanhua.workspace.running import ProjectState

NEIGHBOURS_MAX = 100  # of each list of a page, which keeps the widest within 40 KB
ITEMS_MAX, FACT_MAX = 24, 400  # of a list, and characters of a text, that are shown as a fact
FLOW_MAX = 12  # boxes of a column of the picture; the others are counted in one
_NODE = re.compile(r"[a-z0-9_]+:\S")

# The first page


@dataclass(frozen=True, slots=True)
class LastRun:
    """The last complete run: `node` is the project's, `steps` how many there were."""

    node: str
    id: str
    at: str
    actor: str
    steps: int


@dataclass(frozen=True, slots=True)
class Note:
    """The last signed checkpoint of the evidence log."""

    origin: str
    size: int
    root: str  # base64, as the note has it


@dataclass(frozen=True, slots=True)
class DealNow:
    """A deal as it stands today.

    `state`: unsigned, half_signed, waiting (its term begins later), in_force, ended. `calls` and
    `refusals` are of sealed segments.
    """

    node: str
    contract: UsageContract
    consumer: str
    product: Text
    state: str
    until: date
    calls: int
    rows: int
    refusals: int


@dataclass(frozen=True, slots=True)
class AssetNow:
    """An asset with the roles that approve the memo as it stands, and its vouchers."""

    entry: AssetEntry
    approved: tuple[str, ...]
    vouchers: int


@dataclass(frozen=True, slots=True)
class Shown:
    """What was last shown of an entity: its period and the balance-sheet lines at its end."""

    note: DisclosureNote
    entity: str
    period: str
    lines: tuple[Figure, ...]
    state: State


@dataclass(frozen=True, slots=True)
class Box:
    """A node of the picture. `amount` is rows, bytes or money; `more` counts what a box stands for
    beyond itself; `open` is drawn as not in force yet.
    """

    node: str
    label: Text
    amount: Decimal
    unit: str  # rows bytes files calls, or a currency
    more: int = 0
    open: bool = False


@dataclass(frozen=True, slots=True)
class Stream:
    """`amount` flows from one box to another: rows left of the assets, money right of them."""

    source: str
    target: str
    amount: Decimal
    unit: str
    open: bool = False


@dataclass(frozen=True, slots=True)
class Flow:
    """The value path as a picture: columns of boxes in order, and what flows between them."""

    columns: tuple[tuple[str, tuple[Box, ...]], ...]
    streams: tuple[Stream, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """All that the first page shows."""

    title: Text
    name: str
    entities: tuple[str, ...]
    run: LastRun | None
    note: Note | None
    events: int
    figures: tuple[Figure, ...]
    resources: tuple[DataResource, ...]
    products: tuple[tuple[DataProduct, tuple[PricePlan, ...]], ...]
    deals: tuple[DealNow, ...]
    anonymous: int  # refusals that belong to no deal
    segments: int
    closed: tuple[PeriodClose, ...]
    assets: tuple[AssetNow, ...]
    shown: tuple[Shown, ...]
    found: tuple[Diagnostic, ...]  # what the kept results warn of
    flow: Flow

    def figure(self, line: str) -> Figure | None:
        return next((f for f in self.figures if f.id.split("/")[2] == line), None)

    def figures_of(self, stage: str) -> list[Figure]:
        return [f for f in self.figures if f.id.split("/")[2].partition(".")[0] == stage]


@dataclass(frozen=True, slots=True)
class Stamp:
    """Names a state of what is kept: equal stamps, equal pages."""

    events: int
    signed: int
    day: date

    def __str__(self) -> str:
        return f"{self.events}-{self.signed}-{self.day.isoformat()}"


class Browser:
    """Reads one project for pages; threads may share it."""

    def __init__(self, ws: Workspace) -> None:
        self.ws = ws
        self._lock = threading.Lock()
        self._made: tuple[Stamp, Overview] | None = None
        self._judged: tuple[Stamp | None, dict[str, dict[str, Any]]] = None, {}
        self._calls = _Calls(ws)

    def stamp(self) -> Stamp:
        """The state of the store now; all zero when nothing was ever run."""
        today = legal_day(self.ws.clock.now())
        if not self.ws.has_store:
            return Stamp(0, 0, today)
        with self.ws.store.begin(actor=self.ws.actor, read_only=True):
            note = self.ws.store.last_checkpoint()
            return Stamp(self.ws.store.size(), _note(note).size if note else 0, today)

    def overview(self) -> Overview:
        """The first page, made once for each state of the store; Invalid run.nothing-yet."""
        if not self.ws.has_store:
            raise Invalid("run.nothing-yet", folder=str(self.ws.root.name))
        stamp = self.stamp()
        with self._lock:
            if self._made is None or self._made[0] != stamp:
                with self.ws.store.begin(actor=self.ws.actor, read_only=True) as uow:
                    self._made = stamp, self._overview(uow, stamp.day)
            return self._made[1]

    def _overview(self, uow: Uow, today: date) -> Overview:
        ws, store = self.ws, self.ws.store
        node = ids.node("project", ws.project.name)
        state = uow.find(ProjectState, node)
        run = None
        if state is not None:
            told = store.told(node)
            run = LastRun(node, state.run, told.recorded_at, told.actor, len(state.steps))
        figures = tuple(uow.get(Figure, f) for f in state.figures) if state else ()
        kept = _kept(figures)
        resources = [
            r for r in uow.all(DataResource) if _in(kept, "resource.checks", "quality", r.id)
        ]
        judged = [q for q in uow.all(Quality) if _in(kept, "resource.checks", "quality", q.id)]
        tables = [t for t in uow.all(Table) if _in(kept, "resource.tables", "table", t.id)]
        gradings = [g for g in uow.all(Grading) if _in(kept, "resource.tables", "table", g.id)]
        products = [
            (p, tuple(uow.get(PricePlan, plan) for plan in p.plans))
            for p in uow.all(DataProduct)
            if _in(kept, "asset.products", "product", p.id)
        ]
        names = {party.id: party.name for party in uow.all(Party)}
        self._calls.update(uow)
        deals = [self._deal(uow, c, names, today) for c in uow.all(UsageContract)]
        assets = [
            self._asset(uow, a)
            for a in uow.all(AssetEntry)
            if _in(kept, "capital.assets", "asset", a.id)
        ]
        shown = self._shown(uow, names)
        note = store.last_checkpoint()
        found = [d for q in judged for d in q.diagnostics()]
        found += [d for g in gradings for d in g.diagnostics()]
        found += [d for a in assets for d in _waiting(a.entry)]
        order = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}
        found.sort(key=lambda d: order[d.severity])
        return Overview(
            ws.project.settings.title,
            ws.project.name,
            tuple(names.get(ids.node("party", e.id), e.id) for e in ws.project.settings.entities),
            run,
            _note(note) if note else None,
            store.size(),
            figures,
            tuple(resources),
            tuple(products),
            tuple(deals),
            self._calls.anonymous,
            self._calls.segments,
            tuple(uow.all(PeriodClose)),
            tuple(assets),
            tuple(shown),
            tuple(found),
            _flow(uow, tables, resources, [p for p, _ in products], deals, assets, shown),
        )

    def _deal(
        self, uow: Uow, contract: UsageContract, names: Mapping[str, str], today: date
    ) -> DealNow:
        signed, until = len(signatures(uow, contract)), lasts_until(uow, contract)
        if signed < 2:
            state = ("unsigned", "half_signed")[signed]
        elif today >= until:
            state = "ended"
        else:
            state = "in_force" if today >= contract.terms.starts_on else "waiting"
        calls, rows, refusals = self._calls.of(contract.id)
        product = uow.find(DataProduct, contract.product)
        title = product.title if product else Text(ids.key_of(contract.product))
        consumer = names.get(contract.consumer, ids.key_of(contract.consumer))
        return DealNow(contract.id, contract, consumer, title, state, until, calls, rows, refusals)

    def _asset(self, uow: Uow, entry: AssetEntry) -> AssetNow:
        roles = approved_by_role(uow, entry.id, self.ws.store.kept(entry.id).content)
        return AssetNow(entry, tuple(sorted(roles)), len({v.voucher for v in entry.verdicts}))

    def _shown(self, uow: Uow, names: Mapping[str, str]) -> list[Shown]:
        """The latest note of each entity."""
        last: dict[str, DisclosureNote] = {}
        for note in uow.all(DisclosureNote):
            if note.entity not in last or note.ends_on >= last[note.entity].ends_on:
                last[note.entity] = note
        found: list[Shown] = []
        for note in last.values():
            lines = [uow.get(Figure, f) for f in note.figures if _is_ending(f)]
            period = note.id.rpartition("/")[2]
            name = names.get(note.entity, ids.key_of(note.entity))
            state = state_of(self.ws, uow, note)
            found.append(Shown(note, name, period, tuple(lines), state))
        return found

    def quality(self, contract: str) -> dict[str, Any]:
        """What the quality report of a contract says; NotFound quality.unknown-contract."""
        if not self.ws.has_store:
            raise Invalid("run.nothing-yet", folder=str(self.ws.root.name))
        stamp = self.stamp()
        with self._lock:
            if self._judged[0] != stamp:
                self._judged = stamp, {}
            said = self._judged[1]
            if contract not in said:
                said[contract] = said_of(self.ws, contract)
            return said[contract]

    # A node

    def open(
        self, node: str, *, out: int = 0, into: int = 0, parts: int = 0, limit: int = NEIGHBOURS_MAX
    ) -> Opened:
        """One level of the drill-down, each list from its offset on, below a figure as it stood
        when the figure was made; NotFound explain.no-such-node.
        """
        if not self.ws.has_store:
            raise Invalid("run.nothing-yet", folder=str(self.ws.root.name))
        store = self.ws.store
        with store.begin(actor=self.ws.actor, read_only=True):
            if (call := self._call(node)) is not None:
                return call
            here = dated(self.ws, node, store.size())
            stood, owner = here.standing, here.standing.owner if here.standing else ""
            shown, node = describe(self.ws, here), here.node
            onward = store.neighbours(node, after=out, limit=limit + 1, at=here.at)
            back = store.neighbours(node, into=True, after=into, limit=limit + 1)
            if not owner and not back and not into:  # bytes that a file no longer holds
                back = store.formerly(node, limit)
            within = (
                store.parts(node, after=parts, limit=limit + 1, at=here.at) if owner == node else []
            )
            rule = _rule(self.ws, node) if node.startswith("rule:") else None
            if not owner and not back and rule is None:
                raise NotFound("explain.no-such-node", node=node, nearest="–")
            told = store.told(owner, stood.version) if stood else None
            rules = [e for e in onward[:limit] if e.dst.startswith("rule:")]
            causes = [e for e in onward[:limit] if not e.dst.startswith("rule:")]
            near = _Near(self.ws, [node, *(e.dst for e in causes), *(e.src for e in back), *within])
            versions = near.stood({node}, here.at) | near.stood({e.dst for e in causes}, here.below)
            this = near.of(here.name, "", "1")
            told_of = {e.dst for e in causes}
            return Opened(
                here.name,
                shown,
                this.label,
                this.value,
                this.unit,
                owner,
                Heard(told.seq, told.id, told.recorded_at, told.actor, told.version)
                if told
                else None,
                rule,
                tuple(
                    near.of(versions.get(e.dst, e.dst), e.verb, e.weight, here.name, e.dst)
                    for e in causes
                ),
                tuple(
                    cited
                    for name in dict.fromkeys(e.dst for e in rules)
                    if (cited := _rule(self.ws, name))
                ),
                tuple(near.of(e.src, e.verb, e.weight) for e in back[:limit]),
                tuple(near.of(p, "", "1") for p in within[:limit] if p not in told_of),
                near.facts(here.name, {e.dst for e in onward} | {node, str(this.value)}),
                near.is_additive(here.name),
                {
                    name: start + limit
                    for name, start, found in (
                        ("out", out, onward),
                        ("into", into, back),
                        ("parts", parts, within),
                    )
                    if len(found) > limit
                },
            )

    def _call(self, node: str) -> Opened | None:
        """A usage record: no node of the graph, but a line of a sealed segment."""
        if not node.startswith("use_"):
            return None
        walk = open_call(self.ws, node)
        if walk is None:
            return None
        shown = walk.nodes[node]
        below = [edge for edge in walk.edges if edge.src == node]
        near = _Near(self.ws, [edge.dst for edge in below])
        causes = tuple(near.of(edge.dst, edge.verb, edge.weight) for edge in below)
        return Opened(
            node, shown, "", "", "", "", None, None, causes, (), (), (), {}, additive=False
        )


def _kept(figures: Iterable[Figure]) -> dict[str, frozenset[str]]:
    """Line of a stage figure → the nodes that it was counted from."""
    return {f.id.split("/")[2]: frozenset(part.node for part in f.parts) for f in figures}


def _in(kept: Mapping[str, frozenset[str]], line: str, kind: str, node: str) -> bool:
    """Whether a kept thing still belongs to the project; all do before the first whole run."""
    return line not in kept or ids.node(kind, ids.key_of(node)) in kept[line]


def _is_ending(figure: str) -> bool:
    _, report, _, column, _ = figure.split("/")
    return (report, column) == ("balance_sheet", "ending")


def _note(note: str) -> Note:
    point = open_note(note, None)
    return Note(point.origin, point.size, note.splitlines()[2])


def _waiting(entry: AssetEntry) -> Iterable[Diagnostic]:
    """Spending that is not carried although it could be, as recognition said it."""
    for verdict in entry.verdicts:
        if verdict.outcome in (Outcome.WAITING, Outcome.REFUSED):
            facts = {
                "amount": verdict.amount.text,
                "cite": verdict.citation,
                "condition": verdict.open,
                "account": verdict.account,
                "dated": verdict.dated.isoformat(),
            }
            place = (verdict.path, verdict.line, 0, verdict.voucher)
            yield Diagnostic(Severity.WARNING, verdict.code, *place, facts=facts)


class _Calls:
    """Sums over the sealed segments, kept up as they come: there may be thousands a day."""

    def __init__(self, ws: Workspace) -> None:
        self._ws = ws
        self._after = -1
        self._used: dict[str, tuple[int, int, int]] = {}
        self.anonymous = self.segments = 0

    def of(self, deal: str) -> tuple[int, int, int]:
        """Calls, rows and refusals."""
        return self._used.get(deal, (0, 0, 0))

    def update(self, uow: Uow) -> None:
        store = self._ws.store
        size = store.size()
        if self._after < 0:
            for segment in uow.all(MeterSegment):
                self._add(segment)
        else:
            for told in store.events(self._after):
                if told.type == "usage.sealed":
                    self._add(uow.get(MeterSegment, told.node))
        self._after = size

    def _add(self, segment: MeterSegment) -> None:
        self.segments += 1
        self.anonymous += segment.anonymous
        for used in segment.used:
            calls, rows, refusals = self.of(used.deal)
            self._used[used.deal] = (
                calls + used.permits,
                rows + used.units.get("row", 0),
                refusals + used.refusals,
            )


# The picture


def _flow(
    uow: Uow,
    tables: Sequence[Table],
    resources: Sequence[DataResource],
    products: Sequence[DataProduct],
    deals: Sequence[DealNow],
    assets: Sequence[AssetNow],
    shown: Sequence[Shown],
) -> Flow:
    """Raw files → collected tables → resources → products → deals, and assets → lines.

    What lies between a collected table and a resource is drawn through: the drill-down has it.
    """
    made_from = {t.id: _inputs(uow, t) for t in tables}
    of_snapshot = {t.snapshot: t.id for t in tables}
    rows = {t.id: Decimal(t.rows) for t in tables}
    files: dict[str, Box] = {}
    streams: list[Stream] = []
    collected: dict[str, Box] = {}
    for table in tables:
        raw = [f for f in (_handed_over(uow, node) for node in made_from[table.id]) if f]
        if not raw:
            continue
        collected[table.id] = Box(table.id, Text(ids.key_of(table.id)), rows[table.id], "rows")
        whole = sum(file.bytes for file in raw) or 1
        for file in raw:
            label = (
                Text(file.path.rpartition("/")[2])
                if isinstance(file, RawFile)
                else Text(f"{file.files} 个文件", f"{file.files} files")
            )
            files[file.id] = Box(file.id, label, Decimal(file.bytes), "bytes")
            share = rows[table.id] * file.bytes / whole
            streams.append(Stream(file.id, table.id, share, "rows"))

    def roots(table: str, seen: frozenset[str]) -> set[str]:
        if table in collected:
            return {table}
        above = {of_snapshot[s] for s in made_from.get(table, ()) if s in of_snapshot} - seen
        return {root for t in above for root in roots(t, seen | above)}

    for resource in resources:
        beneath = {r for t in resource.tables for r in roots(t.table, frozenset((t.table,)))}
        streams += [Stream(root, resource.id, rows[root], "rows") for root in sorted(beneath)]
    of_resource = {r.id: r for r in resources}
    for product in products:
        streams += [
            Stream(r, product.id, Decimal(of_resource[r].rows), "rows")
            for r in product.inputs
            if r in of_resource
        ]
    of_product = {
        p.id: sum(of_resource[r].rows for r in p.inputs if r in of_resource) for p in products
    }
    for deal in deals:
        if deal.contract.product in of_product:
            amount = Decimal(of_product[deal.contract.product])
            unsigned = deal.state != "in_force"
            streams.append(Stream(deal.contract.product, deal.node, amount, "rows", unsigned))
    lines: list[Box] = []
    for one in shown:
        for line in one.lines:
            label = Text(line.label.zh.partition("—")[0], line.label.en.partition(",")[0])
            lines.append(Box(line.id, label, line.value, line.unit, open=one.state is State.DRAFT))
            for asset in line.recognised_in:
                if line.value:
                    streams.append(
                        Stream(asset, line.id, line.value, line.unit, one.state is State.DRAFT)
                    )
    columns = [
        ("files", list(files.values())),
        ("tables", list(collected.values())),
        ("resources", [Box(r.id, r.title, Decimal(r.rows), "rows") for r in resources]),
        ("products", [Box(p.id, p.title, Decimal(len(p.fields)), "fields") for p in products]),
        (
            "deals",
            [
                Box(d.node, Text(d.consumer), Decimal(d.calls), "calls", open=d.state != "in_force")
                for d in deals
            ],
        ),
        (
            "assets",
            [
                Box(
                    a.entry.id,
                    a.entry.title,
                    a.entry.capitalised.amount,
                    a.entry.capitalised.currency,
                )
                for a in assets
            ],
        ),
        ("lines", lines),
    ]
    return _arranged(columns, streams)


def _handed_over(uow: Uow, node: str) -> RawFile | PartRead | None:
    return uow.find(PartRead if node.startswith("part:") else RawFile, node)


def _inputs(uow: Uow, table: Table) -> list[str]:
    """The raw files or snapshots that a table's snapshot was made from."""
    return [
        e.dst
        for e in uow.edges_from(table.snapshot)
        if (e.src, e.verb) == (table.snapshot, "made_from")
    ]


def _arranged(columns: list[tuple[str, list[Box]]], streams: list[Stream]) -> Flow:
    """From right to left, each box beside what it flows to; what is beyond FLOW_MAX in one box."""
    place: dict[str, float] = {}
    into: dict[str, list[str]] = {}
    for stream in streams:
        into.setdefault(stream.source, []).append(stream.target)

    def wanted(box: Box) -> tuple[float, Decimal]:
        ahead = [place[t] for t in into.get(box.node, ()) if t in place]
        return (sum(ahead) / len(ahead) if ahead else 1e9, -box.amount)

    for _, boxes in reversed(columns):
        boxes.sort(key=wanted)
        place.update({box.node: float(at) for at, box in enumerate(boxes)})
    stands: dict[str, str] = {}
    drawn: list[tuple[str, tuple[Box, ...]]] = []
    for name, boxes in columns:
        kept, rest = boxes, []
        if len(boxes) > FLOW_MAX:
            big = sorted(boxes, key=lambda b: -b.amount)[: FLOW_MAX - 1]
            kept, rest = [b for b in boxes if b in big], [b for b in boxes if b not in big]
        stands |= {box.node: box.node for box in kept}
        if rest:
            other = Box(
                f"more:{name}",
                Text(),
                sum((b.amount for b in rest), Decimal()),
                rest[0].unit,
                len(rest),
            )
            kept = [*kept, other]
            stands |= {box.node: other.node for box in rest}
        drawn.append((name, tuple(kept)))
    summed: dict[tuple[str, str, str, bool], Decimal] = {}
    for s in streams:
        if s.source in stands and s.target in stands:
            key = (stands[s.source], stands[s.target], s.unit, s.open)
            summed[key] = summed.get(key, Decimal()) + s.amount
    return Flow(
        tuple(drawn),
        tuple(Stream(a, b, amount, unit, o) for (a, b, unit, o), amount in summed.items()),
    )


# A node and what is around it


@dataclass(frozen=True, slots=True)
class Heard:
    """The event that tells of the record."""

    seq: int
    id: str
    at: str
    actor: str
    version: int


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A node at the other end of an edge, with what names it to people."""

    node: str
    verb: str
    weight: str
    kind: str
    label: Any  # text, or a map of languages; empty: the id says it
    value: str
    unit: str
    counted: str = ""  # with what amount it counts into the figure that is opened


@dataclass(frozen=True, slots=True)
class Opened:
    """One level of the drill-down. `shown` is what `explain` says of the node; `more` has the
    offsets of the lists that go on.
    """

    node: str
    shown: dict[str, Any]
    label: Any
    value: str
    unit: str
    owner: str
    told: Heard | None
    rule: dict[str, Any] | None
    causes: tuple[Neighbour, ...]
    rules: tuple[dict[str, Any], ...]
    used_by: tuple[Neighbour, ...]
    parts: tuple[Neighbour, ...]
    facts: dict[str, Any]  # the record's other plain fields
    additive: bool  # a figure whose value is the sum of what counts into it
    more: dict[str, int] = field(default_factory=dict[str, int])


def _is_fact(value: Any, said: set[str]) -> bool:
    """Whether a value is plain, and not told by an edge or a heading."""
    return isinstance(value, (str, int)) and value != "" and str(value) not in said


def _rule(ws: Workspace, node: str) -> dict[str, Any] | None:
    """The rule as it is cited; None when the packs do not have it (any more)."""
    instrument, _, rest = node.removeprefix("rule:").partition("/")
    name, _, day = rest.partition("@")
    try:
        held = ws.rules.ask(instrument, name, on=parse_day(day))
        what = ws.rules.history(instrument)[name].what
    except (SanhuaError, ValueError):
        return None
    more = {"node": node, "title": held.title, "unit": held.unit, "since": day, "what": what}
    return cite(ws, node, []) | more


def _named(fields: Mapping[str, Any]) -> tuple[Any, str, str]:
    """What names a record or a part to people, its value and unit."""
    names = ["label", "title", "name", *(["path"] if "bytes" in fields else [])]
    names += ["table"] if "made_from" in fields else []  # a snapshot
    label: Any = next((fields[n] for n in names if fields.get(n)), "")
    if "state" in fields and "severity" in fields:  # a check
        return label, str(fields["state"]), "word"
    lines: Any = fields.get("lines")
    if "number" in fields and lines:  # a voucher
        debit = sum((max(Decimal(i["amount"]["amount"]), Decimal()) for i in lines), Decimal())
        label = f"{fields['number']} {lines[0]['summary']}".strip()
        return label, format(debit, "f"), lines[0]["amount"]["currency"]
    if "net" in fields and "periods" in fields:  # an invoice
        label = f"{ids.key_of(fields['product'])} {fields['period']}"
    label = label or fields.get("summary", "")  # an entry
    names = ("amount", "capitalised", "total", "pool")
    amount = next((fields[n] for n in names if fields.get(n)), None)
    if isinstance(amount, dict):
        money = cast("dict[str, str]", amount)
        return label, money["amount"], money["currency"]
    for name, unit in (
        ("value", fields.get("unit", "")),
        ("rows", "rows"),
        ("score", "score"),
        ("bytes", "bytes"),
    ):
        if fields.get(name) not in (None, ""):
            return label, str(fields[name]), str(unit)
    word = next((fields[n] for n in ("grade", "state", "outcome") if fields.get(n)), "")
    return label, str(word), "word" if word else ""


def _items(kind: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The lines of a bill, an entry or a settlement, each a fact of its own."""
    found: dict[str, Any] = {}
    for n, line in enumerate(fields.get("lines", ()) if kind == "invoice" else (), 1):
        price, money = line["price"], line["amount"]
        by_days = f" ({line['days']})" if line["days"] else ""
        counted = f"{line['quantity']} {line['unit']}".strip()
        asked = f"{counted} × {price['amount']}{by_days} = {money['amount']} {money['currency']}"
        found[f"{n}. {line['reason']} {line['period']}"] = asked
    for n, line in enumerate(fields.get("lines", ()) if kind == "entry" else (), 1):
        side = "debit" if line["amount"] > 0 else "credit"
        found[f"{n}. {side} {line['account']}"] = Money.of_fen(abs(line["amount"])).text
    for n, share in enumerate(fields.get("shares", ()) if kind == "settlement" else (), 1):
        found[f"{n}. {ids.key_of(share['party'])} ({share['basis']})"] = share["amount"]
    return found


class _Near:
    """What names many nodes at once, in few reads."""

    def __init__(self, ws: Workspace, nodes: Sequence[str]) -> None:
        self._store = ws.store
        self._records = ws.store.latest(nodes)
        others = [node for node in nodes if node not in self._records]
        self._files = ws.store.sources([n for n in others if n.startswith("sha256:")], "content")
        owners = ws.store.owners(others)
        bodies = ws.store.latest(list(owners.values()))
        self._parts: dict[str, dict[str, Any]] = {}
        self._figure: tuple[str, dict[tuple[str, str], str]] = "", {}
        for part, owner in owners.items():
            if owner in bodies:
                self._parts[part] = find_part(bodies[owner][1], part) or {}

    def stood(self, nodes: set[str], at: int) -> dict[str, str]:
        """The names of those records among `nodes` that had another version when the log had `at`
        events; from here on they are known by it.
        """
        names: dict[str, str] = {}
        for node, version in self._store.superseded(list(nodes), at).items():
            kept = self._store.kept(node, version)
            names[node] = f"{node}@v{version}"
            self._records[names[node]] = kept.kind, kept.fields or {}
        return names

    def of(
        self, node: str, verb: str, weight: str, seen_from: str = "", base: str = ""
    ) -> Neighbour:
        kind, fields = self._records.get(node, ("", {}))
        fields = fields or self._parts.get(node, {})
        label, value, unit = _named(fields)
        label = label or self._files.get(node, "").removeprefix("file:")
        kind = kind or (node.partition(":")[0] if ":" in node else node.partition("_")[0])
        kind = {"col": "column", "sha256": "content"}.get(kind, kind)
        counted = self._counted(seen_from).get((verb, base or node), "") if seen_from else ""
        return Neighbour(node, verb, weight, kind, label, value, unit, counted)

    def facts(self, node: str, said: set[str]) -> dict[str, Any]:
        """Plain fields of a record or part (of a deal its terms), without what was `said`."""
        kind, fields = self._records.get(node, ("", self._parts.get(node, {})))
        if kind == "contract":
            fields = fields | fields["terms"]
        found: dict[str, Any] = {}
        for name, value in fields.items():
            if isinstance(value, dict) and value.keys() == {"amount", "currency"}:
                found[name] = value
            elif isinstance(value, list):
                items = cast("list[Any]", value)
                plain = all(_is_fact(i, said) and not _NODE.match(str(i)) for i in items)
                if plain and 0 < len(items) <= ITEMS_MAX:
                    found[name] = value
            elif _is_fact(value, said) and len(str(value)) <= FACT_MAX:
                found[name] = value
        return found | _items(kind, fields)

    def is_additive(self, figure: str) -> bool:
        kind, fields = self._records.get(figure, ("", {}))
        return kind == "figure" and fields.get("additive", True) is True

    def _counted(self, figure: str) -> dict[tuple[str, str], str]:
        """(edge, node) → the amount with which it counts into a figure."""
        if figure != self._figure[0]:
            fields = self._records.get(figure, ("", {}))[1]
            self._figure = figure, counted(fields) if figure.startswith("figure:") else {}
        return self._figure[1]
