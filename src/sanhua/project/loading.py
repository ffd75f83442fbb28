"""From the folder's files to the `Project`: every thing typed, every fault collected at its
place.
"""

from __future__ import annotations

import base64
import glob
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import Any

from sanhua.asset.form import GIVEN, RegistrationPlan
from sanhua.asset.party import Party
from sanhua.asset.policy import Deal, UsagePolicy
from sanhua.asset.price import Plan, PriceStep, Share, Tax
from sanhua.asset.product import Form, Product
from sanhua.asset.rights import Claim, Grant, GrantMode, Right
from sanhua.kernel.errors import Invalid, SanhuaError, Severity
from sanhua.kernel.ids import NAME, node
from sanhua.kernel.money import CURRENCIES, Money
from sanhua.kernel.origin import Origin
from sanhua.kernel.table import Reading
from sanhua.kernel.time import parse_day
from sanhua.project import schema
from sanhua.project.location import has_written_password, shown, store_url
from sanhua.project.model import Entity, Project, Settings, SqlFile
from sanhua.project.read import (
    Columns,
    Folder,
    Items,
    Keys,
    Node,
    Row,
    Rows,
    Scalar,
    is_empty,
    nearest,
    nearest_or_some,
    split_cell,
)
from sanhua.resource.arrival import span
from sanhua.resource.collect import Api, Cadence, Database, Documents, Inbox, Pages, Source
from sanhua.resource.grade import Grade
from sanhua.verify import public_raw

SETTINGS_FILE = "sanhua.yaml"
OVERRIDES = ("language", "engine", "store", "lake", "base", "failed_rows_below")
BESIDE = ("evidence", "keys", "state", "docs", "data", "inbox")  # folders that hold no declarations

EXPECTED = {
    "sources": "sources/*.yaml",
    "standards": "elements, codes, model, indicators, glossary .yaml or .xlsx; codes/*.csv",
    "sql": "sql/*.sql",
    "contracts": "contracts/*.odcs.yaml",
    "rights": "rights/*.yaml",
    "policies": "policies/*.yaml, *.odrl.json",
    "products": "products/*.yaml",
    "deals": "deals/*.yaml",
    "books": "policy.yaml, vouchers, assets, appraisals, financings, balances, timesheets, bills, "
    "notes",
}
PARTY_COLUMNS = Columns(
    {
        **{key: key for key in ("id", "name", "uscc", "person", "of", "roles", "public_key")},
        **{
            "标识符": "id",
            "编号": "id",
            "名称": "name",
            "统一社会信用代码": "uscc",
            "是否个人": "person",
        },
        **{"所属单位": "of", "角色": "roles", "公钥": "public_key"},
    },
    ("id", "name"),
    frozenset({"id", "uscc", "of"}),
    lists=frozenset({"roles"}),
)
FIELD_COLUMNS = Columns({"field": "field", "字段": "field"}, ("field",), frozenset({"field"}))


def load(root: Path, env: Mapping[str, str] | None = None) -> Project:
    """The project that `root` declares, with a diagnostic for everything that could not be read.

    Raises Invalid project.not-a-project when there is no sanhua.yaml; nothing else stops it.
    """
    folder = Folder(root.resolve(), dict(os.environ if env is None else env))
    if not folder.exists(SETTINGS_FILE):
        raise Invalid("project.not-a-project", path=str(root))
    loader = Loader(folder)
    loader.walk()
    return loader.project


def day(keys: Keys, key: str, path: str) -> date | None:
    """The day written at `key`; Invalid format.not-a-day when the calendar lacks it."""
    found = keys.scalar(key)
    if found is None:
        return None
    try:
        return parse_day(found.text)
    except Invalid as failure:
        raise at(failure, "format.not-a-day", path, found, key) from None


def term(keys: Keys, path: str) -> tuple[date | None, date | None]:
    """`from` and `through`, both days included, as half-open `starts_on, ends_on`."""
    starts, through = day(keys, "from", path), day(keys, "through", path)
    if starts and through and through < starts:
        place = keys.scalar("through") or keys
        raise Invalid(
            "format.term-backwards",
            path=path,
            line=place.line,
            column=place.column,
            value=through.isoformat(),
            starts=starts.isoformat(),
        )
    return starts, through + timedelta(days=1) if through else None


def rate(written: str) -> Decimal:
    """`6%` → 0.06."""
    return Decimal(written.removesuffix("%")).scaleb(-2)


def price(written: str, currency: str) -> Money:
    """An amount that may have more than two decimals."""
    number, _, named = written.partition(" ")
    return Money(Decimal(number), named or currency)


def at(failure: SanhuaError, code: str, path: str, place: Scalar, key: str) -> Invalid:
    """`failure` said again at the place of the value."""
    return Invalid(code, path=path, line=place.line, column=place.column, key=key, value=place.text)


_FLAG = {"true": True, "false": False}


class Loader:
    """One reading of a folder. Each `_kind` method reads one folder into `project`."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.project = Project(
            folder.root, folder.root.name, Settings(folder.words(None), (), Origin(SETTINGS_FILE))
        )
        self.project.files, self.project.diagnostics = folder.files, folder.found
        self.read_paths: set[str] = set()

    def walk(self) -> None:
        from sanhua.project import books, odcs, standards

        self._settings()
        self._parties()
        self._sources()
        standards.load_standards(self)
        self._sql()
        odcs.load_contracts(self)
        odcs.repairs_as_sql(self)
        self._rights()
        self._policies()
        self._products()
        self._deals()
        books.load_books(self)
        self._unread()

    # Shared ways of reading

    @property
    def currency(self) -> str:
        return (
            self.project.settings.entities[0].currency if self.project.settings.entities else "CNY"
        )

    @property
    def entity(self) -> str:
        """The default entity's id, empty when sanhua.yaml names none."""
        return self.project.settings.entities[0].id if self.project.settings.entities else ""

    def document(self, path: str, name: str) -> Keys | None:
        """A file that holds one thing, valid by schema `name`; None with errors otherwise."""
        self.read_paths.add(path)
        root = self.folder.yaml(path)
        if root is None or not self._mapping(root, path):
            return None
        faults = schema.faults(name, root, path)
        self.folder.found += [fault.diagnostic for fault in faults]
        return root if isinstance(root, Keys) and not faults else None

    def things(
        self, path: str, name: str, root: Node | None, *, depth: int = 1
    ) -> Iterator[tuple[str, Scalar, Keys]]:
        """The things of a file that holds several, each valid by itself; a faulty one is left
        out.
        """
        kinds = {
            "parties": ("party",),
            "rights": ("claim", "grant", "registration"),
            "elements": ("element",),
        }.get(name, ())
        if root is None or not self._mapping(root, path) or not isinstance(root, Keys):
            self.project.unread |= {f"{kind}:*" for kind in kinds}
            return
        faults = schema.faults(name, root, path)
        self.folder.found += [fault.diagnostic for fault in faults]
        bad = {fault.at[:depth] for fault in faults}
        for under in bad:
            of = (str(under[0]).removesuffix("s"),) if depth > 1 and under else kinds
            key = under[-1] if len(under) == depth else "*"
            self.project.unread |= {f"{kind}:{key}" for kind in of}
        if () in bad:
            return
        if depth == 1:
            yield from (found for found in root.maps() if (found[0],) not in bad)
            return
        for group, _, inner in root.maps():
            if (group,) not in bad:
                for key, place, value in inner.maps():
                    if (group, key) not in bad:
                        yield f"{group}/{key}", place, value

    def _mapping(self, root: Node, path: str) -> bool:
        if isinstance(root, Keys):
            return True
        self.folder.error("format.not-a-mapping", path, root)
        return False

    def files(self, top: str, *suffixes: str, deep: bool = False) -> list[str]:
        """The files of a folder with one of `suffixes`; one stem in two spellings is
        format.two-sources.
        """
        found: dict[str, str] = {}
        for path in self.folder.under(top):
            suffix = next((s for s in suffixes if path.endswith(s)), "")
            if not suffix or (not deep and "/" in path.removeprefix(f"{top}/")):
                continue
            self.read_paths.add(path)
            stem = path.removesuffix(suffix)
            if stem in found:
                self.folder.error("format.two-sources", path, 1, other=found[stem])
            else:
                found[stem] = path
        return list(found.values())

    def stem(self, path: str, suffix: str) -> str:
        """The id that a file's name is; empty with an error when it is none."""
        name = PurePosixPath(path).name.removesuffix(suffix)
        if NAME.fullmatch(name):
            return name
        self.folder.error("format.not-an-id", path, 1, value=name, key=PurePosixPath(path).name)
        return ""

    def keep(
        self,
        kept: dict[str, Any],
        key: str,
        value: object,
        path: str,
        place: Node | Row | None,
        kind: str,
    ) -> None:
        """Add one thing; a second of the same id is an error and the first stays."""
        if key in kept:
            other: Origin | None = getattr(kept[key], "origin", None)
            where = f"{other.path}:{other.line}" if other else kind
            self.folder.error(
                "format.duplicate-id", path, place, node=node(kind, key), key=key, other=where
            )
            return
        kept[key] = value

    def documents(self, top: str, name: str, kind: str) -> Iterator[tuple[str, str, Keys]]:
        """(id, path, content) of each `*.yaml` of a folder."""
        for path in self.files(top, ".yaml", ".yml"):
            key = self.stem(path, PurePosixPath(path).suffix)
            found = self.document(path, name)
            if key and found is not None:
                self.mark(node(kind, key), found, path)
                yield key, path, found

    def mark(self, name: str, value: Node, path: str) -> None:
        """Note where each key and list item of a thing stands, for what `check` says of it.

        A rename does not carry history over yet, so `formerly` is refused.
        """
        if isinstance(value, Keys) and "formerly" in value:
            place = value.place("formerly")
            old = value.text("formerly")
            self.folder.error("format.formerly-not-built", path, place, node=name, value=old)
        sha256 = self.folder.files[path].sha256 if path in self.folder.files else ""

        def walk(inner: Node, prefix: str, depth: int) -> None:
            if isinstance(inner, Keys):
                for key, (place, child) in inner.entries.items():
                    where = child if isinstance(child, Scalar) and child.text else place
                    self.project.places[f"{prefix}/{key}"] = Origin(path, where.line, sha256)
                    if depth:
                        walk(child, f"{prefix}/{key}", depth - 1)
            elif isinstance(inner, Items):
                for number, item in enumerate(inner.items):
                    key = item.text if isinstance(item, Scalar) else str(number)
                    self.project.places.setdefault(
                        f"{prefix}/{key}", Origin(path, item.line, sha256)
                    )

        walk(value, name, 3)

    def typed(self, path: str, place: Node, make: Callable[[], object]) -> None:
        """Run the typing of one thing; a value that does not type is collected and the thing left
        out.
        """
        try:
            make()
        except SanhuaError as failure:
            self.folder.take(failure, path, place)

    def replaced(self, top: str, stem: str) -> tuple[str, str]:
        """The YAML and the Excel path of a thing that may be either; both at once is an error,
        YAML is then read.
        """
        yaml_path = next(
            (p for s in ("yaml", "yml") if self.folder.exists(p := f"{top}{stem}.{s}")), ""
        )
        excel_path = f"{top}{stem}.xlsx" if self.folder.exists(f"{top}{stem}.xlsx") else ""
        self.read_paths |= {yaml_path, excel_path}
        if yaml_path and excel_path:
            self.folder.error("format.two-sources", excel_path, 1, other=yaml_path)
            excel_path = ""
        return yaml_path, excel_path

    def rows_as_map(self, rows: Rows, columns: Columns) -> Keys:
        """Rows of a sheet as the mapping that the YAML spelling would give, by their `id`."""
        whole = Keys({}, 1, 1)
        for row in rows.rows:
            key = row.cells.get("id")
            if key is None:
                self.folder.error("format.missing-cell", rows.path, row, key="id")
                continue
            if key.text in whole.entries:
                first = whole.entries[key.text][0].line
                self.folder.error("format.duplicate-key", rows.path, key, key=key.text, first=first)
                continue
            entries: dict[str, tuple[Scalar, Node]] = {}
            for name, cell in row.cells.items():
                if name == "id":
                    continue
                value: Node = cell
                if name in columns.lists:
                    value = Items(
                        [Scalar(p, cell.line, cell.column, True) for p in split_cell(cell.text)],
                        cell.line,
                        cell.column,
                    )
                entries[name] = (cell, value)
            for text in [name.removesuffix("_en") for name in entries if name.endswith("_en")]:
                place, english = entries.pop(f"{text}_en")
                both: dict[str, tuple[Scalar, Node]] = {"en": (place, english)}
                if text in entries:
                    both["zh"] = entries[text]
                entries[text] = (place, Keys(both, row.line, place.column))
            whole.entries[key.text] = (key, Keys(entries, row.line, 1))
        return whole

    # sanhua.yaml, parties

    def _settings(self) -> None:
        found = self.document(SETTINGS_FILE, "sanhua")
        if found is None:
            return
        env = self.folder.env
        said = {key: env.get(f"SANHUA_{key.upper()}", "") or found.text(key) for key in OVERRIDES}
        said["language"] = said["language"] if said["language"] in ("zh", "en") else "zh"
        self.folder.language = found.text("language", "zh")
        entities: list[Entity] = []
        for key, place, value in (found.keys("entities") or found).maps():
            first = value.text("fiscal_year", "01-01")
            if first == "02-29":
                self.folder.error(
                    "format.not-a-month-day",
                    SETTINGS_FILE,
                    value.scalar("fiscal_year"),
                    value=first,
                )
            entities.append(
                Entity(
                    key,
                    value.text("regime", "CAS"),
                    value.text("currency", "CNY"),
                    first,
                    value.text("parent"),
                    value.text("share"),
                    " ".join(value.flat("control").values()),
                )
            )
            self.project.places[node("entity", key)] = self.folder.origin(SETTINGS_FILE, place)
            self.mark(node("entity", key), value, SETTINGS_FILE)
            if entities[-1].currency not in CURRENCIES:
                self.folder.error(
                    "format.not-a-currency",
                    SETTINGS_FILE,
                    value.scalar("currency"),
                    key="currency",
                    value=entities[-1].currency,
                )
        if said["engine"] not in ("", "duckdb"):
            self.folder.error(
                "project.engine-not-built",
                SETTINGS_FILE,
                found.scalar("engine"),
                value=said["engine"],
            )
        serve = {"host": "127.0.0.1", "port": "8765"} | found.flat("serve")
        serve |= {
            key: env[f"SANHUA_SERVE_{key.upper()}"]
            for key in serve
            if env.get(f"SANHUA_SERVE_{key.upper()}")
        }
        if not serve["port"].isdecimal() or not 0 < int(serve["port"]) < 1 << 16:
            place = (found.keys("serve") or found).place("port")
            self.folder.error(
                "format.not-a-port", SETTINGS_FILE, place, key="port", value=serve["port"]
            )
        packs = (
            tuple(env.get("SANHUA_RULES", "").split(","))
            if env.get("SANHUA_RULES")
            else found.words("rules")
        )
        written = found.scalar("store")
        store, missing = store_url(said["store"], env, self.folder.root)
        for name in missing:
            self.folder.error("format.unset-variable", SETTINGS_FILE, written, name=name)
        if written is not None and has_written_password(written.text):
            text = shown(written.text)
            self.folder.error("format.secret-written", SETTINGS_FILE, written, shown=text)
        lake = said["lake"]
        if lake and "://" not in lake:
            lake = str(self.folder.root / lake)
        self.project.settings = Settings(
            self.folder.words(found.get("title")),
            tuple(entities),
            self.folder.origin(SETTINGS_FILE, 1),
            said["language"],
            said["engine"] or "duckdb",
            store,
            lake,
            tuple(dict.fromkeys(("cn", *packs))),
            serve,
            said["base"],
            self._grade(found, said["failed_rows_below"] or "general2"),
        )

    def _grade(self, found: Keys, written: str) -> str:
        """The grade that failed rows must be below, from the file or the environment."""
        try:
            return Grade.parse(written).value
        except Invalid as error:
            self.folder.take(error, SETTINGS_FILE, found.scalar("failed_rows_below"))
            return "general2"

    def _parties(self) -> None:
        yaml_path, excel_path = self.replaced("", "parties")
        path = yaml_path or excel_path
        if not path:
            return
        if yaml_path:
            root = self.folder.yaml(yaml_path)
        else:
            rows = self.folder.excel(excel_path, PARTY_COLUMNS, ("parties", "主体"))
            root = self.rows_as_map(rows, PARTY_COLUMNS) if rows else None
        for key, place, value in self.things(path, "parties", root):
            name = self.folder.words(value.get("name"))
            own = value.scalar("public_key")
            self.project.parties[key] = Party(
                node("party", key),
                str(name),
                value.words("roles"),
                value.text("uscc"),
                value.flag("person"),
                node("party", value.text("of")) if value.text("of") else "",
                value.text("public_key"),
                name.en if name.zh else "",
                self._keys(path, own) if own is not None else (),
            )
            self.project.places[node("party", key)] = self.folder.origin(path, place)
            self.mark(node("party", key), value, path)

    def _keys(self, path: str, own: Scalar) -> tuple[str, ...]:
        """The public key in the file that a party names, raw in base64."""
        if not (self.folder.inside(own.text) and self.folder.exists(own.text)):
            near = nearest_or_some(own.text, self.folder.under("keys"))
            self.folder.note("party.no-key-file", path, own, value=own.text, nearest=near)
            return ()
        try:
            raw = public_raw(self.folder.bytes(own.text) or b"")
        except ValueError:
            self.folder.warn("party.not-a-key", path, own, value=own.text)
            return ()
        return (base64.b64encode(raw).decode(),)

    # Sources

    def _sources(self) -> None:
        for key, path, found in self.documents("sources", "source", "source"):
            reading = found.keys("read")
            files = found.scalar("files")
            header = reading.text("header") if reading else ""
            tables = found.flat("tables")
            if reading and reading.text("format") == "gtfs" and files and not tables:
                tables = self._feed(key, path, files)
            self.project.sources[key] = Source(
                key,
                self.folder.words(found.get("title")) or self.folder.words(Scalar(key, 1, 1)),
                Cadence(found.text("cadence")),
                self.folder.origin(path, 1),
                self.folder.filled(files, path) if files else "",
                None if files else self._fetched(found, path),
                Reading(
                    format=reading.text("format"),
                    encoding=reading.text("encoding"),
                    delimiter=reading.text("delimiter"),
                    quote=reading.text("quote"),
                    escape=reading.text("escape"),
                    header=int(header) if header.isdecimal() else _FLAG.get(header),
                    skip=int(reading.text("skip", "0")),
                    footer=int(reading.text("footer", "0")),
                    mend=_FLAG.get(reading.text("mend")),
                    sheet=reading.text("sheet"),
                    range=reading.text("range"),
                    records=reading.text("records"),
                    key=reading.text("key"),
                    widths=tuple(int(width) for width in reading.words("widths")),
                    columns=reading.flat("columns"),
                    positions=reading.text("positions"),
                )
                if reading
                else Reading(),
                found.text("supplier"),
                found.text("late"),
                tables,
                found.text("period"),
                found.text("stamped") == "end",
                found.text("since"),
                rate(found.text("objective", "99%")),
            )

    def _database_url(self, found: Keys, path: str) -> str:
        at = found.scalar("database")
        if at is None:
            return ""
        url, missing = store_url(at.text, self.folder.env, self.folder.root)
        for name in missing:
            self.folder.error("format.unset-variable", path, at, name=name)
        if has_written_password(at.text):
            text = shown(at.text)
            self.folder.error("format.secret-written", path, at, shown=text)
        return url

    def _fetched(self, found: Keys, path: str) -> Database | Api | Inbox | Documents:
        """The form of a source that is no folder of files."""
        limits = found.keys("limits") or Keys({}, 1, 1)

        def most(key: str, otherwise: int) -> int:
            return int(limits.text(key, str(otherwise)))

        def filled(key: str) -> str:
            value = found.scalar(key)
            return self.folder.filled(value, path) if value is not None else ""

        if "database" in found:
            overlap = found.text("overlap")
            counted = overlap.isdecimal()
            hour = timedelta(hours=1)
            return Database(
                self._database_url(found, path),
                found.text("table"),
                found.text("query"),
                found.text("cursor"),
                hour if counted or not overlap else span(overlap, hour),
                int(overlap) if counted else 1000,
                most("rows", 50_000_000),
                most("seconds", 600),
            )
        if "url" in found:
            pages = found.keys("pages") or Keys({}, 1, 1)
            headers = found.keys("headers") or Keys({}, 1, 1)
            by = pages.text("by")
            return Api(
                filled("url"),
                {
                    name: self.folder.filled(value, path)
                    for name in headers.entries
                    if (value := headers.scalar(name)) is not None
                },
                Pages(
                    by,
                    pages.text("parameter", {"next": ""}.get(by, by)),
                    int(pages.text("from", "0" if by == "offset" else "1")),
                    int(pages.text("size", "0")),
                    pages.text("size_parameter"),
                    pages.text("at"),
                ),
                found.text("each") == "adds",
                found.words("hosts"),
                most("pages", 10_000),
                most("megabytes", 1024) << 20,
                most("seconds", 600),
            )
        if "inbox" in found:
            inner = found.keys("inbox")
            folder = (inner or found).scalar("folder" if inner else "inbox")
            return Inbox(
                self.folder.filled(folder, path) if folder else "",
                span(inner.text("settle") if inner else "", timedelta(seconds=10)),
                inner.text("done") if inner else "",
                int(inner.text("megabytes", "256") if inner else "256") << 20,
            )
        return Documents(filled("documents"))

    def _feed(self, key: str, path: str, files: Scalar) -> dict[str, str]:
        """The tables of a GTFS feed, `<source>_<file>`: its members, as they lie in its zip."""
        from sanhua.engine.read import parts_of

        pattern = self.folder.filled(files, path)
        found = sorted(glob.glob(str(self.folder.root / pattern)))
        if not found:
            self.folder.warn("source.no-feed", path, files, source=key, pattern=pattern)
            return {}
        try:
            members = parts_of(Path(found[0]), f"{Path(found[0]).name}!*.txt")
        except SanhuaError as failure:
            self.folder.take(failure, path, files)
            return {}
        names = [member.partition("!")[2] for member in members]
        stems = (name.rpartition("/")[2].removesuffix(".txt").lower() for name in names)
        tables = (f"{key}_{re.sub('[^a-z0-9]+', '_', stem)}"[:63] for stem in stems)
        return dict(zip(tables, names, strict=True))

    # SQL

    def _sql(self) -> None:
        for path in self.files("sql", ".sql"):
            key = self.stem(path, ".sql")
            text = self.folder.text(path)
            if key and text is not None:
                self.project.sql[key] = SqlFile(key, text, self.folder.origin(path, 1))

    # Rights

    def _rights(self) -> None:
        for path in self.files("rights", ".yaml", ".yml"):
            root = self.folder.yaml(path)
            for name, place, value in self.things(path, "rights", root, depth=2):
                group, _, key = name.partition("/")
                read = {
                    "claims": self._claim,
                    "grants": self._grant,
                    "registrations": self._registration,
                }[group]
                if NAME.fullmatch(key):
                    self.mark(node(group.removesuffix("s"), key), value, path)
                    before = len(self.folder.found)
                    self.typed(
                        path, value, lambda r=read, k=key, p=path, h=place, v=value: r(k, p, h, v)
                    )
                    if len(self.folder.found) > before:
                        self.project.unread.add(node(group.removesuffix("s"), key))
        for path in self.files("rights/consents", ".ndjson"):
            self._consents(path)

    def _claim(self, key: str, path: str, place: Scalar, value: Keys) -> None:
        starts, ends = term(value, path)
        limits = value.get("limits")
        claim = Claim(
            key,
            value.text("resource"),
            value.text("source"),
            value.text("party", self.entity),
            self.folder.evidence(value.get("evidence"), path, node("claim", key)),
            self.folder.origin(path, place),
            frozenset(Right(word) for word in value.words("rights")) if "rights" in value else None,
            starts,
            ends,
            limits.text if isinstance(limits, Scalar) else "; ".join(value.flat("limits").values()),
            value.words("with"),
        )
        self.keep(self.project.claims, key, claim, path, place, "claim")

    def _grant(self, key: str, path: str, place: Scalar, value: Keys) -> None:
        starts, ends = term(value, path)
        fields = value.words("fields")
        if len(fields) == 1 and fields[0].endswith(".xlsx"):
            fields = self._field_list(value, path)
        grant = Grant(
            key,
            value.text("to"),
            self.folder.origin(path, place),
            value.text("claim"),
            value.text("parent"),
            GrantMode(value.text("mode")) if value.text("mode") else None,
            value.text("scenario"),
            fields,
            value.words("purposes"),
            value.flag("onward"),
            value.text("volume"),
            starts,
            ends,
            self.folder.evidence(value.get("evidence"), path, node("grant", key)),
            value.words("reviewers"),
        )
        self.keep(self.project.grants, key, grant, path, place, "grant")

    def _field_list(self, value: Keys, path: str) -> tuple[str, ...]:
        """The fields of a grant from the workbook that its list names alone."""
        named = value.items("fields")[0]
        if not isinstance(named, Scalar) or not self.folder.paper(named, path):
            return ()
        self.read_paths.add(named.text)
        rows = self.folder.excel(named.text, FIELD_COLUMNS, ("fields", "字段"))
        return tuple(row.text("field") for row in rows.rows if row.text("field")) if rows else ()

    def _registration(self, key: str, path: str, place: Scalar, value: Keys) -> None:
        plan = RegistrationPlan(
            key,
            value.text("kind"),
            self.folder.origin(path, place),
            value.text("claim"),
            value.text("registrar"),
            {name: value.text(name) for name in GIVEN if name in value},
            value.text("public_data"),
            value.text("public_registration"),
        )
        self.keep(self.project.registrations, key, plan, path, place, "registration")

    def _consents(self, path: str) -> None:
        """Consents are acts: here only their form is checked; importing them is a verb."""
        text = self.folder.text(path)
        for number, line in enumerate((text or "").split("\n"), 1):
            if not line.strip():
                continue
            try:
                value = json.loads(line)
            except json.JSONDecodeError as failure:
                self.folder.error("format.json", path, number, reason=failure.msg)
                continue
            faults = list(schema.faults_of_json("consent", value))
            for code, facts in faults:
                self.folder.error(code, path, number, **facts)
            if not faults:
                self.project.consents[value["id"]] = self.folder.origin(path, number), value

    # Policies

    def _policies(self) -> None:
        for key, path, found in self.documents("policies", "policy", "policy"):
            permit = found.keys("permit") or Keys({}, 1, 1)
            more = ("places", "count", "recipients", "environment", "min_group")
            self._policy(
                UsagePolicy(
                    key,
                    self.folder.words(found.get("title")) or self.folder.words(Scalar(key, 1, 1)),
                    self.folder.origin(path, 1),
                    permit.words("actions"),
                    permit.words("purposes"),
                    found.words("forbid"),
                    {
                        name: " ".join(permit.words(name))
                        for name in more
                        if permit.get(name) is not None
                    },
                    tuple(item.flat() for item in found.items("oblige") if isinstance(item, Keys)),
                    found.text("level"),
                ),
                path,
            )
        for path in self.folder.under("policies"):
            if path.endswith((".odrl.json", ".jsonld")):
                self.read_paths.add(path)
                self._odrl(path)

    def _policy(self, policy: UsagePolicy, path: str) -> None:
        self.keep(self.project.policies, policy.id, policy, path, None, "policy")

    def _odrl(self, path: str) -> None:
        from sanhua.project.odrl import read_odrl

        key = self.stem(path, ".odrl.json" if path.endswith(".odrl.json") else ".jsonld")
        text = self.folder.text(path)
        if not key or text is None:
            return
        policy = read_odrl(key, text, path, self.folder)
        if policy is not None:
            self._policy(policy, path)

    # Products and deals

    def _products(self) -> None:
        for key, path, found in self.documents("products", "product", "product"):
            self.typed(path, found, lambda k=key, p=path, f=found: self._product(k, p, f))

    def _product(self, key: str, path: str, found: Keys) -> None:
        plans = [
            self.plan(name, place, value, path)
            for name, place, value in (found.keys("plans") or found).maps()
        ]
        delivery = {
            name: value.flat() for name, _, value in (found.keys("delivery") or found).maps()
        }
        listings = {
            name: value.flat()
            for name, _, value in (found.keys("listings") or Keys({}, 0, 0)).maps()
        }
        tax = found.keys("tax")
        self.project.products[key] = Product(
            key,
            self.folder.words(found.get("title")) or self.folder.words(Scalar(key, 1, 1)),
            Form(found.text("form")),
            found.text("policy"),
            self.folder.origin(path, 1),
            found.text("table"),
            self._packaged(found, path),
            self._select(found, "sql", path, node("product", key)),
            self._select(found, "query", path, node("product", key)),
            found.flat("parameters"),
            found.text("answer"),
            found.words("offer"),
            delivery,
            tuple(plans),
            Tax(rate(tax.text("rate")), tax.flag("included", True)) if tax else Tax(),
            tuple(
                self._share(item, found.text("base") or "net")
                for item in found.items("shares")
                if isinstance(item, Keys)
            ),
            listings,
            day(found, "retired", path),
        )

    def _packaged(self, found: Keys, path: str) -> str:
        named = found.scalar("package")
        if named is None:
            return ""
        if not self.folder.inside(named.text) or not self.folder.holds(named.text):
            self.folder.error("ref.file", path, named, value=named.text, nearest="–")
        elif self.folder.exists(named.text):
            self.read_paths.add(named.text)
            self.folder.bytes(named.text)
        return named.text

    def _select(self, found: Keys, key: str, path: str, owner: str) -> str:
        """The SELECT written at `key`: the text of the file it names, or itself."""
        named = found.scalar(key)
        if named is None:
            return ""
        if not named.text.endswith(".sql"):
            return named.text
        if not self.folder.inside(named.text) or not self.folder.exists(named.text):
            self.folder.error("ref.file", path, named, value=named.text, nearest="–")
            return ""
        self.read_paths.add(named.text)
        text = self.folder.text(named.text) or ""
        self.project.places[f"{owner}/{key}.sql"] = self.folder.origin(named.text, 1)
        return text

    def plan(self, key: str, place: Scalar, value: Keys, path: str) -> Plan:
        """A price plan of a product, or the price of a deal."""

        def amounts(name: str) -> dict[str, Money]:
            return {
                period: Money.parse(text, self.currency)
                for period, text in value.flat(name).items()
            }

        def one(name: str) -> Money | None:
            return Money.parse(value.text(name), self.currency) if value.text(name) else None

        ceiling = value.keys("ceiling")
        approved = ceiling.scalar("approved") if ceiling else None
        if approved is not None:
            self.folder.paper(approved, path)
        per: dict[str, tuple[PriceStep, ...]] = {}
        for unit, (_, asked) in (value.keys("per") or Keys({}, 0, 0)).entries.items():
            if isinstance(asked, Scalar):
                per[unit] = (PriceStep(price(asked.text, self.currency)),)
            elif isinstance(asked, Items):
                steps = [step for step in asked.items if isinstance(step, Keys)]
                per[unit] = tuple(
                    PriceStep(
                        price(s.text("price"), self.currency),
                        int(s.text("to")) if s.text("to") else None,
                    )
                    for s in steps
                )
        return Plan(
            key,
            self.folder.origin(path, place),
            value.flag("free"),
            one("once"),
            amounts("fee"),
            value.text("proration", "day"),
            per,
            value.text("steps", "graduated"),
            {unit: int(count) for unit, count in value.flat("included").items()},
            amounts("minimum"),
            amounts("cap"),
            {unit: int(count) for unit, count in value.flat("limit").items()},
            int(value.text("qps")) if value.text("qps") else None,
            value.text("grace"),
            value.text("for"),
            value.text("next"),
            value.flat("revenue_share"),
            value.flag("negotiated"),
            one("floor"),
            value.flat("bundle"),
            value.flat("ceiling"),
        )

    def _share(self, value: Keys, base: str) -> Share:
        rest = value.get("rest")
        return Share(
            value.text("party"),
            rate(value.text("rate")) if value.text("rate") else None,
            Money.parse(value.text("amount"), self.currency) if value.text("amount") else None,
            value.text("per"),
            rest.text("by") if isinstance(rest, Keys) else "true" if rest is not None else "",
            rest.words("among") if isinstance(rest, Keys) else (),
            value.text("base") or base,
        )

    def _deals(self) -> None:
        for key, path, found in self.documents("deals", "deal", "deal"):
            self.typed(path, found, lambda k=key, p=path, f=found: self._deal(k, p, f))

    def _deal(self, key: str, path: str, found: Keys) -> None:
        starts, ends = term(found, path)
        assert starts is not None and ends is not None  # required by the schema
        asked = found.keys("price")
        self.project.deals[key] = Deal(
            key,
            found.text("product"),
            found.text("consumer"),
            found.text("plan"),
            found.words("fields"),
            found.words("purposes"),
            starts,
            ends,
            found.text("level"),
            self.folder.origin(path, 1),
            found.text("policy"),
            found.text("grant"),
            found.text("delivery"),
            found.text("frequency"),
            found.text("contract"),
            found.text("consents"),
            found.text("amends"),
            found.flat("mask"),
            self.plan("price", found.place("price"), asked, path) if asked else None,
            found.text("rows"),
        )

    # What nobody read

    def _unread(self) -> None:
        """A file in a folder of declarations that no format claims is probably misnamed."""
        known = {
            *EXPECTED,
            *BESIDE,
            SETTINGS_FILE,
            "parties.yaml",
            "calendar.csv",
            "README.md",
            ".sanhua",
        }
        for item in sorted(self.folder.root.iterdir()):
            name = item.name
            if not name.startswith(".") and name not in known and name not in self.read_paths:
                near = nearest(name, known)
                if near:
                    self.folder.warn("project.unknown-file", name, nearest=near)
        for top in EXPECTED:
            for path in self.folder.under(top):
                if (
                    path in self.read_paths
                    or path in self.folder.files
                    or path.endswith((".md", ".txt"))
                ):
                    continue
                expected = EXPECTED[top]
                self.folder.say(Severity.WARNING, "project.unknown-file", path, nearest=expected)


__all__ = ["Loader", "day", "is_empty", "load", "price", "rate", "term"]
