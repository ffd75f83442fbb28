"""Standards 数据标准: what values mean, which codes they take, and the columns bound to them.

element   data elements and terms, their ranges and forms
codes     code lists: trees, validity, comparison, unknown codes, mappings
names     the names of columns against those of elements
bind      declared bindings, proposals with confidence, a person's decision on one
model     domain > object > entity > attribute; indicators, coverage, distribution, who answers
conflict  elements and columns that disagree; 一数一源

In: declared standards and contracts, values that the engine measured. Out: bindings, proposals,
diagnostics, figures.
"""

from sanhua.resource.standard.bind import (
    Binding,
    BindingDecision,
    Disagreement,
    Proposal,
    StandardResult,
    Suggestion,
    bind,
)
from sanhua.resource.standard.codes import CodeList, Comparison, Unknown, compare, unknown
from sanhua.resource.standard.conflict import column_conflicts, conflicts, one_source
from sanhua.resource.standard.element import (
    DataElement,
    Form,
    Term,
    crossed,
    limit,
    parse_form,
    range_violations,
)
from sanhua.resource.standard.model import (
    Accountable,
    Coverage,
    Holding,
    Indicator,
    LogicalEntity,
    System,
    accountable,
    coverage,
    distribution,
)

__all__ = [
    "Accountable",
    "Binding",
    "BindingDecision",
    "CodeList",
    "Comparison",
    "Coverage",
    "DataElement",
    "Disagreement",
    "Form",
    "Holding",
    "Indicator",
    "LogicalEntity",
    "Proposal",
    "StandardResult",
    "Suggestion",
    "System",
    "Term",
    "Unknown",
    "accountable",
    "bind",
    "column_conflicts",
    "compare",
    "conflicts",
    "coverage",
    "crossed",
    "distribution",
    "limit",
    "one_source",
    "parse_form",
    "range_violations",
    "unknown",
]
