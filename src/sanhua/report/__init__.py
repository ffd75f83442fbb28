"""Records in, bytes out.

disclosure    the disclosure of a period as a workbook with live formulas, and as JSON
registration  the forms of a registration as a workbook
"""
