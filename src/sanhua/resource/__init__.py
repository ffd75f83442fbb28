"""数据资源化: from raw files to a graded, scored, published resource.

collect   sources, raw files, rejects
contract  the data contract (ODCS): schema, bindings, rules, promises
standard  data elements, code lists, model, indicators; binding columns to them
lineage   snapshots, tables and what each column was made from
profile   what a table's columns hold, as figures
kind      what a column of text holds, told by its values
content   what is worth knowing of a table that nobody has described
quality   checks, findings and scores by GB/T 36344
grade     identifier detectors and GB/T 43697 grades, inherited along lineage
publish   the catalogue record
"""
