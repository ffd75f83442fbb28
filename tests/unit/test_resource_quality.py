"""Checks from declarations, measured by real SQL, and scores that claim nothing without a basis."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sanhua.kernel.errors import Diagnostic, Severity
from sanhua.kernel.metric import Measured, Metric, Scan
from sanhua.kernel.origin import Origin
from sanhua.kernel.record import body, edges_of, restore
from sanhua.kernel.table import Column, LakeFile, Manifest, Part
from sanhua.kernel.text import Text
from sanhua.resource.contract import DataContract, Property, QualityRule, Sla, TableSchema
from sanhua.resource.quality import Check, Quality, checks, judge, metrics
from sanhua.resource.standard import CodeList, DataElement
from sanhua.rules.packs import Packs
from sanhua.sql import parse, parse_expression

PACKS = Packs.load()
TODAY = date(2026, 11, 23)
HERE = Origin("contracts/t.odcs.yaml", 7, "sha256:c0")
ELEMENTS = {
    "energy": DataElement("energy", "电量", "decimal(12,2)", HERE, range="0..1000"),
    "load": DataElement("load", "时段", "string", HERE, codes="loads"),
}
CODES = {"loads": CodeList("loads", HERE, ("code", "name"), (("peak", "峰"), ("o'clock", "点")))}


def prop(name: str, logical_type: str = "string", **more: Any) -> Property:
    return Property(name, HERE, logical_type=logical_type, **more)


def rule(name: str, type: str, operator: str, *bounds: str, **more: Any) -> QualityRule:
    return QualityRule(name, type, operator, bounds, HERE, **more)


def contract(
    *properties: Property, quality: tuple[QualityRule, ...] = (), sla: tuple[Sla, ...] = ()
) -> DataContract:
    return DataContract("t", HERE, (TableSchema("t", properties, HERE, quality=quality),), sla=sla)


def manifest(columns: dict[str, str], layer: str = "built", **more: Any) -> Manifest:
    listed = tuple(Column(name, kind) for name, kind in columns.items())
    rejected, by_column = more.pop("rejected", 0), more.pop("rejected_by_column", {})
    rejects = LakeFile("rejects-0.parquet", rejected, 1, "sha256:bad") if rejected else None
    file = LakeFile("part-0.parquet", more.pop("rows", 0), 1, "sha256:good")
    part = Part(file, rejects=rejects, rejected_by_column=by_column)
    return Manifest("t", layer, listed, (part,), (), "step", **more)


def canonical(metric: Metric) -> Metric:
    """The metric, once its expression has passed the allow-list."""
    if metric.scan is Scan.QUERY:
        parse(metric.expression)
    elif metric.scan is not Scan.UNIQUE:
        parse_expression(metric.expression)
    return metric


def measure(
    rows: Sequence[Sequence[Any]], columns: dict[str, str], wanted: list[Metric]
) -> list[Measured]:
    """Each metric's expression as the engine port defines it, on a real table."""
    with duckdb.connect() as db:
        db.execute(f"CREATE TABLE t ({', '.join(f'{n} {k}' for n, k in columns.items())})")
        db.execute("CREATE TABLE r AS SELECT 'P1' AS code")
        if rows:
            db.executemany(f"INSERT INTO t VALUES ({', '.join('?' * len(columns))})", rows)
        found: list[Measured] = []
        for metric in map(canonical, wanted):
            query = {
                Scan.UNIQUE: f"SELECT count(*) - count(DISTINCT ({metric.expression})) FROM t"
                f" WHERE ({metric.expression}) IS NOT NULL",
                Scan.QUERY: metric.expression,
            }.get(metric.scan, f"SELECT {metric.expression} FROM t")
            try:
                result = db.execute(query).fetchall()
            except duckdb.Error as error:
                told = Diagnostic(Severity.ERROR, "sql.failed", facts={"reason": str(error)})
                found.append(Measured(metric, None, told))
                continue
            value = result[0][0]
            found.append(
                Measured(metric, Decimal(repr(value)) if isinstance(value, float) else value)
            )
        return found


def judged(
    agreed: DataContract,
    columns: dict[str, str],
    rows: Sequence[Sequence[Any]],
    **more: Any,
) -> Quality:
    made = checks(
        agreed,
        agreed.tables[0],
        ELEMENTS,
        CODES,
        PACKS,
        TODAY,
        manifest=manifest(columns, rows=len(rows), **more),
    )
    return judge(made, measure(rows, columns, metrics(made)), PACKS, TODAY, contract=agreed)


def by_name(result: Quality) -> dict[str, Any]:
    return {finding.id.rpartition("/")[2]: finding for finding in result.findings}


def test_each_declaration_becomes_the_check_of_its_indicator():
    agreed = contract(
        prop("id", "integer", key_position=1),
        prop("kwh", "number", element="energy", required=True, options={"minimum": "0"}),
        prop("load", element="load", options={"maxLength": "4"}),
        prop("mail", unique=True, options={"pattern": "^[^@]+@[^@]+$"}),
        prop("plant", references=("r.code",)),
        sla=(Sla("latency", "10", "d", "t.day"),),
    )
    columns = {
        "id": "BIGINT",
        "kwh": "DECIMAL(12,2)",
        "load": "VARCHAR",
        "mail": "VARCHAR",
        "plant": "VARCHAR",
    }  # fmt: skip
    rows = [
        (1, 10, "peak", "a@b", "P1"),
        (1, -5, "o'clock", "a@b", "P2"),
        (2, 2000, "night", "none", None),
        (None, None, None, None, "P1"),
    ]
    found = by_name(judged(agreed, columns, rows))
    said = {
        name: (finding.indicator, finding.numerator, finding.denominator)
        for name, finding in found.items()
    }
    assert said == {
        "id.required": ("0201", 3, 4),
        "kwh.required": ("0201", 3, 4),
        "kwh.format": ("0302", 2, 3),
        "kwh.range": ("0301", 1, 3),
        "load.format": ("0302", 1, 3),
        "load.codes": ("0105", 2, 3),
        "mail.unique": ("0304", 2, 3),
        "mail.format": ("0302", 2, 3),
        "plant.in.r.code": ("0402", 2, 3),
        "key": ("0304", 3, 4),
        "metadata": ("0103", 2, 5),  # kwh and load have a data element
    }


def test_all_metrics_of_a_table_but_keys_and_queries_fit_one_scan_and_none_is_asked_twice():
    agreed = contract(*(prop(f"c{i}", required=True) for i in range(9)), prop("k", key_position=1))
    columns = {**{f"c{i}": "VARCHAR" for i in range(9)}, "k": "VARCHAR"}
    made = checks(agreed, agreed.tables[0], {}, {}, PACKS, TODAY, manifest=manifest(columns))
    wanted = metrics(made)
    assert len({metric.id for metric in wanted}) == len(wanted)
    assert [metric.expression for metric in wanted].count("count(*)") == 1
    assert [metric.id for metric in wanted if metric.scan is not Scan.SHARED] == [
        "check:t/key#violations"
    ]


def test_a_rejected_value_counts_where_it_is_certain_and_is_stated_where_not():
    """Ten rows were handed over: seven read, two refused for kwh, one for another column."""
    words = {"missingValues": '[null, "n/a"]'}
    rules = (
        rule("nulls", "metric", "mustBe", "0", metric="nullValues", column="kwh"),
        rule("gaps", "metric", "mustBe", "0", metric="missingValues", column="kwh",
             arguments=words),
        rule("odd", "metric", "mustBe", "0", metric="invalidValues", column="kwh",
             arguments={"validValues": "[1.0]"}),
    )  # fmt: skip
    agreed = contract(
        prop("kwh", "number", required=True, element="energy", quality=rules),
        prop("day"),
        quality=(rule("rows", "metric", "mustBe", "7", metric="rowCount"),),
    )
    result = judged(
        agreed, {"kwh": "DOUBLE", "day": "VARCHAR"}, [(1.0, "a")] * 6 + [(None, "b")],
        layer="raw", rejected=3, rejected_by_column={"kwh": 2, "day": 1},
    )  # fmt: skip
    found = {name: (f.numerator, f.denominator, f.excluded) for name, f in by_name(result).items()}
    assert found == {
        "kwh.required": (8, 9, 1),  # what was refused had been assigned
        "kwh.format": (6, 8, 1),
        "kwh.range": (6, 6, 3),
        "rejects": (7, 10, 0),
        "rows": (7, 7, 3),
        "nulls": (8, 9, 1),
        "gaps": (6, 7, 3),  # it may have been n/a
        "odd": (6, 8, 1),
        "metadata": (1, 2, 0),
    }


def test_rejected_rows_of_a_source_count_as_not_conforming():
    agreed = contract(prop("kwh", "number"), prop("note"))
    columns = {"kwh": "DOUBLE", "note": "VARCHAR"}
    result = judged(
        agreed, columns, [(1.0, "a")] * 8, layer="raw", rejected=2, rejected_by_column={"kwh": 2}
    )
    found = by_name(result)
    assert (found["kwh.format"].numerator, found["kwh.format"].denominator) == (8, 10)
    assert found["rejects"].state == "failed" and found["rejects"].indicator == "0305"
    assert "note.format" not in found
    dirty = next(i for i in result.indicators if i.code == "0305")
    assert (dirty.score, dirty.rate) == (Decimal("0.800000"), Decimal("0.200000"))


def test_a_built_table_gets_no_credit_for_types_that_its_engine_guarantees():
    assert judged(contract(prop("kwh", "number")), {"kwh": "DOUBLE"}, [(1.0,)]).findings == ()


def test_an_indicator_without_a_basis_is_not_assessable_and_has_no_score():
    """GB/T 36344-2018: 20 indicators in 6 dimensions."""
    result = judged(contract(prop("a", required=True)), {"a": "VARCHAR"}, [("x",), (None,)])
    assert len(result.indicators) == 20 and len(result.dimensions) == 6
    assert {i.code for i in result.indicators if i.score is not None} == {"0201"}
    assert result.not_assessable == 19
    assert all(
        i.not_assessable.zh and i.not_assessable.en for i in result.indicators if i.score is None
    )
    assert result.score == Decimal("0.500000")
    assert [d.score for d in result.dimensions] == [
        None,
        Decimal("0.500000"),
        None,
        None,
        None,
        None,
    ]
    assert result.dimensions[1].title.zh == "完整性"


def test_nothing_to_judge_is_neither_good_nor_bad():
    empty = judged(contract(prop("a", required=True)), {"a": "VARCHAR"}, [])
    assert (empty.findings[0].state, empty.score) == ("not_assessable", None)
    bare = judged(contract(prop("a")), {"a": "VARCHAR"}, [("x",)])
    assert (bare.score, bare.checks, bare.not_assessable) == (None, 0, 20)


LIBRARY = [
    (rule("", "metric", "mustBe", "0", metric="nullValues", column="a"), False, "1"),
    (rule("", "metric", "mustBeLessOrEqualTo", "25", metric="nullValues", column="a",
          arguments={"unit": "percent"}), True, "25%"),
    (rule("", "metric", "mustBeLessThan", "25", metric="nullValues", column="a",
          arguments={"unit": "percent"}), False, "25%"),
    (rule("", "metric", "mustBe", "2", metric="missingValues", column="a",
          arguments={"missingValues": '[null, "N/A"]'}), True, "2"),
    (rule("", "metric", "mustBe", "1", metric="missingValues", column="a",
          arguments={"missingValues": '["N/A"]'}), True, "1"),
    (rule("", "metric", "mustBe", "1", metric="invalidValues", column="a",
          arguments={"validValues": '["x"]'}), True, "1"),
    (rule("", "metric", "mustBe", "1", metric="invalidValues", column="a",
          arguments={"pattern": "^[a-z]$"}), True, "1"),
    (rule("", "metric", "mustBe", "1", metric="duplicateValues", column="a"), True, "1"),
    (rule("", "metric", "mustBe", "0", metric="duplicateValues",
          arguments={"properties": '["a", "b"]'}), True, "0"),
    (rule("", "metric", "mustBeBetween", "4", "9", metric="rowCount"), True, "4"),
    (rule("", "metric", "mustNotBeBetween", "4", "9", metric="rowCount"), False, "4"),
    (rule("", "metric", "mustBeGreaterThan", "4", metric="rowCount"), False, "4"),
    (rule("", "metric", "mustBeGreaterOrEqualTo", "4", metric="rowCount"), True, "4"),
    (rule("", "metric", "mustNotBe", "4", metric="rowCount"), False, "4"),
    (rule("sum", "sql", "mustBe", "10", query="SELECT sum(b) FROM t"), True, "10"),
    (rule("flag", "sql", "mustBe", "true", query="SELECT sum(b) = 10 FROM ${object}"), True, "1"),
]  # fmt: skip


@pytest.mark.parametrize(("written", "passed", "value"), LIBRARY)
def test_written_rules_mean_what_odcs_says(written: QualityRule, passed: bool, value: str):
    rows = [("x", 1), ("x", 2), ("N/A", 3), (None, 4)]
    result = judged(
        contract(prop("a"), prop("b", "integer"), quality=(written,)),
        {"a": "VARCHAR", "b": "BIGINT"},
        rows,
    )
    (finding,) = result.findings
    assert (finding.passed, finding.value) == (passed, value), finding


def test_a_rule_that_fails_to_run_carries_its_error_and_the_others_keep_their_verdict():
    broken = rule("broken", "sql", "mustBe", "0", query="SELECT sum(nowhere) FROM t")
    fine = rule("fine", "metric", "mustBe", "1", metric="rowCount")
    result = judged(contract(prop("a"), quality=(broken, fine)), {"a": "VARCHAR"}, [("x",)])
    assert [(f.state, f.passed) for f in result.findings] == [("error", None), ("passed", True)]
    assert (result.errors, result.score) == (1, Decimal("1.000000"))
    (told,) = result.diagnostics()
    assert (told.code, told.severity, told.node) == (
        "quality.not-measured",
        Severity.ERROR,
        "check:t/broken",
    )


def test_a_query_without_a_value_is_not_assessable():
    empty = rule("ratio", "sql", "mustBe", "0", query="SELECT sum(b) FROM t WHERE false")
    (finding,) = judged(
        contract(prop("b", "integer"), quality=(empty,)), {"b": "BIGINT"}, [(1,)]
    ).findings
    assert (finding.state, finding.passed, finding.reason.en) == (
        "not_assessable", None, "the query gave no value (NULL)",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("newest", "state"),
    [("2026-11-13", "passed"), ("2026-11-12", "failed"), (None, "not_assessable")],
)
def test_latency_holds_on_its_last_day_and_no_longer(newest: str | None, state: str):
    agreed = contract(prop("day", "date"), sla=(Sla("latency", "10", "d", "t.day"),))
    (finding,) = judged(agreed, {"day": "DATE"}, [(newest,)]).findings
    assert (finding.indicator, finding.state) == ("0502", state)


@pytest.mark.parametrize(
    ("value", "unit", "newest", "zone", "state"),
    [
        ("2", "h", "2026-11-23 09:00:00", "", "passed"),  # 11:00 in Shanghai: exactly two hours
        ("2", "hours", "2026-11-23 08:59:59", "", "failed"),
        ("90", "min", "2026-11-23 09:30:00", "", "passed"),
        ("90", "min", "2026-11-23 09:29:00", "", "failed"),
        ("2", "h", "2026-11-23 09:59:00", "Asia/Seoul", "failed"),  # 12:00 there
        ("2", "w", "2026-11-09 23:00:00", "", "passed"),
        ("0", "d", "2026-11-22 23:00:00", "", "failed"),
    ],
)
def test_a_latency_is_judged_in_its_own_unit(
    value: str, unit: str, newest: str, zone: str, state: str
):
    at = prop("taken", "timestamp", options={"defaultTimezone": zone} if zone else {})
    agreed = contract(at, sla=(Sla("latency", value, unit, "taken"),))
    made = checks(agreed, agreed.tables[0], {}, {}, PACKS, TODAY,
                  manifest=manifest({"taken": "TIMESTAMP"}, rows=1))  # fmt: skip
    measured = measure([(newest,)], {"taken": "TIMESTAMP"}, metrics(made))
    now = datetime(2026, 11, 23, 3, tzinfo=UTC)
    (finding,) = judge(made, measured, PACKS, TODAY, contract=agreed, now=now).findings
    assert (finding.indicator, finding.state) == ("0502", state)


def test_a_weight_counts_in_the_score_and_an_extension_code_keeps_its_dimension():
    light = rule("light", "metric", "mustBe", "0", metric="rowCount", indicator="0306")
    heavy = rule("heavy", "metric", "mustBe", "1", metric="rowCount", weight="3")
    result = judged(contract(prop("a"), quality=(light, heavy)), {"a": "VARCHAR"}, [("x",)])
    assert result.score == Decimal("0.750000")
    assert result.indicators[-1].code == "0306" and result.indicators[-1].dimension == "accuracy"


def test_checks_of_one_name_stay_apart_and_names_of_any_script_are_kept():
    twice = rule("每日 九十六条", "metric", "mustBe", "1", metric="rowCount")
    result = judged(contract(prop("a"), quality=(twice, twice)), {"a": "VARCHAR"}, [("x",)])
    assert [f.id for f in result.findings] == ["check:t/每日_九十六条", "check:t/每日_九十六条.2"]


def test_the_record_leads_from_the_score_to_check_column_file_and_rule():
    result = judged(contract(prop("a", required=True)), {"a": "VARCHAR"}, [("x",)])
    edges = {(edge.src, edge.verb): edge.dst for edge in edges_of(result)}
    snapshot = manifest({"a": "VARCHAR"}, rows=1).id
    assert edges["quality:t", "checked_by"] == "check:t/a.required"
    assert edges["check:t/a.required", "about"] == f"col:t.a@{snapshot}"
    assert edges["check:t/a.required", "made_from"] == snapshot
    assert edges["check:t/a.required", "defined_by"] == "sha256:c0"
    assert edges["check:t/a.required", "decided_by"] == "rule:gbt_36344/indicators@2019-01-01"
    assert restore(Quality, json.loads(body(result))["fields"]) == result


def test_a_failed_check_says_how_many_of_how_many_in_both_languages():
    result = judged(contract(prop("a", required=True)), {"a": "VARCHAR"}, [("x",), (None,)])
    (told,) = result.diagnostics()
    assert (told.severity, told.line) == (Severity.WARNING, 7)
    assert told.message("zh").startswith("a 必填：2 个中 1 个不符")
    assert told.message("en").startswith("a has a value: 1 of 2 do not conform")


def simple(
    number: int, violations: int, total: int, weighs: Decimal, rejected: int
) -> tuple[Check, list[Measured]]:
    bad, all_ = Metric(f"v{number}", "count_if(a)"), Metric(f"t{number}", "count(*)")
    check = Check(
        f"check:t/{number}", "t", "t", "sha256:s", "0201", LABEL, HERE,
        violations=bad, total=all_, rejected=rejected, weighs=weighs,
    )  # fmt: skip
    return check, [Measured(bad, violations), Measured(all_, total)]


LABEL = Text("检查", "check")

measured_checks = st.lists(
    st.tuples(
        st.integers(0, 10**9),
        st.integers(0, 10**9),
        st.decimals("0.1", "9", places=1),
        st.integers(0, 10**6),
    ),
    min_size=1,
    max_size=6,
)


@given(measured_checks)
def test_a_score_lies_between_its_worst_and_best_check(found: list[tuple[int, int, Decimal, int]]):
    pairs = [
        simple(i, min(bad, total), total, weighs, rejected)
        for i, (bad, total, weighs, rejected) in enumerate(found)
    ]
    made = [check for check, _ in pairs]
    result = judge(made, [m for _, values in pairs for m in values], PACKS, TODAY)
    ratios = [finding.ratio for finding in result.findings if finding.ratio is not None]
    if not ratios:
        assert result.score is None
        return
    assert result.score is not None
    assert 0 <= min(ratios) <= result.score <= max(ratios) <= 1


@given(st.integers(0, 1000), st.integers(1, 1000), st.integers(0, 1000))
def test_rejecting_rows_never_raises_a_score(bad: int, total: int, more: int):
    bad = min(bad, total)

    def score(violations: int, rows: int, rejected: int) -> Decimal:
        check, values = simple(0, violations, rows, Decimal(1), rejected)
        found = judge([check], values, PACKS, TODAY).score
        assert found is not None
        return found

    assert score(bad, total, more) <= score(bad, total, 0)
    moved = min(
        bad, more
    )  # rows that would have been counted as violations and are rejected instead
    assert score(bad - moved, total - moved, moved) == score(bad, total, 0)
