"""Parsing and column lineage of the TPC queries: ms a query, beside sqlglot's own lineage.

    SANHUA_DATA=… python bench/lineage.py [--write]      --write keeps the figures in bench/results

The peer answers one column at a time; both are asked for every output column of every query.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from sqlglot.errors import SqlglotError
from sqlglot.lineage import lineage as peer_lineage

from sanhua import sql
from sanhua.kernel.errors import Invalid

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("SANHUA_DATA") or ROOT.parent / "shared" / "data") / "sql_lineage"


def corpus(name: str) -> tuple[list[str], dict[str, dict[str, str]]]:
    folder = DATA / f"sqlglot_{name}"
    text = (folder / f"{name}_input_and_qualified.sql").read_text("utf-8")
    lines = [line for line in text.splitlines() if line[:1] not in "-#"]
    queries = [query.strip() for query in "\n".join(lines).split(";") if query.strip()]
    schemas = json.loads((folder / "schema.json").read_text("utf-8"))
    return queries[::2], {t: {c: "VARCHAR" for c in columns} for t, columns in schemas.items()}


def main() -> None:
    if not DATA.is_dir():
        sys.exit(f"{DATA} is not there; point SANHUA_DATA at the data sets")
    ours = peer = 0.0
    queries = columns = 0
    for name in ("tpc-h", "tpc-ds"):
        texts, schemas = corpus(name)
        for text in texts:
            try:
                started = time.process_time()
                found = sql.lineage(sql.parse(text), schemas)
                ours += time.process_time() - started
                started = time.process_time()
                for column in found:
                    peer_lineage(column.name, text, schema=schemas, dialect="duckdb")
                peer += time.process_time() - started
            except (Invalid, SqlglotError) as error:
                print(f"{name}: left out: {error}")
                continue
            queries += 1
            columns += len(found)
    figures = {
        "queries": queries,
        "columns": columns,
        "ms_a_query": round(1000 * ours / queries, 2),
        "peer_ms_a_query": round(1000 * peer / queries, 2),
        "python": platform.python_version(),
        "sqlglot": version("sqlglot"),
        "machine": f"{platform.machine()}, {os.cpu_count()} CPUs",
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
    }
    print(json.dumps(figures, indent=2))
    if "--write" in sys.argv:
        path = ROOT / "bench" / "results" / f"lineage-{figures['date']}.json"
        path.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
