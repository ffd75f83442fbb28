"""Suggested quality rules 规则建议: what a table's own values say that its rules should be.

rule     the sample that is looked at, and the suggestion: one piece of SQL, one entry of a contract
form     how values are written: forms, units, words for missing values, slips of the pen
column   what the values of one column propose
between  what columns propose about one another
offer    the service: a bounded sample proposes, the engine counts over the whole table, the figures
         decide

A suggestion binds nothing until a person accepts it. In: a bound table. Out: `Suggestion`s.
"""
