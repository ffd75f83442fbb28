"""Words that every stage shares; no I/O.

errors, messages  the seven errors, diagnostics and their bilingual texts
text              a text for people in Chinese and English
money             exact amounts, rounded once, shared to the fen
time              moments, legal days, half-open periods
ids               node texts and UUIDv7 act ids
record            sealed records: the codec between frozen dataclasses and canonical JSON, edges
                  read off `Ref`
figure            a number that is shown to somebody, with its parts
origin            where a declared thing was written
ledger            books, entries and lines of double entry
table             columns, readings and lake manifests
metric            named aggregates over one table, and what they measured
ports             what the stages need from outside: unit of work, rules, engine, clock, signer
"""
