"""The figures of the three stages, each with the parts that it is counted from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from sanhua.asset.bill import TOTAL, Closing
from sanhua.asset.product import DataProduct
from sanhua.capital.recognise import AssetEntry
from sanhua.kernel import ids
from sanhua.kernel.figure import Figure, Part
from sanhua.kernel.ports import Uow
from sanhua.kernel.text import Text
from sanhua.resource.lineage import Table
from sanhua.resource.quality import Quality
from sanhua.workspace.opening import Workspace

SCORE = Decimal("0.0001")


class StageFigures:
    """States what is kept of a project's `tables` on a legal day."""

    def __init__(self, ws: Workspace, tables: Sequence[str], today: date) -> None:
        self.ws, self.project, self.tables, self.today = ws, ws.project, frozenset(tables), today

    def state(self) -> list[Figure]:
        """The stage figures, each with the parts that it is counted from; kept as records."""
        with self.ws.store.begin(actor=self.ws.actor) as uow:
            tables = [t for t in uow.all(Table) if ids.key_of(t.id) in self.tables]
            judged = [q for q in uow.all(Quality) if ids.key_of(q.id) in self.project.contracts]
            products = [
                p for p in uow.all(DataProduct) if ids.key_of(p.id) in self.project.products
            ]
            assets = [a for a in uow.all(AssetEntry) if ids.key_of(a.id) in self.project.assets]
            figures = [
                self._count(
                    "resource.tables", Text("数据表", "tables"), "tables", {t.id: 1 for t in tables}
                ),
                self._count(
                    "resource.rows",
                    Text("行", "rows"),
                    "rows",
                    {t.id: t.rows for t in tables},
                    "rows",
                ),
                self._count(
                    "resource.rejected",
                    Text("拒收行", "rejected rows"),
                    "rows",
                    {t.id: t.rejected for t in tables},
                    "rejected",
                ),
                self._count(
                    "resource.checks",
                    Text("质量检查", "checks"),
                    "checks",
                    {q.id: q.checks for q in judged},
                    "checks",
                ),
                *self._score(judged),
                self._count(
                    "resource.not_assessable",
                    Text("不可评估的指标", "indicators not assessable"),
                    "indicators",
                    {q.id: q.not_assessable for q in judged},
                    "not_assessable",
                ),
                self._count(
                    "asset.products",
                    Text("数据产品", "products"),
                    "products",
                    {p.id: 1 for p in products},
                ),
                self._count(
                    "asset.deals",
                    Text("合约", "deals"),
                    "deals",
                    {ids.node("file", d.origin.path): 1 for d in self.project.deals.values()},
                ),
                *self._revenue(uow),
                self._count(
                    "capital.assets", Text("资产", "assets"), "assets", {a.id: 1 for a in assets}
                ),
            ]
            for entity in self.project.settings.entities:  # each has its own book and currency
                own = [a for a in assets if a.entity == ids.node("party", entity.id)]
                if own:
                    carried = {a.id: a.capitalised.amount for a in own if not a.standing}
                    label = Text("可资本化支出", "spending that may be carried")
                    made = self._count(
                        "capital.capitalised",
                        label,
                        entity.currency,
                        carried,
                        "capitalised.amount",
                    )
                    line = self._figure_id("capital.capitalised", entity.id)
                    figures.append(replace(made, id=line))
            for figure in figures:
                uow.add(figure, "figure.stated")
        return figures

    def _revenue(self, uow: Uow) -> list[Figure]:
        """What the closed months brought in, by the entity and currency that each figure is of."""
        earned: dict[tuple[str, str], dict[str, Decimal]] = {}
        for closing in uow.all(Closing):
            for figure in (uow.get(Figure, name) for name in closing.figures):
                book, _, line, column, _ = figure.id.split("/")
                if line.startswith(TOTAL) and column == "net":
                    parts = earned.setdefault((ids.key_of(book), figure.unit), {})
                    parts[figure.id] = figure.value
        label = Text("数据产品收入（已月结）", "revenue from data products (months closed)")
        found: list[Figure] = []
        for (entity, currency), parts in sorted(earned.items()):
            made = self._count("asset.revenue", label, currency, parts, "value")
            found.append(replace(made, id=self._figure_id("asset.revenue", entity)))
        return found

    def _count(
        self,
        line: str,
        label: Text,
        unit: str,
        parts: Mapping[str, int | Decimal],
        said: str = "",
    ) -> Figure:
        counted = tuple(Part(node, Decimal(amount), said) for node, amount in parts.items())
        total = sum((part.amount for part in counted), Decimal())
        return Figure(self._figure_id(line), label, total, unit, counted)

    def _score(self, judged: Sequence[Quality]) -> list[Figure]:
        """The mean score of the resources, each weighted with its checks; no figure when nothing
        was measured.
        """
        scored = [(q, q.score) for q in judged if q.score is not None]
        weight = sum(q.checks for q, _ in scored)
        total = sum((score * q.checks for q, score in scored), Decimal())
        if not weight:
            return []
        value = (total / weight).quantize(SCORE, ROUND_HALF_UP)
        label = Text("质量得分", "quality score")
        parts = tuple(Part(q.id, score, "score") for q, score in scored)
        line = self._figure_id("resource.score")
        return [Figure(line, label, value, "score", parts, additive=False)]

    def _figure_id(self, line: str, entity: str = "") -> str:
        return ids.figure(entity or self.ws.entity, "stages", line, "value", self.today.isoformat())
