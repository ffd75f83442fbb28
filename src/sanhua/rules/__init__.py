"""Law and standards as dated, cited values: a rule is asked for a day and answers with its clause.

packs        rule files of one or more packs (`cn`), typed by unit; implements `kernel.ports.Rules`
calendar     working days 工作日 with 调休, for clocks that run in working days
identifiers  shapes and check digits of identity numbers, codes and plates

In: `cn/<instrument>/rules.yaml`, one folder an instrument, each held to `rules.schema.json`. Out:
`Rule` with value, unit, citation and tag. A value once in force is never edited: a change of law is
a further value below it, so that the answer for an old day stays what it was. Tags: V the full text
was read, S a secondary source, C computed and tried on vectors, R recalled, R? recalled with low
confidence.
"""
