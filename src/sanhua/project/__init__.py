"""The folder: reads its texts, types them, compiles the whole path.

read      YAML, CSV, Excel and Beancount as text with line and column
location  where the store is, with secrets from the environment
schema    the JSON Schema of every format, and what its findings mean in our codes
model     a project as compiled: every declared thing by id
loading   the folder's files into the model
books     vouchers, balances, assets, appraisals, financings into the model
odcs      the data contract into the model
checking  the static compile: references, SQL, rights, prices, books
scaffold  what `init` writes for editors and git

In: a folder with `sanhua.yaml` (FORMATS). Out: `Project` and diagnostics; nothing is run and no
data is read.
"""

from __future__ import annotations

from sanhua.project.loading import load

__all__ = ["load"]
