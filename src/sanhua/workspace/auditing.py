"""Audit 审计: samples that both sides draw alike, and a bundle of all behind a disclosure.

A sample is drawn from a population that is written out first and known by its hash, with a seed
that the auditor names after having seen that hash; the algorithm stands in `sanhua.verify.draw`,
which imports nothing. Each sample is an act in the log: one that was drawn again with other seeds
until it pleased would be seen.
"""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from sanhua.capital.disclose import DisclosureNote
from sanhua.capital.measure import book_of
from sanhua.capital.voucher import Voucher
from sanhua.kernel import ids
from sanhua.kernel.errors import Invalid, NotFound
from sanhua.kernel.figure import Figure
from sanhua.kernel.ledger import Book, Entry
from sanhua.kernel.money import Money
from sanhua.kernel.ports import Uow
from sanhua.kernel.record import Ref, record
from sanhua.project.read import nearest_or_some
from sanhua.verify import POPULATION, canonical, draw, sha256
from sanhua.workspace.explaining import Walk, prove_all
from sanhua.workspace.opening import Workspace

WHAT = ("figures", "vouchers", "entries")
PERSONAL = ("parties.", "books/timesheets/")  # files that tell of people; never handed out
_EVIDENCE = frozenset({"evidenced_by", "defined_by"})


@dataclass(frozen=True, slots=True)
class Drawn:
    """An item of a sample; `times` is how many money units hit it (1 when items are counted)."""

    node: Annotated[str, Ref("sampled")]
    amount: Decimal
    times: int


@record("sample")
@dataclass(frozen=True, slots=True)
class Sample:
    """抽样 `sample:grid_co/2026-H1/…`: what a seed drew from the population with this hash.

    `interval` is in fen, 0 when items are counted.
    """

    id: str
    of: Annotated[str, Ref("sampled_from")]
    what: str  # figures | vouchers | entries
    report: str
    seed: str
    size: int
    interval: int
    population: Annotated[str, Ref("population")]
    count: int
    total: Decimal
    currency: str
    drawn: tuple[Drawn, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """What a population holds: a figure, a voucher or an entry."""

    node: str
    label: str
    amount: Decimal


def population(items: Iterable[Item], currency: str) -> bytes:
    """The population as it is handed out: `id,amount,currency` in the order of the ids."""
    rows = sorted(items, key=lambda item: item.node.encode())
    lines = [f"{item.node},{item.amount:f},{currency}\n" for item in rows]
    return "".join([POPULATION, "\n", *lines]).encode()


def sample(
    ws: Workspace,
    period: str,
    seed: str,
    *,
    entity: str = "",
    size: int = 25,
    what: str = "figures",
    report: str = "",
    by_value: bool = False,
    interval: str = "",
    language: str = "zh",
    bundle: bool = True,
) -> dict[str, Any]:
    """Draw a sample of what was disclosed for a period, note it in the log, and write the
    population, the working paper and the bundle of the items drawn.

    Without a seed only the population is written: its hash is what the auditor wants to see before
    naming one. NotFound audit.no-disclosure, audit.no-items; Invalid sample.size, sample.interval,
    sample.seed.
    """
    if not ws.has_store:
        raise Invalid("run.nothing-yet", folder=str(ws.root))
    with ws.store.begin(actor=ws.actor, read_only=True) as uow:
        note = _note(ws, uow, entity, period)
        items = _items(uow, note, what, report, language)
    if not items:
        raise NotFound("audit.no-items", node=note.id, what=what, report=report or "–")
    currency = note.currency
    text = population(items, currency)
    whole = Money.sum((Money(abs(item.amount), currency) for item in items), currency)
    known = {item.node: item for item in items}
    step = _interval(interval, size, whole, currency) if by_value else 0
    if seed and not by_value and not 0 < size <= len(items):
        raise Invalid("sample.size", size=size, count=len(items))
    told: dict[str, Any] = {
        "disclosure": note.id,
        "what": what,
        "population": {
            "hash": sha256(text),
            "count": len(items),
            "total": whole.text,
            "currency": currency,
        },
    }
    if not seed:
        name = f"population-{note.id.partition(':')[2].replace('/', '-')}-{what}.csv"
        path = ws.out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
        told["population"]["file"] = path.relative_to(ws.root).as_posix()
        return told | {"drawn": [], "files": [told["population"]["file"]]}
    if "\n" in seed or seed != seed.strip():
        raise Invalid("sample.seed", seed=seed)
    found = draw(text, seed, size, step)
    said = [note.id, what, report, seed, size, step, sha256(text)]
    made = Sample(
        f"sample:{note.id.partition(':')[2]}/{sha256(canonical(said))[7:19]}",
        note.id,
        what,
        report,
        seed,
        size,
        step,
        sha256(text),
        len(items),
        whole.amount,
        currency,
        tuple(Drawn(node, known[node].amount, times) for node, times in found.items()),
    )
    ws.store.must_go_on()
    with ws.store.begin(actor=ws.actor) as uow:
        uow.add(made, "sample.drawn")
    folder = ws.out / made.id.replace(":", "-").replace("/", "-")
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        {
            "id": one.node,
            "label": known[one.node].label,
            "amount": f"{one.amount:f}",
            "currency": currency,
            "times": one.times,
            "explain": f"sanhua explain {shlex.quote(one.node)}",
            "prove": f"sanhua prove {shlex.quote(one.node)} -o item-{n}.zip",
        }
        for n, one in enumerate(made.drawn, 1)
    ]
    method = {
        "seed": seed,
        "by": "value" if by_value else "count",
        "size": size,
        "interval": Money.of_fen(step, currency).text if step else "",
        "algorithm": "sanhua-sample/1",
    }
    told |= {"sample": made.id, "method": method, "drawn": rows}
    files = {"population.csv": text, "working-paper.csv": _working_paper(told, note)}
    proven: dict[str, Any] = {}
    if bundle:
        drawn = [one.node for one in made.drawn]
        proven = prove_all(
            ws,
            [made.id, *drawn],
            folder / "bundle.zip",
            lambda walk: (
                {"population.csv": text},
                {"verify.py": _verifier(), "README.md": _readme(walk, note, made)},
            ),
            alone=[note.id],
        )
    told |= {"bundle": proven or None}
    files["sample.json"] = json.dumps(told, ensure_ascii=False, indent=1).encode()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    names = [*files, *(["bundle.zip"] if bundle else [])]
    told["files"] = [(folder / name).relative_to(ws.root).as_posix() for name in names]
    return told


def audit_bundle(
    ws: Workspace, period: str, out: Path, *, entity: str = "", with_files: bool = False
) -> dict[str, Any]:
    """Write everything behind a disclosure as one signed bundle that is verified offline: figures,
    memos, vouchers, the period's entries in the entity's book with the bills and deals that they
    stand on, rules, approvals, samples drawn, the checkpoint, tables to read, how to verify and the
    verifier itself. `with_files` adds evidence and the books' own files (none
    that tell of people, no raw data). NotFound audit.no-disclosure.
    """
    if not ws.has_store:
        raise Invalid("run.nothing-yet", folder=str(ws.root))
    with ws.store.begin(actor=ws.actor, read_only=True) as uow:
        note = _note(ws, uow, entity, period)
        samples = [one.id for one in uow.all(Sample) if one.of == note.id]
        entries = [item.node for item in _items(uow, note, "entries", "", "zh")]
    handed: dict[str, Any] = {}

    def beside(walk: Walk) -> tuple[Mapping[str, bytes], Mapping[str, bytes]]:
        evidence = _evidence(ws, walk, with_files)
        files = {row["in_bundle"].removeprefix("files/"): data for row, data in evidence if data}
        papers = _papers(ws, walk, [row for row, _ in evidence])
        papers["README.md"] = _readme(walk, note, None)
        papers["verify.py"] = _verifier()
        kinds = Counter(node["kind"] for node in walk.nodes.values())
        handed.update(
            figures=kinds["figure"],
            vouchers=kinds["voucher"],
            entries=kinds["entry"],
            rules=len(walk.cited),
            evidence=len(evidence),
            files=len(files),
            papers=sorted(papers),
        )
        return files, papers

    made = prove_all(ws, [note.id, *entries], out, beside, alone=samples)
    return made | handed | {"samples": samples}


# Populations


def _note(ws: Workspace, uow: Uow, entity: str, period: str) -> DisclosureNote:
    """The disclosure of a period as it was drawn up last."""
    key = entity or ws.entity
    wanted = ids.node("disclosure", f"{key}/{period}")
    note = uow.find(DisclosureNote, wanted)
    if note is None:
        known = [one.id for one in uow.all(DisclosureNote)]
        raise NotFound("audit.no-disclosure", node=wanted, nearest=nearest_or_some(wanted, known))
    return note


def _items(uow: Uow, note: DisclosureNote, what: str, report: str, language: str) -> list[Item]:
    """What may be drawn: figures that are not zero, or vouchers or entries of the period."""
    if what == "figures":
        figures = [uow.get(Figure, name) for name in note.figures]
        return [
            Item(one.id, one.label.say(language), one.value)
            for one in figures
            if one.value and (not report or one.id.split("/")[1] == report)
        ]
    if what == "vouchers":
        return [
            Item(one.id, one.lines[0].summary, _debit(line.amount.fen for line in one.lines))
            for one in uow.all(Voucher)
            if one.entity == note.entity
            and note.starts_on <= one.dated < note.ends_on
            and one.lines[0].amount.currency == note.currency
        ]
    if what == "entries":
        book = book_of(note.entity).id
        if uow.find(Book, book) is None:
            return []
        return [
            Item(one.id, one.summary, _debit(line.amount for line in one.lines))
            for one in uow.all(Entry)
            if one.book == book and note.starts_on <= one.effective_on < note.ends_on
        ]
    raise Invalid("sample.what", what=what, known=", ".join(WHAT))


def _debit(fen: Iterable[int]) -> Decimal:
    return Money.of_fen(sum(one for one in fen if one > 0)).amount


def _interval(written: str, size: int, whole: Money, currency: str) -> int:
    """The interval in fen: as it is stated, or so that no more than `size` units are hit."""
    if written:
        stated = Money.parse(written, currency)
        if stated.currency != currency or stated.fen <= 0:
            raise Invalid("sample.interval", value=written, currency=currency)
        return stated.fen
    if size <= 0 or whole.fen <= 0:
        raise Invalid("sample.size", size=size, count=0)
    return -(-whole.fen // size)


# Papers


def _table(heading: Sequence[str], rows: Iterable[Sequence[Any]], mark: str = "") -> bytes:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(heading)
    writer.writerows(rows)
    return (mark + buffer.getvalue()).encode()


_BOM = "\ufeff"  # by which spreadsheets know UTF-8


def _working_paper(told: Mapping[str, Any], note: DisclosureNote) -> bytes:
    """抽样底稿: parameters, then a line an item with columns to fill in."""
    method, held = told["method"], told["population"]
    ways = {"count": "按个数（等概率）by count", "value": "货币单元 monetary unit"}
    head = [
        ("审计抽样底稿 audit sampling working paper", ""),
        ("列示 disclosure", note.id),
        ("期间 period", f"{note.starts_on} / {note.ends_on}（不含末日 exclusive）"),
        ("抽样对象 of what", told["what"]),
        ("总体个数 items in the population", held["count"]),
        ("总体金额（绝对值）absolute amount", f"{held['total']} {held['currency']}"),
        ("总体摘要 hash of population.csv", held["hash"]),
        ("种子 seed", method["seed"]),
        ("方法 method", ways[method["by"]]),
        ("样本量 size", method["size"]),
        ("抽样间隔 interval", method["interval"]),
        ("算法 algorithm", method["algorithm"]),
        ("样本 sample", told["sample"]),
        ("", ""),
    ]
    columns = (
        "序号 no", "编号 id", "名称 label", "金额 amount", "币种 currency", "命中 times",
        "展开 explain", "证明 prove", "追查至 traced to", "核对金额 amount found",
        "差异 difference", "相符 agrees", "结论 conclusion", "核对人 by", "日期 on",
    )  # fmt: skip
    keys = ("id", "label", "amount", "currency", "times", "explain", "prove")
    rows = [
        [n, *(_plain(row[key]) for key in keys), *[""] * 7]
        for n, row in enumerate(told["drawn"], 1)
    ]
    return _table(head[0], [*head[1:], columns, *rows], _BOM)


def _plain(value: Any) -> Any:
    """Text that a spreadsheet does not take for a formula."""
    formula = isinstance(value, str) and re.match(r"[=+@]|-(?![0-9.]+$)", value)
    return f"'{value}" if formula else value


def _papers(ws: Workspace, walk: Walk, evidence: Sequence[Mapping[str, str]]) -> dict[str, bytes]:
    """Tables to read of what the bundle holds; all of it stands in the records too."""
    fields: dict[str, list[dict[str, Any]]] = {
        kind: [] for kind in ("figure", "voucher", "entry", "asset", "approval")
    }
    for owner, version in walk.owners:
        kept = ws.store.kept(owner, version)
        if kept.fields is not None and kept.kind in fields:
            fields[kept.kind].append(kept.fields)

    def money(amount: Mapping[str, str]) -> tuple[str, str]:
        return amount["amount"], amount["currency"]

    tables: dict[str, tuple[Sequence[str], list[Sequence[Any]]]] = {
        "figures": (
            ("id", "名称", "label", "amount", "unit"),
            [
                (f["id"], f["label"]["zh"], f["label"]["en"], f["value"], f["unit"])
                for f in fields["figure"]
            ],
        ),
        "vouchers": (
            ("id", "date", "account", "amount", "currency", "summary", "file", "line", "sha256",
             "evidence"),
            [
                (v["id"], v["dated"], line["account"], *money(line["amount"]), line["summary"],
                 v["path"], line["line"], v["file"], " ".join(line["evidence"]))
                for v in fields["voucher"]
                for line in v["lines"]
            ],
        ),
        "entries": (
            ("id", "book", "date", "account", "amount", "summary", "source"),
            [
                (e["id"], e["book"], e["effective_on"], line["account"],
                 Money.of_fen(line["amount"]).text, e["summary"], e["source"])
                for e in fields["entry"]
                for line in e["lines"]
            ],
        ),
        "verdicts": (
            ("asset", "voucher", "file", "line", "date", "amount", "currency", "outcome", "code",
             "citation"),
            [
                (a["id"], v["recognised"] or v["considered"], v["path"], v["line"], v["dated"],
                 *money(v["amount"]), v["outcome"], v["code"], v["citation"])
                for a in fields["asset"]
                for v in a["verdicts"]
            ],
        ),
        "approvals": (
            ("id", "of", "person", "role", "at", "signed", "content"),
            [
                (a["id"], a["node"], a["person"], a["role"], a["at"],
                 "yes" if a["signature"] else "no", a["content"])
                for a in fields["approval"]
            ],
        ),
        "rules": (
            ("instrument", "number", "clause", "tag", "name", "value", "decided"),
            [
                (r["instrument"], r["number"], r["clause"], r["tag"], r["name"], r["value"],
                 len(r["nodes"]))
                for r in walk.cited
            ],
        ),
        "evidence": (
            ("sha256", "path", "in_bundle", "why_not"),
            [tuple(row.values()) for row in evidence],
        ),
    }  # fmt: skip
    return {
        f"papers/{name}.csv": _table(
            heading, [[_plain(value) for value in row] for row in rows], _BOM
        )
        for name, (heading, rows) in tables.items()
    }


def _evidence(ws: Workspace, walk: Walk, with_files: bool) -> list[tuple[dict[str, str], bytes]]:
    """Every file that the walk names as evidence or as a declaration: its hash, path, its name in
    the bundle, and why it is not there.
    """
    nodes = dict.fromkeys(
        edge.dst for edge in walk.edges if edge.verb in _EVIDENCE and edge.dst.startswith("sha256:")
    )
    paths = ws.store.sources(list(nodes), "content")
    found: list[tuple[dict[str, str], bytes]] = []
    for node in nodes:
        path = paths.get(node, "").removeprefix("file:")
        data, why = b"", "" if with_files else "not asked for"
        if not paths.get(node, "").startswith("file:"):
            why = "kept elsewhere"
        elif path.startswith(PERSONAL):
            why = "tells of people"
        elif with_files:
            try:
                data = (ws.root / path).read_bytes()
            except OSError:
                why = "missing"
            if data and sha256(data) != node:
                data, why = b"", "changed since"
        suffix = Path(path).suffix.lower()
        plain = suffix if suffix[1:].isalnum() and suffix.isascii() else ""
        name = f"files/{node.removeprefix('sha256:')}{plain}" if data else ""
        row = {"sha256": node, "path": path, "in_bundle": name, "why_not": "" if data else why}
        found.append((row, data))
    return found


def _verifier() -> bytes:
    """The single-file verifier as it stands."""
    from sanhua import verify

    return Path(verify.__file__).read_bytes()


def _by_hand(made: Sample) -> str:
    """The lines of Python that draw the sample from population.csv."""
    way = (
        f"""    print(*sorted(sorted(items, key=ticket)[:{made.size}]), sep="\\n")
"""
        if not made.interval
        else f"""    at, through = int(ticket("start"), 16) % {made.interval}, 0
    for item, amount in items.items():
        through += abs(int(Decimal(amount) * 100))
        if at < through:
            print(item)
        while at < through:
            at += {made.interval}
"""
    )
    return f"""    import hashlib
    from decimal import Decimal
    text = open("files/population.csv", "rb").read()
    items = dict(line.split(",")[:2] for line in text.decode().splitlines()[1:])
    seed, population = {made.seed!r}, "sha256:" + hashlib.sha256(text).hexdigest()
    def ticket(item):
        return hashlib.sha256("\\n".join([seed, population, item]).encode()).hexdigest()
{way}"""


def _readme(walk: Walk, note: DisclosureNote, made: Sample | None) -> bytes:
    """How to verify the bundle offline, in both languages."""
    what_zh = "列示背后的全部记录" if made is None else f"样本 {made.id} 各项背后的全部记录"
    what_en = (
        "everything behind the disclosure"
        if made is None
        else f"everything behind the items of {made.id}"
    )
    again_zh = again_en = ""
    if made is not None:
        again_zh = (
            f"\n总体 files/population.csv（{made.count} 项，摘要 {made.population}），种子 "
            f"`{made.seed}`。验证器据此重新抽样；自己抽（在解开的包里）：\n\n{_by_hand(made)}"
        )
        again_en = "\nThe verifier draws the sample again; the lines above do it by hand.\n"
    text = f"""# {note.id}

本包是{what_zh}：{len(walk.owners)} 条记录，每条带日志中的存在证明；签名的检查点在 bundle.json。
This bundle is {what_en}: {len(walk.owners)} records, each with its proof of inclusion in the log
whose signed checkpoint stands in bundle.json.

## 离线验证 Verify offline

需要 Python 3.11+ 和 cryptography 一个库，不需要 sanhua，不需要网络。
Python 3.11+ and the one library `cryptography` are enough; no sanhua, no network.

    unzip -j bundle.zip verify.py        # 更好：用从别处取得的 verify.py; better: one got elsewhere
    python verify.py bundle.zip --key log.key.pub

log.key.pub 是本公司日志的公钥，须从别处取得（例如上一年度、或当面交付）；不给 --key 时结论是
自证：只说明包内一致，不说明是谁签的。退出码 0 完好，8 有任何一个字节不符。
log.key.pub is the company's public log key, got from elsewhere (last year's file, or handed over in
person). Without --key the result is self-attested: the bundle agrees with itself, and nothing says
who signed it. Exit code 0: sound; 8: at least one byte differs.

验证器重新计算：每条记录的封印与存在证明；每个合计及其分项；每张分录的借贷；确认备忘与账单的合计；
合约与批准的签名；样本的抽取；附件的哈希。凭记录不能重算的分项（例如摊销，其来源是确认备忘）计数列出。
The verifier recomputes seals and proofs of every record, every sum and its parts, the balance of
every entry, memos and bills, signatures under deals and approvals, samples, hashes of files. Parts
that no record says (amortisation, whose source is the memo) are counted and told.
{again_zh}{again_en}
## 包内 In the bundle

- records/ events/ proofs/：记录原文、日志事件、存在证明 bodies, events of the log, proofs
- papers/：便于阅读的表，内容都在记录里 tables to read; all of it stands in the records
- files/：证据与账簿原件，按哈希命名 evidence and books, named by their hashes
- rules.csv 的 tag：V 读过原文，S 转引，R 凭记忆，R? 不确定
  tags in rules.csv: V read in full, S secondary, R recalled, R? recalled with low confidence

本材料由软件生成，不构成法律、会计或审计意见。
This was made by a program and is no legal, accounting or audit opinion.
"""
    return text.encode()
