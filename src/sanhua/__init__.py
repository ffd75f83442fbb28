"""sanhua 三化: data from resource to asset to capital, as text files, one engine and one evidence
log.

The packages are the value path: `resource` (数据资源化) → `asset` (数据资产化) → `capital`
(数据资本化). `kernel`, `rules` and `sql` serve them; `engine` and `store` carry them; `project`,
`workspace`, `cli` are used by people.
"""

__version__ = "0.1.0"
