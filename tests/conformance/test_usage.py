"""Counting usage: whatever the order of the log and however often it says a thing."""

from __future__ import annotations

import random
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sanhua.asset.meter import head_of, usage_line
from sanhua.engine.usage import find, index, rate, tally
from sanhua.store.segment import SegmentWriter

DAY_MS = 86_400_000
START_MS = 1_772_323_200_000  # 2026-03-01 in UTC, in the middle of the range that is drawn
HEADS = {
    deal: head_of(f"deal:{deal}", "party:bank", "product:energy", "sha256:5a", "sha256:7e")
    for deal in ("a", "b")
}

calls = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]),
        st.integers(-3 * DAY_MS, 3 * DAY_MS),
        st.integers(0, 50),  # rows
        st.booleans(),
        st.sampled_from(["", "", "k1", "k2", "k3"]),
    ),
    max_size=40,
)


def line(number: int, call: tuple[str, int, int, bool, str]) -> bytes:
    from datetime import UTC, datetime

    deal, offset, rows, permit, request = call
    ms = START_MS + offset
    at = datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
    units = (1, rows, rows * 10) if permit else (0, 0, 0)
    return usage_line(
        (ms << 80) | number,
        at,
        HEADS[deal],
        "credit",
        units,
        "permit" if permit else "deny",
        "usage" if permit else "call.field",
        request,
    )


def written(folder: Path, segments: list[list[bytes]]) -> list[Path]:
    """The columnar copies of segments with these lines."""
    folder.mkdir(parents=True)
    copies: list[Path] = []
    for at, lines in enumerate(lines for lines in segments if lines):
        writer = SegmentWriter(folder, f"s{at}")
        writer.commit(lines)
        path = writer.close()
        assert path is not None
        copies.append(path.with_suffix(".parquet"))
        index(path, copies[-1], folder / "tmp")
    return copies


@given(calls, st.randoms(use_true_random=False))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_doubled_or_shuffled_log_counts_the_same(
    tmp_path_factory, calls: list[tuple[str, int, int, bool, str]], order: random.Random
):
    lines = [line(number, call) for number, call in enumerate(calls)]
    folder = tmp_path_factory.mktemp("meter")
    plain = written(folder / "plain", [lines])
    doubled = lines + [one for one in lines if order.random() < 0.5]
    order.shuffle(doubled)
    cut = order.randint(0, len(doubled))
    messy = written(folder / "messy", [doubled[:cut], doubled[cut:]])
    span = (START_MS, START_MS + 2 * DAY_MS)
    counts, _ = rate(plain, *span, folder / "tmp", back_ms=DAY_MS)
    again, repeats = rate(messy, *span, folder / "tmp", back_ms=DAY_MS)
    assert counts == again
    _, inside = tally(messy, *span, folder / "tmp")
    assert inside == repeats + sum(c.records for c in again if not c.reason)


def test_a_request_repeated_over_a_months_end_is_counted_where_it_came_first(tmp_path: Path):
    before, after = ("a", -3_600_000, 5, True, "k1"), ("a", 3_600_000, 5, True, "k1")
    copies = written(tmp_path / "meter", [[line(1, before)], [line(2, after)]])
    earlier = rate(copies, START_MS - DAY_MS, START_MS, tmp_path / "t", back_ms=DAY_MS)
    later = rate(copies, START_MS, START_MS + DAY_MS, tmp_path / "t", back_ms=DAY_MS)
    assert [c.records for c in earlier[0]] == [1]
    assert later == ([], 1)


def test_a_refusal_is_one_however_often_its_segment_is_there(tmp_path: Path):
    """The repeats of a request that was refused were calls too, and refused."""
    refused = [line(n, ("a", n, 0, False, "k1")) for n in (1, 2)]
    permitted = [line(3, ("a", 3, 4, True, "k1"))]
    copies = written(tmp_path / "meter", [refused, refused + permitted, permitted])
    counts, repeats = rate(copies, START_MS, START_MS + DAY_MS, tmp_path / "t")
    assert [(c.reason, c.records, c.row) for c in counts] == [("", 1, 4), ("call.field", 2, 0)]
    assert repeats == 1


def test_a_call_is_found_on_its_line(tmp_path: Path):
    lines = [line(n, ("a", n, 1, True, "")) for n in range(5)]
    copies = written(tmp_path / "meter", [lines[:2], lines[2:]])
    wanted = f"{(START_MS + 3 << 80) | 3:032x}"
    assert find(copies, wanted, tmp_path / "t") == (1, 3)
    text = copies[1].with_suffix(".ndjson").read_text(encoding="utf-8").splitlines()
    assert wanted in text[3 - 1]
    assert find(copies, "0" * 32, tmp_path / "t") is None
