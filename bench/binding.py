"""How often is the first proposal for an unbound column the right data element?

    python bench/binding.py [DIR] [--json] [--misses]

DIR is a folder with `values.csv` or `values.csv.gz` (columns type, value: every second value of a
type stands in a column bound to it, the others in a column whose name says nothing), or a project
whose contracts declare `dataElement`: the bindings are hidden and looked for again. Without DIR:
coltypes_autotype, the example steel_carbon, and tables of SANHUA_DATA against the dictionary in
bench/binding/ (columns of standards in other words than the headings; truth.csv says which column
means which element, empty for one that none means). Every case is a project in a temporary folder,
run and reviewed as `sanhua standards review` does. Precision is right over proposed, recall right
over the columns that have an element; `sure` counts proposals with a confidence of 0.8 or more.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from itertools import zip_longest
from pathlib import Path
from typing import Any

import yaml

from sanhua.workspace.binding import review
from sanhua.workspace.opening import Workspace
from sanhua.workspace.running import run

HERE = Path(__file__).parent
SURE = Decimal("0.8")
VALUES_MIN = 4  # a type with fewer values has too few for two columns
BASE = {
    "sanhua.yaml": "sanhua: 1\nentities: {us: {}}\n",
    "parties.yaml": "us: {name: 本单位, roles: [holder]}\n",
}


def put(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text, encoding="utf-8")


def contract(name: str, columns: Iterable[dict[str, Any]]) -> str:
    whole = {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": name,
        "version": "1.0.0",
        "status": "active",
        "schema": [{"name": name, "properties": list(columns)}],
    }
    return yaml.safe_dump(whole, allow_unicode=True, sort_keys=False)


def bound(name: str, element: str, **more: Any) -> dict[str, Any]:
    custom = [{"property": "dataElement", "value": element}]
    return {"name": name, "logicalType": "string", **more, "customProperties": custom}


def judged(root: Path, truth: dict[str, str]) -> dict[str, Any]:
    """`truth` is `table.column` → element, empty for none."""
    with Workspace(root, env=dict(os.environ)) as ws:
        made = run(ws)
        if not made.ok and made.error:
            raise SystemExit(str(made.error))
        started = time.process_time()
        found = review(ws)["proposals"]
        spent = time.process_time() - started
    first: dict[str, dict[str, Any]] = {}
    for one in found:
        first.setdefault(one["column"], one)
    asked = {column: of for column, of in truth.items()}
    right = {c for c, one in first.items() if c in asked and one["element"] == asked[c]}
    sure = {c for c, one in first.items() if c in asked and Decimal(one["confidence"]) >= SURE}
    among = sum(
        any(one["column"] == c and one["element"] == of for one in found)
        for c, of in asked.items()
        if of
    )
    proposed = [c for c in first if c in asked]
    wanted = sum(bool(of) for of in asked.values())
    return {
        "columns": len(asked),
        "with_element": wanted,
        "proposed": len(proposed),
        "right": len(right),
        "precision": round(len(right) / len(proposed), 4) if proposed else None,
        "recall": round(len(right) / wanted, 4) if wanted else None,
        "among_three": among,
        "sure": len(sure),
        "sure_right": len(sure & right),
        "cpu_s": round(spent, 2),
        "misses": [
            [
                c,
                asked[c],
                first[c]["element"] if c in first else "",
                first.get(c, {}).get("confidence", ""),
            ]
            for c in asked
            if c not in right and (asked[c] or c in first)
        ],
    }


def coltypes(folder: Path, root: Path) -> dict[str, str]:
    """A column a type, half of its values bound and half not."""
    path = next(folder.glob("values.csv*"))
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8-sig")
    values: defaultdict[str, list[str]] = defaultdict(list)
    for row in csv.DictReader(io.StringIO(text, newline="")):
        if row["value"].strip():
            values[row["type"]].append(row["value"].strip())
    kinds = [kind for kind, listed in values.items() if len(listed) >= VALUES_MIN]
    elements = [
        f"t{n}: {{definition: values of kind {n}, type: string}}\n" for n in range(len(kinds))
    ]
    put(root, "standards/elements.yaml", "".join(elements))
    for table, part in (("known", 0), ("fresh", 1)):
        listed = [values[kind][part::2] for kind in kinds]
        buffer = io.StringIO()
        writer = csv.writer(buffer, quoting=csv.QUOTE_ALL)
        letter = "k" if table == "known" else "x"
        writer.writerow([f"{letter}{n}q" for n in range(len(kinds))])
        writer.writerows(zip_longest(*listed, fillvalue=""))
        put(root, f"data/{table}.csv", buffer.getvalue())
        put(root, f"sources/{table}.yaml", f"files: data/{table}.csv\ncadence: once\n")
        columns = [
            bound(f"k{n}q", f"t{n}")
            if table == "known"
            else {"name": f"x{n}q", "logicalType": "string"}
            for n in range(len(kinds))
        ]
        put(root, f"contracts/{table}.odcs.yaml", contract(table, columns))
    return {f"fresh.x{n}q": f"t{n}" for n in range(len(kinds))}


def hidden(folder: Path, root: Path) -> dict[str, str]:
    """A project without its bindings, which are the truth."""
    shutil.copytree(
        folder, root, dirs_exist_ok=True, ignore=shutil.ignore_patterns("state", ".sanhua")
    )
    truth: dict[str, str] = {}
    for path in sorted((root / "contracts").glob("*.odcs.yaml")):
        whole = yaml.safe_load(path.read_text("utf-8"))
        for table in whole["schema"]:
            for prop in table.get("properties", ()):
                custom = prop.get("customProperties", [])
                of = next((c["value"] for c in custom if c["property"] == "dataElement"), "")
                truth[f"{table['name']}.{prop['name']}"] = of
                prop["customProperties"] = [c for c in custom if c["property"] != "dataElement"]
        path.write_text(yaml.safe_dump(whole, allow_unicode=True, sort_keys=False), "utf-8")
    return truth


def dictionary(data: Path, root: Path) -> dict[str, str]:
    """Published tables against a dictionary of another hand; code lists are made from the data
    sets that publish them.
    """
    shutil.copytree(HERE / "binding" / "standards", root / "standards")
    for name, source, code, title in (
        ("counties", "cn_admin_divisions/pcc_area.csv.gz", "code", "name"),
        ("cities", "cn_admin_divisions/pcc_city.csv.gz", "code", "name"),
        ("provinces", "cn_admin_divisions/pcc_province.csv.gz", "code", "name"),
    ):
        rows = csv.DictReader(
            io.StringIO(gzip.decompress((data / source).read_bytes()).decode("utf-8-sig"))
        )
        kept = dict((row[code], row[title]) for row in rows)
        lines = [f'{key},"{value}"' for key, value in kept.items()]
        put(root, f"standards/codes/{name}.csv", "\n".join(["code,name", *lines]) + "\n")
    truth: dict[str, str] = {}
    tables: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    with (HERE / "binding" / "truth.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            table, file = row["table"], row["file"]
            at = f"c{len(tables[table])}_" + "".join(
                char if char.isalnum() else "_" for char in row["heading"].casefold()
            )
            tables[table].append(
                {"name": at, "physicalName": row["heading"], "logicalType": "string"}
            )
            truth[f"{table}.{at}"] = row["element"]
            put(root, f"sources/{table}.yaml", f"files: {data / file}\ncadence: once\n")
    for table, columns in tables.items():
        put(root, f"contracts/{table}.odcs.yaml", contract(table, columns))
    return truth


def cases(chosen: Path | None) -> Iterator[tuple[str, Any, Path]]:
    data = Path(os.environ.get("SANHUA_DATA") or HERE.parents[1] / "shared" / "data")
    if chosen is not None:
        make = hidden if (chosen / "sanhua.yaml").exists() else coltypes
        yield chosen.name, make, chosen
        return
    os.environ["SANHUA_DATA"] = str(data)
    yield "coltypes_autotype", coltypes, data / "coltypes_autotype"
    yield "steel_carbon", hidden, HERE.parent / "examples" / "steel_carbon"
    yield "dictionary", dictionary, data


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("dir", nargs="?", type=Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--misses", action="store_true", help="list what was missed or wrong")
    options = parser.parse_args()
    found: dict[str, Any] = {}
    for name, make, folder in cases(options.dir):
        with tempfile.TemporaryDirectory() as at:
            root = Path(at)
            for path, text in BASE.items() if make is not hidden else ():
                put(root, path, text)
            found[name] = judged(root, make(folder, root))
        missed = found[name].pop("misses")
        if options.misses:
            for row in missed:
                print(name, *row, file=sys.stderr)
    if options.json:
        print(json.dumps(found))
        return
    result = {
        "bench": "binding",
        "on": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "cases": found,
    }
    if options.dir is None:
        out = HERE / "results" / f"binding-{result['on']}.json"
        out.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
