"""Segments: what `commit` acknowledged is read again, whatever happens behind it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sanhua.kernel.errors import Broken, Unavailable
from sanhua.store.lease import Leases
from sanhua.store.segment import SegmentWriter, batches, is_whole, look, recover, set_aside

LINES = [[b'{"n":1}\n'], [b'{"n":2}\n', b'{"n":3}\n'], [b'{"n":4}\n']]


def _written(folder: Path, name: str = "one") -> Path:
    writer = SegmentWriter(folder, name)
    for lines in LINES:
        writer.commit(lines)
    path = writer.close()
    assert path is not None
    return path


def test_a_segment_gives_back_its_batches(tmp_path: Path):
    path = _written(tmp_path)
    assert [lines for lines, _, _ in batches(path)] == LINES
    found = look(path)
    assert (found.batches, found.lines, found.good) == (3, 4, found.size)


def test_a_segment_without_lines_leaves_no_file(tmp_path: Path):
    assert SegmentWriter(tmp_path, "one").close() is None
    assert not list(tmp_path.iterdir())


def test_any_changed_byte_ends_what_is_believed_before_it(tmp_path: Path):
    path = _written(tmp_path)
    whole = path.read_bytes()
    for at in range(len(whole)):
        changed = bytearray(whole)
        changed[at] ^= 1
        path.write_bytes(bytes(changed))
        try:
            found = look(path)
        except Broken:
            continue  # the first line
        assert found.good < found.size, at


@given(cut=st.integers(min_value=0, max_value=10_000), noise=st.binary(max_size=200))
def test_recovery_keeps_the_whole_batches_and_nothing_of_a_torn_one(
    tmp_path_factory: pytest.TempPathFactory, cut: int, noise: bytes
):
    folder = tmp_path_factory.mktemp("meter")
    path = _written(folder)
    ends = [offset for _, _, offset in batches(path)]
    whole = path.read_bytes()
    cut = min(cut, len(whole))
    opened = path.with_suffix(".open")
    path.unlink()
    opened.write_bytes(whole[:cut] + noise)
    closed = recover(folder)
    kept = sum(end <= cut for end in ends)
    if kept:
        assert [lines for lines, _, _ in batches(closed[0])][:kept] == LINES[:kept]
        assert is_whole(closed[0])
    elif not noise or cut + 1 not in ends:  # all but the line end: what is proven is kept
        assert not closed
    if not noise:  # as a kill leaves it
        assert not list(folder.glob("*.broken"))


def test_of_an_unsealed_segment_any_changed_byte_costs_its_own_batch_at_most(tmp_path: Path):
    """Whether its writer had closed it or was killed; nothing is lost without a word but the last
    batch, when it is the end of that which cannot be recognised any more.
    """
    whole = _written(tmp_path).read_bytes()
    starts = [whole.index(b"\n") + 1]
    starts += [offset for _, _, offset in batches(tmp_path / "one.ndjson")]
    silent = 0
    for at in range(len(whole)):
        for ending in (".open", ".ndjson"):
            for path in tmp_path.iterdir():
                path.unlink()
            changed = bytearray(whole)
            changed[at] ^= 1
            path = tmp_path / f"one{ending}"
            path.write_bytes(bytes(changed))
            if ending == ".open":
                recover(tmp_path)
            elif not is_whole(path):
                set_aside(path)
            left = tmp_path / "one.ndjson"
            assert is_whole(left)
            kept = [lines for lines, _, _ in batches(left)]
            touched = {max(0, sum(start <= at for start in starts) - 1)}
            lost = {n for n, lines in enumerate(LINES) if lines not in kept}
            assert lost <= touched and kept == [LINES[n] for n in range(3) if n not in lost]
            aside = list(tmp_path.glob("*.broken"))
            if aside:
                assert aside[0].read_bytes() == bytes(changed)
            else:
                assert ending == ".open" and lost == {2}
                silent += 1
    assert silent <= 2


def test_damage_is_set_aside_once_however_often_it_is_broken_off(tmp_path: Path):
    path = _written(tmp_path)
    data = path.read_bytes().replace(b'"n":1', b'"n":9')
    path.rename(path.with_suffix(".open"))
    path.with_suffix(".open").write_bytes(data)
    assert recover(tmp_path) == [path]
    after = {one.name: one.read_bytes() for one in tmp_path.iterdir()}
    path.with_suffix(".open").write_bytes(data)  # as if it had not come to taking this away
    assert recover(tmp_path) == [path]
    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == after and len(after) == 2


@pytest.mark.skipif(os.name == "nt", reason="Windows removes no open file")
@pytest.mark.parametrize("how", ["removed", "moved", "folder"])
def test_a_segment_that_is_taken_away_keeps_what_it_acknowledged(tmp_path: Path, how: str):
    folder = tmp_path / "meter"
    writer = SegmentWriter(folder, "one")
    writer.commit(LINES[0])
    if how == "removed":
        writer.path.unlink()
    elif how == "moved":
        writer.path.rename(tmp_path / "elsewhere")
    else:
        folder.rename(tmp_path / "elsewhere")
    with pytest.raises(Unavailable):
        writer.commit(LINES[1])
    assert writer.spoilt
    closed = writer.close()
    assert closed is not None and [lines for lines, _, _ in batches(closed)] == LINES[:1]
    assert is_whole(closed) and writer.close() == closed


def test_a_segment_that_cannot_be_closed_or_cut_just_now_keeps_what_it_acknowledged(tmp_path: Path):
    writer = SegmentWriter(tmp_path, "one")
    writer.commit(LINES[0])
    (tmp_path / "one.ndjson").mkdir()  # in the way of the name
    with pytest.raises(Unavailable):
        writer.close()
    (tmp_path / "one.ndjson").rmdir()
    assert writer.close() == tmp_path / "one.ndjson"
    writer = SegmentWriter(tmp_path, "two")
    writer.commit(LINES[1])
    os.close(writer._file)  # pyright: ignore[reportPrivateUsage]
    with pytest.raises(Unavailable):  # neither written nor cut
        writer.commit(LINES[2])
    assert writer.spoilt and writer.close() is None
    assert recover(tmp_path) == [tmp_path / "two.ndjson"]
    for name, lines in (("one", LINES[0]), ("two", LINES[1])):
        assert [found for found, _, _ in batches(tmp_path / f"{name}.ndjson")] == [lines]


def test_what_a_crash_left_of_a_segment_that_had_not_begun_is_removed(tmp_path: Path):
    new = tmp_path / "one.new"
    new.touch()
    assert recover(tmp_path) == [] and new.exists()  # its writer may be about to name it
    os.utime(new, (0, 0))
    assert recover(tmp_path) == [] and not new.exists()


def test_a_segment_in_use_is_not_recovered(tmp_path: Path):
    writer = SegmentWriter(tmp_path, "one")
    writer.commit(LINES[0])
    code = (
        "import sys; from pathlib import Path; from sanhua.store.segment import recover;"
        "print(len(recover(Path(sys.argv[1]))))"
    )
    other = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert other.stdout.strip() == "0"
    assert writer.close() is not None


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX file limits")
def test_a_full_disk_keeps_nothing_of_the_batch_and_goes_on_later(tmp_path: Path):
    """The file limit of the process stands for the disk: EFBIG."""
    code = """
import resource, signal, sys
from pathlib import Path
from sanhua.kernel.errors import Unavailable
from sanhua.store.segment import SegmentWriter, look
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
writer = SegmentWriter(Path(sys.argv[1]), "one")
writer.commit([b"{}\\n"])
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
try:
    writer.commit([b"x" * 8000 + b"\\n"])
except Unavailable as error:
    print(error.code)
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
writer.commit([b"{}\\n"])
found = look(writer.close())
print(found.batches, found.good == found.size)
"""
    out = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    ).stdout
    assert out.split() == ["store.meter-full", "2", "True"]


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is not to be had on Windows")
def test_what_was_acknowledged_before_a_kill_is_recovered(tmp_path: Path):
    code = """
import sys
from pathlib import Path
from sanhua.store.segment import SegmentWriter
writer, n = SegmentWriter(Path(sys.argv[1]), "one"), 0
while True:
    n += 1
    writer.commit([b'{"n":%d}\\n' % n])
    print(n, flush=True)
"""
    for life in range(5):
        folder = tmp_path / str(life)
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        acknowledged = 0
        for line in process.stdout:
            acknowledged = int(line)
            if acknowledged >= 5 + 3 * life:
                break
        process.send_signal(signal.SIGKILL)
        rest, _ = process.communicate()
        acknowledged = max([acknowledged, *map(int, rest.split())])
        (path,) = recover(folder)
        assert acknowledged <= look(path).lines <= acknowledged + 1


def test_leases_never_pass_their_bound(tmp_path: Path):
    one, two = Leases(tmp_path / "quota.db"), Leases(tmp_path / "quota.db")
    got = 0
    for _ in range(500):
        got += one.take("calls", 1, 1000) + two.take("calls", 3, 1000)
    assert 998 <= got <= 1000
    one.give_back("calls", 10)
    assert two.take("calls", 5, 1000) >= 5
    one.close()
    two.close()
