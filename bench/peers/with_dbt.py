"""The thirty rules of `bench/rules.py` in dbt-duckdb, one test a rule."""

import os

from asked import KEY, V, folder, path, told

root = os.path.join(folder, "dbt")
os.makedirs(os.path.join(root, "tests"), exist_ok=True)
os.makedirs(os.path.join(root, "models"), exist_ok=True)
open(os.path.join(root, "dbt_project.yml"), "w").write(
    "name: bench\nversion: '1.0'\nprofile: bench\nconfig-version: 2\n"
    "flags: {send_anonymous_usage_stats: false}\n"
)
db = os.path.join(folder, "dbt.duckdb")
open(os.path.join(root, "profiles.yml"), "w").write(
    "bench:\n  target: dev\n  outputs:\n"
    f"    dev: {{type: duckdb, path: '{db}', threads: 2, settings: {{memory_limit: 2GB}}}}\n"
)
open(os.path.join(root, "models", "sources.yml"), "w").write(
    "sources:\n  - name: lake\n"
    "    config: {external_location: \"read_parquet('"
    + path
    + "')\"}\n    tables: [{name: readings}]\n"
)
for rule, predicate in V.items():
    open(os.path.join(root, "tests", f"{rule}.sql"), "w").write(
        "{{ config(severity='warn', fail_calc='max(n)', warn_if='>0') }}\n"
        f"SELECT count(*) AS n FROM {{{{ source('lake', 'readings') }}}} WHERE {predicate}\n"
    )
open(os.path.join(root, "tests", f"{KEY}.sql"), "w").write(
    "{{ config(severity='warn', fail_calc='max(n)', warn_if='>0') }}\n"
    "SELECT coalesce(sum(n - 1), 0) AS n FROM (SELECT count(*) AS n "
    "FROM {{ source('lake', 'readings') }} WHERE id IS NOT NULL GROUP BY id HAVING count(*) > 1)\n"
)
from dbt.cli.main import dbtRunner  # noqa: E402

done = dbtRunner().invoke(
    ["-q", "test", "--project-dir", root, "--profiles-dir", root, "--no-use-colors"]
)
told({one.node.name: int(one.failures or 0) for one in done.result.results})
