"""Parse SQL that people wrote and let only the canonical subset pass.

The allow-list is by what the parser found: a node class or a function that is not named here is
refused, so that a construct nobody thought of is refused too. Left out on purpose: whatever reads
the host (files, network, settings, clock, randomness), whatever changes state, and list values
without an order.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import sqlglot
from sqlglot import TokenType, exp
from sqlglot.errors import ParseError, SqlglotError, TokenError

from sanhua.kernel.errors import Invalid

DIALECT = "duckdb"
CHARS_MAX = 200_000  # a statement longer than this is a mistake or an attack
DEPTH_MAX = 64  # of brackets, CASE and set operations, so that no walk runs out of stack
TREE_MAX = 200  # of the parsed tree: a chain of as many operators

_STRUCTURE = """
Select From Join Where Group Rollup Cube GroupingSets Having Qualify
Order Ordered Limit Offset Distinct With CTE
TableAlias Table Subquery
Union Intersect Except Values Tuple Column Identifier Alias Star Literal Null Boolean Paren
Placeholder
And Or Not EQ NEQ GT GTE LT LTE Is In Between Like ILike SimilarTo Exists NullSafeEQ NullSafeNEQ
Escape
Add Sub Mul Div IntDiv Mod Neg DPipe BitwiseAnd BitwiseOr BitwiseXor
Case If Cast TryCast DataType DataTypeParam Interval Var Window WindowSpec Filter Bracket Slice
Array
"""
_FUNCTIONS = """
Abs Round Floor Ceil Trunc Sign Sqrt Ln Log Exp Pow Greatest Least Coalesce Nullif
Length Lower Upper Trim Substring Left Right Replace Concat ConcatWs Pad Reverse Repeat StartsWith
EndsWith Contains
StrPosition RegexpLike RegexpFullMatch RegexpReplace RegexpExtract SplitPart Ascii Chr Translate
MD5 SHA2
TimestampTrunc DateTrunc DateDiff Extract Year Month Day Hour Minute Second Quarter Week DayOfWeek
DayOfWeekIso
DayOfYear LastDay TimeToStr StrToTime DateFromParts TimestampFromParts DateAdd DateSub TimeToUnix
IsNan
Grouping Count CountIf Sum Avg Min Max Median Mode PercentileCont PercentileDisc ApproxQuantile
ApproxDistinct
Stddev StddevSamp StddevPop Variance VariancePop Corr CovarPop CovarSamp AnyValue IgnoreNulls
ArgMin ArgMax
LogicalAnd LogicalOr GroupConcat BitwiseXorAgg
RowNumber Rank DenseRank Ntile Lag Lead FirstValue LastValue NthValue PercentRank CumeDist
"""
ALLOWED = frozenset((_STRUCTURE + _FUNCTIONS).split())
# Functions that the parser has no class for, by DuckDB's name.
NAMED = frozenset("date_part try_strptime strlen mean prefix suffix isfinite bit_count".split())
_KNOWN = sorted(
    NAMED | {re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower() for name in _FUNCTIONS.split()}
)


@dataclass(frozen=True, slots=True)
class Query:
    """One SELECT. `tables`: the names it reads (CTEs aside), sorted; `parameters`: its `$name`s."""

    text: str
    tree: exp.Query
    tables: tuple[str, ...]
    parameters: tuple[str, ...]
    path: str = ""
    first_line: int = 1


def parse(text: str, *, path: str = "", first_line: int = 1) -> Query:
    """The one SELECT in `text` (WITH and set operations too).

    Raises Invalid sql.too-long, sql.too-deep, sql.syntax, sql.not-one-select, sql.not-allowed at
    path:line.
    """
    statements = [s for s in _parse(text, path, first_line) if s is not None]
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        kind = statements[0].key.upper() if len(statements) == 1 else str(len(statements))
        raise Invalid("sql.not-one-select", path=path, line=first_line, found=kind)
    tree = statements[0]
    _allow(tree, path, first_line)
    return Query(
        text, tree, tuple(sorted(_tables(tree))), tuple(_parameters(tree)), path, first_line
    )


def parse_expression(text: str, *, path: str = "", line: int = 0) -> exp.Expr:
    """One expression in the canonical subset: a predicate, a value or an aggregate, without a
    subquery.
    """
    query = parse(f"SELECT {text}\nFROM t", path=path, first_line=line)
    selected = query.tree.selects
    if len(selected) != 1 or not isinstance(query.tree, exp.Select) or query.tree.args.get("where"):
        raise Invalid("sql.not-one-expression", path=path, line=line, text=_short(text))
    if query.tables != ("t",) or query.tree.find(exp.Subquery, exp.Exists, exp.CTE):
        raise Invalid("sql.not-one-expression", path=path, line=line, text=_short(text))
    return selected[0].unalias()


def _parse(text: str, path: str, first_line: int) -> list[exp.Expr | None]:
    if len(text) > CHARS_MAX:
        raise Invalid("sql.too-long", path=path, line=first_line, chars=len(text), most=CHARS_MAX)
    if "\0" in text:
        raise Invalid("sql.syntax", path=path, line=first_line, reason="NUL")
    try:
        _not_too_deep(text, path, first_line)
        return sqlglot.parse(text, read=DIALECT)
    except ParseError as error:
        first = error.errors[0] if error.errors else {}
        line = first_line - 1 + int(first.get("line") or 1)
        column = max(int(first.get("col") or 0) - len(str(first.get("highlight") or "")) + 1, 0)
        reason = f"{first.get('description') or error}".rstrip(".")
        near = first.get("highlight") or ""
        raise Invalid(
            "sql.syntax", path=path, line=line, column=column, reason=reason, near=near
        ) from error
    except (TokenError, SqlglotError) as error:
        raise Invalid(
            "sql.syntax", path=path, line=first_line, reason=str(error).split("\n")[0], near=""
        ) from error
    except RecursionError as error:
        raise Invalid("sql.too-deep", path=path, line=first_line, most=DEPTH_MAX) from error


_OPEN = frozenset({TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE, TokenType.CASE})
_CLOSE = frozenset({TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE, TokenType.END})
_CHAINED = frozenset({TokenType.NOT, TokenType.DASH, TokenType.PLUS, TokenType.TILDE})


def _not_too_deep(text: str, path: str, first_line: int) -> None:
    depth = chained = unions = 0
    for token in sqlglot.tokenize(text, read=DIALECT):
        depth += (token.token_type in _OPEN) - (token.token_type in _CLOSE)
        chained = chained + 1 if token.token_type in _CHAINED else 0
        unions += token.token_type in (TokenType.UNION, TokenType.EXCEPT, TokenType.INTERSECT)
        if max(depth, chained, unions) > DEPTH_MAX:
            raise Invalid(
                "sql.too-deep", path=path, line=first_line - 1 + token.line, most=DEPTH_MAX
            )


def _allow(tree: exp.Expr, path: str, first_line: int) -> None:
    for node in _bounded(tree, path, first_line):
        name = type(node).__name__
        if isinstance(node, exp.Anonymous):
            name = node.name.lower()
            if name in NAMED:
                continue
        elif isinstance(node, exp.Table):
            named = isinstance(node.this, exp.Identifier) and node.name.isidentifier()
            if not named or node.args.get("db") or node.args.get("catalog"):
                raise _refused(node.sql(DIALECT), node, path, first_line)
            continue
        elif isinstance(node, exp.GroupConcat):
            if node.find(exp.Order):
                continue
        elif isinstance(node, exp.Join) and node.method == "POSITIONAL":
            name = "POSITIONAL JOIN"
        elif name in ALLOWED:
            continue
        if isinstance(node, exp.Func) and not isinstance(node, exp.Anonymous):
            name = node.sql_name().lower()
        raise _refused(name, node, path, first_line)


def _bounded(tree: exp.Expr, path: str, first_line: int) -> Iterator[exp.Expr]:
    """Every node; Invalid sql.too-deep past TREE_MAX."""
    stack = [(tree, 1)]
    while stack:
        node, depth = stack.pop()
        if depth > TREE_MAX:
            raise Invalid("sql.too-deep", path=path, line=first_line, most=TREE_MAX)
        yield node
        stack += [(child, depth + 1) for child in node.iter_expressions()]


def _refused(name: str, node: exp.Expr, path: str, first_line: int) -> Invalid:
    line, column = place(node)
    near = get_close_matches(name.lower(), _KNOWN, 1)
    return Invalid(
        "sql.not-allowed",
        path=path,
        line=first_line - 1 + line if line else first_line,
        column=column,
        what=_short(name),
        nearest=near[0] if near else "–",
    )


def place(node: exp.Expr) -> tuple[int, int]:
    """The line and column that the parser kept for a node or what stands in it."""
    for inner in node.walk():
        if "line" in inner.meta:
            length = int(inner.meta["end"]) - int(inner.meta["start"])
            return int(inner.meta["line"]), max(int(inner.meta["col"]) - length, 1)
    return 0, 0


def _tables(tree: exp.Expr) -> set[str]:
    """Tables that are read, scope by scope: a CTE hides a table only where it is seen."""
    found: set[str] = set()

    def visit(node: exp.Expr, hidden: frozenset[str]) -> None:
        if isinstance(node, exp.Query) and (ctes := node.args.get("with_")):
            inner = hidden
            for cte in ctes.expressions:
                seen = inner | {cte.alias.lower()} if ctes.args.get("recursive") else inner
                visit(cte.this, seen)
                inner |= {cte.alias.lower()}
            for child in node.iter_expressions():
                if child is not ctes:
                    visit(child, inner)
            return
        if isinstance(node, exp.Table) and node.name.lower() not in hidden:
            found.add(node.name)
        for child in node.iter_expressions():
            visit(child, hidden)

    visit(tree, frozenset())
    return found


def _parameters(tree: exp.Expr) -> Iterator[str]:
    yield from dict.fromkeys(str(node.this) for node in tree.find_all(exp.Placeholder) if node.this)


def order(queries: Mapping[str, Query], known: Collection[str]) -> list[str]:
    """The names of `queries` so that each follows what it reads; ties by name.

    Raises Invalid sql.unknown-table (with the nearest name), sql.cycle (naming it) and
    sql.column-twice.
    """
    names = {*queries, *known}
    for name, query in queries.items():
        no_column_twice(query, query.tree.named_selects, name)
        for table in query.tables:
            if table not in names:
                near = get_close_matches(table, sorted(names), 1)
                line, column = _place_of_table(query, table)
                raise Invalid(
                    "sql.unknown-table",
                    path=query.path,
                    line=line,
                    column=column,
                    node=f"table:{name}",
                    table=table,
                    nearest=near[0] if near else "–",
                )
    done: dict[str, None] = {}
    for name in sorted(queries):
        _visit(name, queries, done, [])
    return list(done)


def no_column_twice(query: Query, columns: Sequence[str], table: str = "") -> None:
    """Invalid sql.column-twice when two columns of a table have one name; case does not count."""
    folded = [column.casefold() for column in columns]
    for at, column in enumerate(folded):
        if column != "*" and column in folded[:at]:
            line, column_at = (
                place(query.tree.selects[at]) if at < len(query.tree.selects) else (0, 0)
            )
            raise Invalid(
                "sql.column-twice",
                path=query.path,
                line=query.first_line - 1 + line if line else query.first_line,
                column=column_at,
                node=f"table:{table}" if table else "",
                name=columns[at],
            )


def _visit(
    name: str, queries: Mapping[str, Query], done: dict[str, None], above: list[str]
) -> None:
    stack: list[tuple[str, Iterator[str]]] = [(name, iter(queries[name].tables))]
    if name in done:
        return
    trail = [*above, name]
    while stack:
        at, rest = stack[-1]
        following = next((t for t in rest if t in queries and t not in done), None)
        if following is None:
            stack.pop()
            trail.pop()
            done[at] = None
        elif following in trail:
            cycle = [*trail[trail.index(following) :], following]
            query = queries[at]
            line, column = _place_of_table(query, following)
            raise Invalid(
                "sql.cycle",
                path=query.path,
                line=line,
                column=column,
                node=f"table:{at}",
                cycle=" → ".join(cycle),
            )
        else:
            stack.append((following, iter(queries[following].tables)))
            trail.append(following)


_IN_ORDER = (
    exp.RowNumber,
    exp.Rank,
    exp.DenseRank,
    exp.Ntile,
    exp.Lag,
    exp.Lead,
    exp.FirstValue,
    exp.LastValue,
    exp.NthValue,
)


def unordered(query: Query) -> list[tuple[str, int]]:
    """What in a query may answer differently each time for want of an ORDER BY, with its line."""
    found: list[tuple[str, int]] = []
    for node in query.tree.walk():
        what = ""
        if isinstance(node, exp.Query) and not node.args.get("order"):
            distinct = node.args.get("distinct")
            if node.args.get("limit") or node.args.get("offset"):
                what = "LIMIT"
            elif isinstance(distinct, exp.Distinct) and distinct.args.get("on"):
                what = "DISTINCT ON"
        elif isinstance(node, exp.Window) and not (node.args.get("order") or node.alias):
            inner = node.this.this if isinstance(node.this, exp.IgnoreNulls) else node.this
            if isinstance(inner, _IN_ORDER):
                what = f"{inner.sql_name().lower()}() OVER"
        if what:
            line, _ = place(node)
            found.append((what, query.first_line - 1 + line if line else query.first_line))
    return found


def _place_of_table(query: Query, table: str) -> tuple[int, int]:
    for node in query.tree.find_all(exp.Table):
        if node.name == table:
            line, column = place(node)
            return (query.first_line - 1 + line if line else query.first_line), column
    return query.first_line, 0


def fingerprint(query: Query) -> str:
    """`sha256:<hex>` of the statement without its comments and layout."""
    text = query.tree.sql(DIALECT, comments=False)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "…"
