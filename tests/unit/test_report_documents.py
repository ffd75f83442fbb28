"""PDF, DOCX and XBRL of a disclosure: fixed bytes, the figures, no harm by hostile text."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
import zipfile
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import docx as word_library
import pypdf
import pytest
from test_disclose import BOUGHT, MAP, STOCK, balances, shown

from sanhua.capital.disclose import Disclosure
from sanhua.capital.note import Known, Said
from sanhua.kernel.errors import Unavailable
from sanhua.kernel.money import Money
from sanhua.kernel.origin import Origin
from sanhua.kernel.text import Text
from sanhua.kernel.time import Period
from sanhua.report.disclosure import Issue, workbook, write
from sanhua.report.disclosure.content import content, thousands
from sanhua.report.disclosure.instance import STEM, facts, package, xml_id
from sanhua.report.disclosure.paper import pdf
from sanhua.report.disclosure.word import docx

ROOT = "sha256:" + "ab" * 32
ISSUE = Issue("某公司（演示）", "91350100M000100Y43", ROOT, 412, {"cfo": "财务负责人"})
HOSTILE = (
    '=HYPERLINK("http://x","y") #panic("boom") #include "/etc/passwd" $x$ *b* <w:t>&amp;</w:t> '
    "]]> -- \\ \x07 \u202e \U00010600"
)


@pytest.fixture(scope="module")
def year() -> Disclosure:
    given = balances(date(2025, 12, 31), intangible=("20283101.05", "9069314.79"))
    return disclosed(MAP, BOUGHT, STOCK, balances=[given])


def disclosed(*assets: Any, **given: Any) -> Disclosure:
    cards = {card.id: card for card, _ in assets}
    return shown(Period.named("2025"), *assets, known=Known(cards=cards), **given)


@pytest.fixture(scope="module")
def hostile() -> Disclosure:
    card, found = MAP
    said = Said(Text(HOSTILE), "cfo", date(2026, 1, 20), Origin("books/notes/2025.yaml", 2))
    evil = replace(card, title=Text(HOSTILE, HOSTILE))
    known = Known(cards={"map": evil}, said={"scenarios": said, "intangible_lives": said})
    return shown(Period.named("2025"), (evil, found), known=known, title=Text(HOSTILE))


def typeset(said: dict[str, Any]) -> bytes:
    try:
        return pdf(said)
    except Unavailable as error:
        pytest.skip(str(error))


def words(document: Any) -> list[list[str]]:
    """The rows of every table, as text."""
    return [[cell.text for cell in row.cells] for table in document.tables for row in table.rows]


def test_the_pdf_is_the_same_twice_tagged_and_says_state_root_and_figures(year: Disclosure):
    made = typeset(content(year, ISSUE))
    assert made == typeset(content(year, ISSUE))
    read = pypdf.PdfReader(io.BytesIO(made))
    catalogue = read.trailer["/Root"]
    assert catalogue["/MarkInfo"]["/Marked"] and "/StructTreeRoot" in catalogue
    packet = catalogue["/Metadata"].get_data().decode()
    assert "<pdfaid:part>2</pdfaid:part>" in packet.replace(" ", "")
    assert "<pdfaid:conformance>A</pdfaid:conformance>" in packet
    assert "<pdfuaid:part>1</pdfuaid:part>" in packet
    assert "2025-12-31" in packet  # the day of the period, not of the machine

    said = "".join("".join(page.extract_text() for page in read.pages).split())
    assert all("草稿" in page.extract_text() for page in read.pages)
    for wanted in ("草稿DRAFT", "不构成法律", ROOT, "1,847,950.00", "cost.increase.developed"):
        assert wanted in said, wanted


def test_the_docx_is_the_same_twice_and_holds_all_27_and_21_rows(year: Disclosure):
    made = docx(content(year, ISSUE))
    assert made == docx(content(year, ISSUE))
    document = word_library.Document(io.BytesIO(made))
    rows = words(document)
    for table in year.tables.values():
        for row in table.rows:
            amounts = [] if row.heading else [
                thousands(table.amount(row.id, column)) for column, _ in table.columns
            ]  # fmt: skip
            assert any(
                one[0].startswith(row.label.zh) and one[1:] == (amounts or [""] * 4)
                for one in rows
                if len(one) == 5
            ), row.id
    headings = [p.text for p in document.paragraphs if p.style.name.startswith("Heading")]
    assert sum("表A" in one for one in headings) >= 1 and len(headings) > 25
    with zipfile.ZipFile(io.BytesIO(made)) as packed:
        assert {one.date_time for one in packed.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert packed.read("docProps/core.xml").count(b"2025-12-31T00:00:00Z") == 2
    repeated = document.element.xpath("//w:tblHeader")
    assert len(repeated) == sum(block["type"] == "table" for block in content(year)["blocks"])


def instance_of(made: dict[str, bytes]) -> ElementTree.Element:
    name = next(name for name in made if name.endswith(".xbrl"))
    return ElementTree.fromstring(made[name])


def test_the_facts_of_the_xbrl_are_the_figures_with_their_contexts(year: Disclosure):
    made = package(year, ISSUE)
    assert made == package(year, ISSUE)
    for body in made.values():
        ElementTree.fromstring(body)  # well-formed
    instance = instance_of(made)
    contexts = {one.get("id") for one in instance.iter() if one.tag.endswith("}context")}
    kept = {
        one.get("id"): (Decimal(one.text or ""), one.get("contextRef"), one.get("decimals"))
        for one in instance
        if one.get("unitRef")
    }
    schema = made[f"{STEM}.xsd"].decode()
    for fact in facts(year):
        value, context, decimals = kept.pop(xml_id(fact.figure))
        assert value == year.figures[fact.figure].value and decimals == "2"
        assert context in contexts
        assert f'name="{fact.concept}"' in schema
    assert not kept
    cells = {cell.figure for table in year.tables.values() for cell in table.cells}
    assert cells <= {fact.figure for fact in facts(year)}
    assert {fact.route for fact in facts(year)} == {"", "purchased", "self_developed", "other"}


def test_without_a_credit_code_the_instance_names_the_party_and_says_so(
    year: Disclosure, tmp_path: Path
):
    said = instance_of(package(year, Issue("某公司")))
    identifier = next(one for one in said.iter() if one.tag.endswith("}identifier"))
    assert (identifier.text, identifier.get("scheme", "").rpartition(":")[2]) == ("plant", "party")
    told = write(year, tmp_path, Issue("某公司")).diagnostics
    assert "report.no-identifier" in {one.code for one in told}


def test_hostile_text_stands_in_every_document_as_text(hostile: Disclosure):
    said = content(hostile, replace(ISSUE, name=HOSTILE))
    shown_text = HOSTILE.replace("\x07", "\ufffd")
    paper = pypdf.PdfReader(io.BytesIO(typeset(said)))
    flat = "".join("".join(page.extract_text() for page in paper.pages).split())
    assert '#panic("boom")' in flat and "root:" not in flat
    document = word_library.Document(io.BytesIO(docx(said)))
    assert any(p.text.startswith(shown_text) for p in document.paragraphs)
    assert any(row[0].startswith(shown_text) for row in words(document))
    for body in package(hostile, replace(ISSUE, uscc=HOSTILE.replace("\x07", ""))).values():
        ElementTree.fromstring(body)
    with zipfile.ZipFile(io.BytesIO(workbook(hostile, replace(ISSUE, name=HOSTILE)))) as packed:
        sheets = [packed.read(n) for n in packed.namelist() if "worksheets/sheet" in n]
    assert not any(b"<f>HYPERLINK" in sheet or b"<hyperlink" in sheet for sheet in sheets)


def test_every_file_is_written_whole_and_a_document_that_cannot_be_made_is_told(
    year: Disclosure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    names = {path.name for path in write(year, tmp_path, ISSUE).paths}
    assert {"disclosure-2025.xlsx", "disclosure-2025.json", "disclosure-2025.docx"} <= names
    assert {f"{STEM}.xsd", "disclosure-2025.xbrl"} <= names

    monkeypatch.setitem(sys.modules, "docx", None)  # as where python-docx is not installed
    again = write(year, tmp_path, ISSUE)
    assert "report.no-docx" in [one.code for one in again.diagnostics]
    assert not (tmp_path / "disclosure-2025.docx").exists()
    assert not list(tmp_path.glob(".*"))


def test_thousands_are_separated_and_nothing_is_a_dash():
    said = [thousands(Money(Decimal(n))) for n in ("2558700", "-1234.5", "0", "0.004")]
    assert said == ["2,558,700.00", "-1,234.50", "—", "0.00"]


@pytest.mark.skipif(
    shutil.which("arelleCmdLine") is None, reason="arelle (the extra xbrl) is not installed"
)
def test_arelle_finds_no_fault_and_adds_up_the_same(year: Disclosure, tmp_path: Path):
    for name, body in package(year, ISSUE).items():
        (tmp_path / name).write_bytes(body)
    command = ["arelleCmdLine", "--internetConnectivity", "offline", "--validate", "--calc"]
    run = subprocess.run(
        [*command, "xbrl21", "--file", str(tmp_path / "disclosure-2025.xbrl")],
        capture_output=True,
        timeout=120,
        check=True,
    )
    said = (run.stdout + run.stderr).decode().splitlines()
    assert any("validated" in line for line in said)
    assert [line for line in said if line.strip() and not line.startswith("[info]")] == []
