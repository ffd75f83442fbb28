"""Charts as SVG text: bars of shares, and a line of shares over days. The same values give the same
bytes; numbers stand beside what is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape

FONTS = "'Noto Sans CJK SC', 'Noto Sans SC', 'PingFang SC', 'Microsoft YaHei', sans-serif"
INK, QUIET, LINE, FILL, BAD = "#1b2430", "#556170", "#dfe4ea", "#5b94cf", "#b3261e"


@dataclass(frozen=True, slots=True)
class Bar:
    """A share from 0 to 1 and what it is of; no share: `note` says why."""

    label: str
    quiet: str  # the label in the other language
    share: Decimal | None
    note: str


def bars(rows: Sequence[Bar], *, title: str, width: int = 720) -> str:
    """Horizontal bars over their labels' column, the share written at the end."""
    row, left, right = 34, 190, 150
    span, height = width - left - right, row * len(rows) + 8
    drawn: list[str] = []
    for place, bar in enumerate(rows):
        y = place * row + 8
        drawn.append(_text(0, y + 13, bar.label, 14, INK))
        drawn.append(_text(left - 14, y + 13, bar.quiet, 11, QUIET, "end"))
        drawn.append(
            f'<rect x="{left}" y="{y + 1}" width="{span}" height="15" rx="2" fill="{LINE}"/>'
        )
        if bar.share is None:
            drawn.append(_text(left + span + 12, y + 13, bar.note, 11, QUIET))
            continue
        long = float(bar.share) * span
        drawn.append(
            f'<rect x="{left}" y="{y + 1}" width="{long:.2f}" height="15" rx="2" fill="{FILL}"/>'
        )
        drawn.append(_text(left + span + 12, y + 13, f"{bar.share:.4f}", 14, INK))
        drawn.append(_text(width, y + 13, bar.note, 11, QUIET, "end"))
    return _svg(width, height, title, drawn)


def line(
    shares: Sequence[tuple[str, Decimal | None]],
    *,
    title: str,
    marked: Sequence[bool] = (),
    width: int = 720,
) -> str:
    """A line through (label, share) at even steps; a missing share breaks it. The axis runs from
    the tenth below the lowest share to 1. `marked` points are drawn in red.
    """
    height, left, right, top, bottom = 210, 52, 24, 16, 36
    known = [share for _, share in shares if share is not None]
    low = max(Decimal(0), (min(known, default=Decimal(0)) * 10 // 1 - 1) / 10)
    spread = Decimal(1) - low

    def x(place: int) -> float:
        return left + (width - left - right) * (place / max(len(shares) - 1, 1))

    def y(share: Decimal) -> float:
        return top + float((Decimal(1) - share) / spread) * (height - top - bottom)

    drawn: list[str] = []
    for step in range(5):
        share = low + spread * step / 4
        drawn.append(
            f'<line x1="{left}" x2="{width - right}" y1="{y(share):.2f}" y2="{y(share):.2f}" '
            f'stroke="{LINE}"/>'
        )
        drawn.append(_text(left - 8, y(share) + 4, f"{share:.3f}", 11, QUIET, "end"))
    path, pen = [], "M"
    for place, (_, share) in enumerate(shares):
        if share is None:
            pen = "M"
            continue
        path.append(f"{pen}{x(place):.2f} {y(share):.2f}")
        pen = "L"
    drawn.append(f'<path d="{" ".join(path)}" fill="none" stroke="{FILL}" stroke-width="2"/>')
    every = -(-len(shares) // 8)
    for place, (label, share) in enumerate(shares):
        red = place < len(marked) and marked[place]
        if share is not None:
            drawn.append(
                f'<circle cx="{x(place):.2f}" cy="{y(share):.2f}" r="3.5" '
                f'fill="{BAD if red else FILL}"/>'
            )
        if (len(shares) - 1 - place) % every == 0:
            anchor = "start" if place == 0 else "end" if place == len(shares) - 1 else "middle"
            drawn.append(_text(x(place), height - 12, label, 11, QUIET, anchor))
    return _svg(width, height, title, drawn)


def _text(x: float, y: float, text: str, size: int, fill: str, anchor: str = "start") -> str:
    at = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return (
        f'<text x="{x:.4g}" y="{y:.4g}" font-size="{size}" fill="{fill}"{at}>{escape(text)}</text>'
    )


def _svg(width: int, height: int, title: str, drawn: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-label="{escape(title)}" '
        f'font-family="{FONTS}">{"".join(drawn)}</svg>'
    )


def cells(text: str) -> float:
    """How wide a text is, in latin letters of its size: a Chinese character is two."""
    from unicodedata import east_asian_width

    return sum(1.8 if east_asian_width(char) in "WF" else 1.0 for char in text)


def badge(left: str, right: str, *, told: str) -> str:
    """Two fields on one line, as pages embed them; `told` says the whole of it to a reader."""
    widths = [round(cells(text) * 6.6 + 16) for text in (left, right)]
    whole = sum(widths)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="22" '
        f'viewBox="0 0 {whole} 22" role="img" aria-label="{escape(told)}" font-family="{FONTS}" '
        f'font-size="12"><title>{escape(told)}</title>'
        f'<rect width="{whole}" height="22" rx="3" fill="#2b6cb0"/>'
        f'<path d="M3 0H{widths[0]}V22H3A3 3 0 0 1 0 19V3A3 3 0 0 1 3 0Z" fill="#3a4654"/>'
        f'<text x="8" y="15" fill="#ffffff">{escape(left)}</text>'
        f'<text x="{widths[0] + 8}" y="15" fill="#ffffff">{escape(right)}</text></svg>'
    )
