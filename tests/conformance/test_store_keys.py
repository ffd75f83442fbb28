"""Signing keys in files."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from sanhua.kernel.errors import Denied, Invalid
from sanhua.store.disk import write_whole
from sanhua.store.keys import FileSigner
from sanhua.verify import is_signed, public_raw


def test_a_key_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path):
    path = tmp_path / "log.key"
    first, second = FileSigner.open(path, "sanhua/a b+c"), FileSigner.open(path, "other")
    assert first.public_key == second.public_key
    assert first.name == "sanhua/a-b-c"
    assert public_raw((tmp_path / "log.key.pub").read_bytes()) == first.public_key
    assert is_signed(first.public_key, first.sign(b"message"), b"message")
    assert {one.name for one in tmp_path.iterdir()} == {"log.key", "log.key.pub"}
    if os.name == "posix":
        assert path.stat().st_mode & 0o777 == 0o600


def test_two_processes_at_once_end_with_one_key(tmp_path: Path):
    keys: list[bytes] = []
    threads = [
        threading.Thread(
            target=lambda: keys.append(FileSigner.open(tmp_path / "k", "n").public_key)
        )
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 8 and len(set(keys)) == 1


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
def test_a_key_that_others_can_read_is_refused(tmp_path: Path):
    FileSigner.open(tmp_path / "k", "n")
    (tmp_path / "k").chmod(0o644)
    with pytest.raises(Denied) as refused:
        FileSigner.open(tmp_path / "k", "n")
    assert refused.value.code == "keys.readable-by-others"


def test_a_file_that_is_no_key_is_refused_and_left_alone(tmp_path: Path):
    write_whole(tmp_path / "k", b"hello")
    with pytest.raises(Invalid) as refused:
        FileSigner.open(tmp_path / "k", "n")
    assert refused.value.code == "keys.not-ed25519"
    assert (tmp_path / "k").read_bytes() == b"hello"
