"""Standards 数据标准 as sheets: out to a workbook that an officer fills in, and back."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sanhua.kernel import ids
from sanhua.kernel.errors import (
    Broken,
    Conflict,
    Diagnostic,
    Invalid,
    NotFound,
    Severity,
)
from sanhua.kernel.ports import Uow
from sanhua.kernel.time import legal_day
from sanhua.project import standards as written
from sanhua.project.checking import systems
from sanhua.project.loading import Loader
from sanhua.project.read import Columns, Folder, Keys
from sanhua.project.schema import faults
from sanhua.report.standards import NOTES, OPTIONS, Sheet, workbook
from sanhua.workspace.opening import Workspace

SHEET_NAME_MAX = 31
CHOICES = {
    "type": "type",
    "status": "status",
    "codes": "codes",
    "authority": "party",
    "owner": "party",
    "steward": "party",
    "element": "element",
    "table": "table",
    "replaces": "codes",
}
TYPES = ("string", "integer", "decimal(18,2)", "date", "timestamp", "boolean")


def export(ws: Workspace, out: Path) -> dict[str, Any]:
    """Write every standard into one workbook that an officer can fill in.

    A standard that could not be read whole raises its first error: nothing is left out in silence.
    """
    project = ws.project
    _must_be_whole(project.diagnostics)
    loader = Loader(Folder(ws.root, ws.env, project.settings.language))
    sheets: list[Sheet] = []
    counts: dict[str, int] = {}
    places = _sheet_names(project.codes)
    for stem, form in written.FORMS.items():
        tree = written.as_tree(written.read_tree(loader, stem))
        if stem == "codes":
            tree = {
                name: {**(tree.get(name) or {}), "sheet": places[name]} for name in project.codes
            }
        rows = written.rows_of(stem, tree)
        counts[stem] = len(rows)
        keys = [one.key for one in form.fields]
        sheets.append(
            Sheet(
                form.zh,
                [one.zh for one in form.fields],
                [[row.get(key, "") for key in keys] for row in rows],
                [f"{one.key}: {one.says}" for one in form.fields],
                {at: CHOICES[key] for at, key in enumerate(keys) if key in CHOICES},
            )
        )
    spelled = {one.key: one.zh for one in written.CODE_FIELDS}
    sheets += [
        Sheet(places[codes.id], [spelled.get(name, name) for name in codes.columns], codes.rows)
        for codes in project.codes.values()
    ]
    content = workbook(f"数据标准 {project.name}", sheets, _options(ws), _notes(ws))
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(out.name + ".part")
    part.write_bytes(content)
    part.replace(out)
    return {"file": str(out), "rows": counts, "code_lists": len(project.codes)}


def _must_be_whole(found: Iterable[Diagnostic]) -> None:
    for one in found:
        if one.severity is Severity.ERROR and one.path.startswith(written.TOP):
            raise Invalid(one.code, path=one.path, line=one.line, column=one.column, **one.facts)


def _sheet_names(codes: Iterable[str]) -> dict[str, str]:
    """A list's sheet is named as the list, as far as Excel's 31 characters reach."""
    found: dict[str, str] = {}
    for name in codes:
        sheet, turn = name[:SHEET_NAME_MAX], 1
        while sheet in found.values():
            turn += 1
            sheet = f"{name[: SHEET_NAME_MAX - len(str(turn)) - 1]}_{turn}"
        found[name] = sheet
    return found


def _options(ws: Workspace) -> dict[str, Sequence[str]]:
    project = ws.project
    known = ws.rules.ask("gbt_18391", "statuses", on=legal_day(ws.clock.now())).value
    tables = {t.name for c in project.contracts.values() for t in c.tables}
    return {
        "type": TYPES,
        "status": list(known.values()),
        "codes": sorted(project.codes),
        "party": sorted(project.parties),
        "element": sorted(project.elements),
        "table": sorted({*tables, *project.sql, *systems(project)}),
    }


def _notes(ws: Workspace) -> list[list[str]]:
    """The first sheet: what each column means, with the attribute of GB/T 19488.1 that it is."""
    rule = ws.rules.ask("gbt_19488", "attributes", on=legal_day(ws.clock.now()))
    lines = [["工作表", "列", "键", "说明"]]
    for stem, form in written.FORMS.items():
        for one in form.fields:
            known = rule.value.get(one.key) if stem == "elements" else None
            basis = f"  [{rule.number} {known['group']} {known['zh']}]" if known else ""
            lines.append([form.zh, one.zh, one.key, one.says + basis])
    lines += [["(代码集)", one.zh, one.key, one.says] for one in written.CODE_FIELDS]
    return lines


def import_book(ws: Workspace, book: Path, *, replace_files: bool = False) -> dict[str, Any]:
    """Read a workbook back into standards/: only files whose content differs are written, and what
    the folder has and the workbook lacks is told (`standard.taken-out`): rows deleted on purpose,
    or written by somebody else since the workbook was exported.

    A fault names sheet, row and column (`book.xlsx!数据元`, line, column), and then nothing is
    written. Conflict standard.comments-lost when a file to be rewritten has comments inside, unless
    `replace_files`; standard.list-in-workbook when a changed list is kept in another workbook.
    """
    folder = Folder(book.resolve().parent, ws.env, ws.project.settings.language)
    if not folder.exists(book.name):
        raise NotFound("run.no-file", path=str(book))
    named = {name: stem for stem, form in written.FORMS.items() for name in (stem, form.zh)}

    def columns(sheet: str) -> Columns | None:
        if sheet in (NOTES, OPTIONS):
            return None
        return written.FORMS[named[sheet]].columns if sheet in named else written.CODE_COLUMNS

    sheets = folder.workbook(book.name, columns)
    loader = Loader(folder)
    trees: dict[str, dict[str, Any]] = {}
    list_of: dict[str, str] = {}  # sheet → code list
    for sheet, rows in sheets.items():
        if sheet not in named:
            continue
        stem = named[sheet]
        if stem in trees:
            folder.error("format.two-sources", rows.path, 1, other=written.FORMS[stem].zh)
        tree = written.tree_of(loader, stem, rows)
        if stem == "codes":
            list_of = {_take(value, "sheet") or key: key for key, _, value in tree.maps()}
            tree = Keys({k: v for k, v in tree.entries.items() if _says(v[1])}, 1, 1)
        folder.found += [one.diagnostic for one in faults(stem, tree, rows.path)]
        trees[stem] = written.as_tree(tree)
    lists: dict[str, Cells] = {}
    for sheet, rows in sheets.items():
        if sheet in named:
            continue
        key = list_of.get(sheet, sheet)
        if not ids.NAME.fullmatch(key):
            folder.error("format.not-an-id", rows.path, 1, value=key, key=sheet)
        read = written.rows_of_codes(loader, key, rows)
        if read is not None:
            lists[key] = read[0], read[1]
    for sheet, key in list_of.items():
        if sheet not in sheets and key not in ws.project.codes:
            folder.error("standard.no-such-sheet", book.name, 1, sheet=sheet, codes=key)
    if not sheets and not folder.found:
        known = ", ".join(form.zh for form in written.FORMS.values())
        folder.error("standard.no-sheet", book.name, 1, known=known)
    if any(one.severity is Severity.ERROR for one in folder.found):
        return {"written": [], "unchanged": [], "found": folder.found}
    files = _files_to_write(ws, trees, lists, replace_files, folder.found)
    for path, content in files.items():
        put(ws.root / path, content)
    kept = {path for path in ws.project.files if path.startswith(written.TOP)}
    unchanged = sorted(kept - files.keys())
    return {"written": sorted(files), "unchanged": unchanged, "found": folder.found}


Cells = tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]


def _take(value: Keys, key: str) -> str:
    found = value.entries.pop(key, None)
    return getattr(found[1], "text", "") if found else ""


def _says(value: Any) -> bool:
    return not isinstance(value, Keys) or bool(value.entries)


def _files_to_write(
    ws: Workspace,
    trees: Mapping[str, Mapping[str, Any]],
    lists: Mapping[str, Cells],
    force: bool,
    found: list[Diagnostic],
) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    loader = Loader(Folder(ws.root, ws.env, ws.project.settings.language))
    for stem, tree in trees.items():
        path = next(
            (
                p
                for s in ("xlsx", "yml", "yaml")
                if (ws.root / (p := f"{written.TOP}{stem}.{s}")).is_file()
            ),
            f"{written.TOP}{stem}.yaml",
        )
        was = written.as_tree(written.read_tree(loader, stem))
        if was == tree:
            continue
        found += _taken_out(path, _names(was, stem), _names(tree, stem))
        if path.endswith(".xlsx"):
            files[path] = _one_sheet(stem, tree)
        else:
            files[path] = _yaml(ws.root / path, path, tree, loader.folder, force)
    for key, (columns, rows) in lists.items():
        known = ws.project.codes.get(key)
        if known is not None and (known.columns, known.rows) == (columns, rows):
            continue
        if known is not None and known.origin.path.endswith(".xlsx"):
            raise Conflict("standard.list-in-workbook", path=known.origin.path, codes=key)
        if known is not None:
            codes = dict.fromkeys(row[0] for row in rows)
            found += _taken_out(known.origin.path, known.codes(), codes)
        files[f"{written.TOP}codes/{key}.csv"] = written.csv_text(columns, rows).encode()
    return files


def _names(tree: Mapping[str, Any], stem: str) -> list[str]:
    """What a standard names; of the model every domain, object, entity and attribute."""
    if stem != "model":
        return list(tree)
    names: list[str] = []
    above: list[tuple[str, Mapping[str, Any]]] = [("", tree)]
    for inside in ("objects", "entities", "attributes", ""):
        below = [(f"{name}/{k}" if name else k, v) for name, held in above for k, v in held.items()]
        names += [name for name, _ in below]
        above = [(name, (value or {}).get(inside) or {}) for name, value in below] if inside else []
    return names


def _taken_out(path: str, was: Iterable[str], now: Collection[str]) -> list[Diagnostic]:
    known = frozenset(now)
    gone = [name for name in was if name not in known]
    if not gone:
        return []
    facts = {"count": len(gone), "names": ", ".join(gone[:5]) + (" …" if gone[5:] else "")}
    return [Diagnostic(Severity.WARNING, "standard.taken-out", path, facts=facts)]


def _one_sheet(stem: str, tree: Mapping[str, Any]) -> bytes:
    form = written.FORMS[stem]
    rows = [[row.get(f.key, "") for f in form.fields] for row in written.rows_of(stem, tree)]
    return workbook(form.zh, [Sheet(form.zh, [f.zh for f in form.fields], rows)])


def _yaml(at: Path, path: str, tree: Mapping[str, Any], folder: Folder, force: bool) -> bytes:
    """The file's new text, below the comments that it began with; it must read back as the tree."""
    head: list[str] = []
    if at.is_file():
        lines = at.read_text("utf-8-sig").splitlines()
        while lines and lines[0].startswith("#"):
            head.append(lines.pop(0).removeprefix("#").removeprefix(" "))
        inner = next((n for n, line in enumerate(lines) if line.lstrip().startswith("#")), None)
        if inner is not None and not force:
            raise Conflict("standard.comments-lost", path=path, line=len(head) + inner + 1)
    text = written.yaml_text(tree, head)
    if written.as_tree(folder.compose(text, path)) != tree:
        raise Broken("standard.not-the-same", path=path)
    return text.encode()


def put_as_act(
    ws: Workspace, at: Path, before: bytes, after: bytes, act: Callable[[Uow], None]
) -> None:
    """Write a file in the transaction of the act that says who wrote it; when the act fails, the
    file is as before.
    """
    ws.store.must_go_on()
    try:
        with ws.store.begin(actor=ws.actor) as uow:
            act(uow)
            if after != before:
                put(at, after)
    except BaseException:
        if after != before and at.read_bytes() == after:
            put(at, before)
        raise
    ws.store.checkpoint()


def put(at: Path, content: bytes) -> None:
    at.parent.mkdir(parents=True, exist_ok=True)
    part = at.with_name(f".{at.name}.part")
    part.write_bytes(content)
    if at.exists():
        part.chmod(at.stat().st_mode)
    part.replace(at)
