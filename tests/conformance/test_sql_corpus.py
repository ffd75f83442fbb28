"""The TPC queries: what real analysis asks for passes, and its lineage is that of the stated truth.

The corpus gives each query twice, as written and with every column qualified. The peer is
sqlglot's own lineage, which counts the columns of windows and scalar conditions as sources too.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlglot import exp
from sqlglot.lineage import lineage as peer_lineage

from sanhua import sql
from sanhua.kernel.errors import Invalid

# Its own schema lacks a column of this query; its truth uses list values, which have no order.
BROKEN = {"tpc-h": set[int](), "tpc-ds": {30}}
TRUTH_LEFT_OUT = {"tpc-h": {21}, "tpc-ds": {16, 94}}


def corpus(folder: Path, name: str) -> tuple[list[tuple[str, str]], dict[str, dict[str, str]]]:
    """(as written, qualified) of each query, and table → column → type."""
    folder = folder / f"sqlglot_{name}"
    schemas = json.loads((folder / "schema.json").read_text("utf-8"))
    text = (folder / f"{name}_input_and_qualified.sql").read_text("utf-8")
    lines = [line for line in text.splitlines() if line[:1] not in "-#"]
    queries = [query.strip() for query in "\n".join(lines).split(";") if query.strip()]
    pairs = list(zip(queries[::2], queries[1::2], strict=True))
    return pairs, {t: {c: "VARCHAR" for c in columns} for t, columns in schemas.items()}


@pytest.mark.parametrize("name", ["tpc-h", "tpc-ds"])
def test_real_analysis_passes_and_its_lineage_is_the_stated_one(
    name: str, find_data: Callable[[str], Path]
):
    pairs, schemas = corpus(find_data("sql_lineage"), name)
    for number, (written, qualified) in enumerate(pairs, 1):
        query = sql.parse(written)
        if number in BROKEN[name]:
            with pytest.raises(Invalid):
                sql.lineage(query, schemas)
        elif number in TRUTH_LEFT_OUT[name]:
            assert sql.lineage(query, schemas)
        else:
            found = sql.lineage(query, schemas)
            truth = sql.lineage(sql.parse(qualified), schemas)
            assert [(c.name.lower(), c.sources) for c in found] == [
                (c.name.lower(), c.sources) for c in truth
            ], number


@pytest.mark.parametrize("name", ["tpc-h", "tpc-ds"])
def test_the_sources_are_those_that_a_peer_finds(name: str, find_data: Callable[[str], Path]):
    pairs, schemas = corpus(find_data("sql_lineage"), name)
    for number, (written, _) in enumerate(pairs, 1):
        if number in BROKEN[name]:
            continue
        for column in sql.lineage(sql.parse(written), schemas):
            root = peer_lineage(column.name, written, schema=schemas, dialect="duckdb")
            peers = {
                (node.source.name, node.name.rpartition(".")[2].strip('"'))
                for node in root.walk()
                if isinstance(node.source, exp.Table) and not node.downstream
            }
            assert {(t.lower(), c.lower()) for t, c in column.sources} <= peers, number
            extra = peers - set(column.sources) - set(column.filtered_by)
            assert not extra, (number, column, extra)
