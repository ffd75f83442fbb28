"""Records in, bytes out.

disclosure  the disclosure of a period as a workbook with live formulas, and as JSON
"""
