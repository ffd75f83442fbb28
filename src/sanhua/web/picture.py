"""The value path as a picture: where boxes stand and ribbons run; the template draws it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from sanhua.workspace.browsing import Box, Flow, Stream

WIDTH = 1280
TOP = 66  # heading of the columns
ROW = 44
GAP = 12
BAND_MIN, BAND_MAX = 2.0, 26.0
COLUMNS = {  # name → stage, width of its boxes
    "files": ("raw", 150),
    "tables": ("resource", 120),
    "resources": ("resource", 152),
    "products": ("asset", 146),
    "deals": ("asset", 146),
    "assets": ("capital", 146),
    "lines": ("capital", 132),
}


@dataclass(frozen=True, slots=True)
class Drawn:
    """A box in its place."""

    box: Box
    stage: str
    column: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Ribbon:
    """`path` is the centre line, `width` its stroke."""

    stream: Stream
    stage: str
    path: str
    width: float


@dataclass(frozen=True, slots=True)
class Head:
    """The heading of a column."""

    column: str
    stage: str
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Picture:
    height: float
    heads: tuple[Head, ...]
    boxes: tuple[Drawn, ...]
    ribbons: tuple[Ribbon, ...]


def draw(flow: Flow) -> Picture:
    """Columns from left to right over WIDTH, each column centred on the tallest."""
    gap = (WIDTH - 2 - sum(width for _, width in COLUMNS.values())) / (len(COLUMNS) - 1)
    widths = _widths(flow)
    room = {
        box.node: max(
            ROW,
            8 + sum(w for s, w in widths if s.source == box.node),
            8 + sum(w for s, w in widths if s.target == box.node),
        )
        for _, boxes in flow.columns
        for box in boxes
    }
    tall = max(
        (
            sum(room[b.node] for b in boxes) + GAP * (len(boxes) - 1)
            for _, boxes in flow.columns
            if boxes
        ),
        default=ROW,
    )
    heads: list[Head] = []
    placed: dict[str, Drawn] = {}
    x = 1.0
    for name, boxes in flow.columns:
        stage, width = COLUMNS[name]
        heads.append(Head(name, stage, x, width))
        height = sum(room[b.node] for b in boxes) + GAP * (len(boxes) - 1)
        y = TOP + (tall - height) / 2 if boxes else TOP
        for box in boxes:
            placed[box.node] = Drawn(
                box, stage, name, x, round(y, 1), width, round(room[box.node], 1)
            )
            y += room[box.node] + GAP
        x = round(x + width + gap, 1)
    return Picture(
        round(TOP + tall + 6, 1), tuple(heads), tuple(placed.values()), _ribbons(widths, placed)
    )


def _widths(flow: Flow) -> list[tuple[Stream, float]]:
    """A ribbon's width by the square root of its share of the largest of its unit."""
    most: dict[str, Decimal] = {}
    for stream in flow.streams:
        most[stream.unit] = max(most.get(stream.unit, Decimal(1)), abs(stream.amount))
    return [
        (s, BAND_MIN + (BAND_MAX - BAND_MIN) * float(abs(s.amount) / most[s.unit]) ** 0.5)
        for s in flow.streams
    ]


def _ribbons(widths: list[tuple[Stream, float]], placed: dict[str, Drawn]) -> tuple[Ribbon, ...]:
    """Ends are stacked on a box's edge in the order of what they join, so that few cross."""
    ends: dict[tuple[str, str], float] = {}
    for side, other in (("source", "target"), ("target", "source")):
        total: dict[str, float] = {}
        for stream, width in widths:
            total[getattr(stream, side)] = total.get(getattr(stream, side), 0) + width
        at = {n: placed[n].y + (placed[n].height - total[n]) / 2 for n in total}
        for stream, width in sorted(widths, key=lambda one: placed[getattr(one[0], other)].y):
            node = getattr(stream, side)
            ends[_name(stream), side] = at[node] + width / 2
            at[node] += width
    found: list[Ribbon] = []
    for stream, width in widths:
        source, target = placed[stream.source], placed[stream.target]
        name = _name(stream)
        x1, y1 = source.x + source.width, ends[name, "source"]
        x2, y2 = target.x, ends[name, "target"]
        middle = (x1 + x2) / 2
        path = f"M{x1:.0f} {y1:.1f}C{middle:.0f} {y1:.1f} {middle:.0f} {y2:.1f} {x2:.0f} {y2:.1f}"
        found.append(Ribbon(stream, target.stage, path, round(width, 1)))
    return tuple(found)


def _name(stream: Stream) -> str:
    return f"{stream.source} {stream.target} {stream.unit} {stream.open}"
