"""Records in, bytes out.

disclosure    the disclosure of a period as a workbook with live formulas, and as JSON
profile       what a file holds, for a terminal, as JSON, as one page
registration  the forms of a registration as a workbook
"""
