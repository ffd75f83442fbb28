"""Show: records as HTML. Templates with escaping always on; words, numbers and links for them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import cache
from itertools import groupby
from typing import Any
from unicodedata import east_asian_width
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined

from sanhua.asset.price import Plan, PriceStep
from sanhua.kernel import ids
from sanhua.kernel.errors import Diagnostic
from sanhua.kernel.money import Money
from sanhua.kernel.text import Text
from sanhua.kernel.time import SHANGHAI
from sanhua.project.model import Project
from sanhua.report import chart
from sanhua.report.quality import charts
from sanhua.resource.arrival import Freshness
from sanhua.resource.grade import Grade
from sanhua.web import words
from sanhua.web.picture import draw
from sanhua.workspace.browsing import Neighbour, Opened, Overview
from sanhua.workspace.leafing import Listed, ShownAsset, ShownDisclosure, ShownPage

LANGUAGES = ("zh", "en")
WARNINGS_MAX = 8  # on the first page
LISTED_MAX = 50  # rows of a list on the first page
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Here:
    """The page that is shown: its path, its language, and whether the link said the language."""

    path: str
    language: str
    said: bool

    def to(self, path: str, **query: Any) -> str:
        """A link within the portal that keeps the language."""
        asked = {name: value for name, value in query.items() if value}
        if self.said:
            asked["lang"] = self.language
        return path + (f"?{urlencode(asked)}" if asked else "")

    def other(self) -> tuple[str, str]:
        """The other language and the link to it."""
        other = "en" if self.language == "zh" else "zh"
        return other, f"{self.path}?lang={other}"


def node_path(node: str) -> str:
    """The page of a node. Slashes stay readable unless a browser would fold them."""
    folds = any(part in ("", ".", "..") for part in node.split("/"))
    return "/explain/" + quote(node, safe=":@" if folds else "/:@")


class Shower:
    """Templates and filters, made once."""

    def __init__(self, static: Mapping[str, str]) -> None:
        self._environment = Environment(
            loader=PackageLoader("sanhua.web"),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals["static"] = static
        self._environment.filters |= {
            "short": short,
            "amount": amount,
            "cut": cut,
            "shell": shlex.quote,
        }
        self._templates = {
            name: self._environment.get_template(f"{name}.html")
            for name in (
                *("asset", "disclosure", "disclosures", "freshness", "home", "node", "plain"),
                "quality",
            )
        }

    def home(self, overview: Overview, here: Here) -> bytes:
        language = here.language
        return self._page(
            "home",
            here,
            o=overview,
            title=overview.title,
            picture=draw(overview.flow),
            plan=lambda plan: plan_text(plan, language),
            grade=lambda grade: grade.title.say(language),
            found=overview.found[:WARNINGS_MAX],
            found_more=len(overview.found) - WARNINGS_MAX,
            listed=LISTED_MAX,
            box_label={
                box.node: box.label.say(language) or said("more_rest", language, n=box.more)
                for _, boxes in overview.flow.columns
                for box in boxes
            },
        )

    def freshness(self, found: Sequence[Freshness], title: Text, here: Here) -> bytes:
        """How every source keeps to its cadence."""
        language = here.language

        def counts(one: Freshness) -> list[tuple[str, str]]:
            share = "—" if one.share is None else f"{one.share:.2%}"
            rows = [
                ("fresh_expected", one.expected),
                ("fresh_on_time", one.on_time),
                ("fresh_late", one.late),
                ("fresh_missing", one.missing),
                ("fresh_repeated", one.repeated),
                ("fresh_corrected", one.corrected),
                ("fresh_unreadable", one.unreadable),
                ("fresh_out_of_order", one.out_of_order),
            ]
            shown = [(name, f"{count:,}") for name, count in rows]
            return [*shown, ("fresh_share", f"{share} / {one.objective:.0%}")]

        return self._page(
            "freshness",
            here,
            title=title,
            found=found,
            counts=counts,
            state_of=lambda one: words.PAGE[f"fresh_{one.state}_state"].say(language),
            listed=LISTED_MAX,
        )

    def node(self, opened: Opened, title: Text, offsets: Mapping[str, int], here: Here) -> bytes:
        language = here.language
        shown = opened.shown
        said = {"id", "kind", "event", "within", "label", "title", "name", "calls"}
        if isinstance(shown.get("at"), dict):  # a place, else the moment of a call
            said.add("at")
        if shown.get("value", opened.value) == opened.value:
            said |= {"value", "unit"}
        facts = [
            (_word(words.FACTS, name, language), _plain(value, language))
            for name, value in {**shown, **opened.facts}.items()
            if name not in said and value != opened.node
        ]
        counted = [Decimal(n.counted) for n in opened.causes if n.counted]
        whole = opened.additive and counted and not offsets["out"] and "out" not in opened.more
        total = sum(counted, Decimal()) if whole else None
        if total is not None and total != Decimal(opened.value):
            total = None  # a verifier says so; this page only does not claim it
        return self._page(
            "node",
            here,
            n=opened,
            title=title,
            heading=_label(opened.label, language) or short(opened.node),
            facts=facts,
            at=at if isinstance(at := shown.get("at"), dict) else None,
            groups=_groups(opened.causes, 0, language),
            total=total,
            total_at=next((n.verb for n in reversed(opened.causes) if n.counted), ""),
            back=_groups(opened.used_by, 1, language),
            offsets=offsets,
            tag=lambda tag: words.TAGS[tag].say(language) if tag in words.TAGS else tag,
        )

    def quality(self, said: Mapping[str, Any], title: Text, here: Here) -> bytes:
        """The quality of one resource: what `report.quality.content` says."""
        drawn = {name: _in_portal(svg) for name, svg in charts(said).items()}
        return self._page("quality", here, r=said, title=title, charts=drawn, listed=LISTED_MAX)

    def disclosures(
        self,
        notes: Sequence[Listed],
        assets: Sequence[ShownAsset],
        count: int,
        after: int,
        title: Text,
        here: Here,
    ) -> bytes:
        """Every disclosure, and a page of the assets."""
        shown = {"notes": notes, "assets": assets, "count": count, "after": after}
        return self._page("disclosures", here, title=title, money=money, listed=LISTED_MAX, **shown)

    def disclosure(self, shown: ShownDisclosure, title: Text, here: Here) -> bytes:
        """What was shown for a period: each cell leads to what it stands on."""

        def through(note: Any) -> str:
            return (note.ends_on - timedelta(days=1)).isoformat()

        return self._page("disclosure", here, d=shown, title=title, money=money, through=through)

    def asset(self, shown: ShownPage, after: int, title: Text, here: Here) -> bytes:
        """The memo of an asset: verdicts, conditions, judgements, movements, entries."""
        language = here.language

        def debit(entry: Any) -> str:
            return Money.of_fen(sum(max(line.amount, 0) for line in entry.lines)).text

        return self._page(
            "asset",
            here,
            a=shown,
            title=title,
            after=after,
            debit=debit,
            word=lambda name: _word(words.BOOKS, str(name), language),
        )

    def never_run(self, project: Project, here: Here) -> bytes:
        return self._page("plain", here, title=project.settings.title, kind="never_run", shown=True)

    def problem(self, found: Diagnostic, status: int, here: Here, shown: bool) -> bytes:
        """`shown` is whether there are pages to go to."""
        return self._page(
            "plain", here, title=None, kind="problem", found=found, status=status, shown=shown
        )

    def _page(self, template: str, here: Here, **values: Any) -> bytes:
        language = here.language
        text = self._templates[template].render(
            here=here,
            lang=language,
            t=_texts(language),
            say=lambda text: _label(text, language),
            said=lambda name, **facts: said(name, language, **facts),
            kind_of=lambda kind: _word(words.KINDS, kind, language),
            unit=lambda unit: _word(words.UNITS, unit, language),
            state=lambda state: _word(words.STATES, state, language),
            form=lambda form: _word(words.FORMS, form, language),
            role=lambda role: _word(words.ROLES, role, language),
            severity=lambda name: _word(words.SEVERITIES, name, language),
            moment=moment,
            day=lambda day: day.isoformat(),
            key=ids.key_of,
            to_node=lambda node, **query: here.to(node_path(node), **query),
            worth=lambda value, unit: worth(value, unit, language),
            **values,
        )
        return text.encode()


def _in_portal(svg: str) -> str:
    """A chart in the colours of the page, which may be dark."""
    named = ((chart.INK, "--ink"), (chart.QUIET, "--quiet"), (chart.LINE, "--line"))
    for colour, name in (*named, (chart.FILL, "--resource-bar"), (chart.BAD, "--bad")):
        svg = svg.replace(f'"{colour}"', f'"var({name})"')
    return svg


@cache
def _texts(language: str) -> dict[str, str]:
    return {name: text.say(language) for name, text in words.PAGE.items()}


def said(name: str, language: str, **facts: Any) -> str:
    return words.PAGE[name].say(language).format(**facts)


def _word(known: Mapping[str, Text], name: str, language: str) -> str:
    return known[name].say(language) if name in known else name.replace("_", " ")


def _label(value: Any, language: str) -> str:
    """A text, or a map of languages, in one language."""
    if isinstance(value, Text):
        return value.say(language)
    if isinstance(value, dict):
        return Text(str(value.get("zh") or ""), str(value.get("en") or "")).say(language)
    return str(value or "")


def _plain(value: Any, language: str) -> str:
    if isinstance(value, bool):
        return {"zh": ("否", "是"), "en": ("no", "yes")}[language][value]
    if isinstance(value, dict):
        if value.keys() == {"amount", "currency"}:
            return worth(value["amount"], value["currency"], language)
        if value.keys() <= {"zh", "en"}:
            return _label(value, language)
        return ", ".join(f"{key} {_plain(item, language)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(_plain(item, language) for item in value)
    if isinstance(value, int):
        return amount(value)
    text = str(value)  # a code of digits is no number
    return worth(text, "word", language)


@dataclass(frozen=True, slots=True)
class Group:
    """The neighbours by one edge, in words."""

    verb: str
    name: str
    items: tuple[Neighbour, ...]


def _groups(found: tuple[Neighbour, ...], side: int, language: str) -> list[Group]:
    order = {verb: at for at, verb in enumerate(dict.fromkeys(n.verb for n in found))}
    by_verb = groupby(sorted(found, key=lambda n: order[n.verb]), key=lambda n: n.verb)
    return [
        Group(
            verb,
            words.VERBS[verb][side].say(language)
            if verb in words.VERBS
            else verb.replace("_", " "),
            tuple(items),
        )
        for verb, items in by_verb
    ]


# Numbers, moments, ids


def money(value: Decimal) -> str:
    """An amount with separators; nothing is a dash."""
    return f"{value:,.2f}" if value else "–"


def amount(value: Any) -> str:
    """With separators; what is no number stays as it is."""
    text = str(value)
    if re.fullmatch(r"-?[1-9][0-9]{3,}(\.[0-9]+)?", text):
        try:
            return f"{Decimal(text):,}"
        except InvalidOperation:
            return text
    return text


def worth(value: Any, unit: str, language: str) -> str:
    """A value with its unit, as people write it."""
    if unit == "word":
        if value in words.STATES:
            return words.STATES[value].say(language)
        try:
            return Grade(value).title.say(language)
        except ValueError:
            return str(value)
    word = _word(words.UNITS, unit, language) if unit else ""
    if unit.isupper() and "." not in str(value):
        value = f"{value}.00"  # money
    return f"{amount(value)} {word}".strip()


def moment(text: str) -> str:
    """A moment of the log on the clock of Shanghai, to the second."""
    return datetime.fromisoformat(text).astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S +08:00")


def short(node: str) -> str:
    """An id with its hashes cut in the middle, without control characters."""
    return re.sub(r"([0-9a-f]{8})[0-9a-f]{18,}([0-9a-f]{6})", r"\1…\2", _CONTROL.sub("·", node))


def cut(text: str, width: int) -> str:
    """What fits into `width` pixels of the picture's small type (a Chinese character is 12)."""
    room = float(width)
    for at, char in enumerate(text):
        room -= 12.2 if east_asian_width(char) in "WF" else 6.6
        if room < 0:
            return text[: max(1, at - 1)] + "…"
    return text


def plain_digits(money: Money) -> str:
    """Every digit: a price may be finer than a fen."""
    return format(money.amount, "f")


def plan_text(plan: Plan, language: str) -> str:
    """A price plan in a line."""
    zh = language == "zh"
    spans = {"month": ("月", "month"), "quarter": ("季", "quarter"), "year": ("年", "year")}
    units = {"call": ("次", "call"), "row": ("行", "row"), "mb": ("MB", "MB")}

    def per(name: str, known: Mapping[str, tuple[str, str]]) -> str:
        return known.get(name, (name, name))[not zh]

    def price(steps: tuple[PriceStep, ...]) -> str:
        text = amount(plain_digits(steps[0].price))
        return text if len(steps) == 1 else f"{text}–{amount(plain_digits(steps[-1].price))}"

    parts: list[str] = []
    if plan.free:
        parts.append(
            ("免费试用" if zh else "free trial") if plan.trial else ("免费" if zh else "free")
        )
    if plan.once:
        parts.append(f"{'一次' if zh else 'once'} {amount(plain_digits(plan.once))}")
    parts += [f"{amount(plain_digits(fee))}/{per(name, spans)}" for name, fee in plan.fee.items()]
    parts += [f"{price(steps)}/{per(name, units)}" for name, steps in plan.per.items() if steps]
    if plan.revenue_share:
        parts.append("收入分成" if zh else "revenue share")
    if plan.negotiated:
        parts.append("面议" if zh else "negotiated")
    if plan.trial and not plan.free:
        parts.append("试用" if zh else "trial")
    return " + ".join(parts) or "—"
