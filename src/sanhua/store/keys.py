"""Signing keys in files. The private key is PKCS 8 PEM, mode 0600.

`<path>.pub` is the public key to hand out.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from sanhua.kernel.errors import Denied, Invalid
from sanhua.store.disk import write_first, write_new, write_whole
from sanhua.verify import public_pem


class FileSigner:
    """An Ed25519 key of one file.

    `name` stands in checkpoints, so blanks and `+` become `-` (C2SP signed-note).
    """

    algorithm = "Ed25519"

    def __init__(self, name: str, key: Ed25519PrivateKey) -> None:
        self.name = re.sub(r"[\s+]+", "-", name)
        self._key = key

    @classmethod
    def open(cls, path: Path, name: str) -> FileSigner:
        """The key at `path`, made when there is none; two processes at once end with the same key.

        Denied keys.readable-by-others (POSIX), Invalid keys.not-ed25519.
        """
        if not path.exists():
            _make(path)
        if os.name == "posix" and path.stat().st_mode & 0o077:
            raise Denied("keys.readable-by-others", file=str(path))
        try:
            key = load_pem_private_key(path.read_bytes(), None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise Invalid("keys.not-ed25519", file=str(path)) from error
        if not isinstance(key, Ed25519PrivateKey):
            raise Invalid("keys.not-ed25519", file=str(path))
        signer = cls(name, key)
        public = path.with_name(path.name + ".pub")
        if not public.exists():
            write_whole(public, public_pem(signer.public_key))
        return signer

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)

    @property
    def public_key(self) -> bytes:
        """The raw 32 bytes."""
        return self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def new_key(path: Path, public: Path) -> None:
    """A key pair in two files that were not there; the private one for its owner alone."""
    key = Ed25519PrivateKey.generate()
    write_new(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    write_whole(public, public_pem(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)))


def _make(path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    write_first(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
