"""What an asset file says of the decision tree, read into the memo that recognition walks by; and
what is amiss with it that only the whole project shows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from sanhua.asset.rights import inherited
from sanhua.capital.fulfil import CONDITIONS as FULFILMENT
from sanhua.capital.fulfil import Fulfilment, Outlook
from sanhua.capital.recognise import CONDITIONS, AssetCard
from sanhua.capital.tree import Agreement, Control, Judged, Memo, Purpose, Stated, Use
from sanhua.kernel.errors import Citation, Diagnostic, RuleGap, Severity
from sanhua.kernel.ids import node
from sanhua.kernel.money import Money
from sanhua.kernel.origin import Origin
from sanhua.kernel.ports import Rules
from sanhua.project.loading import day, term
from sanhua.project.measurement import judges
from sanhua.project.read import Keys, nearest_or_some

if TYPE_CHECKING:
    from sanhua.project.loading import Loader
    from sanhua.project.model import Entity, Project

DEFINITION = (
    "past_transaction",
    "controlled",
    "expected_benefit",
    "benefit_probable",
    "cost_measurable",
    "identifiable",
)
_Judge = Callable[[Keys | None, str], Judged | None]


def read_memo(loader: Loader, entity: Entity, found: Keys, path: str, judge: _Judge) -> Memo:
    """The memo of an asset file."""
    reading = _Reading(loader, entity, path, judge)
    said = found.keys("recognition") or Keys({}, 0, 0)
    definition = said.keys("definition") or Keys({}, 0, 0)
    return Memo(
        reading.stated(definition, DEFINITION),
        reading.control(said.keys("control")),
        reading.purpose(said.keys("purpose")),
        reading.agreement(said.keys("agreement")),
        found.flat("components"),
        found.text("recognise_as") == "contract_cost",
    )


def read_fulfilment(
    loader: Loader, entity: Entity, found: Keys | None, path: str, judge: _Judge
) -> Fulfilment:
    """`fulfilment:` of an asset file; its term is the deal's where it is left out."""
    if found is None:
        return Fulfilment()
    reading = _Reading(loader, entity, path, judge)
    starts, ends = term(found, path)
    deal = loader.project.deals.get(found.text("deal"))
    expected = found.text("revenue_expected")
    return Fulfilment(
        found.text("deal"),
        reading.stated(found, FULFILMENT),
        judge(found.keys("judged"), path),
        found.text("amortise", "term") == "revenue",
        starts or (deal.starts_on if deal else None),
        ends or (deal.ends_on if deal else None),
        Money.parse(expected, entity.currency) if expected else None,
        tuple(reading.test(item) for item in found.items("tests") if isinstance(item, Keys)),
        found.line,
    )


class _Reading:
    def __init__(self, loader: Loader, entity: Entity, path: str, judge: _Judge) -> None:
        self.loader, self.entity, self.path, self.judge = loader, entity, path, judge

    def stated(self, found: Keys, names: tuple[str, ...]) -> Mapping[str, Stated]:
        said: dict[str, Stated] = {}
        for name in names:
            keys = found.keys(name)
            if keys is not None:
                said[name] = Stated(
                    day(keys, "date", self.path),
                    self.loader.folder.evidence(keys.get("evidence"), self.path),
                    keys.flag("met", True),
                    found.place(name).line,
                )
        return said

    def control(self, found: Keys | None) -> Control | None:
        if found is None:
            return None
        starts, ends = term(found, self.path)
        grants = self.loader.project.grants
        grant = grants.get(found.text("grant"))
        if grant is not None:
            whole = inherited(grants, grant)
            starts, ends = starts or whole.starts_on, ends or whole.ends_on
        return Control(
            found.flag("benefits") if "benefits" in found else None,
            found.flag("excludes") if "excludes" in found else None,
            found.text("grant"),
            starts,
            ends,
            self.loader.folder.evidence(found.get("evidence"), self.path)
            or (grant.evidence if grant else ()),
            self.judge(found.keys("judged"), self.path),
            found.line,
        )

    def purpose(self, found: Keys | None) -> Purpose | None:
        if found is None:
            return None
        return Purpose(
            found.text("holding"),
            found.text("formation"),
            found.text("business_model"),
            found.text("consumption"),
            self.loader.folder.evidence(found.get("evidence"), self.path),
            self.judge(found.keys("judged"), self.path),
            found.line,
        )

    def agreement(self, found: Keys | None) -> Agreement | None:
        if found is None:
            return None
        on = day(found, "date", self.path)
        assert on is not None  # required by the schema
        return Agreement(
            found.text("by"),
            Money.parse(found.text("amount"), self.entity.currency),
            on,
            self.loader.folder.evidence(found.get("evidence"), self.path),
            self.judge(found.keys("judged"), self.path),
            found.line,
        )

    def test(self, found: Keys) -> Outlook:
        on = day(found, "date", self.path)
        assert on is not None  # required by the schema
        self.loader.folder.evidence(found.get("evidence"), self.path)
        return Outlook(
            on,
            Money.parse(found.text("remaining"), self.entity.currency),
            Money.parse(found.text("to_incur", "0.00"), self.entity.currency),
            self.judge(found.keys("judged"), self.path),
            found.line,
        )


# What the whole project shows


def recognition_faults(project: Project, rules: Rules, on: date) -> Iterator[Diagnostic]:
    """What is amiss with the asset files on a day: people, papers, references, licences."""
    for card in project.assets.values():
        yield from _People(project, card, on).faults()
        yield from _papers(card)
        yield from _references(project, card)
        yield from _licensed(project, rules, card, on)


def _told(
    card: AssetCard,
    severity: Severity,
    code: str,
    line: int = 0,
    rule: Citation | None = None,
    **facts: Any,
) -> Diagnostic:
    at = card.origin.path, line or card.origin.line, 1, node("asset", card.id), rule
    return Diagnostic(severity, code, *at, {"asset": card.id, **facts})


class _People:
    """Who judged, and when: a person with the role finance, of the entity or a parent of it, not in
    time to come.
    """

    def __init__(self, project: Project, card: AssetCard, on: date) -> None:
        self.project, self.card, self.on = project, card, on
        parents = {entity.id: entity.parent for entity in project.settings.entities}
        self.ours: list[str] = []
        at = card.entity
        while at and at not in self.ours:
            self.ours.append(at)
            at = parents.get(at, "")

    def faults(self) -> Iterator[Diagnostic]:
        memo, card = self.card.memo, self.card
        own = [part for part in (memo.control, memo.purpose, memo.agreement) if part is not None]
        for part in (*own, card.fulfilment, *card.fulfilment.tests):
            yield from self._of(part.judged, part.line)
        yield from self._of(card.judged, self._line("recognition", "judged", "by"))
        for path, judged in judges(card.measurement):
            yield from self._of(judged, self._line("measurement", *path, "judged", "by"))
            if judged is None:
                line = self._line("measurement", *path)
                yield _told(card, Severity.WARNING, "measure.fact-not-judged", line, what=path[0])

    def _line(self, *path: str) -> int:
        """Where a key of the card stands, or what holds it; 0 for what is not written."""
        whole = (node("asset", self.card.id), *path)
        ways = ("/".join(whole[:length]) for length in range(len(whole), 1, -1))
        return next((at.line for way in ways if (at := self.project.places.get(way))), 0)

    def _of(self, judged: Judged | None, line: int) -> Iterator[Diagnostic]:
        if judged is None:
            return
        card, party = self.card, self.project.parties.get(judged.by)
        if judged.date > self.on:
            said: dict[str, Any] = {"date": judged.date.isoformat(), "day": self.on.isoformat()}
            yield _told(card, Severity.ERROR, "asset.judged-ahead", line, **said)
        if party is None:
            near = nearest_or_some(judged.by, self.project.parties)
            yield _told(card, Severity.ERROR, "ref.party", line, value=judged.by, nearest=near)
            return
        if "finance" not in party.roles:
            yield _told(card, Severity.ERROR, "asset.judged-role", line, party=judged.by)
        if not party.person:
            yield _told(card, Severity.WARNING, "asset.judged-person", line, party=judged.by)
        of = party.of.removeprefix("party:")
        if party.person and of and of not in self.ours:
            said: dict[str, Any] = {"party": judged.by, "of": of, "entity": card.entity}
            yield _told(card, Severity.WARNING, "asset.judged-outside", line, **said)


def _papers(card: AssetCard) -> Iterator[Diagnostic]:
    """One paper for all five conditions shows none of them apart."""
    papers = {
        tuple(paper.sha256 for paper in condition.evidence)
        for condition in card.conditions.values()
    }
    whole = len(card.conditions) == len(CONDITIONS) and len(papers) == 1
    if whole and len(next(iter(papers))) == 1:
        first = next(iter(card.conditions.values()))
        paper = first.evidence[0].path or first.evidence[0].title
        yield _told(card, Severity.WARNING, "recognise.one-paper", first.line, paper=paper)


def _references(project: Project, card: AssetCard) -> Iterator[Diagnostic]:
    control, deal = card.memo.control, card.fulfilment.deal
    wanted: list[tuple[str, str, Collection[str], int]] = []
    if control is not None and control.grant:
        wanted.append(("grant", control.grant, project.grants, control.line))
    if deal:
        wanted.append(("deal", deal, project.deals, card.fulfilment.line))
    for kind, name, known, line in wanted:
        if name not in known and not project.unread & {f"{kind}:{name}", f"{kind}:*"}:
            near = nearest_or_some(name, known)
            yield _told(card, Severity.ERROR, f"ref.{kind}", line, value=name, nearest=near)
    numbers = {
        v.number for v in project.vouchers.values() if v.entity == node("party", card.entity)
    }
    for number in card.memo.components:
        if number not in numbers and not any(u.startswith("voucher:") for u in project.unread):
            near = nearest_or_some(number, numbers)
            yield _told(card, Severity.ERROR, "ref.voucher", 0, value=number, nearest=near)
    if card.memo.contract_cost and card.use is not Use.SERVE_CUSTOMERS:
        said: dict[str, Any] = {
            "key": "recognise_as: contract_cost",
            "wanted": "use: serve_customers",
        }
        yield _told(card, Severity.ERROR, "asset.key-misplaced", 0, **said)
    if card.fulfilment.line and not card.memo.contract_cost:
        said: dict[str, Any] = {"key": "fulfilment", "wanted": "recognise_as: contract_cost"}
        yield _told(card, Severity.ERROR, "asset.key-misplaced", card.fulfilment.line, **said)


def _licensed(project: Project, rules: Rules, card: AssetCard, on: date) -> Iterator[Diagnostic]:
    """A deal grants use for a term and transfers no control: what it licenses is not sold."""
    if card.use is not Use.SALE:
        return
    try:
        rule = rules.ask("mof_2023_11", "licence_is_sale", on=on)
    except RuleGap:
        return
    if rule.value:
        return
    lent = [
        deal.id
        for deal in project.deals.values()
        if deal.product in card.products and deal.ends_on - deal.starts_on > timedelta()
    ]
    if lent:
        of = "deal:" + ", ".join(lent)
        place = project.places.get(f"{node('asset', card.id)}/use", Origin(card.origin.path, 0))
        yield _told(
            card,
            Severity.WARNING,
            "recognise.licence-is-no-sale",
            place.line,
            rule.citation,
            of=of,
        )
