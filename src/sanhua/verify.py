"""Canonical JSON and seals; see the end of the file for the verifier itself."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def canonical(value: Any) -> bytes:
    """Canonical JSON (RFC 8785) of text, integers, booleans, null, lists and objects, as UTF-8."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode()


def sha256(data: bytes) -> str:
    """`sha256:<hex>`."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def seal(salt: bytes, body: bytes) -> str:
    """The commitment to a record version that its event carries."""
    return sha256(salt + body)
