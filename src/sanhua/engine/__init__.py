"""Where relations run: DuckDB over Parquet snapshots.

lake  immutable snapshots with manifests, written whole or not at all
read  raw files as relations of text: CSV, Excel, JSON, Parquet; encodings and dialects
keyed  what one contract may see of a snapshot, for lookups by key
by_value  a predicate asked once of each distinct value, not of every row
duck  the port `kernel.ports.Engine` on DuckDB: collect, build, measure, query

In: paths, SQL that was checked, metrics. Out: manifests and small results. Knows no stage.
"""
