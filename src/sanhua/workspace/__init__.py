"""The verbs across stages: everything that `cli` (and later the portal) calls.

opening   a project folder with its rules, store, engine and keys behind one `Workspace`
checking  `check`: the static compile of the whole path
running   `run`: collect → build → standard → quality → grade → publish → rights → product →
          capital, only what changed
reporting `report`: what is handed to people
explaining `explain` and `prove`: the walk from a figure to bytes, rules and people; the same walk
as a signed bundle approving `approve`: a second person answers for a content hash
starting  `init` and `demo`
"""
