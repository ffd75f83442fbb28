"""A manifest says itself to the byte, also one written before tables were kept by parts."""

from __future__ import annotations

from typing import Any

from sanhua.kernel.table import Column, LakeFile, Manifest, Part
from sanhua.verify import canonical, sha256

FILE: dict[str, Any] = {"path": "part-0.parquet", "rows": 3, "bytes": 9, "sha256": "sha256:aa"}
BAD: dict[str, Any] = {"path": "rejects.parquet", "rows": 2, "bytes": 5, "sha256": "sha256:bb"}
BEFORE: dict[str, Any] = {
    "table": "t",
    "layer": "raw",
    "columns": [{"name": "a", "type": "BIGINT"}],
    "rows": 3,
    "files": [FILE],
    "inputs": ["raw_file:t@sha256:cc"],
    "step": "sha256:dd",
    "rejected": 2,
    "rejects": BAD,
    "rejected_by_column": {"a": 2},
}


def test_one_from_before_parts_keeps_its_bytes_and_its_id():
    text = canonical(BEFORE)
    made = Manifest.parse(text)
    assert (made.body, made.id) == (text, sha256(text))
    assert (made.rows, made.rejected, made.rejected_by_column) == (3, 2, {"a": 2})
    assert made.files == (LakeFile(**FILE),) and made.rejects == (LakeFile(**BAD),)


def test_what_is_parsed_is_what_was_written():
    part = Part(
        LakeFile(**FILE), ("raw_file:x",), ("x.csv",), 1, LakeFile(**BAD), {"a": 2}, (None,)
    )
    made = Manifest("t", "raw", (Column("a", "BIGINT"),), (part,), ("raw_file:x",), "sha256:dd")
    again = Manifest.parse(made.body)
    assert again == made and again.id == made.id
