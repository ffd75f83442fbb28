"""What columns propose about one another."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sanhua import sql
from sanhua.kernel.text import Text
from sanhua.resource.suggest.column import SampledColumn
from sanhua.resource.suggest.rule import Suggestion

PAIRED_VALUES = 3_000_000  # values in all that are looked at in pairs of columns
DETERMINANTS = 3  # rules kept for each determined column, the strongest
STUCK, SHORT = "rows_run >= 6", "rows_run BETWEEN 2 AND 5"
STUCK_ROWS = 500_000  # of a table whose order is looked at


@dataclass(frozen=True, slots=True)
class _Pair:
    determinant: SampledColumn
    column: SampledColumn
    held: float  # share of rows that have the most frequent value of their group
    mu: float  # the same, corrected for what chance would give (pdep, Piatetsky-Shapiro)
    kind: str  # strong | weak | loose


def dependencies(columns: Sequence[SampledColumn]) -> Iterator[Suggestion]:
    """Columns that determine others (functional dependencies with few violations).

    A group is the rows of one value of the determinant; the value that fewer than half as many rows
    hold as the group's most frequent is the suspect. Strong: 90 % of the rows hold the most
    frequent value and it is no accident (mu 0.35). Weak, where many sources tell of the same things
    and often disagree: in groups of five and more most have a clear leader that chance does not
    explain, and few are of one mind (a hierarchy read upwards has such groups); a leader may be
    less clear where the determinant tells three columns so. Confidence is the share that holds; of
    a weak one mu / 10 and 0.6, or 0.5 where the determinant tells only one column so: a measure
    that varies looks the same.
    """
    wide = max(len(columns) * (len(columns) - 1), 1)
    some = max(2_000, PAIRED_VALUES // wide)
    coded = {id(column): _Coded.of(column.known[:some]) for column in columns}
    pairs: dict[tuple[str, str], _Pair] = {}
    for a in columns:
        for b in columns:
            if a is not b:
                pair = _pair(a, b, coded[id(a)], coded[id(b)])
                if pair is not None:
                    pairs[a.name, b.name] = pair
    accounts = Counter(a for (a, _), pair in pairs.items() if pair.kind != "strong")
    weak = {
        names: pair
        for names, pair in pairs.items()
        if pair.kind == "weak" or (pair.kind == "loose" and accounts[names[0]] >= ACCOUNTS)
    }
    kept: dict[str, list[_Pair]] = defaultdict(list)
    for (a_name, b_name), pair in pairs.items():
        told = (b_name, a_name) in weak  # the determinant by what it determines
        if pair.kind == "strong" and not told:
            kept[b_name].append(pair)
        elif (a_name, b_name) in weak and not any(
            (e.name, a_name) in weak and (e.name, b_name) in weak
            for e in columns
            if len(e.seen) < len(pair.determinant.seen) and e.nulls <= pair.determinant.nulls
        ):
            kept[b_name].append(pair)
    for found in kept.values():
        strong = [pair for pair in found if pair.kind == "strong"]
        ranked = sorted(
            strong or found,
            key=lambda p: (0 if strong else -accounts[p.determinant.name], -p.held, -p.mu,
                           p.determinant.name),
        )  # fmt: skip
        for pair in ranked[:DETERMINANTS]:
            a, b = pair.determinant, pair.column
            several = accounts[a.name] > 1
            # half of the leader's rows; of several accounts two thirds
            few = "rows_held * 3 <= rows_most * 2" if accounts[a.name] >= ACCOUNTS else _HALF
            suspect = (
                f"{_HALF if strong else few} OR ({b.quoted} IS NULL AND rows_held <= 2 * rows_most)"
            )
            if a.missing_words:
                suspect = f"({suspect}) AND NOT {sql.in_list(a.name, a.missing_words)}"
            yield b.make(
                "dependency",
                "0301",
                Text(f"{a.name} 决定 {b.name}", f"{a.name} determines {b.name}"),
                suspect,
                {},
                pair.held if strong else 0.5 + 0.1 * several + pair.mu / 10,
                determinant=(a.name,),
            )
    yield from _by_two(columns, {name for name, found in kept.items() if found})


ACCOUNTS = 3  # columns that one determinant tells weakly: many sources tell of one thing
_HALF = "rows_held * 2 <= rows_most"


def _by_two(columns: Sequence[SampledColumn], settled: set[str]) -> Iterator[Suggestion]:
    """Columns that no other determines alone, but two of few values together: state and income give
    the rate. In 95 % of the rows at least, which is the confidence.
    """
    rows = len(columns[0].values) if columns else 0
    some = min(rows, BY_TWO_ROWS)
    few = [c for c in columns if len(c.seen) <= rows / 10 and not c.nulls and not c.is_measure]
    couples = sorted(
        ((len(a.seen) * len(b.seen), a.name, b.name, a, b)
         for n, a in enumerate(few) for b in few[n + 1 :]),
        key=lambda one: one[:3],
    )  # fmt: skip
    codes = {id(column): _Coded.of(column.known[:some]) for column in columns}
    tried = 0
    for column in columns:
        if column.name in settled or len(column.seen) > rows / 10:
            continue
        best: tuple[float, SampledColumn, SampledColumn, _Pair] | None = None
        for product, _, _, a, b in couples:
            if column in (a, b) or product * 10 > some:
                continue
            tried += 1
            if tried > COUPLES:
                break
            both = zip(codes[id(a)].codes, codes[id(b)].codes, strict=True)
            width = len(b.seen) + 2
            joined = _Coded.numbered([x * width + y for x, y in both])
            pair = _pair(a, column, joined, codes[id(column)])
            if pair and pair.kind == "strong" and pair.held >= 0.95 and pair.mu >= 0.5:
                if best is None or pair.mu > best[0]:
                    best = (pair.mu, a, b, pair)
        if best is not None:
            _, a, b, pair = best
            yield column.make(
                "dependency",
                "0301",
                Text(
                    f"{a.name} 与 {b.name} 共同决定 {column.name}",
                    f"{a.name} and {b.name} determine {column.name}",
                ),
                f"{_HALF} OR ({column.quoted} IS NULL AND rows_held <= 2 * rows_most)",
                {},
                pair.held,
                determinant=(a.name, b.name),
            )


BY_TWO_ROWS, COUPLES = 5_000, 120  # rows looked at, and couples tried, for determinants of two


@dataclass(frozen=True, slots=True)
class _Coded:
    """A column's values as numbers, -1 for NULL; of those that recur, how often each does."""

    codes: list[int]
    sizes: Mapping[int, int]
    rows: int

    @staticmethod
    def of(values: Sequence[str | None]) -> _Coded:
        known: dict[str | None, int] = {None: -1}
        return _Coded.numbered([known.setdefault(value, len(known) - 1) for value in values])

    @staticmethod
    def numbered(codes: list[int]) -> _Coded:
        sizes = {code: n for code, n in Counter(codes).items() if n > 1 and code >= 0}
        return _Coded(codes, sizes, sum(sizes.values()))


def _pair(a: SampledColumn, b: SampledColumn, left: _Coded, right: _Coded) -> _Pair | None:
    sizes, rows = left.sizes, left.rows
    enough = 0.3 * len(left.codes)
    if len(left.codes) < a.sample.rows:  # values that recur in the table are lone in a sample
        enough = min(enough, 300)
    if len(sizes) < 2 or rows < 20 or rows < enough:
        return None
    width = len(left.codes) + 1
    most: dict[int, int] = dict.fromkeys(sizes, 0)
    second: dict[int, int] = dict.fromkeys(sizes, 0)
    whole: dict[int, int] = defaultdict(int)
    squares = 0.0
    together = Counter(x * width + y + 1 for x, y in zip(left.codes, right.codes, strict=True))
    for code, count in together.items():
        x, y = divmod(code, width)
        size = sizes.get(x)
        if size is None:
            continue
        whole[y] += count
        squares += count * count / size
        if y and count > most[x]:
            most[x], second[x] = count, most[x]
        elif y and count > second[x]:
            second[x] = count
    if len(whole) < 2:
        return None
    held = sum(most.values()) / rows
    chance = sum(count * count for count in whole.values()) / rows**2
    mu = 1 - (1 - squares / rows) / (1 - chance) * (rows - 1) / (rows - len(sizes))
    if held >= 0.9 and mu >= 0.35:
        return _Pair(a, b, held, mu, "strong")
    large = [x for x, size in sizes.items() if size >= 5]
    pure = sum(most[x] == sizes[x] for x in large)
    many = rows >= 5 * len(sizes) and len(large) >= 5
    if (
        a.is_measure
        or not many
        or held < 0.3
        or chance > 0.05
        or mu < 0.15
        or pure > 0.3 * len(large)
    ):
        return None
    for kind, ahead, share in (("weak", 2, 0.6), ("loose", 1.3, 0.5)):
        clear = sum(most[x] >= 3 and most[x] >= ahead * second[x] for x in large)
        if clear >= share * len(large):
            return _Pair(a, b, held, mu, kind)
    return None


def carried_over(columns: Sequence[SampledColumn]) -> Iterator[Suggestion]:
    """A value that slid into its neighbour: `Denver CO` in a column of places whose column of
    states, one of few short codes, is empty there. Confidence 0.9 where most of the empty rows show
    it.
    """
    narrow = [
        b for b in columns
        if b.is_text and b.nulls and 2 <= len(b.seen) <= 500 and max(map(len, b.seen)) <= 20
    ]  # fmt: skip
    for b in narrow:
        codes = set(b.seen)
        for a in columns:
            if a is b or not a.is_text:
                continue
            empty = carried = other = 0
            for left, right in zip(a.values, b.values, strict=True):
                tail = left.rpartition(" ")[2] if left and " " in left else ""
                if right is None:
                    empty += 1
                    carried += tail in codes
                elif tail and tail == right:
                    other += 1
            if carried < 3 or carried < 0.3 * empty or other > 0.3 * len(a.values):
                continue
            table = sql.quote(a.sample.table)
            tail = f"split_part({a.quoted}, ' ', -1)"
            known = f"SELECT {b.quoted} FROM {table} WHERE {b.quoted} IS NOT NULL"
            slid = f"{a.quoted} LIKE '% %' AND {b.quoted} IS NULL AND {tail} IN ({known})"
            label = Text(
                f"{a.name} 不含 {b.name} 的值", f"{a.name} does not hold the value of {b.name}"
            )
            for column in (a, b):
                yield column.make("carried_over", "0302", label, slid, {}, 0.9)


def misplaced(columns: Sequence[SampledColumn]) -> Iterator[Suggestion]:
    """A rare word that is at home in another column: at most one in a hundred here, at least one in
    fifty there, where the two columns share no frequent word. Confidence 0.75.
    """
    words = [
        column
        for column in columns
        if column.is_text and not column.is_number and len(column.seen) <= 0.5 * column.filled
    ]
    home = {
        column.name: {v for v, n in column.real.items() if n >= max(5, 0.02 * column.filled)}
        for column in words
    }
    for column in words:
        found: set[str] = set()
        for other in words:
            if other is not column and not home[column.name] & home[other.name]:
                found |= {
                    v
                    for v in home[other.name]
                    if 0 < column.counts[v] <= 0.01 * column.filled and len(v) > 1
                }
        if 0 < len(found) <= 10:
            yield column.make(
                "misplaced",
                "0301",
                Text(f"{column.name} 不含他列的值", f"{column.name} holds no other column's value"),
                sql.in_list(column.name, sorted(found)),
                {},
                0.75,
                lists_values=True,
            )


def stuck(columns: Sequence[SampledColumn]) -> Iterator[Suggestion]:
    """Six and more rows in a row, in order of time, with the same figure of many: a sensor that
    stands still. The figure that is most frequent of all (a zero at night) may stay.

    Confidence 0.8, none where runs of two to five are not rare beside: such figures are coarse.
    """
    sample = columns[0].sample
    times = [column for column in columns if column.is_time]
    if not times or sample.rows > STUCK_ROWS:
        return
    for column in columns:
        figures = column.figures
        if not column.is_number or len(figures) < 200 or len(set(figures)) < 100:
            continue
        if len(column.seen) == sum(column.seen.values()):
            continue
        value, count = column.seen.most_common(1)[0]
        usual = f" AND {column.text} <> {sql.literal(value)}" if count > 0.1 * len(figures) else ""
        label = Text(f"{column.name} 不长时间停在一个值", f"{column.name} does not stand still")
        yield column.make(
            "stuck", "0301", label, STUCK + usual, {}, 0.8, order=times[0].name,
            lists_values=False,
        )  # fmt: skip


def orders(columns: Sequence[SampledColumn]) -> Iterator[Suggestion]:
    """One column never above another of the same kind: days and moments, or numbers of one scale.

    Confidence 0.75 for days and moments, 0.5 for numbers; both values are doubtful where it breaks.
    """
    for at, a in enumerate(columns):
        for b in columns[at + 1 :]:
            if a.type != b.type or a.type not in ("DATE", "TIMESTAMP"):
                continue
            rows = [(x, y) for x, y in zip(a.values, b.values, strict=True) if x and y]
            if len(rows) < 50:
                continue
            for low, high, kept in (
                (a, b, sum(x <= y for x, y in rows)),
                (b, a, sum(y <= x for x, y in rows)),
            ):
                same = sum(x == y for x, y in rows)
                if kept >= 0.99 * len(rows) and same < 0.9 * len(rows):
                    label = Text(
                        f"{low.name} 不晚于 {high.name}", f"{low.name} is not after {high.name}"
                    )
                    yield high.make(
                        "order", "0301", label, f"{low.quoted} > {high.quoted}", {}, 0.75
                    )
