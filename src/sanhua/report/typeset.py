"""PDF from a Typst template and plain data, with fonts that the machine has: the extra `documents`.

Nothing is downloaded, no date and no path of the machine goes in, so that the same data and fonts
give the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from sanhua.kernel.errors import Unavailable

# Families with simplified Chinese, the first that is there is used; all are in wide use.
FAMILIES = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "Microsoft YaHei",
    "PingFang SC",
    "Hiragino Sans GB",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "SimHei",
    "SimSun",
)

EPOCH = date(1970, 1, 1).toordinal() * 86400  # seconds


def pdf(
    template: str,
    data: Mapping[str, Any],
    *,
    fonts: str = "",
    standards: Sequence[Any] = (),
    made_on: date | None = None,
) -> bytes:
    """The template `report/templates/<template>.typ` filled with `data`, as PDF.

    `standards` are what Typst must hold to (`a-2a`, `ua-1`): it refuses what does not conform.
    `made_on` is the day that the file names as that of its making. `fonts` is a folder with fonts
    that are tried before the system's. The template gets the data as JSON in `sys.inputs`, never
    as markup. Unavailable report.no-typst without the extra, report.no-font when no family of
    FAMILIES is there, report.not-typeset when Typst refuses.
    """
    try:
        import typst
    except ImportError as error:
        raise Unavailable("report.no-typst") from error
    family, found = _fonts(fonts)
    source = files("sanhua.report").joinpath("templates", f"{template}.typ").read_bytes()
    said = json.dumps(data, ensure_ascii=False, sort_keys=True)
    try:
        compiler = typst.Compiler(font_paths=found)
        made = compiler.compile(
            source,
            format="pdf",
            sys_inputs={"data": said, "family": family},
            pdf_standards=list(standards),
            timestamp=made_on.toordinal() * 86400 - EPOCH if made_on else 0,
        )
    except typst.TypstError as error:
        raise Unavailable("report.not-typeset", reason=str(error)[:300]) from error
    if not isinstance(made, bytes):
        raise Unavailable("report.not-typeset", reason="not one file")
    return made


@cache
def _fonts(folder: str) -> tuple[str, Any]:
    """The family to set Chinese in, and the fonts at hand; looked for once."""
    import typst

    if folder and not Path(folder).is_dir():
        raise Unavailable("report.no-font", folder=folder, known=", ".join(FAMILIES[:5]))
    found = typst.Fonts(font_paths=[folder] if folder else [])
    there = set(found.families())
    family = next((name for name in FAMILIES if name in there), "")
    if not family:
        raise Unavailable("report.no-font", folder=folder or "–", known=", ".join(FAMILIES[:5]))
    return family, found
