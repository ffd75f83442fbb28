"""The walls: between the books, and between what is posted and what is appraised."""

from __future__ import annotations

import ast
import tomllib
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sanhua.kernel.errors import Denied, Invalid
from sanhua.kernel.ledger import SETTLED, SOURCES, BookKind, Entry, Line, must_belong
from sanhua.rules.packs import Packs

RULES = Packs.load()
ROOT = Path(__file__).resolve().parents[2]


def entry(source: str, account: str, on: date = date(2026, 3, 31)) -> Entry:
    lines = (Line(account, 5), Line(account, -5))
    return Entry("pst_1", "book:plant.entity", on, lines, source)


@given(st.sampled_from(BookKind), st.dates(date(2007, 1, 1), date(2026, 11, 29)),
       st.from_regex(r"appraisal:[a-z_0-9]{1,30}", fullmatch=True))  # fmt: skip
def test_no_posting_stands_on_an_appraisal(kind: BookKind, on: date, source: str):
    with pytest.raises(Denied) as refused:
        must_belong(entry(source, "1701.05", on), kind, RULES)
    assert refused.value.code == "ledger.source-is-appraisal"
    rule = refused.value.diagnostic.rule
    assert rule is not None
    assert rule.instrument == ("mof_2025_33" if on >= date(2025, 12, 31) else "cas_6")


@given(st.from_regex(r"[a-z_]{2,20}", fullmatch=True), st.sampled_from(BookKind))
def test_a_source_is_one_of_a_closed_set(word: str, kind: BookKind):
    account = "1122" if kind is BookKind.ENTITY else "receivable:bank"
    made = entry(f"{word}:x", account)
    if word in SOURCES[kind]:
        must_belong(made, kind, RULES)
    else:
        with pytest.raises((Invalid, Denied)):
            must_belong(made, kind, RULES)


def test_bills_are_a_source_of_both_books_and_vouchers_of_the_entity_s_alone():
    must_belong(entry("inv_0198", "receivable:bank"), BookKind.SETTLEMENT, RULES)
    must_belong(entry("set_0198", "2202"), BookKind.ENTITY, RULES)
    must_belong(entry("voucher:a/b", "2202"), BookKind.ENTITY, RULES)
    with pytest.raises(Invalid, match=r"ledger\.source-unknown"):
        must_belong(entry("voucher:a/b", "receivable:bank"), BookKind.SETTLEMENT, RULES)


@given(st.sampled_from(SETTLED), st.from_regex(r"[a-z]{1,9}", fullmatch=True),
       st.from_regex(r"[1-6]\d{3}(\.\d{2})?", fullmatch=True))  # fmt: skip
def test_no_book_holds_an_account_of_the_other_kind(word: str, party: str, code: str):
    settled = entry("inv_1", f"{word}:{party}")
    own = entry("inv_1", code)
    must_belong(settled, BookKind.SETTLEMENT, RULES)
    must_belong(own, BookKind.ENTITY, RULES)
    for made, kind in ((settled, BookKind.ENTITY), (own, BookKind.SETTLEMENT)):
        with pytest.raises(Invalid, match=r"ledger\.account-of-other-book"):
            must_belong(made, kind, RULES)


ABOVE = {"appraise", "pledge", "credit", "securitise", "contribute", "trust"}


def test_what_is_posted_may_not_import_an_appraisal():
    """`lint-imports` holds it for the modules that the contract lists; this for those to come."""
    said = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = said["tool"]["importlinter"]["contracts"]
    [layers] = [c["layers"] for c in contracts if "knows no appraisal" in c["name"]]
    assert layers[0] == "(appraise)"
    stage = ROOT / "src" / "sanhua" / "capital"
    for path in sorted(stage.rglob("*.py")):
        if path.relative_to(stage).parts[0].removesuffix(".py") not in ABOVE:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Import | ast.ImportFrom):
                    continue
                names = [alias.name for alias in node.names]
                module = getattr(node, "module", "") or ""
                named = [module, *names, *(f"{module}.{name}" for name in names)]
                assert not any("capital.appraise" in name for name in named), path
