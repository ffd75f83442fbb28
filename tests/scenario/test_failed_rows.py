"""Failed rows are kept for who mends them: of low-graded tables only, beside the records, never in
them.
"""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner

from sanhua.cli.commands import cli
from sanhua.kernel.errors import NotFound
from sanhua.workspace.opening import Workspace
from sanhua.workspace.running import run
from sanhua.workspace.sampling import kept, root

CHECK = "check:readings/known"
RULE = """
                quality:
                  - name: known
                    metric: invalidValues
                    arguments: {validValues: [M1, M2]}
                    mustBe: 0
                    customProperties: [{property: keepFailedRows, value: 5}]
"""


@pytest.fixture
def project(small_project: Path) -> Path:
    """Its readings hold telephone numbers and one row of an unknown meter M9."""
    path = small_project / "contracts" / "readings.odcs.yaml"
    text = path.read_text(encoding="utf-8")
    before = "        customProperties: [{property: dataElement, value: meter_code}]\n"
    assert before in text
    rule = "\n".join(line[8:] for line in RULE.strip("\n").splitlines())
    path.write_text(text.replace(before, before + rule + "\n"), encoding="utf-8")
    return small_project


def test_rows_of_a_table_with_personal_data_are_not_kept_and_that_is_told(project: Path):
    with Workspace(project, env={}) as ws:
        made = run(ws)
        (told,) = [d for d in made.diagnostics if d.code == "quality.rows-not-kept"]
        assert "readings" in told.message("zh") and "一般数据2级" in told.message("zh")
        with pytest.raises(NotFound, match=r"quality\.no-rows-kept"):
            kept(ws, CHECK)
        assert not root(ws).exists()


def test_rows_of_a_table_that_is_graded_below_are_kept_until_the_check_passes(project: Path):
    """The row of M9 alone: 5.51 kWh, telephone 13800138005."""
    settings = project / "sanhua.yaml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text + "failed_rows_below: core\n", encoding="utf-8")
    with Workspace(project, env={}) as ws:
        run(ws)
        said = kept(ws, CHECK)
        assert said["columns"] == ["meter", "read_at", "kwh", "phone"]
        assert said["rows"] == [["M9", "2024-02-01 05:00:00", "5.51", "13800138005"]]
        (path,) = root(ws).rglob("*.json")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    done = CliRunner().invoke(cli, ["quality", "rows", CHECK, "-C", str(project), "--json"])
    assert json.loads(done.stdout)["rows"] == said["rows"]
    for file in (project / "state").rglob("*"):  # no record, no event and no index holds it
        if file.is_file() and file.suffix not in (".parquet",):
            assert b"13800138005" not in file.read_bytes(), file
    raw = project / "raw" / "readings.csv"
    raw.write_text(raw.read_text(encoding="utf-8").replace("M9,", "M1,"), encoding="utf-8")
    with Workspace(project, env={}) as ws:
        run(ws)
        with pytest.raises(NotFound, match=r"quality\.no-rows-kept"):
            kept(ws, CHECK)


def test_a_rule_with_a_name_longer_than_a_file_may_have_keeps_its_rows(project: Path):
    name = "表号不在册" * 30  # 450 bytes
    path = project / "contracts" / "readings.odcs.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("name: known", f"name: {name}"), encoding="utf-8")
    settings = project / "sanhua.yaml"
    settings.write_text(settings.read_text("utf-8") + "failed_rows_below: core\n", encoding="utf-8")
    with Workspace(project, env={}) as ws:
        run(ws)
        assert len(kept(ws, f"check:readings/{name}")["rows"]) == 1
