"""The ERP's own voucher columns: `books/erp.yaml`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sanhua.kernel.ids import node
from sanhua.project.read import Scalar, nearest_or_some
from sanhua.report.erp import FIELDS, ErpForm

if TYPE_CHECKING:
    from sanhua.project.loading import Loader
    from sanhua.project.model import Entity

NEEDED = ("date", "account", "debit", "credit")  # no voucher can be entered without


def load_erp(loader: Loader, entity: Entity, base: str) -> None:
    """The form of an entity's books below `base`, where there is one."""
    path = f"{base}/erp.yaml"
    folder = loader.folder
    if not folder.exists(path):
        return
    found = loader.document(path, "erp")
    columns = found.keys("columns") if found is not None else None
    if found is None or columns is None:
        return
    of, known = node("erp", entity.id), ", ".join(FIELDS)
    said: dict[str, str] = {}
    for heading, (place, value) in columns.entries.items():
        field = value.text if isinstance(value, Scalar) else ""
        if not field.startswith("=") and field not in FIELDS:
            near = nearest_or_some(field, FIELDS)
            folder.error(
                "format.not-one-of", path, value, node=of, key=place.text, value=field,
                nearest=near, known=known,
            )  # fmt: skip
        said[heading] = field
    bare = [field for field in NEEDED if field not in said.values()]
    if bare:
        place = found.place("columns")
        folder.error("erp.column-missing", path, place, node=of, fields=", ".join(bare))
    loader.project.erp[entity.id] = ErpForm(
        folder.origin(path, 1),
        said,
        found.text("file", "xlsx"),
        found.text("encoding", "utf-8-sig"),
        found.text("dates", "YYYY-MM-DD"),
        found.text("word", "记"),
    )
