"""The verbs across stages: everything that `cli` (and later the portal) calls.

opening     a project folder with its rules, store, engine and keys behind one `Workspace`
checking    `check`: the static compile of the whole path
running     `run`: only what changed; its result and the stages' table
  files     the raw files that a source names, with their hashes
  plan      the tables, their order, and which of them are wanted
  snapshots the snapshots at hand
  stepping  one step: skipped, or done as one act
  path      every kind of step, from freezing the files to recognising assets
  figures   the figures of the three stages
reporting   `report`: what is handed to people
  cataloguing the catalogue and the contracts, for other systems
  registering the dossier of a registration, and the acts of its case
explaining  `explain` and `prove`: the walk from a figure to bytes, rules and people
browsing    what the portal's pages show, read from what is kept
profiling   `profile`: what a file, an address or a database holds, without a project
verifying   `verify`: a bundle, or everything that is kept
moving      `store move`: the store into another database
approving   `approve`: a second person answers for a content hash
starting    `init` and `demo`
templates   the projects that `init` writes
"""
