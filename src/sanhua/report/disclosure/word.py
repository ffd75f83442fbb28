"""The disclosure as a Word document (DOCX): real headings, header rows that repeat, page numbers.

The bytes are fixed: no clock, no name of a machine, members of the archive in one order.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

from sanhua.kernel.errors import Unavailable

LATIN, CHINESE = "Arial", "Microsoft YaHei"
INK, QUIET, BAD, GOOD, HEAD, BAND = "1B2430", "4D5866", "A3221B", "0B6350", "E9EEF4", "F5F7F9"
WIDTH_MM = 176  # A4 less its margins, in which headers and tables stand
_ZIPPED = (1980, 1, 1, 0, 0, 0)
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def docx(said: Mapping[str, Any]) -> bytes:
    """The content as DOCX; Unavailable report.no-docx without the extra `documents`."""
    try:
        import docx as library
    except ImportError as error:
        raise Unavailable("report.no-docx") from error
    drawn = _Word(library.Document(), said)
    drawn.write()
    buffer = io.BytesIO()
    drawn.document.save(buffer)
    return _fixed(buffer.getvalue())


def _fixed(content: bytes) -> bytes:
    """The same archive without the time at which it was packed."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as packed, zipfile.ZipFile(made, "w") as fixed:
        for name in packed.namelist():
            member = zipfile.ZipInfo(name, _ZIPPED)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = 0o600 << 16
            fixed.writestr(member, packed.read(name))
    return made.getvalue()


class _Word:
    """One document being written."""

    def __init__(self, document: Any, said: Mapping[str, Any]) -> None:
        self.document, self.said = document, said

    def write(self) -> None:
        said = self.said
        self._styles()
        self._page()
        self._properties()
        colour = BAD if said["state"]["id"] == "draft" else GOOD
        title = self.document.add_paragraph(style="Title")
        self._run(title, said["title"]["zh"], 20, bold=True)
        self._run(title, f"　{said['title']['en']}", 9, QUIET)
        under = self.document.add_paragraph()
        self._run(under, f"{said['name']}　{said['period']}　", 13, bold=True)
        self._run(under, f"【{said['state']['zh']} {said['state']['en']}】", 13, colour, bold=True)
        self._facts()
        for block in said["blocks"]:
            if block["type"] == "heading":
                self._heading(block)
            elif block["type"] == "text":
                self._text(block)
            else:
                self._table(block)

    # The page

    def _styles(self) -> None:
        from docx.oxml.ns import qn
        from docx.shared import Pt, RGBColor

        styles = self.document.styles
        for name, size in (
            *(("Normal", 9.5), ("Title", 20), ("Heading 1", 14), ("Heading 2", 11.5)),
            *(("Heading 3", 10), ("Header", 8), ("Footer", 8)),
        ):
            style = styles[name]
            style.font.name, style.font.size = LATIN, Pt(size)
            style.font.color.rgb = RGBColor.from_string(INK)
            fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
            for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
                fonts.attrib.pop(qn(f"w:{theme}"), None)
            fonts.set(qn("w:eastAsia"), CHINESE)
            fonts.set(qn("w:hAnsi"), LATIN)
            style.paragraph_format.space_after = Pt(4)
        for name in ("Heading 1", "Heading 2", "Heading 3"):
            styles[name].paragraph_format.space_before = Pt(10)
            styles[name].paragraph_format.keep_with_next = True
        properties = styles["Normal"].element.get_or_add_rPr()
        properties.append(self._element("w:lang", {"w:val": "en-GB", "w:eastAsia": "zh-CN"}))

    def _page(self) -> None:
        from docx.enum.text import WD_TAB_ALIGNMENT
        from docx.shared import Mm

        said = self.said
        section = self.document.sections[0]
        section.page_width, section.page_height = Mm(210), Mm(297)
        section.left_margin = section.right_margin = Mm(17)
        section.top_margin, section.bottom_margin = Mm(20), Mm(18)
        for part, left, right in (
            (
                section.header,
                f"{said['name']}　{said['period']}　{said['title']['zh']}",
                f"{said['state']['zh']} {said['state']['en']}",
            ),
            (section.footer, f"sanhua {said['version']}", ""),
        ):
            paragraph = part.paragraphs[0]
            paragraph.style.paragraph_format.tab_stops.clear_all()
            stops = paragraph.paragraph_format.tab_stops
            stops.add_tab_stop(Mm(WIDTH_MM), WD_TAB_ALIGNMENT.RIGHT)
            self._run(paragraph, f"{left}\t{right}", 8, QUIET)
        footer = section.footer.paragraphs[0]
        for word, code in (("第 ", "PAGE"), (" 页，共 ", "NUMPAGES"), (" 页", "")):
            self._run(footer, word, 8, QUIET)
            if code:
                field = self._element("w:fldSimple", {"w:instr": code})
                run = self._element("w:r")
                shown = self._element("w:t")
                shown.text = "1"
                run.append(shown)
                field.append(run)
                footer._p.append(field)

    def _properties(self) -> None:
        said, core = self.said, self.document.core_properties
        core.title = _clean(f"{said['title']['zh']} {said['name']} {said['period']}")
        core.author = core.last_modified_by = f"sanhua {said['version']}"
        core.comments = _clean(f"{said['state']['zh']} {said['state']['en']}")
        core.language = "zh-CN"
        core.created = core.modified = datetime.combine(date.fromisoformat(said["through"]), time())
        core.revision = 1

    # Blocks

    def _facts(self) -> None:
        facts = self.said["facts"]
        table = self.document.add_table(rows=len(facts), cols=2)
        self._widths(table, (46, WIDTH_MM - 46))
        cells = table._cells
        for at, (label, value) in enumerate(facts):
            left, right = cells[2 * at].paragraphs[0], cells[2 * at + 1].paragraphs[0]
            self._run(left, f"{label['zh']} {label['en']}", 8.5, QUIET)
            self._run(right, value["zh"], 9.5)
            self._tight(left, right)
        self.document.add_paragraph()

    def _heading(self, block: Mapping[str, Any]) -> None:
        paragraph = self.document.add_heading(level=block["level"])
        paragraph.paragraph_format.page_break_before = block["page"]
        self._run(paragraph, block["zh"])
        if block["en"]:
            self._run(paragraph, f"　{block['en']}", 8, QUIET, bold=False)
        mark = block.get("mark")
        if mark:
            lacking = mark["id"] in ("wanting", "partly")
            colour = BAD if lacking else GOOD if mark["id"] == "filled" else QUIET
            self._run(paragraph, f"　[{mark['zh']} {mark['en']}]", 8, colour, bold=False)

    def _text(self, block: Mapping[str, Any]) -> None:
        colour = {"quiet": QUIET, "wanting": BAD}.get(block["style"], INK)
        if block["style"] == "strong":
            colour = BAD if self.said["state"]["id"] == "draft" else GOOD
        paragraph = self.document.add_paragraph()
        size = 8.5 if block["style"] == "quiet" else 9.5
        self._run(paragraph, block["zh"], size, colour, bold=block["style"] == "strong")
        if block["en"]:
            paragraph.add_run().add_break()
            self._run(paragraph, block["en"], 8, QUIET)

    def _table(self, block: Mapping[str, Any]) -> None:
        columns, rows = block["columns"], block["rows"]
        table = self.document.add_table(rows=1 + max(1, len(rows)), cols=len(columns))
        table.style = "Table Grid"
        self._borders(table)
        weights = [float(column["weight"]) for column in columns]
        self._widths(table, [WIDTH_MM * weight / sum(weights) for weight in weights])
        cells, count = table._cells, len(columns)
        small = 7.5 if count > 6 else 8.5
        for at, column in enumerate(columns):
            said = column if column["zh"] else {**column, "zh": "关系"}
            self._cell(cells[at], said, small, "center", bold=True, fill=HEAD)
        self._repeat(table.rows[0])
        for place, row in enumerate(rows, 1):
            style = row["style"]
            for at, said in enumerate(row["cells"]):
                self._cell(
                    *(cells[place * count + at], said, small, columns[at]["align"]),
                    bold=style in ("heading", "total"),
                    fill=BAND if style == "heading" else "",
                    colour=BAD if style == "bad" else INK,
                    indent={"sub": 1.5, "part": 4.5}.get(style, 0) if at == 0 else 0,
                )
        if not rows:
            none = cells[count].merge(cells[2 * count - 1])
            self._cell(none, {"zh": "（无）none", "en": "", "note": ""}, small, "left")
        for row in table.rows:
            self._whole(row)
        foot = self.document.add_paragraph()
        if block["foot"]["zh"]:
            told = f"{block['foot']['zh']}　{block['foot']['en']}"
            self._run(foot, told, 7.5, QUIET)

    def _cell(
        self,
        cell: Any,
        said: Mapping[str, str],
        size: float,
        align: str,
        *,
        bold: bool = False,
        fill: str = "",
        colour: str = INK,
        indent: float = 0,
    ) -> None:
        from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT
        from docx.enum.text import WD_ALIGN_PARAGRAPH
        from docx.shared import Mm

        cell.vertical_alignment = WD_CELL_VERTICAL_ALIGNMENT.CENTER
        paragraph = cell.paragraphs[0]
        paragraph.alignment = {
            "left": WD_ALIGN_PARAGRAPH.LEFT,
            "right": WD_ALIGN_PARAGRAPH.RIGHT,
            "center": WD_ALIGN_PARAGRAPH.CENTER,
        }[align]
        if indent:
            paragraph.paragraph_format.left_indent = Mm(indent)
        self._tight(paragraph)
        self._run(paragraph, said["zh"], size, colour, bold=bold)
        for key, less in (("en", 1.0), ("note", 2.0)):
            if said[key]:
                if key == "en" or not said["en"]:
                    paragraph.add_run().add_break()
                self._run(paragraph, said[key] if key == "en" else f" {said[key]}",
                          size - less, QUIET)  # fmt: skip
        if fill:
            shade = self._element("w:shd", {"w:val": "clear", "w:color": "auto", "w:fill": fill})
            cell._tc.get_or_add_tcPr().append(shade)

    # Word's own ways

    def _run(
        self,
        paragraph: Any,
        text: str,
        size: float | None = None,
        colour: str = INK,
        *,
        bold: bool | None = None,
    ) -> None:
        from docx.oxml.ns import qn
        from docx.shared import Pt, RGBColor

        run = paragraph.add_run(_clean(text))
        run.font.name = LATIN
        run.font.color.rgb = RGBColor.from_string(colour)
        run.font.bold = bold
        if size:
            run.font.size = Pt(size)
        run._element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), CHINESE)

    def _tight(self, *paragraphs: Any) -> None:
        from docx.shared import Pt

        for paragraph in paragraphs:
            paragraph.paragraph_format.space_before = Pt(1)
            paragraph.paragraph_format.space_after = Pt(1)

    def _widths(self, table: Any, millimetres: Sequence[float]) -> None:
        from docx.shared import Mm

        table.autofit = False
        for column, width in zip(table.columns, millimetres, strict=True):
            column.width = Mm(width)
        count = len(millimetres)
        for at, cell in enumerate(table._cells):
            cell.width = Mm(millimetres[at % count])

    def _borders(self, table: Any) -> None:
        edge = {"w:w": "108", "w:type": "dxa"}  # the frame at the margin, not outside it
        table._tbl.tblPr.append(self._element("w:tblInd", edge))
        borders = self._element("w:tblBorders")
        for side in ("top", "bottom", "insideH"):
            kind = {"w:val": "single", "w:sz": "4", "w:space": "0", "w:color": "C9D0D8"}
            borders.append(self._element(f"w:{side}", kind))
        for side in ("left", "right", "insideV"):
            borders.append(self._element(f"w:{side}", {"w:val": "nil"}))
        table._tbl.tblPr.append(borders)

    def _repeat(self, row: Any) -> None:
        row._tr.get_or_add_trPr().append(self._element("w:tblHeader", {"w:val": "true"}))

    def _whole(self, row: Any) -> None:
        row._tr.get_or_add_trPr().insert(0, self._element("w:cantSplit", {"w:val": "true"}))

    def _element(self, name: str, attributes: Mapping[str, str] | None = None) -> Any:
        from docx.oxml import OxmlElement
        from docx.oxml.ns import qn

        made = OxmlElement(name)
        for key, value in (attributes or {}).items():
            made.set(qn(key), value)
        return made


def _clean(text: str) -> str:
    """Without characters that XML cannot hold."""
    return _NOT_XML.sub("\ufffd", text)
