"""Quality 数据质量 by GB/T 36344: checks from what a contract declares, findings, and scores with a
basis.

A check is measured as metrics, in the engine's scans; judging what was measured is arithmetic.

records      checks, findings, scores
maker        names checks and metrics of one table
rules        checks from `quality` rules: library metrics and SQL
timing       checks of time: latency, frequency, retention, order, validity
structure    what contract, model and grading tell without measuring
consistency  the same datum in two stores, clock offsets, control totals
declared     every check of a table, and what to measure for it
judging      findings, the twenty indicators, dimensions, the score
trend        earlier judgements, and what got worse
issues       issues and objections, their clocks and steps
"""

from sanhua.resource.quality.declared import INSTRUMENT as INSTRUMENT
from sanhua.resource.quality.declared import checks as checks
from sanhua.resource.quality.declared import metrics as metrics
from sanhua.resource.quality.judging import SCORE as SCORE
from sanhua.resource.quality.judging import Calls as Calls
from sanhua.resource.quality.judging import judge as judge
from sanhua.resource.quality.records import Check as Check
from sanhua.resource.quality.records import DimensionScore as DimensionScore
from sanhua.resource.quality.records import Finding as Finding
from sanhua.resource.quality.records import IndicatorScore as IndicatorScore
from sanhua.resource.quality.records import Quality as Quality
from sanhua.resource.quality.rules import BUSINESS_RULE as BUSINESS_RULE
from sanhua.resource.quality.rules import SEVERITIES as SEVERITIES
from sanhua.resource.quality.rules import listed_values as listed_values
from sanhua.resource.quality.rules import patterns as patterns
from sanhua.resource.quality.rules import query_of as query_of
from sanhua.resource.quality.rules import unanchored as unanchored
