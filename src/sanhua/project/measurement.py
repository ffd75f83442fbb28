"""What an asset file says under `measurement`: its facts by day, and the judgements behind them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from sanhua.capital.judgement import Judgement
from sanhua.capital.recognise import Correction, Judged, Life, Measurement
from sanhua.kernel.errors import Invalid
from sanhua.kernel.ids import node
from sanhua.kernel.money import Money
from sanhua.kernel.time import Period, parse_day
from sanhua.project.loading import at, day
from sanhua.project.read import Items, Keys, Node, Scalar, nearest_or_some

if TYPE_CHECKING:
    from sanhua.project.loading import Loader
    from sanhua.project.model import Entity


def judged(found: Keys | None, path: str) -> Judged | None:
    """Who answers for a judgement, and since when."""
    if found is None:
        return None
    on = day(found, "date", path)
    assert on is not None  # required by the schema
    return Judged(found.text("by"), on)


def judges(facts: Measurement) -> Iterator[tuple[tuple[str, ...], Judged | None]]:
    """Where a judgement is written, and who answers for it; None where nobody does."""

    def of(fact: Mapping[str, str]) -> Judged | None:
        by = fact.get("judged.by")
        return Judged(by, parse_day(fact["judged.date"])) if by else None

    if facts.life is not None and facts.life.judged is not None:
        yield ("life",), facts.life.judged
    for name in ("estimates", "impairments", "disposals", "nrv", "held_for_sale"):
        for number, fact in enumerate(getattr(facts, name)):
            yield (name, str(number)), of(fact)
    for name in ("method", "opening"):
        if said := of(getattr(facts, name)):
            yield (name,), said
    for number, made in enumerate(facts.corrections):
        yield ("corrections", str(number)), made.judged


def measurement(
    loader: Loader, entity: Entity, found: Keys | None, path: str, label: str
) -> Measurement:
    """The facts that measurement rests on; their papers are hashed."""
    if found is None:
        return Measurement()

    def fact(item: Keys) -> dict[str, str]:
        for key in ("date", "resolution", "commitment", "expected_by"):
            day(item, key, path)
        for key in ("evidence", "agreement"):
            loader.folder.evidence(item.get(key), path, label)
        return item.flat()

    def told(name: str) -> tuple[dict[str, str], ...]:
        return tuple(fact(item) for item in found.items(name) if isinstance(item, Keys))

    def alone(name: str) -> dict[str, str]:
        item = found.keys(name)
        return fact(item) if item is not None else {}

    def correction(item: Keys) -> Correction:
        fact(item)
        on = day(item, "date", path)
        assert on is not None  # required by the schema
        try:
            concerns = Period.named(item.text("concerns"), entity.fiscal_year)
        except Invalid as failure:
            place = item.scalar("concerns") or item.place("concerns")
            raise at(failure, failure.code, path, place, "concerns") from None
        return Correction(
            on,
            item.text("concerns"),
            concerns.through,
            item.text("kind"),
            item.text("layer"),
            Money.parse(item.text("amount"), entity.currency),
            item.text("reason"),
            judged(item.keys("judged"), path),
            item.line,
        )

    life = found.keys("life")
    return Measurement(
        available_on=day(found, "available_on", path),
        evidence=loader.folder.evidence(found.get("evidence"), path, label),
        life=_life(loader, life, path, label) if life else None,
        estimates=told("estimates"),
        impairments=told("impairments"),
        disposals=told("disposals"),
        nrv=told("nrv"),
        corrections=tuple(
            correction(item) for item in found.items("corrections") if isinstance(item, Keys)
        ),
        method=alone("method"),
        usage=told("usage"),
        opening=alone("opening"),
        held_for_sale=told("held_for_sale"),
        lots=found.flat("lots"),
    )


def judgements(loader: Loader, asset: str, found: Keys | None, path: str) -> tuple[Judgement, ...]:
    """Every entry under `measurement` that somebody answers for or that has a day."""
    made: list[Judgement] = []
    for about, (_, value) in (found.entries if found else {}).items():
        items = value.items if isinstance(value, Items) else [value]
        for n, item in enumerate(items, 1):
            if not isinstance(item, Keys) or not (item.get("date") or item.get("judged")):
                continue
            by = judged(item.keys("judged"), path)
            said = {
                key: text
                for key, text in item.flat().items()
                if key.partition(".")[0] not in _TOLD_APART
            }
            papers = (
                *_papers(loader, item.get("evidence")),
                *_papers(loader, item.get("agreement")),
            )
            made.append(
                Judgement(
                    node("judgement", f"{asset}/{about}/{n}"),
                    about,
                    ", ".join(f"{key} {text}" for key, text in said.items()),
                    day(item, "date", path) or (by.date if by else None),
                    item.line,
                    node("party", by.by) if by else "",
                    by.date if by else None,
                    item.text("reason") or " ".join(item.words("reasons")),
                    papers,
                )
            )
    return tuple(made)


_TOLD_APART = (*("date", "judged", "reason", "reasons", "evidence", "agreement", "note"),)


def _papers(loader: Loader, value: Node | None) -> tuple[str, ...]:
    """The hashes of papers that were read already."""
    files = loader.folder.files
    found: list[str] = []
    for item in value.items if isinstance(value, Items) else [value]:
        if isinstance(item, Scalar) and item.text in files:
            found.append(files[item.text].sha256)
        elif isinstance(item, Keys) and item.text("sha256"):
            found.append(f"sha256:{item.text('sha256').removeprefix('sha256:')}")
    return tuple(found)


def _life(loader: Loader, found: Keys, path: str, label: str) -> Life:
    """A life ends with the rights that the asset stands on, the first of them."""
    ends = [day(found, "rights_until", path)]
    claims = loader.project.claims
    for item in found.items("rights"):
        if not isinstance(item, Scalar):
            continue
        claim = claims.get(item.text)
        if claim is None:
            near = nearest_or_some(item.text, claims)
            loader.folder.error("ref.claim", path, item, node=label, value=item.text, nearest=near)
        elif claim.ends_on is not None:
            ends.append(claim.ends_on - timedelta(days=1))
    return Life(
        int(found.text("months", "0")),
        found.words("reasons"),
        judged(found.keys("judged"), path),
        found.flag("indefinite"),
        min((end for end in ends if end is not None), default=None),
        found.text("renewal"),
    )
