"""The thirty rules of `bench/rules.py` in Soda Core 4 on DuckDB."""

import json
import os

import duckdb
from asked import KEY, V, folder, path, told

os.environ["SODA_TELEMETRY"] = "false"
os.environ["OTEL_SDK_DISABLED"] = "true"
db = os.path.join(folder, "soda.duckdb")
con = duckdb.connect(db)
con.execute(f"CREATE OR REPLACE VIEW readings AS SELECT * FROM read_parquet('{path}')")
con.close()
source = os.path.join(folder, "soda-source.yml")
open(source, "w").write(f"type: duckdb\nname: bench\nconnection:\n  database: {db}\n")


def quoted(text):
    return json.dumps(text)


lines = ["dataset: bench/main/readings", "checks:"]
for rule, predicate in V.items():
    lines += [
        "  - failed_rows:",
        f"      name: {rule}",
        f"      qualifier: {rule}",
        f"      expression: {quoted(predicate)}",
    ]
lines += ["columns:", "  - name: id", "    checks:", "      - duplicate:", f"          name: {KEY}"]
contract = os.path.join(folder, "soda-contract.yml")
open(contract, "w").write("\n".join(lines) + "\n")
from soda_core.contracts import verify_contract_locally  # noqa: E402

done = verify_contract_locally(
    data_source_file_path=source, contract_file_path=contract, publish=False
)
found = {}
for result in done.contract_verification_results:
    for check in result.check_results:
        values = getattr(check, "diagnostic_metric_values", None) or {}
        name = check.check.name
        found[name] = int(
            values.get(
                "failed_rows_count", values.get("duplicate_count", check.threshold_value or 0)
            )
        )
told(found)
