"""Known 已知: what was known of an asset on an earlier day, for statements as at that day.

A fact is known from the day on which it was decided: a condition, an estimate, a correction or what
the memo says of definition, control and purpose from its judgement, or its own day where nobody is
named; a voucher from the day it is dated, or, when the project kept records on that day already,
from the day on which it first came. What a card says besides (title, route, project codes) has no
day and is taken as it stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date

from sanhua.capital.fulfil import Fulfilment
from sanhua.capital.recognise import AssetCard, Judged
from sanhua.capital.tree import Memo, Stated
from sanhua.capital.voucher import Voucher
from sanhua.kernel.time import parse_day


def known_card(card: AssetCard, on: date) -> AssetCard:
    """The card without what was decided after the day `on`."""
    facts = card.measurement
    life = facts.life if facts.life and _by(facts.life.judged, on) else None
    ready = facts.available_on
    method = _fact(facts.method, on)
    if ready and (ready > on or (facts.life and life is None) or (facts.method and not method)):
        ready = None  # its life was not judged yet, so nobody had put it to use in the books
    return replace(
        card,
        progress=tuple(one for one in card.progress if one.date <= on),
        conditions={name: one for name, one in card.conditions.items() if one.date <= on},
        judged=card.judged if _by(card.judged, on) else None,
        memo=_memo(card.memo, on),
        fulfilment=_fulfilment(card.fulfilment, on),
        measurement=replace(
            facts,
            available_on=ready,
            life=life,
            estimates=_known(facts.estimates, on),
            impairments=_known(facts.impairments, on),
            disposals=_known(facts.disposals, on),
            nrv=_known(facts.nrv, on),
            held_for_sale=_known(facts.held_for_sale, on),
            corrections=tuple(
                one for one in facts.corrections if one.date <= on and _by(one.judged, on)
            ),
            method=method,
            usage=_known(facts.usage, on),
            opening=_fact(facts.opening, on),
        ),
    )


def known_vouchers(
    vouchers: Iterable[Voucher], on: date, came: Mapping[str, date]
) -> list[Voucher]:
    """Those dated until `on` that had come by then; `came` has the day of each, as far as records
    were kept.
    """
    return [v for v in vouchers if max(v.dated, came.get(v.id, v.dated)) <= on]


def _memo(memo: Memo, on: date) -> Memo:
    """What the tree may be answered by on the day: an answer that was given later is open, not the
    one that a silent asset file has.
    """
    control, purpose, agreement = memo.control, memo.purpose, memo.agreement
    if control and not _by(control.judged, on):
        control = replace(control, benefits=None, excludes=None, judged=None)
    return replace(
        memo,
        definition=_stated(memo.definition, on),
        control=control,
        purpose=purpose if purpose and _by(purpose.judged, on) else None,
        agreement=agreement
        if agreement and agreement.date <= on and _by(agreement.judged, on)
        else None,
    )


def _fulfilment(said: Fulfilment, on: date) -> Fulfilment:
    return replace(
        said,
        conditions=_stated(said.conditions, on),
        judged=said.judged if _by(said.judged, on) else None,
        tests=tuple(test for test in said.tests if test.date <= on and _by(test.judged, on)),
    )


def _stated(answers: Mapping[str, Stated], on: date) -> dict[str, Stated]:
    return {
        name: one if one.date is None or one.date <= on else Stated(None, line=one.line)
        for name, one in answers.items()
    }


def _by(judged: Judged | None, on: date) -> bool:
    return judged is None or judged.date <= on


def _known(entries: tuple[Mapping[str, str], ...], on: date) -> tuple[Mapping[str, str], ...]:
    """Facts by the day they were judged on, or the day they are of when nobody is named."""
    return tuple(
        entry
        for entry in entries
        if "date" not in entry
        or max(parse_day(str(entry.get("judged.date") or entry["date"])), _date(entry)) <= on
    )


def _fact(entry: Mapping[str, str], on: date) -> Mapping[str, str]:
    """One fact, or none yet."""
    told = entry.get("judged.date") or entry.get("date") or entry.get("as_of")
    return entry if not told or parse_day(str(told)) <= on else {}


def _date(entry: Mapping[str, str]) -> date:
    return parse_day(str(entry["date"]))
