"""`check` over a model as large as a provincial grid company's: within its three seconds?

    python bench/check_model.py [--keep FOLDER]

Writes a project with 6 domains, 121 objects, 263 entities, 3,812 attributes, 1,580 data elements,
280 quality rules and 688 indicators, loads and checks it in a fresh process three times, then seeds
50 conflicts of nine kinds and counts those that are found and those that are not there, and keeps
the figures in `bench/results/`.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

SEEDED = {  # how many of each kind; 50 in all
    "standard.conflict": 6,
    "standard.other-representation": 8,
    "ref.party": 6,
    "standard.no-authority": 6,
    "standard.two-authorities": 6,
    "standard.not-the-authority": 6,
    "standard.other-unit": 4,
    "standard.other-type": 4,
    "standard.collected-twice": 4,
}
BUDGET_S = 3.0
RUNS = 3

ONCE = """
import json, sys, time, resource
from datetime import date
started, cpu = time.perf_counter(), time.process_time()
from pathlib import Path
from sanhua.project import load
from sanhua.project.checking import check
from sanhua.rules.packs import Packs
imported = time.perf_counter()
project = load(Path(sys.argv[1]), {})
loaded = time.perf_counter()
found = check(project, Packs.load(("cn",)), date.today())
print(json.dumps({
    "import_s": round(imported - started, 3),
    "load_s": round(loaded - imported, 3),
    "check_s": round(time.perf_counter() - loaded, 3),
    "total_s": round(time.perf_counter() - started, 3),
    "cpu_s": round(time.process_time() - cpu, 3),
    "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    "errors": sum(d.severity == "error" for d in found),
    "attributes": sum(len(t.properties) for c in project.contracts.values() for t in c.tables),
    "elements": len(project.elements),
    "entities": len(project.model),
    "indicators": len(project.indicators),
    "rules": sum(len(t.quality) for c in project.contracts.values() for t in c.tables),
}))
"""


@dataclass(frozen=True)
class Size:
    domains: int = 6
    objects: int = 121
    entities: int = 263
    attributes: int = 3812
    elements: int = 1580
    rules: int = 280
    indicators: int = 688


TYPES = ("string", "integer", "decimal(12,2)", "date", "timestamp", "boolean")
LOGICAL = ("string", "integer", "number", "date", "timestamp", "boolean")


class Model:
    """The project; every second table is made by SQL from the one before it.

    `seeded` puts conflicts in; `expected` is then (code, element or column) of each.
    """

    def __init__(self, size: Size, seeded: bool = False) -> None:
        self.size = size
        each, rest = divmod(size.attributes, size.entities)
        numbers = iter(range(size.attributes))
        self.columns = [
            [(f"c{at}", next(numbers) % size.elements) for at in range(each + (entity < rest))]
            for entity in range(size.entities)
        ]
        self.kinds: dict[int, str] = {}  # element → what is wrong with it
        self.expected: set[tuple[str, str]] = set()
        self.marked: set[tuple[int, str]] = set()  # columns declared authoritative
        if seeded:
            self._seed()

    def _seed(self) -> None:
        raw: dict[int, list[tuple[int, str]]] = {}
        for entity in range(0, self.size.entities, 2):
            for name, element in self.columns[entity]:
                raw.setdefault(element, []).append((entity, name))
        twice = [e for e, at in raw.items() if len({entity for entity, _ in at}) > 1]
        once = [e for e in raw if e not in set(twice)]
        free = iter(once[::2])
        doubled = iter(twice)
        for code, count in SEEDED.items():
            for _ in range(count):
                needs_two = code in ("standard.no-authority", "standard.two-authorities")
                element = next(doubled) if needs_two else next(free)
                self.kinds[element] = code
                (entity, name), *others = raw[element]
                column = f"table_{entity}.{name}"
                what = f"element_{element}"
                if code == "standard.two-authorities":
                    self.marked |= {(entity, name), others[0]}
                    files = sorted(f"table_{n}.{c}" for n, c in ((entity, name), others[0]))
                    what = files[1]  # the later file is told
                elif code == "standard.not-the-authority":
                    self.marked.add((entity, name))
                    what = column
                elif code in ("standard.other-unit", "standard.other-type"):
                    what = column
                elif code == "standard.collected-twice":
                    what = f"extra.x{element}"
                elif code == "standard.other-representation":
                    what = f"twin_{element}"
                elif code == "standard.conflict":
                    what = f"other_{element}"
                self.expected.add((code, what))

    def _elements(self) -> str:
        lines: list[str] = []
        for n in range(self.size.elements):
            kind = self.kinds.get(n, "")
            authority = {"ref.party": "ghost", "standard.not-the-authority": "other"}.get(
                kind, "grid"
            )
            lines.append(
                f"element_{n}:\n"
                f"  title: {{zh: 数据元{n}, en: Element {n}}}\n"
                f"  definition: 第{n}个数据元的定义，说明其含义与取值\n"
                f"  type: {TYPES[n % len(TYPES)]}\n"
                f"  synonyms: [同义{n}, Element_{n}]\n"
                + ("" if kind == "standard.no-authority" else f"  authority: {authority}\n")
                + ("  codes: levels\n" if n % len(TYPES) == 0 else "")
            )
            if kind == "standard.other-representation":
                lines.append(
                    f"twin_{n}: {{title: 数据元{n},"
                    f" definition: 第{n}个数据元的定义，说明其含义与取值,"
                    f' type: "{TYPES[n % len(TYPES)]}", unit: t, authority: grid'
                    + (", codes: levels" if n % len(TYPES) == 0 else "")
                    + "}\n"
                )
            if kind == "standard.conflict":
                lines.append(
                    f"other_{n}: {{title: 别名{n}, synonyms: [同义{n}], definition: 另一种说法,"
                    " type: string, authority: grid}\n"
                )
        return "".join(lines)

    def _column(self, entity: int, name: str, element: int) -> str:
        kind, place = LOGICAL[element % len(LOGICAL)], (entity, name)
        custom = [f"{{property: dataElement, value: element_{element}}}"]
        at = f"table_{entity}.{name}"
        if ("standard.other-unit", at) in self.expected:
            custom.append("{property: unit, value: furlong}")
        if ("standard.other-type", at) in self.expected:
            kind = "boolean" if kind != "boolean" else "date"
        if place in self.marked:
            custom.append("{property: authoritative, value: true}")
        return (
            f"      - name: {name}\n"
            f"        logicalType: {kind}\n"
            f"        required: {'true' if name == 'c0' else 'false'}\n"
            f"        customProperties: [{', '.join(custom)}]\n"
        )

    def write(self, root: Path) -> None:
        size = self.size
        put(root, "sanhua.yaml", "sanhua: 1\nentities: {grid: {}}\n")
        parties = "grid: {name: 电网公司, uscc: 91350100M000100Y43, roles: [holder]}\n"
        put(root, "parties.yaml", parties + "other: {name: 外部单位, roles: [supplier]}\n")
        put(root, "standards/codes/levels.csv", "code,name\n1,高\n2,低\n")
        put(root, "standards/elements.yaml", self._elements())
        rules = [
            size.rules // size.entities + (n < size.rules % size.entities)
            for n in range(size.entities)
        ]
        for entity, columns in enumerate(self.columns):
            if entity % 2:
                before = len(self.columns[entity - 1])
                taken = [f"a.{name}" for name, _ in columns if int(name[1:]) < before]
                taken += [f"NULL AS {name}" for name, _ in columns if int(name[1:]) >= before]
                made_from = f"FROM table_{entity - 1} AS a\nWHERE a.c0 IS NOT NULL\n"
                text = f"SELECT {', '.join(taken)}\n{made_from}"
                put(root, f"sql/table_{entity}.sql", text)
            else:
                source = f"files: data/{entity}/*.csv\ncadence: day\n"
                put(root, f"sources/table_{entity}.yaml", source)
            checks = "".join(
                f"      - {{name: rule {n}, type: sql, query: 'SELECT "
                f"count_if(c0 IS NULL) FROM table_{entity}', mustBe: 0}}\n"
                for n in range(rules[entity])
            )
            self._contract(
                root,
                f"table_{entity}",
                "".join(self._column(entity, *column) for column in columns)
                + (f"    quality:\n{checks}" if checks else ""),
            )
        copied = [n for n, kind in self.kinds.items() if kind == "standard.collected-twice"]
        if copied:
            put(root, "sources/extra.yaml", "files: data/x/*.csv\ncadence: day\nsupplier: other\n")
            listed = "".join(
                f"      - name: x{n}\n        logicalType: {LOGICAL[n % len(LOGICAL)]}\n"
                f"        customProperties: [{{property: dataElement, value: element_{n}}}]\n"
                for n in copied
            )
            self._contract(root, "extra", listed)
        self._model(root)

    @staticmethod
    def _contract(root: Path, name: str, properties: str) -> None:
        put(
            root,
            f"contracts/{name}.odcs.yaml",
            f"apiVersion: v3.1.0\nkind: DataContract\nid: {name}\nversion: 1.0.0\nstatus: active\n"
            f"schema:\n  - name: {name}\n    properties:\n{properties}",
        )

    def _model(self, root: Path) -> None:
        size = self.size
        lines: list[str] = []
        for domain in range(size.domains):
            lines.append(f"domain_{domain}:\n  title: 主题域{domain}\n  objects:\n")
            for thing in range(domain, size.objects, size.domains):
                lines.append(f"    object_{thing}:\n      entities:\n")
                for entity in range(thing, size.entities, size.objects):
                    lines.append(
                        f"        entity_{entity}: {{title: 实体{entity}, table: table_{entity}}}\n"
                    )
        put(root, "standards/model.yaml", "".join(lines))
        shortest = min(map(len, self.columns))
        put(
            root,
            "standards/indicators.yaml",
            "".join(
                f"indicator_{n}: {{title: 指标{n}, definition: "
                f"指标{n}的口径, table: table_{n % size.entities}, "
                f"formula: count(c{n % shortest}) / count(*), by: [c0], unit: '%'}}\n"
                for n in range(size.indicators)
            ),
        )


def found(root: Path) -> set[tuple[str, str]]:
    """(code, element or column) of every conflict that `sanhua standards conflicts` tells."""
    from sanhua.workspace.governing import Standing
    from sanhua.workspace.opening import Workspace

    with Workspace(root, env={}) as ws:
        told = Standing(ws).conflicts
    by_element = ("standard.conflict", "standard.other-representation", "standard.no-authority")
    return {
        (one.code, str(one.facts.get("column", one.node.partition(":")[2])))
        if one.code not in by_element
        else (one.code, one.node.partition(":")[2])
        for one in told
    }


def put(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--keep", type=Path)
    chosen = parser.parse_args().keep
    with tempfile.TemporaryDirectory() as folder:
        root = chosen or Path(folder)
        Model(Size()).write(root)
        runs = [
            json.loads(
                subprocess.run(
                    [sys.executable, "-c", ONCE, root], check=True, stdout=subprocess.PIPE
                ).stdout
            )
            for _ in range(RUNS)
        ]
        false = sorted(found(root))
    seeded = Model(Size(), seeded=True)
    with tempfile.TemporaryDirectory() as folder:
        seeded.write(Path(folder))
        told = found(Path(folder))
    best = min(runs, key=lambda run: run["total_s"])
    result = {
        "bench": "check_model",
        "on": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "cpus": len(__import__("os").sched_getaffinity(0)),
        "libraries": {name: version(name) for name in ("pyyaml", "jsonschema-rs", "sqlglot")},
        "budget_s": BUDGET_S,
        "runs": runs,
        "best": best,
        "within_budget": best["total_s"] <= BUDGET_S,
        "conflicts": {
            "seeded": len(seeded.expected),
            "found": len(seeded.expected & told),
            "false": len(told - seeded.expected) + len(false),
        },
    }
    out = Path(__file__).parent / "results" / f"check_model-{result['on']}.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps({**result["best"], "conflicts": result["conflicts"]}, indent=2))


if __name__ == "__main__":
    main()
