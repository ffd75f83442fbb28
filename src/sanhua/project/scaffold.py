"""What `init` writes beside the declarations: the editor's line and what git leaves out."""

from __future__ import annotations

import os
from pathlib import PurePosixPath

SCHEMAS = ".sanhua/schemas"
GITIGNORE = "state/\n.sanhua/\n.env\n"
_BY_FOLDER = {
    "sources": "source",
    "rights": "rights",
    "policies": "policy",
    "products": "product",
    "deals": "deal",
    "contracts": "contract",
    "assets": "asset",
    "appraisals": "appraisal",
    "financings": "financing",
}
_BY_NAME = {
    "sanhua.yaml": "sanhua",
    "parties.yaml": "parties",
    "elements.yaml": "elements",
    "model.yaml": "model",
    "indicators.yaml": "indicators",
    "policy.yaml": "books_policy",
}


def schema_of(path: str) -> str:
    """The schema of a file of the folder by its path; empty when it has none."""
    whole = PurePosixPath(path)
    if whole.suffix not in (".yaml", ".yml"):
        return ""
    return _BY_NAME.get(whole.name, "") or _BY_FOLDER.get(whole.parent.name, "")


def editor_line(path: str) -> str:
    """The comment that tells editors the schema of the file at `path` of the folder; empty when it
    has none.
    """
    name = schema_of(path)
    if not name:
        return ""
    relative = os.path.relpath(f"{SCHEMAS}/{name}.json", PurePosixPath(path).parent.as_posix())
    return f"# yaml-language-server: $schema={PurePosixPath(*relative.split(os.sep)).as_posix()}\n"
