"""One disclosure as documents: XLSX with live formulas, JSON, PDF/A, DOCX and an XBRL instance.

    content    everything the documents say, as JSON values
    workbook   XLSX: leaves add up movements, totals and ties add up cells
    paper      PDF/A by Typst and DOCX, drawn from the content
    instance   XBRL: an extension taxonomy of our own and an instance of it

The same disclosure gives the same bytes. `write` puts them into a folder.
"""

from sanhua.report.disclosure.workbook import TABLES, TOP, workbook, write

__all__ = ["TABLES", "TOP", "workbook", "write"]
