"""`books/notes/<period>.yaml`: what people say in the notes, by item, with name and day."""

from __future__ import annotations

from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from sanhua.capital.note import Said
from sanhua.kernel.errors import Invalid
from sanhua.kernel.ids import node
from sanhua.kernel.time import Period
from sanhua.project.loading import day
from sanhua.project.read import Keys, nearest_or_some

if TYPE_CHECKING:
    from sanhua.project.loading import Loader
    from sanhua.project.model import Entity


def load_notes(loader: Loader, entity: Entity, base: str) -> None:
    """The files of one entity into `project.notes`, by period and item."""
    found = loader.project.notes.setdefault(entity.id, {})
    for path in loader.files(f"{base}/notes", ".yaml", ".yml"):
        name = PurePosixPath(path).stem
        try:
            period = Period.named(name, entity.fiscal_year)
        except Invalid:
            loader.folder.error("note.not-a-period", path, 1, value=name)
            continue
        said = loader.document(path, "books_notes")
        if said is None:
            continue
        of = node("notes", f"{entity.id}/{period.id}")
        loader.mark(of, said, path)
        items = found.setdefault(period.id, {})
        for item, place, keys in said.maps():
            make = partial(_said, loader, items, item, keys, path, of)
            loader.typed(path, place, make)


def _said(
    loader: Loader, items: dict[str, Said], item: str, keys: Keys, path: str, of: str
) -> None:
    on = day(keys, "date", path)
    assert on is not None  # required by the schema
    by = keys.scalar("by")
    assert by is not None
    parties = loader.project.parties
    if by.text not in parties and not loader.project.unread & {"party:*", node("party", by.text)}:
        near = nearest_or_some(by.text, parties)
        loader.folder.error("ref.party", path, by, node=of, value=by.text, nearest=near)
    elif by.text in parties and not parties[by.text].person:
        loader.folder.warn("note.not-a-person", path, by, node=of, item=item, party=by.text)
    items[item] = Said(
        loader.folder.words(keys.get("text")),
        by.text,
        on,
        loader.folder.origin(path, keys),
        loader.folder.evidence(keys.get("evidence"), path, of),
    )
