"""The catalogue and the contracts of a project that ran, as other systems read them."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from click.testing import CliRunner
from rdflib import DCTERMS, Graph, Namespace, URIRef

from sanhua.cli.commands import cli

# rdflib's reader of JSON-LD uses a class that rdflib itself calls old
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "steel_carbon"
DCAT = Namespace("http://www.w3.org/ns/dcat#")
SPDX = Namespace("http://spdx.org/rdf/terms#")


def told(folder: Path, *args: str) -> tuple[int, dict[str, Any]]:
    result = CliRunner().invoke(cli, [*args, "-C", str(folder), "--json"])
    return result.exit_code, json.loads(result.stdout)


def reported(folder: Path) -> dict[str, Any]:
    code, said = told(folder, "report", "catalogue")
    assert code == 0, said
    return said


def graph(folder: Path) -> Graph:
    text = (folder / ".sanhua" / "out" / "catalogue.jsonld").read_text("utf-8")
    return Graph().parse(data=text, format="json-ld")


def official(path: Path) -> list[str]:
    from importlib.resources import files

    schema = json.loads((files("open_data_contract_standard") / "schema.json").read_text("utf-8"))
    document = yaml.safe_load(path.read_text("utf-8"))
    found = jsonschema_rs.Draft201909Validator(schema).iter_errors(document)
    return [f"{list(error.instance_path)} {error.message}" for error in found]


def bytes_of(folder: Path) -> dict[str, bytes]:
    out = folder / ".sanhua" / "out"
    return {p.relative_to(out).as_posix(): p.read_bytes() for p in out.rglob("*") if p.is_file()}


def test_the_report_writes_the_catalogue_and_a_contract_each_and_counts_them(small_project: Path):
    said = reported(small_project)
    assert said["files"] == [
        ".sanhua/out/catalogue.jsonld",
        ".sanhua/out/odcs/daily.odcs.yaml",
        ".sanhua/out/odcs/readings.odcs.yaml",
    ]
    assert said["counts"] == {
        "resources": 2,
        "products": 1,
        "datasets": 3,
        "services": 1,
        "distributions": 3,
        "contracts": 2,
    }
    found = graph(small_project)
    own, source = (URIRef(f"urn:sanhua:small:resource:{name}") for name in ("daily", "readings"))
    assert found.value(own, DCTERMS.source) == source
    assert len(list(found.subjects(DCAT.accessURL))) == 3


def test_the_checksum_of_a_distribution_is_that_of_the_file_in_the_lake(small_project: Path):
    reported(small_project)
    found = graph(small_project)
    stated = {
        (str(found.value(found.value(one, SPDX.checksum), SPDX.checksumValue)), int(str(size)))
        for one, size in found.subject_objects(DCAT.byteSize)
    }
    kept = {
        (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size)
        for path in (small_project / "state" / "lake").rglob("part-*.parquet")
    }
    assert stated == kept and len(kept) == 2


def test_the_same_project_writes_the_same_bytes_and_a_contract_that_is_gone_leaves(
    small_project: Path,
):
    reported(small_project)
    before = bytes_of(small_project)
    (small_project / ".sanhua" / "out" / "odcs" / "old.odcs.yaml").write_text("x: 1\n")
    reported(small_project)
    assert bytes_of(small_project) == before


def test_a_contract_out_passes_the_official_schema_and_builds_the_same_project(
    small_project: Path, tmp_path: Path
):
    """The files that went out, put in the place of those that were written, change no table."""
    reported(small_project)
    out = sorted((small_project / ".sanhua" / "out" / "odcs").iterdir())
    assert [fault for path in out for fault in official(path)] == []
    again = tmp_path / "again" / "small"
    shutil.copytree(small_project, again, ignore=shutil.ignore_patterns("state", ".sanhua"))
    for path in out:
        shutil.copy(path, again / "contracts" / path.name)
    reported(again)
    snapshots = [
        {
            str(one)
            for one in graph(folder).objects(None, URIRef("urn:sanhua:ns:snapshot"))
            if "readings" not in str(one)
        }
        for folder in (small_project, again)
    ]
    rows = [
        sorted(int(str(n)) for n in graph(folder).objects(None, URIRef("urn:sanhua:ns:rows")))
        for folder in (small_project, again)
    ]
    assert rows[0] == rows[1]
    assert len(snapshots[0]) == len(snapshots[1]) == 2


def test_iris_are_minted_below_the_base_and_a_retired_product_is_not_listed(small_project: Path):
    settings = small_project / "sanhua.yaml"
    settings.write_text(settings.read_text("utf-8") + "base: https://data.example.org\n", "utf-8")
    product = small_project / "products" / "energy.yaml"
    product.write_text(product.read_text("utf-8") + "retired: 2026-01-01\n", "utf-8")
    said = reported(small_project)
    assert (said["counts"]["products"], said["counts"]["services"]) == (0, 0)
    datasets = {str(one) for one in graph(small_project).objects(None, DCAT.dataset)}
    base = "https://data.example.org/resource"
    assert datasets == {f"{base}/daily", f"{base}/readings"}


def test_titles_in_any_script_with_quotes_and_line_breaks_arrive_whole(small_project: Path):
    odd = "电\"量'\\ <b>\u202eمرحبا\u202c\n第二行\u2028"
    contract = small_project / "contracts" / "daily.odcs.yaml"
    text = contract.read_text("utf-8").replace("name: 日电量", f"name: {json.dumps(odd)}")
    contract.write_text(
        text.replace("status: active", "status: active\ntags: ['a b', '#']"), "utf-8"
    )
    reported(small_project)
    found = graph(small_project)
    own = URIRef("urn:sanhua:small:resource:daily")
    assert [str(title) for title in found.objects(own, DCTERMS.title)] == [odd]
    out = small_project / ".sanhua" / "out" / "odcs" / "daily.odcs.yaml"
    assert yaml.safe_load(out.read_text("utf-8"))["name"] == odd
    assert official(out) == []


def test_a_resource_that_could_not_be_published_stops_the_catalogue(small_project: Path):
    contract = small_project / "contracts" / "readings.odcs.yaml"
    opened = "customProperties: [{property: openClass, value: unconditional}]\n"
    contract.write_text(contract.read_text("utf-8") + opened, "utf-8")
    code, said = told(small_project, "report", "catalogue")
    assert code != 0 and not said["ok"]
    assert not (small_project / ".sanhua" / "out" / "catalogue.jsonld").exists()


def test_the_example_on_real_data_goes_out_whole(
    data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """26,208 quarter-hours become 273 days; the product names its 8 fields and its conditions."""
    folder = tmp_path / "steel_carbon"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("state", ".sanhua"))
    monkeypatch.setenv("SANHUA_DATA", str(data_root))
    said = reported(folder)
    assert said["counts"]["resources"] == 3
    for path in (folder / ".sanhua" / "out" / "odcs").iterdir():
        assert official(path) == [], path.name
    found = graph(folder)
    own = URIRef("urn:sanhua:steel_carbon:resource:steel_daily")
    period = found.value(own, DCTERMS.temporal)
    assert str(found.value(period, DCAT.startDate)) == "2018-01-01"
    assert str(found.value(own, URIRef("urn:sanhua:ns:rows"))) == "273"
    sources = {str(one).rpartition(":")[2] for one in found.objects(own, DCTERMS.source)}
    assert sources == {"grid_factors", "steel_readings"}
