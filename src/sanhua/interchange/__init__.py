"""Our records in, their documents out; nothing is read, written or fetched here.

iri   the names of our things outside: IRIs below `base`, or `urn:sanhua:<project>:`
dcat  the catalogue as DCAT 3 in JSON-LD, offers as ODRL
odcs  a data contract as ODCS v3.1.0: what was written, and what the run found
"""
