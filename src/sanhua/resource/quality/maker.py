"""Checks of one table as they are made: names that stay apart, metrics that are measured once."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any

from sanhua import sql
from sanhua.kernel import ids
from sanhua.kernel.metric import Metric
from sanhua.kernel.origin import Origin
from sanhua.kernel.table import Manifest
from sanhua.kernel.text import Text
from sanhua.resource.contract import DataContract, TableSchema
from sanhua.resource.quality.records import Check
from sanhua.resource.repair import Repaired
from sanhua.resource.standard import limit


class Maker:
    """Names checks and metrics of one table; equal metrics share an id, so that they are measured
    once.
    """

    def __init__(
        self,
        contract: DataContract,
        table: TableSchema,
        manifest: Manifest,
        repaired: Repaired | None = None,
    ) -> None:
        self.contract, self.table, self.manifest = contract, table, manifest
        self.rejected = (repaired or manifest).rejected
        self.rejected_by_column = (
            manifest.rejected_by_column if repaired is None else repaired.unfit
        )
        self.rejects = manifest.layer == "raw" or repaired is not None  # rows that do not fit
        self.checks: list[Check] = []
        self.rows = Metric(f"rows:{table.name}", "count(*)")
        self.types = {column.name: column.type for column in manifest.columns}
        self._named: set[str] = set()

    def values(self, column: str) -> Metric:
        """How many values a column has that are not NULL."""
        return Metric(f"values:{self.table.name}.{column}", f"count({sql.quote(column)})")

    def add(
        self,
        name: str,
        indicator: str,
        label: Text,
        origin: Origin,
        *,
        column: str = "",
        violations: Metric | None = None,
        value: Metric | None = None,
        **more: Any,
    ) -> None:
        name = re.sub(r"[^\w.%-]+", "_", name).strip("_") or "rule"
        unique, turn = name, 2
        while unique in self._named:
            unique, turn = f"{name}.{turn}", turn + 1
        self._named.add(unique)
        seen = more.get("rejected", 0) + more.get("assigned", 0)
        unseen = 0 if more.get("counted") else self.rejected - seen
        node = ids.node("check", f"{self.table.name}/{unique}")
        self.checks.append(
            Check(
                node,
                self.contract.id,
                self.table.name,
                self.manifest.id,
                indicator,
                label,
                replace(origin, sha256=origin.sha256 or self.contract.origin.sha256),
                column,
                replace(violations, id=f"{node}#violations") if violations else None,
                value=replace(value, id=f"{node}#value") if value else None,
                excluded=unseen,
                **more,
            )
        )


def bound_sql(written: str, kind: str) -> str:
    """A limit as SQL for a column of that type; empty when it is not one."""
    found = limit(written, kind)
    if found is None:
        return ""
    if isinstance(found, Decimal):
        return format(found, "f")
    return f"CAST({sql.literal(written)} AS {kind})"


def number(written: str) -> Decimal | None:
    try:
        found = Decimal(written)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def value_of(raw: Any) -> Decimal | None:
    """A number, or a truth as 1 or 0."""
    if isinstance(raw, bool):
        return Decimal(int(raw))
    text = str(raw).strip()
    return (
        {"true": Decimal(1), "false": Decimal(0)}.get(text.lower())
        if text.isalpha()
        else number(text)
    )
