"""Explain and prove: the walk over edges from a figure down to bytes, rules and people.

What lies below a figure is shown as it stood when the figure was made: a figure stands on the
versions that it cites, not on what became of them. `NODE@v2` is version 2 of a record that has a
later one, with what lay below it then.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from sanhua.kernel import ids
from sanhua.kernel.errors import Broken, Invalid, NotFound
from sanhua.kernel.figure import Figure
from sanhua.kernel.ids import is_act
from sanhua.kernel.record import Edge, restore
from sanhua.project.read import nearest_or_some
from sanhua.verify import open_note, pack
from sanhua.workspace.opening import Workspace

if TYPE_CHECKING:
    from sanhua.store.sqlstore import Standing

NODES_PROVEN_MAX = 1_000_000
NODES_MAX = 2000  # nodes of one answer; how many are left is said in `more`
SEGMENTS_MAX = 20  # meter segments shown of a month in one answer; all of them are proven

# The drill-down goes from a number to its causes; these edges lead sideways or back up.
_UPWARD = frozenset({"closes", "posted_in"})

# Fields of a record or of a part of one that say something to a reader, in the order shown.
_FACTS = (
    "label", "title", "name", "value", "amount", "unit", "score", "rows", "rejected", "numerator",
    "denominator", "excluded", "ratio", "passed", "grade", "rights", "outcome", "code", "dated",
    "date", "total", "pool", "basis", "transform", "type", "bytes", "path", "line", "source",
    "via", "asked", "version", "state", "role", "content", "about", "reason", "judged_on", "select",
    "seed", "count",
)  # fmt: skip


@dataclass(slots=True)
class Walk:
    """What lies below `root`: nodes in the order met, the edges between them, the rules with what
    they decided.
    """

    root: str
    nodes: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    edges: list[Edge] = field(default_factory=list[Edge])
    counted: dict[tuple[str, str, str], str] = field(  # with what the end of an edge counts, or how
        default_factory=dict[tuple[str, str, str], str]  # a memo judged it
    )
    rules: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    cited: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    owners: dict[tuple[str, int], None] = field(  # versions of records met, for a bundle
        default_factory=dict[tuple[str, int], None]
    )
    left: int = 0
    after: int = 0  # from where what the root stands on goes on; 0: all of it is here

    def to_json(self) -> dict[str, Any]:
        """FORMATS §13, without the common keys."""
        return {
            "root": self.root,
            "nodes": list(self.nodes.values()),
            "edges": [
                {"from": e.src, "edge": e.verb, "to": e.dst, "weight": e.weight}
                | ({"counts": counts} if (counts := self._counts(e)) else {})
                for e in self.edges
            ],
            "rules": self.cited,
            "more": {"nodes": self.left} | ({"after": self.after} if self.after else {})
            if self.left
            else None,
        }

    def _counts(self, edge: Edge) -> str:
        return self.counted.get((edge.src, edge.verb, edge.dst), "")

    def lines(self, language: str) -> list[str]:
        """An indented tree; a node that was shown before is named only."""
        below: dict[str, list[Edge]] = {}
        for edge in self.edges:
            below.setdefault(edge.src, []).append(edge)
        lines: list[str] = []
        stack: list[tuple[int, str, str]] = [(0, "", self.root)]
        seen: set[str] = set()
        while stack:
            depth, verb, node = stack.pop()
            again = node in seen
            said = "" if again else _sentence(self.nodes.get(node, {}), language)
            arrow = f"{verb} → " if verb else ""
            more = "  …" if again and node in below else ""
            lines.append(f"{'  ' * depth}{arrow}{node}{said}{more}")
            if not again:
                seen.add(node)
                stack += [
                    (depth + 1, f"{e.verb} {self._counts(e)}".rstrip(), e.dst)
                    for e in reversed(below.get(node, []))
                ]
        for rule in self.cited:
            tag = "" if rule["tag"] in ("V", "S", "") else f" [{rule['tag']}]"
            name = f"{rule['instrument']}/{rule['name']} = {rule['value']}"
            lines.append(
                f"§ {rule['number']} {rule['clause']}{tag}: {name}  "
                f"← {', '.join(rule['nodes'][:3])}"
            )
        if self.left:
            zh, en = (
                f"另有至少 {self.left} 个节点未列出（--limit）",
                f"at least {self.left} more nodes (--limit)",
            )
            if self.after:
                zh, en = f"{zh}；接着看：--after {self.after}", f"{en}; go on: --after {self.after}"
            lines.append(en if language == "en" else zh)
        return lines


def explain(
    ws: Workspace, name: str, *, limit: int = NODES_MAX, depth: int = 0, after: int = 0
) -> Walk:
    """Open `name` down to its causes, or so many steps of them (`depth`; 0: all); the first `after`
    of what it stands on itself are left out, as a page of before had them.

    NotFound explain.no-such-node when nothing kept is called so.
    """
    if not ws.has_store:
        raise Invalid("run.nothing-yet", folder=str(ws.root))
    with ws.store.begin(actor=ws.actor, read_only=True):
        at = ws.store.size()
        call = open_call(ws, name, limit, depth)
        if call:
            return call
        walk = _walk(ws, [resolve(ws, name)], limit, at, depth=depth, after=after)
        if judged := _judged(ws, walk.root):
            walk.nodes[walk.root]["judged"] = judged
        return walk


def _judged(ws: Workspace, voucher: str) -> list[str]:
    """Of a voucher: how the memos of assets judged it."""
    if not voucher.startswith("voucher:"):
        return []
    memos = [one for verb in ("considered", "recognised") for one in ws.store.into(voucher, verb)]
    found: list[str] = []
    for memo in dict.fromkeys(memos):
        verdicts = _verdicts(ws.store.kept(memo).fields or {})
        found += [f"{memo} {said}" for (_, of), said in verdicts.items() if of == voucher]
    return found


def open_call(ws: Workspace, name: str, limit: int = NODES_MAX, depth: int = 1) -> Walk | None:
    """What a usage record stands on; None when `name` is none. It is no node of the graph, but a
    line of a sealed segment.
    """
    from sanhua.workspace.metering import find_call

    found = find_call(ws, name)
    if found is None:
        return None
    segment, line, said = found
    below = [(verb, said[key]) for key, verb in _CALL_STANDS_ON.items() if said.get(key)]
    below += [("answered_from", one) for one in _served(ws, said)]
    if depth == 1:
        limit = len(below) + 1
    roots = [segment.id, *(node for _, node in below)]
    at = ws.store.size()
    walk = _walk(ws, roots, limit, at, depth=max(depth - 1, 0), flat=depth == 1)
    told = {key: said[key] for key in ("at", "purpose", "units", "decision", "reason", "request")}
    shown = {"id": name, "kind": "call", "line": line} | told
    walk.root, walk.nodes = name, {name: shown} | walk.nodes
    walk.edges = [
        Edge(name, "metered_in", segment.id, "1"),
        *(Edge(name, verb, node, "1") for verb, node in below),
        *walk.edges,
    ]
    return walk


def _served(ws: Workspace, said: Mapping[str, str]) -> list[str]:
    """The version of the keyed file that a call was answered from: with the SELECT that its deal's
    terms were compiled to.
    """
    node = ids.node("serving", ids.key_of(said.get("deal") or ""))
    if said.get("decision") != "permit" or not (latest := ws.store.version_of(node)):
        return []
    for version in range(latest, 0, -1):
        fields = ws.store.kept(node, version).fields or {}
        if (fields.get("terms"), fields.get("snapshot")) == (said["terms"], said["snapshot"]):
            return [node if version == latest else f"{node}@v{version}"]
    return []


_CALL_STANDS_ON = {"deal": "used_under", "snapshot": "served_from"}


def resolve(ws: Workspace, name: str) -> str:
    """The node that a user's id means: any node, an act, a declared id, a figure without
    `figure:BOOK/`, a version of one of them, or a file's content hash. NotFound with the nearest
    id.
    """
    candidates = [name]
    if not name.startswith("figure:") and "/" in name:
        candidates += [f"figure:{name}", f"figure:{ws.entity}/{name}"]
    if ":" not in name and not is_act(name):
        candidates += ws.store.ids_named(name)
    for candidate in candidates:
        if dated(ws, candidate, ws.store.size()).standing is not None:
            return candidate
    known = _known(ws, name)
    if len(known) == 1 and name.startswith("sha256:"):
        return known[0]
    code = "explain.no-such-figure" if name.count("/") >= 3 else "explain.no-such-node"
    raise NotFound(code, node=name, nearest=nearest_or_some(name, known))


def _known(ws: Workspace, name: str) -> list[str]:
    """The ids that one may have meant by `name`: of its kind when it names one, bare when it does
    not; of a content hash the files that have it.
    """
    kind, _, key = name.rpartition(":")
    if name.startswith("sha256:"):
        for edges in (ws.store.neighbours(name, into=True), ws.store.formerly(name)):
            if files := [edge.src for edge in edges if edge.verb == "content"]:
                return files
        return []
    if kind == "col":
        table = ids.node("table", key.partition(".")[0])
        snapshot = (ws.store.kept(table).fields or {}) if ws.store.version_of(table) else {}
        made = ws.store.kept(snapshot["snapshot"]).fields if snapshot else None
        return [column["id"] for column in (made or {}).get("columns", ())]
    project = ws.project
    if kind == "voucher":
        return list(project.vouchers)
    if kind == "figure" or name.count("/") >= 3:
        with ws.store.begin(actor=ws.actor, read_only=True) as uow:
            return [figure.id for figure in uow.all(Figure)]
    declared = {
        "party": project.parties,
        "table": {
            *project.sources,
            *project.sql,
            *(t for s in project.sources.values() for t in s.tables),
        },
        "resource": project.contracts,
        "quality": project.contracts,
        "claim": project.claims,
        "grant": project.grants,
        "registration": project.registrations,
        "product": project.products,
        "deal": project.deals,
        "asset": project.assets,
    }
    if kind in declared:
        return [ids.node(kind, one) for one in declared[kind]]
    return [ids.node(of, one) if kind else one for of, found in declared.items() for one in found]


class Dated(NamedTuple):
    """A node as it stood when the log had `at` events; `standing` is None for what is no record."""

    node: str
    at: int
    standing: Standing | None

    @property
    def name(self) -> str:
        """The node, with the version when there is a later one."""
        stood = self.standing
        if stood is None or stood.version == stood.latest:
            return self.node
        return f"{self.node}@v{stood.version}"

    @property
    def below(self) -> int:
        """The size of the log at which what lies below is shown."""
        if self.standing is not None and self.node.startswith("figure:"):
            return self.standing.seq
        return self.at


def dated(ws: Workspace, name: str, at: int) -> Dated:
    """What `name` says: a node, or a version of one (`NODE@v2`), which has a moment of its own."""
    versioned = re.fullmatch(r"(.+)@v([1-9][0-9]{0,8})", name)
    if versioned is not None:
        node, version = versioned[1], int(versioned[2])
        owner = ws.store.standing(node)
        if owner is not None and version <= owner.latest:
            seq = ws.store.told(owner.owner, version).seq
            return Dated(node, seq, ws.store.standing(node, seq))
    standing = ws.store.standing(name, at)
    if standing is None and name.startswith("col:"):  # one without edges stands in its snapshot
        snapshot = name.rpartition("@")[2]
        standing = ws.store.standing(snapshot, at)
        if standing is not None and not find_part(ws.store.kept(snapshot).fields, name):
            standing = None
    return Dated(name, at, standing)


def _walk(
    ws: Workspace,
    roots: Sequence[str],
    limit: int,
    at: int,
    alone: Sequence[Dated] = (),
    *,
    depth: int = 0,
    after: int = 0,
    flat: bool = False,
) -> Walk:
    """Breadth first over the first `at` events; rules are gathered apart, with the nodes that they
    decided. Those `alone` are met and not walked from, and with `flat` none is. Beyond `depth`
    steps (0: no end) nothing is opened.
    """
    first = [dated(ws, root, at) for root in roots]
    queue = deque((one, 0) for one in first)
    found, seen = Walk(first[0].name), {one.name for one in (*first, *alone)}
    for here in alone:
        found.nodes[here.name] = describe(ws, here)
        if here.standing is not None:
            found.owners[here.standing.owner, here.standing.version] = None
    hidden = 0
    while queue:
        if len(found.nodes) >= limit:
            found.left += len(queue)
            break
        here, steps = queue.popleft()
        found.nodes[here.name], counts = _described(ws, here)
        if here.standing is not None:
            found.owners[here.standing.owner, here.standing.version] = None
        if flat or (depth and steps >= depth):
            continue
        segments = 0
        given = [*_approvals(ws, here.node, at), *_explained(ws, here.node, at)]
        onward = [*ws.store.edges_of(here.node, here.at), *given]
        if not steps and len(first) == 1:  # the root's own list is paged
            whole, onward = len(onward), onward[after : after + limit]
            found.after = after + limit if after + limit < whole else 0
            found.left += max(whole - after - limit, 0)
        for edge in onward:
            segments += edge.verb == "metered_in"
            if edge.verb == "metered_in" and segments > SEGMENTS_MAX and limit < NODES_PROVEN_MAX:
                hidden += 1
                continue
            if edge.verb in ("approves", "explains") and edge.dst in seen:
                continue  # back up to what was approved, or to the voucher explained
            if edge.dst.startswith("rule:"):
                deciders = found.rules.setdefault(edge.dst, [])
                if here.name not in deciders:
                    deciders.append(here.name)
            elif edge.verb not in _UPWARD:
                there = dated(ws, edge.dst, here.below)
                found.edges.append(Edge(here.name, edge.verb, there.name, edge.weight))
                if said := counts.get((edge.verb, edge.dst)):
                    found.counted[here.name, edge.verb, there.name] = said
                if there.name not in seen:
                    seen.add(there.name)
                    queue.append((there, steps + 1))
    found.left += hidden
    found.cited = [cite(ws, rule, nodes) for rule, nodes in found.rules.items()]
    return found


def _explained(ws: Workspace, node: str, at: int) -> list[Edge]:
    """From a voucher to the timesheets and bills that explain it, and to what took it back."""
    if not node.startswith("voucher:"):
        return []
    return [
        Edge(node, verb, one, "1")
        for told, verb in (("explains", "explained_by"), ("reverses", "reversed_by"))
        for one in ws.store.into(node, told)
        if ws.store.standing(one, at) is not None
    ]


def _approvals(ws: Workspace, node: str, at: int) -> list[Edge]:
    """From what was approved to its approvals, whenever among the first `at` events they were
    given.
    """
    given = ws.store.into(node, "approves")
    known = [one for one in given if (told := ws.store.standing(one)) and told.seq <= at]
    return [Edge(node, "approved_in", one, "1") for one in known]


def cite(ws: Workspace, rule_node: str, nodes: list[str]) -> dict[str, Any]:
    """A rule as it is cited for what it decided."""
    from sanhua.kernel.time import parse_day

    instrument, _, rest = rule_node.removeprefix("rule:").partition("/")
    name, _, day = rest.partition("@")
    rule = ws.rules.ask(instrument, name, on=parse_day(day))
    return {
        "instrument": instrument,
        "name": name,
        "value": _brief(rule.value),
        "number": rule.number,
        "clause": rule.clause,
        "tag": rule.tag,
        "nodes": nodes,
    }


def _brief(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (dict, list, tuple)):
        return f"({len(cast('Sequence[Any]', value))})"
    return str(value)


def describe(ws: Workspace, here: Dated) -> dict[str, Any]:
    """What a reader needs to know of one node as it stood."""
    return _described(ws, here)[0]


def _described(ws: Workspace, here: Dated) -> tuple[dict[str, Any], dict[tuple[str, str], str]]:
    """The node as it stood, and what its edges (verb, end) count with or were judged as."""
    node = here.node
    kind = node.partition(":")[0] if ":" in node else node.partition("_")[0]
    shown: dict[str, Any] = {
        "id": here.name,
        "kind": {"col": "column", "sha256": "file"}.get(kind, kind),
    }
    if here.standing is None:
        return shown | _content(ws, node), {}
    owner = here.standing.owner
    kept = ws.store.kept(owner, here.standing.version)
    if kept.fields is None:
        return shown | {"erased": True, "event": kept.event}, {}
    part = kept.fields if owner == node else find_part(kept.fields, node)
    if owner == node:
        shown["kind"] = kept.kind
    else:
        shown["within"] = owner
    for name in _FACTS:
        value = (part or {}).get(name)
        if value not in (None, "", [], {}):
            shown[name] = value
    for name in ("amount", "total", "pool"):
        if isinstance(amount := shown.get(name), dict):
            shown["value"], shown["unit"] = amount["amount"], amount["currency"]
            del shown[name]
    if shown["kind"] == "column" and shown.get("transform") in ("constant", "count"):
        shown["label"] = _sourceless(ws, part or {})
    if english := (part or {}).get("name_en"):
        shown["name"] = {"zh": shown["name"], "en": english}
    counts: dict[tuple[str, str], str] = {}
    if kept.kind == "figure" and owner == node:
        counts = counted(kept.fields)
    if kept.kind == "asset" and owner == node:
        shown |= _memo(kept.fields)
        counts = _verdicts(kept.fields)
    if kept.kind == "voucher" and owner == node:
        shown |= _voucher(kept.fields)
    if kept.kind in ("contract", "plan") and owner == node:
        shown |= _clauses(kept.kind, kept.fields)
    if kept.kind == "invoice" and owner == node:
        shown["lines"] = [_billed(line) for line in kept.fields["lines"]]
    if kept.kind == "segment":
        shown |= _calls(ws, node)
    if kept.kind == "approval" and owner == node:
        shown["state"] = _standing(ws, kept.fields)
    shown["event"] = kept.event
    return shown, counts


def _sourceless(ws: Workspace, column: Mapping[str, Any]) -> dict[str, str]:
    """Why a column was made from no other."""
    if column["transform"] == "constant":
        return {"zh": "没有来源列：常数", "en": "no source column: a constant"}
    names: list[str] = []
    for node in column["counts"]:
        kept = ws.store.kept(node).fields if ws.store.version_of(node) else _content(ws, node)
        names.append(str((kept or {}).get("table") or (kept or {}).get("path") or node))
    rows = ", ".join(names)
    return {"zh": f"没有来源列：数 {rows} 的行", "en": f"no source column: counts rows of {rows}"}


def _standing(ws: Workspace, fields: Mapping[str, Any]) -> str:
    """Whether an approval holds for what it approved as that stands now."""
    from sanhua.workspace.approving import Approval, is_sound

    holds = ws.store.kept(fields["node"]).content == fields["content"]
    return "holds" if holds and is_sound(restore(Approval, fields)) else "void"


def counted(figure: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """(edge, node) → the amount with which it counts into a figure, in its unit."""
    found: dict[tuple[str, str], Decimal] = {}
    for verb, name in (("summed_from", "parts"), ("posted_from", "postings")):
        for part in figure.get(name, ()):
            key = verb, part["node"]
            found[key] = found.get(key, Decimal()) + Decimal(part["amount"])
    return {key: f"{amount:f}" for key, amount in found.items()}


def _verdicts(memo: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """How a memo judged the lines of each voucher."""
    found: dict[tuple[str, str], list[str]] = {}
    for verdict in memo.get("verdicts", ()):
        said = [verdict.get("outcome", ""), verdict["amount"]["amount"], verdict.get("code", "")]
        verb = "recognised" if verdict["recognised"] else "considered"
        found.setdefault((verb, verdict[verb]), []).append(" ".join(filter(None, said)))
    return {key: "; ".join(said) for key, said in found.items()}


def _memo(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What a memo of recognition concludes: the day each condition was met, and the sums."""
    shown: dict[str, Any] = {}
    if conditions := fields.get("conditions"):
        shown["conditions"] = [f"{one['name']} {one['date']}" for one in conditions]
    for name in ("starts_on", "available_on", "life_months"):
        if fields.get(name):
            shown[name] = fields[name]
    for name in ("capitalised", "expensed", "waiting", "refused"):
        if (amount := fields.get(name)) and Decimal(amount["amount"]):
            shown[name] = amount["amount"]
    return shown


def _voucher(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The debit side as the ERP wrote it: below zero for a voucher in red."""
    lines: list[dict[str, Any]] = fields["lines"]
    written = [(Decimal(line["amount"]["amount"]), line.get("red", False)) for line in lines]
    debit = sum((amount for amount, red in written if (amount > 0) is not red), Decimal())
    at = {
        "path": fields["path"],
        "line": lines[0]["line"],
        "sha256": fields["file"].removeprefix("sha256:"),
    }
    return {"value": format(debit, "f"), "unit": lines[0]["amount"]["currency"], "at": at}


def _clauses(kind: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Where the clauses of a deal or a price plan stand, and what the plan asks."""
    terms: Mapping[str, Any] = fields["terms"]
    plan = terms["plan"] if kind == "contract" else terms
    said = {
        name: value
        for name, value in plan.items()
        if value not in ("", None, False, {}, [], "day", "graduated") and name != "origin"
    }
    shown: dict[str, Any] = {"plan": _priced(said)}
    if fields.get("path"):
        file = fields["definition"].removeprefix("sha256:")
        line = fields.get("line") or min(fields.get("lines", {}).values(), default=1)
        shown["at"] = {"path": fields["path"], "line": line, "sha256": file}
    if fields.get("lines"):
        shown["clauses"] = {key: f"{fields['path']}:{n}" for key, n in fields["lines"].items()}
    return shown


def _priced(value: Any) -> Any:
    """Prices as text, a single step without its list."""
    if isinstance(value, dict):
        found = cast("dict[str, Any]", value)
        if found.keys() == {"amount", "currency"}:
            return found["amount"]
        return {key: _priced(item) for key, item in found.items() if item is not None}
    if isinstance(value, list):
        items = [_priced(item) for item in cast("list[Any]", value)]
        return items[0]["price"] if len(items) == 1 and items[0].keys() == {"price"} else items
    return value


def _billed(line: Mapping[str, Any]) -> str:
    """A line of a bill in words: quantity, price and the clause of the plan."""
    days = f" ({line['days']})" if line["days"] else ""
    clause = {"fee": "fee", "usage": f"per.{line['unit']}", "trial": "free"}
    asked = f"{line['quantity']} {line['unit']}".strip()
    return (
        f"{line['reason']} {line['period']}: {asked} × {line['price']['amount']}{days} = "
        f"{line['amount']['amount']} [{clause.get(line['reason'], line['reason'])}]"
    )


CALLS_SHOWN = 3


def _calls(ws: Workspace, segment: str) -> dict[str, Any]:
    """The first calls of a segment, each of which can be opened by its id."""
    from sanhua.workspace.metering import first_calls

    found = first_calls(ws, segment, CALLS_SHOWN)
    return {"calls": found} if found else {}


def _content(ws: Workspace, node: str) -> dict[str, Any]:
    """A file that is known by its hash alone: where the project has it."""
    if node.startswith("sha256:"):
        for file in ws.store.sources([node], "content").values():
            if not file.startswith("file:"):  # raw data, under the name that it came with
                return {"path": (ws.store.kept(file).fields or {}).get("path") or file}
            return {"path": file.removeprefix("file:")}
    return {}


def find_part(value: Any, node: str) -> dict[str, Any] | None:
    """The part with the id `node` inside a record's fields."""
    if isinstance(value, dict):
        part = cast("dict[str, Any]", value)
        if part.get("id") == node:
            return part
        value = list(part.values())
    if isinstance(value, list):
        for element in cast("list[Any]", value):
            found = find_part(element, node)
            if found is not None:
                return found
    return None


def _pairs(value: Mapping[str, Any]) -> str:
    return "; ".join(
        f"{key} {_pairs(item) if isinstance(item, dict) else item}" for key, item in value.items()
    )


def _sentence(shown: Mapping[str, Any], language: str) -> str:
    said: list[str] = []
    for name, value in shown.items():
        if name in ("id", "kind", "event", "within", "erased"):
            continue
        if name == "at" and isinstance(value, dict):
            said.append(f"{value['path']}:{value['line']} sha256:{value['sha256'][:12]}…")
            continue
        if isinstance(value, dict):
            value = value.get(language) or value.get("zh") or _pairs(value)
        elif isinstance(value, (list, tuple)):
            value = "; ".join(map(str, value))
        said.append(f"{name} {value}" if name not in ("label", "title", "name") else str(value))
    return ("  " + ", ".join(said)) if said else ""


def prove(
    ws: Workspace, name: str, out: Path, files: Mapping[str, bytes] | None = None
) -> dict[str, Any]:
    """Write the walk from `name` as a signed bundle with inclusion proofs; Broken when what is kept
    fails its seal. `files` go in too, each named by its hash in a record of the walk.

    Of a call its segment is proven; the file, which other deals' calls stand in too, is left out,
    and the answer says on which line of it the call is.
    """
    if not ws.has_store:
        raise Invalid("run.nothing-yet", folder=str(ws.root))
    from sanhua.workspace.metering import find_call

    call = find_call(ws, name)
    root = call[0].id if call else resolve(ws, name)
    made = prove_all(ws, [root], out, lambda walk: (files or {}, {}))
    return made | ({"call": name, "line": call[1]} if call else {})


def prove_all(
    ws: Workspace,
    roots: Sequence[str],
    out: Path,
    beside: Callable[[Walk], tuple[Mapping[str, bytes], Mapping[str, bytes]]],
    alone: Sequence[str] = (),
) -> dict[str, Any]:
    """Write what lies below `roots` as one bundle, whose root is the first; of the records `alone`
    what lies below is left out. `beside` gives the files and papers that go with a walk.

    NotFound prove.no-folder, Broken prove.own-bundle, Invalid prove.too-large.
    """
    from sanhua.verify import check_bundle

    if not out.parent.is_dir():
        raise NotFound("prove.no-folder", path=str(out.parent))
    note = ws.store.checkpoint()
    with ws.store.begin(actor=ws.actor, read_only=True):  # others may write on meanwhile
        size = open_note(note, None).size
        walk = _walk(ws, roots, NODES_PROVEN_MAX, size, [dated(ws, one, size) for one in alone])
        files, papers = beside(walk)
        node = dated(ws, roots[0], 0).node
        entries, size = ws.store.bundle(node, list(walk.owners), note, files, papers)
    try:
        data = pack(entries)
    except ValueError as error:
        raise Invalid("prove.too-large", path=str(out)) from error
    report = check_bundle(data, None)
    if not report.ok:
        raise Broken("prove.own-bundle", reason="; ".join(report.faults[:3]))
    whole = out.with_name(out.name + ".part")
    try:
        whole.write_bytes(data)
        whole.replace(out)
    finally:
        whole.unlink(missing_ok=True)
    return {
        "root": walk.root,
        "bundle": str(out),
        "records": len(walk.owners),
        "bytes": len(data),
        "checkpoint": {"size": size, "root": note.splitlines()[2]},
    }
