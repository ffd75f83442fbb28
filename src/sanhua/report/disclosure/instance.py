"""The disclosure as XBRL 2.1: an extension taxonomy of our own, and an instance of it.

It is no filing: the Ministry's 企业会计准则通用分类标准 is not at hand here, so that its names are
not used and nothing claims them. The taxonomy has the balance-sheet lines and the rows of tables A
and B, with the route as a dimension whose default is the total; what adds up within one context is
in the calculation linkbase. A balance is one concept with two instants, its opening and closing.

    sanhua-data-resources.xsd      concepts, dimension, roles
    …-label-zh.xml, …-label-en.xml names, with the clause as documentation
    …-presentation.xml, …-calculation.xml, …-definition.xml
    <stem>.xbrl                    the instance: every fact is a figure, its id names it
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from xml.sax.saxutils import escape, quoteattr

from sanhua.capital.disclose import Disclosure, Row, Table
from sanhua.kernel.money import Money
from sanhua.kernel.text import Text
from sanhua.report.disclosure.content import Issue

STEM = "sanhua-data-resources"
NAMESPACE = "urn:sanhua:ns:xbrl:data-resources:2024-01-01"
SCHEMES = {"uscc": "urn:sanhua:ns:scheme:uscc", "party": "urn:sanhua:ns:scheme:party"}
_ROLE = "urn:sanhua:ns:xbrl:role:"
_STANDARD = "http://www.xbrl.org/2003/role/"
_ARC = "http://www.xbrl.org/2003/arcrole/"
_DIMENSION = "http://xbrl.org/int/dim/arcrole/"
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_LINKBASE = (
    f'{_HEAD}<link:linkbase xmlns:link="http://www.xbrl.org/2003/linkbase" '
    'xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    ' xmlns:xbrldt="http://xbrl.org/2005/xbrldt" xsi:schemaLocation="http://www.xbrl.org/2003/linkbase'
    ' http://www.xbrl.org/2003/xbrl-linkbase-2003-12-31.xsd">\n'
)
_REF = "http://www.w3.org/1999/xlink/properties/linkbase"
_LINKBASES = {  # file → the role of its reference
    "label-zh": "http://www.xbrl.org/2003/role/labelLinkbaseRef",
    "label-en": "http://www.xbrl.org/2003/role/labelLinkbaseRef",
    "presentation": "http://www.xbrl.org/2003/role/presentationLinkbaseRef",
    "calculation": "http://www.xbrl.org/2003/role/calculationLinkbaseRef",
    "definition": "http://www.xbrl.org/2003/role/definitionLinkbaseRef",
}
_ROUTES = ("purchased", "self_developed", "other")
_CREDIT = ("amortisation", "impairment", "write_down")  # layers that reduce what is carried


@dataclass(frozen=True, slots=True)
class _Concept:
    """An element of the taxonomy. `balance` empty: an abstract one, without facts."""

    name: str
    label: Text
    instant: bool = False
    balance: str = ""
    starts: Text = Text()  # labels of a balance at either end
    ends: Text = Text()
    told: Text = Text()


@dataclass(frozen=True, slots=True)
class _Shown:
    """A line of a presentation: concept, depth, and which label."""

    name: str
    depth: int
    role: str = ""


@dataclass(slots=True)
class _Taxonomy:
    concepts: dict[str, _Concept] = field(default_factory=dict[str, _Concept])
    shown: dict[str, list[_Shown]] = field(default_factory=dict[str, list[_Shown]])
    sums: dict[str, list[tuple[str, str, int]]] = field(
        default_factory=dict[str, list[tuple[str, str, int]]]
    )  # role → (whole, part, weight)

    def add(self, concept: _Concept) -> str:
        self.concepts.setdefault(concept.name, concept)
        return concept.name


@dataclass(frozen=True, slots=True)
class _Fact:
    figure: str
    concept: str
    starts_on: date | None  # None: an instant
    day: date  # the instant, or the last day
    route: str
    amount: Money


def package(shown: Disclosure, issue: Issue | None = None) -> dict[str, bytes]:
    """The files by name; the same disclosure gives the same bytes."""
    taxonomy = _taxonomy(shown)
    files = {f"{STEM}.xsd": _schema(taxonomy)}
    for language in ("zh", "en"):
        files[f"{STEM}-label-{language}.xml"] = _labels(taxonomy, language)
    files[f"{STEM}-presentation.xml"] = _presentation(taxonomy)
    files[f"{STEM}-calculation.xml"] = _calculation(taxonomy)
    files[f"{STEM}-definition.xml"] = _definition(taxonomy)
    files[f"{shown.stem}.xbrl"] = _instance(shown, issue or Issue())
    return {name: text.encode() for name, text in files.items()}


# Concepts


def _pascal(words: str) -> str:
    return "".join(part.capitalize() for part in words.replace(".", "_").split("_"))


def _name(table: str, row: Row) -> str:
    """A row's concept: opening and closing of a layer are one."""
    what = row.id.removesuffix(".opening").removesuffix(".closing")
    return f"Table{table}{_pascal(what)}" + ("Balance" if what != row.id else "")


def _taxonomy(shown: Disclosure) -> _Taxonomy:
    made = _Taxonomy()
    cited = {(one.number, one.clause): one.tag for one in shown.cited}
    told = "；".join(f"{number} {clause} [{tag}]" for (number, clause), tag in cited.items()
                    if "11号" in number)  # fmt: skip
    lines: list[_Shown] = []
    root = made.add(_Concept("BalanceSheetAbstract", Text("资产负债表列示", "Balance sheet")))
    lines.append(_Shown(root, 0))
    for line in shown.lines:
        whole = _Concept(_pascal(line.id), line.label, True, "debit")
        part = _Concept(
            f"{_pascal(line.id)}OfWhichDataResources",
            Text(line.sub_label.zh, line.sub_label.en),
            *(True, "debit"),
            told=Text(told, told),
        )
        lines += [_Shown(made.add(whole), 1), _Shown(made.add(part), 2)]
    made.shown["balance-sheet"] = lines
    for table in shown.tables.values():
        _of_table(made, table, told)
    made.add(_Concept("RouteTable", Text("取得方式表", "Route table")))
    made.add(_Concept("RouteAxis", Text("取得方式", "Route")))
    made.add(_Concept("RouteDomain", Text("合计", "Total")))
    for route, label in zip(
        _ROUTES,
        (Text("外购", "Purchased"), Text("自行开发或加工", "Self-developed or processed"),
         Text("其他方式取得", "Otherwise obtained")), strict=True,
    ):  # fmt: skip
        made.add(_Concept(f"{_pascal(route)}Member", label))
    return made


def _of_table(made: _Taxonomy, table: Table, told: str) -> None:
    role = f"table-{table.id.lower()}"
    what = {"A": ("无形资产", "intangible assets"), "B": ("存货", "inventories")}[table.id]
    title = Text(
        f"表{table.id} 确认为{what[0]}的数据资源", f"Table {table.id}: data resources, {what[1]}"
    )
    made.add(_Concept(f"Table{table.id}Abstract", title))
    shown, sums = [_Shown(f"Table{table.id}Abstract", 0)], made.sums.setdefault(role, [])
    ends = {row.id: row for row in table.rows if row.id.endswith((".opening", ".closing"))}
    for row in table.rows:
        depth = 1 if row.heading else 3 if row.part_of else 2
        head = next((r.label for r in table.rows if r.heading and r.layer == row.layer), row.label)
        label = Text(
            f"表{table.id} {head.zh.partition('、')[2] or head.zh} {row.label.zh}",
            f"Table {table.id}, {head.en.partition('. ')[2] or head.en}: {row.label.en}",
        )
        if row.heading:
            name = f"Table{table.id}{_pascal(row.id)}Abstract"
            shown.append(_Shown(made.add(_Concept(name, label)), depth))
            continue
        name = _name(table.id, row)
        credit = row.layer in _CREDIT
        if row.id in ends:
            starts, closes = ends[f"{row.layer}.opening"], ends[f"{row.layer}.closing"]
            label = Text(label.zh.removesuffix(row.label.zh) + "余额",
                         label.en.removesuffix(row.label.en) + "balance")  # fmt: skip
            concept = _Concept(
                *(name, label, True, "credit" if credit else "debit"),
                *(starts.label, closes.label, Text(told, told)),
            )
            which = "periodStartLabel" if row.id.endswith("opening") else "periodEndLabel"
            shown.append(_Shown(made.add(concept), depth, _STANDARD + which))
            continue
        if ".decrease" in row.id:
            credit = not credit
        balance = "credit" if credit else "debit"
        shown.append(_Shown(made.add(_Concept(name, label, False, balance)), depth))
        if row.part_of:
            whole = next(r for r in table.rows if r.id == row.part_of)
            sums.append((_name(table.id, whole), name, 1))
    layers = list(dict.fromkeys(row.layer for row in table.rows if row.layer != "carrying"))
    carried = f"Table{table.id}CarryingBalance"
    sums += [
        (carried, f"Table{table.id}{_pascal(layer)}Balance", -1 if layer in _CREDIT else 1)
        for layer in layers
    ]
    made.shown[role] = shown


# Taxonomy


def _schema(taxonomy: _Taxonomy) -> str:
    roles = "".join(
        f'<link:roleType roleURI="{_ROLE}{role}" id="{role}"><link:definition>{role}'
        "</link:definition><link:usedOn>link:presentationLink</link:usedOn>"
        "<link:usedOn>link:calculationLink</link:usedOn>"
        "<link:usedOn>link:definitionLink</link:usedOn></link:roleType>\n"
        for role in taxonomy.shown
    )
    refs = "".join(
        f'<link:linkbaseRef xlink:type="simple" xlink:href="{STEM}-{name}.xml" '
        f'xlink:role="{role}" xlink:arcrole="{_REF}"/>\n'
        for name, role in _LINKBASES.items()
    )
    elements = "".join(map(_element, taxonomy.concepts.values()))
    return (
        f'{_HEAD}<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" '
        'xmlns:xbrli="http://www.xbrl.org/2003/instance" '
        'xmlns:link="http://www.xbrl.org/2003/linkbase" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'xmlns:xbrldt="http://xbrl.org/2005/xbrldt" xmlns:sdr="{NAMESPACE}" '
        f'targetNamespace="{NAMESPACE}" elementFormDefault="qualified" '
        'attributeFormDefault="unqualified">\n'
        f"<xs:annotation><xs:appinfo>\n{roles}{refs}</xs:appinfo></xs:annotation>\n"
        '<xs:import namespace="http://www.xbrl.org/2003/instance" '
        'schemaLocation="http://www.xbrl.org/2003/xbrl-instance-2003-12-31.xsd"/>\n'
        '<xs:import namespace="http://xbrl.org/2005/xbrldt" '
        'schemaLocation="http://www.xbrl.org/2005/xbrldt-2005.xsd"/>\n'
        f"{elements}</xs:schema>\n"
    )


def _element(concept: _Concept) -> str:
    groups = {"RouteTable": "xbrldt:hypercubeItem", "RouteAxis": "xbrldt:dimensionItem"}
    group = groups.get(concept.name, "xbrli:item")
    kind, abstract, balance = "xbrli:monetaryItemType", "false", ""
    if not concept.balance:
        kind, abstract = "xbrli:stringItemType", "true"
        if concept.name.endswith(("Member", "Domain")):
            abstract = "true"
    else:
        balance = f' xbrli:balance="{concept.balance}"'
    period = "instant" if concept.instant else "duration"
    return (
        f'<xs:element name="{concept.name}" id="sdr_{concept.name}" type="{kind}" '
        f'substitutionGroup="{group}" abstract="{abstract}" nillable="true" '
        f'xbrli:periodType="{period}"{balance}/>\n'
    )


def _locators(names: Iterable[str]) -> str:
    """One for each name; what follows `@` tells two of one concept apart."""
    return "".join(
        f'<link:loc xlink:type="locator" xlink:href="{STEM}.xsd#sdr_{name.partition("@")[0]}" '
        f'xlink:label="{_label(name)}"/>\n'
        for name in dict.fromkeys(names)
    )


def _label(name: str) -> str:
    return name.replace("@", "_")


def _labels(taxonomy: _Taxonomy, language: str) -> str:
    said: list[str] = []
    spoken = {"zh": "zh-CN", "en": "en"}[language]
    for concept in taxonomy.concepts.values():
        labels = {
            "label": concept.label,
            "periodStartLabel": concept.starts,
            "periodEndLabel": concept.ends,
            "documentation": concept.told,
        }
        for role, text in labels.items():
            if text:
                said.append(
                    f'<link:label xlink:type="resource" xlink:label="label_{concept.name}" '
                    f'xlink:role="{_STANDARD}{role}" xml:lang="{spoken}">'
                    f"{escape(text.say(language))}</link:label>\n"
                )
        said.append(
            f'<link:labelArc xlink:type="arc" xlink:arcrole="{_ARC}concept-label" '
            f'xlink:from="{concept.name}" xlink:to="label_{concept.name}"/>\n'
        )
    link = '<link:labelLink xlink:type="extended" xlink:role="http://www.xbrl.org/2003/role/link">'
    return (
        f"{_LINKBASE}{link}\n{_locators(taxonomy.concepts)}{''.join(said)}"
        "</link:labelLink>\n</link:linkbase>\n"
    )


def _roles(taxonomy: _Taxonomy, roles: Iterable[str]) -> str:
    return "".join(
        f'<link:roleRef roleURI="{_ROLE}{role}" xlink:type="simple" '
        f'xlink:href="{STEM}.xsd#{role}"/>\n'
        for role in roles
    )


def _presentation(taxonomy: _Taxonomy) -> str:
    links: list[str] = []
    for role, shown in taxonomy.shown.items():
        arcs: list[str] = []
        above: list[str] = []
        places = [f"{one.name}@{place}" for place, one in enumerate(shown)]
        for order, (one, place) in enumerate(zip(shown, places, strict=True), 1):
            del above[one.depth :]
            if above:
                label = f' preferredLabel="{one.role}"' if one.role else ""
                arcs.append(
                    f'<link:presentationArc xlink:type="arc" xlink:arcrole="{_ARC}parent-child" '
                    f'xlink:from="{_label(above[-1])}" xlink:to="{_label(place)}" '
                    f'order="{order}"{label}/>\n'
                )
            above.append(place)
        links.append(
            f'<link:presentationLink xlink:type="extended" xlink:role="{_ROLE}{role}">\n'
            f"{_locators(places)}{''.join(arcs)}</link:presentationLink>\n"
        )
    return f"{_LINKBASE}{_roles(taxonomy, taxonomy.shown)}{''.join(links)}</link:linkbase>\n"


def _calculation(taxonomy: _Taxonomy) -> str:
    links: list[str] = []
    for role, sums in taxonomy.sums.items():
        arcs = "".join(
            f'<link:calculationArc xlink:type="arc" xlink:arcrole="{_ARC}summation-item" '
            f'xlink:from="{whole}" xlink:to="{part}" order="{order}" weight="{weight}"/>\n'
            for order, (whole, part, weight) in enumerate(sums, 1)
        )
        names = [name for whole, part, _ in sums for name in (whole, part)]
        links.append(
            f'<link:calculationLink xlink:type="extended" xlink:role="{_ROLE}{role}">\n'
            f"{_locators(names)}{arcs}</link:calculationLink>\n"
        )
    return f"{_LINKBASE}{_roles(taxonomy, taxonomy.sums)}{''.join(links)}</link:linkbase>\n"


def _definition(taxonomy: _Taxonomy) -> str:
    """Every amount of the tables stands in a hypercube whose one dimension is the route."""
    arcroles = "".join(
        f'<link:arcroleRef arcroleURI="{_DIMENSION}{name}" xlink:type="simple" '
        f'xlink:href="http://www.xbrl.org/2005/xbrldt-2005.xsd#{name}"/>\n'
        for name in (
            *("all", "hypercube-dimension", "dimension-domain"),
            *("domain-member", "dimension-default"),
        )
    )
    members = [f"{_pascal(route)}Member" for route in _ROUTES]
    links: list[str] = []
    tables = [role for role in taxonomy.shown if role.startswith("table")]
    for role in tables:
        shown = taxonomy.shown[role]
        amounts = [one.name for one in shown if taxonomy.concepts[one.name].balance]
        root = shown[0].name
        arcs = [
            ("all", root, "RouteTable", ' xbrldt:contextElement="segment" xbrldt:closed="true"'),
            ("hypercube-dimension", "RouteTable", "RouteAxis", ""),
            ("dimension-domain", "RouteAxis", "RouteDomain", ""),
            *(("domain-member", "RouteDomain", member, "") for member in members),
            *(("domain-member", root, name, "") for name in dict.fromkeys(amounts)),
        ]
        if role == tables[0]:  # a dimension has one default, for all of the taxonomy
            arcs.append(("dimension-default", "RouteAxis@default", "RouteDomain@default", ""))
        said = "".join(
            f'<link:definitionArc xlink:type="arc" xlink:arcrole="{_DIMENSION}{name}" '
            f'xlink:from="{_label(whole)}" xlink:to="{_label(part)}" order="{order}"{rest}/>\n'
            for order, (name, whole, part, rest) in enumerate(arcs, 1)
        )
        names = [name for _, whole, part, _ in arcs for name in (whole, part)]
        links.append(
            f'<link:definitionLink xlink:type="extended" xlink:role="{_ROLE}{role}">\n'
            f"{_locators(names)}{said}</link:definitionLink>\n"
        )
    return f"{_LINKBASE}{_roles(taxonomy, tables)}{arcroles}{''.join(links)}</link:linkbase>\n"


# Instance


def facts(shown: Disclosure) -> list[_Fact]:
    """Every line and cell as a fact; what two figures say of one concept and context, once."""
    found: dict[tuple[str, date | None, date, str], _Fact] = {}

    def add(figure: str, concept: str, start: date | None, day: date, route: str, m: Money) -> None:
        found.setdefault((concept, start, day, route), _Fact(figure, concept, start, day, route, m))

    before = shown.beginning - timedelta(days=1)
    for line in shown.lines:
        name, at = _pascal(line.id), f"figure:{shown.entity}/balance_sheet/{line.id}"
        for day, column, amount, parent in (
            (shown.period.through, "ending", line.ending, line.parent_ending),
            (before, "beginning", line.beginning, line.parent_beginning),
        ):
            part = f"{at}.data/{column}/{shown.period.id}"
            add(part, f"{name}OfWhichDataResources", None, day, "", amount)
            if parent is not None:
                add(f"{at}/{column}/{shown.period.id}", name, None, day, "", parent)
    tables = [(table, shown.period) for table in shown.tables.values()]
    if shown.comparative is not None:
        tables += [(table, shown.comparative) for table in shown.comparatives.values()]
    for table, period in tables:
        rows = {row.id: row for row in table.rows}
        opened = period.starts_on - timedelta(days=1)
        for cell in table.cells:
            row = rows[cell.row]
            route = "" if cell.column == "total" else cell.column
            name = _name(table.id, row)
            if row.id.endswith((".opening", ".closing")):
                day = opened if row.id.endswith(".opening") else period.through
                add(cell.figure, name, None, day, route, cell.amount)
            else:
                add(cell.figure, name, period.starts_on, period.through, route, cell.amount)
    return list(found.values())


def xml_id(figure: str) -> str:
    """A figure as an XML id, which may hold no `:` and no `/`."""
    return figure.replace(":", ".").replace("/", "--").replace("@", ".at.")


def _instance(shown: Disclosure, issue: Issue) -> str:
    kind = "uscc" if issue.uscc else "party"
    who = (
        f'<xbrli:entity><xbrli:identifier scheme="{SCHEMES[kind]}">'
        f"{escape(issue.uscc or shown.entity)}</xbrli:identifier>"
    )
    contexts: dict[str, str] = {}
    said: list[str] = []
    for fact in facts(shown):
        span = f"{fact.starts_on}_{fact.day}" if fact.starts_on else f"{fact.day}"
        context = f"c_{span}_{fact.route or 'total'}"
        if context not in contexts:
            segment = ""
            if fact.route:
                segment = (
                    '<xbrli:segment><xbrldi:explicitMember dimension="sdr:RouteAxis">'
                    f"sdr:{_pascal(fact.route)}Member</xbrldi:explicitMember></xbrli:segment>"
                )
            when = (
                f"<xbrli:startDate>{fact.starts_on}</xbrli:startDate>"
                f"<xbrli:endDate>{fact.day}</xbrli:endDate>"
                if fact.starts_on
                else f"<xbrli:instant>{fact.day}</xbrli:instant>"
            )
            contexts[context] = (
                f'<xbrli:context id="{context}">{who}{segment}</xbrli:entity>'
                f"<xbrli:period>{when}</xbrli:period></xbrli:context>\n"
            )
        said.append(
            f"<sdr:{fact.concept} id={quoteattr(xml_id(fact.figure))} contextRef="
            f'"{context}" unitRef="unit" decimals="2">{fact.amount.text}</sdr:{fact.concept}>\n'
        )
    state = f"{shown.state.value}; an extension of our own, no filing; {shown.scope.value}"
    return (
        f'{_HEAD}<xbrli:xbrl xmlns:xbrli="http://www.xbrl.org/2003/instance" '
        'xmlns:link="http://www.xbrl.org/2003/linkbase" xmlns:xlink="http://www.w3.org/1999/xlink" '
        'xmlns:iso4217="http://www.xbrl.org/2003/iso4217" '
        f'xmlns:xbrldi="http://xbrl.org/2006/xbrldi" xmlns:sdr="{NAMESPACE}">\n'
        f"<!-- {escape(state)} -->\n"
        f'<link:schemaRef xlink:type="simple" xlink:href="{STEM}.xsd"/>\n'
        f"{''.join(contexts.values())}"
        f'<xbrli:unit id="unit"><xbrli:measure>iso4217:{shown.currency}</xbrli:measure>'
        f"</xbrli:unit>\n{''.join(said)}</xbrli:xbrl>\n"
    )
