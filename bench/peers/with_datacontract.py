"""The thirty rules of `bench/rules.py` in datacontract-cli, one SQL rule each."""

import json

from asked import KEY, V, path, told
from datacontract.data_contract import DataContract

lines = [
    "apiVersion: v3.1.0",
    "kind: DataContract",
    "id: readings",
    "version: 1.0.0",
    "status: active",
    "servers:",
    "  - {server: local, type: local, path: " + json.dumps(path) + ", format: parquet}",
    "schema:",
    "  - name: readings",
    "    physicalType: table",
    "    quality:",
]
for rule, predicate in V.items():
    query = f"SELECT count(*) FROM readings WHERE {predicate}"
    lines += [
        "      - type: sql",
        f"        description: {rule}",
        "        query: " + json.dumps(query),
        "        mustBe: 0",
    ]
query = (
    "SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM readings "
    "WHERE id IS NOT NULL GROUP BY id HAVING count(*) > 1)"
)
lines += [
    "      - type: sql",
    f"        description: {KEY}",
    "        query: " + json.dumps(query),
    "        mustBe: 0",
]
text = "\n".join(lines) + "\n"
run = DataContract(data_contract_str=text, server="local").test()
found, failed = {}, []
for check in run.checks:
    if check.type and "sql" in str(check.type) or (check.category == "quality"):
        value = (check.diagnostics or {}).get("value", (check.diagnostics or {}).get("actual"))
        name = next((rule for rule in [*V, KEY] if rule == check.name), check.name)
        found[name] = int(value) if value is not None else None
told(found)
