"""What a plan costs, against a slow oracle that adds up unit by unit."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from sanhua.asset.price import Plan, PriceStep, Tax, check_plan, freeze_plan
from sanhua.kernel.errors import Invalid
from sanhua.kernel.money import Money
from sanhua.kernel.origin import Origin
from sanhua.kernel.record import body, edges_of, restore

HERE = Origin("products/p.yaml", 9, "sha256:aa")


def yuan(written: str) -> Money:
    return Money(Decimal(written))


def flat(price: str) -> tuple[PriceStep, ...]:
    return (PriceStep(yuan(price)),)


STANDARD = Plan(
    "standard",
    HERE,
    fee={"month": yuan("2000.00")},
    per={"call": flat("0.05")},
    included={"call": 10000},
    cap={"month": yuan("5000.00")},
)


@pytest.mark.parametrize(
    ("plan", "code"),
    [
        (Plan("p", HERE, fee={"week": yuan("1")}), "price.unknown-period"),
        (Plan("p", HERE, fee={"month": yuan("-1")}), "price.negative"),
        (Plan("p", HERE, free=True, once=yuan("1")), "price.free-but-priced"),
        (
            Plan("p", HERE, once=yuan("1"), fee={"month": Money(Decimal(1), "USD")}),
            "price.mixed-currency",
        ),
        (
            Plan("p", HERE, minimum={"month": yuan("9")}, cap={"year": yuan("100")}),
            "price.minimum-above-cap",
        ),
        (Plan("p", HERE, per={"call": (PriceStep(yuan("1"), 5),)}), "price.open-steps"),
        (
            Plan(
                "p",
                HERE,
                per={"call": (PriceStep(yuan("1"), 5), PriceStep(yuan("1"), 5), *flat("1"))},
            ),
            "price.unordered-steps",
        ),
        (
            Plan("p", HERE, per={"call": flat("0.09")}, ceiling={"per.call": "0.08"}),
            "price.above-ceiling",
        ),
    ],
)
def test_a_plan_that_no_bill_could_follow_is_refused_at_its_line(plan: Plan, code: str):
    with pytest.raises(Invalid) as refused:
        check_plan(plan)
    told = refused.value.diagnostic
    assert (told.code, told.path, told.line) == (code, "products/p.yaml", 9)
    assert "{" not in told.message("zh") + told.message("en")


def test_a_price_at_the_government_ceiling_is_allowed():
    check_plan(
        Plan(
            "p",
            HERE,
            per={"call": flat("0.08")},
            ceiling={"per.call": "0.08", "approved": "evidence/a.md"},
        )
    )


def test_moving_a_plan_to_another_line_changes_no_term_of_it_and_the_record_tells_the_line():
    one, other = (
        freeze_plan(
            "p", Plan("s", Origin("products/p.yaml", line, "sha256:aa"), once=yuan("1")), Tax()
        )
        for line in (3, 30)
    )
    assert (one.line, other.line) == (3, 30)
    assert body(replace(one, line=30)) == body(other)
    import json

    assert restore(type(one), json.loads(body(one))["fields"]) == one
    assert {edge.verb for edge in edges_of(one)} == {"prices", "defined_by"}
