"""Each of the twenty indicators of GB/T 36344 gets a score from something declared and measured.

Names and formulas: GB/T 36344-2018 by way of its Shanghai edition (reference pack gbt_36344); the
figures are counted by hand from the rows beside them.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sanhua.kernel.metric import Measured, Scan
from sanhua.kernel.origin import Origin
from sanhua.kernel.table import Column, LakeFile, Manifest, Part
from sanhua.kernel.text import Text
from sanhua.resource.contract import (
    Clock,
    ControlTotal,
    DataContract,
    Property,
    QualityRule,
    Reconciliation,
    Sla,
    TableSchema,
    Timing,
)
from sanhua.resource.grade import ColumnGrade, Grade, Grading, Reason
from sanhua.resource.quality import Calls, Finding, Quality, checks, judge, metrics
from sanhua.resource.quality.judging import BASIS
from sanhua.resource.quality.trend import points, worse
from sanhua.resource.standard import CodeList, DataElement, bind
from sanhua.rules.packs import Packs
from sanhua.sql import parse, parse_expression

PACKS = Packs.load()
TODAY = date(2026, 11, 23)
HERE = Origin("contracts/t.odcs.yaml", 7, "sha256:c0")
INDICATORS = PACKS.ask("gbt_36344", "indicators", on=TODAY).value
COLUMNS = {
    "id": "BIGINT", "day": "DATE", "plant": "VARCHAR", "kwh": "DECIMAL(12,2)",
    "sent_at": "TIMESTAMP", "came_at": "TIMESTAMP", "valid_to": "DATE",
}  # fmt: skip
ROWS = [
    (1, "2026-11-01", "P1", 10, "2026-11-01 00:00", "2026-11-01 00:05", "2026-12-31"),
    (2, "2026-11-02", "P1", 20, "2026-11-02 00:00", "2026-11-02 01:00", "2026-12-31"),
    (3, "2026-11-04", "OLD", 30, "2026-11-04 00:00", "2026-11-03 23:59", "2026-11-03"),
    (4, "2026-11-03", "P9", -1, "2026-11-03 00:00", None, None),
]
ELEMENTS = {
    "energy": DataElement("energy", "电量", "decimal(12,2)", HERE, range="0..1000"),
    "plant": DataElement("plant", "厂区", "string", HERE, codes="plants"),
    "day": DataElement("day", "日期", "date", HERE),
}
CODES = {
    "plants": CodeList(
        "plants", HERE, ("code", "name", "from", "through"),
        (("P1", "一", "", ""), ("OLD", "旧", "2020-01-01", "2025-12-31"), ("P9", "九", "", "")),
    )
}  # fmt: skip


def prop(name: str, logical_type: str = "string", **more: Any) -> Property:
    return Property(name, HERE, logical_type=logical_type, **more)


def snapshot(columns: tuple[Column, ...], rows: int) -> Manifest:
    part = Part(LakeFile("part-0.parquet", rows, 1, "sha256:good"))
    return Manifest("t", "built", columns, (part,), (), "step")


def full() -> DataContract:
    """A contract that gives every indicator a basis."""
    table = TableSchema(
        "t",
        (
            prop("id", "integer", key_position=1, description=Text("序号")),
            prop("day", "date", element="day", required=True, unique=True,
                 timing=Timing(valid_from="2026-01-01", valid_through="valid_to", order_by="id")),
            prop("plant", element="plant", references=("r.code",), options={"maxLength": "2"},
                 codes_on="day"),
            prop("kwh", "number", element="energy", classification="general1"),
            prop("sent_at", "timestamp"),
            prop("came_at", "timestamp", timing=Timing(follows="sent_at", within_s=600)),
            prop("valid_to", "date"),
        ),
        HERE,
        quality=(
            QualityRule("rule", "sql", "mustBe", ("0",), HERE, query="SELECT 0 FROM t"),
            QualityRule("twice", "metric", "mustBe", ("0",), HERE, metric="duplicateValues",
                        arguments={"properties": '["plant"]'}),
            QualityRule("dirty", "metric", "mustBe", ("0",), HERE, metric="invalidValues",
                        column="plant", arguments={"validValues": '["P1","P9"]'}, indicator="0305"),
        ),
        reconciles=(Reconciliation("o", (("day", "day"),), (("kwh", "kwh"),), HERE),),
        totals=(ControlTotal("", Decimal(5), HERE), ControlTotal("kwh", Decimal(59), HERE)),
    )  # fmt: skip
    return DataContract(
        "t", HERE, (table,), version="1.2.0", open_class="conditional",
        sla=(
            Sla("latency", "30", "d", "t.day"), Sla("frequency", "1", "d", "t.sent_at"),
            Sla("retention", "20", "d", "t.day"), Sla("availability", "99", "%"),
        ),
    )  # fmt: skip


def grading(*, phone: bool = False) -> Grading:
    found = Reason("value", Grade.GENERAL3, Text("手机号码"))
    own = Reason("floor", Grade.GENERAL1, Text("人工"))
    columns = tuple(
        ColumnGrade(
            f"grade:t.{name}", name, f"col:t.{name}@s", Grade.GENERAL1, "",
            (found, own) if phone and name == "kwh" else (own,) if name == "kwh" else (),
        )
        for name in COLUMNS
    )  # fmt: skip
    return Grading("grade:t", "t", "s", Grade.GENERAL1, columns, (), ())


def judged(agreed: DataContract, **more: Any) -> Quality:
    listed = tuple(Column(name, kind) for name, kind in COLUMNS.items())
    more.setdefault("grading", grading())
    made = checks(
        agreed, agreed.tables[0], ELEMENTS, CODES, PACKS, TODAY,
        manifest=snapshot(listed, len(ROWS)),
        modelled=("t",), **more,
    )  # fmt: skip
    found: list[Measured] = []
    with duckdb.connect() as db:
        db.execute(f"CREATE TABLE t ({', '.join(f'{n} {k}' for n, k in COLUMNS.items())})")
        db.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?)", ROWS)
        db.execute("CREATE TABLE r AS SELECT 'P1' AS code")
        db.execute("CREATE TABLE o AS SELECT day, kwh + (id = 2)::INT AS kwh FROM t WHERE id < 4")
        for metric in metrics(made):
            if metric.scan is Scan.QUERY:
                parse(metric.expression)
                query = metric.expression
            elif metric.scan is Scan.UNIQUE:
                query = f"SELECT count(*) - count(DISTINCT {metric.expression}) FROM t"
            else:
                parse_expression(metric.expression)
                query = f"SELECT {metric.expression} FROM t"
            found.append(Measured(metric, (db.execute(query).fetchone() or (None,))[0]))
    calls = Calls(200, 199, ("segment:a",))
    standard = bind(agreed, ELEMENTS, CODES)
    return judge(made, found, PACKS, TODAY, contract=agreed, standard=standard, calls=calls)


def by_name(result: Quality) -> dict[str, Finding]:
    return {finding.id.rpartition("/")[2]: finding for finding in result.findings}


def test_all_twenty_indicators_are_assessed_when_everything_is_declared():
    result = judged(full())
    assert [one.code for one in result.indicators] == list(INDICATORS) and len(INDICATORS) == 20
    assert not [one.code for one in result.indicators if one.score is None]
    assert result.not_assessable == 0 and result.version == "1.2.0"


def test_each_indicator_counts_what_its_rows_say():
    found = {
        name: (f.indicator, f.numerator, f.denominator)
        for name, f in by_name(judged(full())).items()
    }
    assert found["standard"] == ("0101", 3, 3)
    assert found["model"] == ("0102", 7, 7)
    assert found["metadata"] == ("0103", 4, 7)  # id is described; day, plant, kwh have an element
    assert found["rule"][0] == "0104"
    assert found["plant.codes"] == ("0105", 3, 4)  # OLD ended in 2025
    assert found["security"] == ("0106", 7, 7)
    assert found["day.required"] == ("0201", 4, 4)
    assert found["sent_at.frequency"] == ("0202", 4, 4)  # each day of the 1st to the 4th
    assert found["rows.control_total"] == ("0202", 4, 5)
    assert found["kwh.range"] == ("0301", 3, 4)
    assert found["plant.format"] == ("0302", 3, 4)  # OLD is too long
    assert found["twice"] == ("0303", 3, 4)  # one P1 too many
    assert found["day.unique"] == ("0304", 4, 4)
    assert found["dirty"] == ("0305", 3, 4)
    assert found["kwh.equal.o.kwh"] == ("0401", 2, 3)
    assert found["plant.in.r.code"] == ("0402", 2, 4)
    assert found["kwh.control_total"][0] == "0402"
    assert found["day.validity"] == ("0501", 3, 4)  # the third outlives its valid_to
    assert found["plant.valid_on.day"] == ("0501", 3, 4)  # OLD ended in 2025
    assert found["came_at.within.sent_at"] == ("0502", 2, 3)  # one came after an hour
    assert found["came_at.follows.sent_at"] == ("0503", 2, 3)  # one came before it was sent
    assert found["day.order"] == ("0503", 3, 4)  # the 3rd after the 4th
    assert found["calls"] == ("0601", 199, 200)
    assert found["day.retention"] == ("0602", 2, 4)  # 20 days before the 23rd is the 3rd


def test_where_less_is_better_the_rate_is_reported_beside_the_score():
    """0303 and 0305 report A/B; the score is 1 - A/B (as the Shanghai edition has it)."""
    by_code = {one.code: one for one in judged(full()).indicators}
    for code in ("0303", "0305"):
        one = by_code[code]
        assert one.polarity == "negative" and (one.numerator, one.denominator) == (1, 4)
        assert (one.score, one.rate) == (Decimal("0.75"), Decimal("0.25"))
    assert by_code["0304"].polarity == "positive" and by_code["0304"].rate is None


def test_an_indicator_without_a_basis_says_what_to_declare():
    bare = DataContract("t", HERE, (TableSchema("t", (prop("id", "integer"),), HERE),))
    made = judge([], [], PACKS, TODAY, contract=bare)
    assert {one.code: one.not_assessable for one in made.indicators} == BASIS
    assert all(reason.zh and reason.en for reason in BASIS.values())


def test_a_column_found_to_be_graver_than_graded_breaks_the_security_norm():
    result = by_name(judged(full(), grading=grading(phone=True)))
    security = result["security"]
    assert (security.numerator, security.denominator) == (6, 7) and "kwh" in security.told.zh
    handed = tuple(
        Reason("inherited", grade, Text("承自")) for grade in (Grade.GENERAL1, Grade.GENERAL3)
    )  # of two columns that it is made from
    columns = tuple(replace(c, reasons=handed) if c.name != "kwh" else c for c in grading().columns)
    made = by_name(judged(full(), grading=replace(grading(), columns=columns)))["security"]
    assert (made.numerator, made.denominator) == (7, 7)
    nobody = replace(full(), open_class="")
    ungraded = replace(grading(), columns=tuple(replace(c, reasons=()) for c in grading().columns))
    assert "security" not in by_name(judged(nobody, grading=ungraded))


def expected(rows: list[tuple[str, str]], *, keyed: bool = True) -> list[Any]:
    """What lacks and what is expected of hourly records (plant, time of day)."""
    place = 2 if keyed else 0
    table = TableSchema(
        "t", (prop("plant", key_position=1), prop("at_", "timestamp", key_position=place)), HERE
    )
    agreed = DataContract("t", HERE, (table,), sla=(Sla("frequency", "1", "h", "t.at_"),))
    listed = (Column("plant", "VARCHAR"), Column("at_", "TIMESTAMP"))
    made = checks(
        agreed, table, {}, {}, PACKS, TODAY,
        manifest=snapshot(listed, len(rows)),
    )  # fmt: skip
    (check,) = [one for one in made if one.id.endswith("at_.frequency")]
    with duckdb.connect() as db:
        db.execute("CREATE TABLE t (plant VARCHAR, at_ TIMESTAMP)")
        for plant, at in rows:
            db.execute("INSERT INTO t VALUES (?, ?)", [plant, f"2026-01-01 {at}"])
        assert check.violations is not None and check.total is not None
        queries = [m.expression for m in (check.violations, check.total)]
        assert all(parse(query) for query in queries)  # in the canonical subset
        return [(db.execute(query).fetchone() or (None,))[0] for query in queries]


def test_records_are_expected_at_every_step_of_each_key():
    """Two plants, hours 0, 1, 3 and 0, 1: of 4 and 2 expected records one lacks."""
    hours = [("a", "00:00"), ("a", "01:00"), ("a", "03:00"), ("b", "00:00"), ("b", "01:00")]
    assert expected(hours) == [1, 6]


def test_a_record_between_two_steps_does_not_make_up_for_one_that_is_lacking():
    """Hours 0, 1, 3 and a second record at 01:10; a minute early or late is still on time."""
    assert expected([("a", t) for t in ("00:00", "01:01", "01:10", "02:59")]) == [1, 4]


def test_of_a_column_outside_the_key_the_table_as_a_whole_has_its_steps():
    """The key is a running number: each of its values alone would have all its records."""
    rows = [("1", "00:00"), ("2", "01:00"), ("3", "03:00")]
    assert expected(rows, keyed=False) == [1, 4]


def test_a_rule_in_words_is_shown_and_never_scored():
    words = QualityRule("复核", "text", "", (), HERE, told="每月由两人复核", impact="考核")
    table = replace(full().tables[0], quality=(words,))
    finding = by_name(judged(replace(full(), tables=(table,))))["复核"]
    assert (finding.state, finding.ratio, finding.label.zh) == (
        "not_assessable", None, "每月由两人复核",
    )  # fmt: skip
    assert finding.impact == "考核" and "人" in finding.reason.zh


def test_a_weight_of_nothing_takes_a_rule_out_of_the_score():
    rules = tuple(
        QualityRule(name, "sql", "mustBe", ("1",), HERE, query=f"SELECT {n} FROM t", weight=w)
        for name, n, w in (("good", 1, "1"), ("bad", 0, "0"))
    )
    table = replace(full().tables[0], quality=rules)
    result = judged(replace(full(), tables=(table,)))
    assert {one.code: one.score for one in result.indicators}["0104"] == 1


def test_the_clock_of_another_store_counts_for_the_order_in_time():
    known = Reconciliation(
        "o", (("day", "day"),), (("kwh", "kwh"),), HERE,
        clock=Clock("day", detect=True, reach_s=86400, step_s=86400),
    )  # fmt: skip
    table = replace(full().tables[0], reconciles=(known,))
    clock = by_name(judged(replace(full(), tables=(table,))))["day.clock.o"]
    assert (clock.indicator, clock.value, clock.passed) == ("0503", "0 s", True)


def test_the_order_of_reading_is_the_order_of_the_file():
    """1, 3, 2, 4: one value falls behind the one read before it."""
    table = TableSchema("t", (prop("at_", "timestamp", timing=Timing(order_by="file")),), HERE)
    agreed = DataContract("t", HERE, (table,))
    made = checks(
        agreed, table, {}, {}, PACKS, TODAY, manifest=snapshot((Column("at_", "TIMESTAMP"),), 4)
    )
    (check,) = [one for one in made if one.id.endswith("at_.order")]
    assert check.violations is not None and check.indicator == "0503"
    parse(check.violations.expression)
    with duckdb.connect() as db:
        db.execute("CREATE TABLE t (at_ TIMESTAMP)")
        for day in (1, 3, 2, 4):
            db.execute("INSERT INTO t VALUES (?)", [f"2026-01-0{day}"])
        assert db.execute(check.violations.expression).fetchone() == (1,)


# Trend


def test_a_check_that_conforms_less_or_can_no_longer_be_measured_is_worse():
    before = judged(full())
    found = list(before.findings)
    first = next(n for n, f in enumerate(found) if f.numerator == 4 and f.denominator == 4)
    found[first] = replace(found[first], numerator=3, state="failed", passed=False)
    lost = next(n for n, f in enumerate(found) if f.id.endswith("/rule"))
    found[lost] = replace(found[lost], state="error", ratio=None, passed=None)
    after = replace(before, findings=tuple(found))
    assert {one.check for one in worse(before, after)} == {found[first].id, found[lost].id}
    assert worse(before, before) == [] and worse(after, before) == []
    assert not any(one.redefined for one in worse(before, after))
    stricter = replace(after, findings=tuple(replace(f, definition="sha256:c9") for f in found))
    assert all(one.redefined for one in worse(before, stricter))
    series = points([(1, "2026-11-22", before), (2, "2026-11-23", after)])
    assert [point.day for point in series] == ["2026-11-22", "2026-11-23"]
    assert set(series[1].failed) > set(series[0].failed)


# Properties


@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.integers(1, 9), st.decimals(0, 5, places=1)), min_size=1
    )
)
def test_a_weighted_mean_lies_between_its_parts_and_polarity_only_turns_it(
    parts: list[tuple[int, int, Decimal]],
):
    """The same counts under 0304 (more is better) and 0303 (less is better) score alike; the rate
    is what is left to one.
    """
    scored: dict[str, Any] = {}
    for code in ("0304", "0303"):
        table = TableSchema("t", (), HERE)
        agreed = DataContract("t", HERE, (table,))
        found = [
            _counted(number, code, min(bad, all_), all_, weight)
            for number, (bad, all_, weight) in enumerate(parts)
        ]
        result = judge(found, [], PACKS, TODAY, contract=agreed)
        scored[code] = next(one for one in result.indicators if one.code == code)
    ratios = [Decimal(all_ - min(bad, all_)) / all_ for bad, all_, weight in parts if weight]
    score = scored["0304"].score
    assert score == scored["0303"].score
    if not ratios:
        assert score is None
        return
    assert min(ratios) - Decimal("0.000001") <= score <= max(ratios) + Decimal("0.000001")
    assert scored["0303"].rate == 1 - score


def _counted(number: int, code: str, bad: int, all_: int, weight: Decimal) -> Any:
    from sanhua.resource.quality import Check

    return Check(
        f"check:t/{number}", "t", "t", "s", code, Text("x"), HERE,
        counted=(all_ - bad, all_), weighs=weight,
    )  # fmt: skip


@pytest.mark.parametrize("rows", [0, 3, 5, 6])
def test_a_promised_number_of_rows_is_a_share_of_those_expected(rows: int):
    """Five are wanted: 0202 is present over expected, and never more than all of them."""
    rule = QualityRule("n", "metric", "mustBeGreaterOrEqualTo", ("5",), HERE, metric="rowCount")
    table = TableSchema("t", (prop("id", "integer"),), HERE, quality=(rule,))
    agreed = DataContract("t", HERE, (table,))
    made = checks(
        agreed, table, {}, {}, PACKS, TODAY,
        manifest=snapshot((Column("id", "BIGINT"),), rows),
    )  # fmt: skip
    result = judge(made, [Measured(m, rows) for m in metrics(made)], PACKS, TODAY, contract=agreed)
    (finding,) = [f for f in result.findings if f.indicator == "0202"]
    assert (finding.numerator, finding.denominator) == (min(rows, 5), 5)
    assert finding.passed == (rows >= 5)
