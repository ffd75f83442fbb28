"""One disclosure as documents: XLSX with live formulas, JSON, PDF/A, DOCX and an XBRL instance.

    content    everything that PDF and DOCX say, as blocks of JSON values
    workbook   XLSX: leaves add up movements, totals and ties add up cells
    paper      tagged PDF/A by Typst
    word       DOCX
    instance   XBRL: a taxonomy of our own and an instance of it; no filing
    documents  all of them, written into a folder

The same disclosure gives the same bytes.
"""

from sanhua.report.disclosure.content import Issue
from sanhua.report.disclosure.documents import write
from sanhua.report.disclosure.workbook import TABLES, TOP, workbook

__all__ = ["TABLES", "TOP", "Issue", "workbook", "write"]
