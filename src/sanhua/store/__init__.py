"""Where records and the evidence log live 存证: append-only, sealed, provable.

sqlstore  `open_store` and `SqlStore`: reads, proofs, checkpoints, bundles, erasure
unit      the unit of work: version, edges, ledger lines and event as one act
log       the evidence log 证据日志: an RFC 6962 Merkle tree over canonical JSON events
audit     `verify`: everything kept, recomputed and compared
copying   a store into another database, row for row
schema    tables, migrations, a view of the latest versions a kind
dialect   where databases differ; SQLite
postgres  PostgreSQL
keys      signing keys in files
clock     the host's clock, and one that is set by hand
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sanhua.store.audit import Fault
    from sanhua.store.copying import Copied
    from sanhua.store.sqlstore import Kept, SqlStore, is_kept, open_store
    from sanhua.store.unit import Erasure, SqlUow

_HOME = {
    "Copied": "copying",
    "Erasure": "unit",
    "Fault": "audit",
    "Kept": "sqlstore",
    "SqlStore": "sqlstore",
    "SqlUow": "unit",
    "is_kept": "sqlstore",
    "open_store": "sqlstore",
}
__all__ = ["Copied", "Erasure", "Fault", "Kept", "SqlStore", "SqlUow", "is_kept", "open_store"]


def __getattr__(name: str) -> Any:
    """SQLAlchemy is loaded with the first store, not with a clock."""
    if name not in _HOME:
        raise AttributeError(name)
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
