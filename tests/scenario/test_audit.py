"""An auditor's work on the jiahua example: samples, the bundle of a disclosure, and what is found
when a byte of either, or of what is kept, was changed.
"""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sanhua.cli.commands import cli
from sanhua.kernel.errors import SanhuaError
from sanhua.verify import canonical, check_bundle, pack, public_pem, sha256, sign_note, unpack
from sanhua.workspace.opening import Workspace
from sanhua.workspace.verifying import verify_store

EXAMPLE = Path(__file__).parents[2] / "examples" / "jiahua"
PERIOD = ("--period", "2025")


def said(*args: object, exit_code: int = 0) -> dict[str, Any]:
    result = CliRunner().invoke(cli, [*(str(arg) for arg in args), "--json"])
    assert result.exit_code == exit_code, result.output
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """jiahua with its disclosure of 2025, its memo approved by a second person."""
    folder = tmp_path_factory.mktemp("audit") / "jiahua"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("state", ".sanhua"))
    said("report", "disclosure", *PERIOD, "-C", folder)
    said("approve", "asset:cloud_map_v2", "--as", "second_cpa", "-C", folder)
    return folder


@pytest.fixture(scope="module")
def bundle(shown: Path) -> Path:
    out = shown.parent / "audit.zip"
    said("audit", "bundle", *PERIOD, "--with-files", "-o", out, "-C", shown)
    return out


@pytest.mark.parametrize("by", ["count", "value"])
def test_a_sample_is_drawn_again_by_the_lines_in_its_readme_and_by_the_verifier(
    shown: Path, tmp_path: Path, by: str
):
    command = ("audit", "sample", *PERIOD, "--n", 4, "--by", by, "-C", shown)
    before = said(*command)  # no seed yet: the auditor sees the hash first
    assert before["drawn"] == []
    assert sha256((shown / before["files"][0]).read_bytes()) == before["population"]["hash"]
    made = said(*command, "--seed", "审计师的一半 | half of theirs")
    assert made["population"]["hash"] == before["population"]["hash"]
    drawn = [row["id"] for row in made["drawn"]]
    assert len(set(drawn)) == len(drawn) <= 4
    data = Path(made["bundle"]["bundle"]).read_bytes()
    report = check_bundle(data, None)
    assert (report.faults, report.samples) == ([], 1)
    for name, content in unpack(data).items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    readme = (tmp_path / "README.md").read_text("utf-8")
    lines = readme[readme.index("    import hashlib") : readme.index("The verifier draws")]
    again = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", dedent(lines)],
        cwd=tmp_path,
        capture_output=True,
        check=True,
        text=True,
        encoding="utf-8",
    )
    assert again.stdout.split() == drawn
    assert said(*command, "--seed", "审计师的一半 | half of theirs")["drawn"] == made["drawn"]
    paper = (shown / made["files"][1]).read_text("utf-8-sig")
    assert made["population"]["hash"] in paper and all(one in paper for one in drawn)


def test_every_sample_drawn_stands_in_the_log_and_in_the_bundle(shown: Path, tmp_path: Path):
    command = ("audit", "sample", *PERIOD, "--n", 2, "--no-bundle", "-C", shown)
    made = {said(*command, "--seed", seed)["sample"] for seed in ("first", "second")}
    out = tmp_path / "audit.zip"
    answer = said("audit", "bundle", *PERIOD, "-o", out, "-C", shown)
    assert made <= set(answer["samples"])


def test_what_cannot_be_drawn_is_told_with_a_code(shown: Path):
    for arguments, code in (
        (("--period", "2031", "--seed", "x"), "audit.no-disclosure"),
        ((*PERIOD, "--seed", "x", "--n", 5000), "sample.size"),
        ((*PERIOD, "--n", 2, "--seed", " x"), "sample.seed"),
        ((*PERIOD, "--seed", "x", "--report", "table_z"), "audit.no-items"),
        ((*PERIOD, "--seed", "x", "--by", "value", "--interval", "0.00"), "sample.interval"),
    ):
        result = CliRunner().invoke(
            cli, ["audit", "sample", *map(str, arguments), "-C", str(shown), "--json"]
        )
        assert result.exit_code in (2, 3), result.output
        assert json.loads(result.stdout)["diagnostics"][0]["code"] == code


def test_the_bundle_of_a_disclosure_is_verified_by_what_is_in_it(bundle: Path, tmp_path: Path):
    """By the verifier that comes with it, in a Python without sanhua, and says what it holds."""
    entries = unpack(bundle.read_bytes())
    assert {"README.md", "verify.py", "papers/rules.csv", "papers/vouchers.csv"} <= set(entries)
    assert any(name.startswith("files/") for name in entries)
    tags = entries["papers/rules.csv"].decode("utf-8-sig")
    assert "mof_2023_11,财会〔2023〕11号,附则" in tags
    assert "second_cpa" in entries["papers/approvals.csv"].decode("utf-8-sig")
    (tmp_path / "verify.py").write_bytes(entries["verify.py"])
    done = subprocess.run(
        [sys.executable, "-I", "-X", "utf8", "verify.py", str(bundle), "--json"],
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    report = json.loads(done.stdout)
    assert report["ok"] and report["unsigned"] == 1
    assert report["balanced"] > 1 and report["figures"] > 150 and report["files"] > 5


def test_a_flipped_byte_anywhere_in_the_bundle_is_found(bundle: Path):
    """In every entry of it, and at a few hundred places by chance; whoever repairs the archive
    around the changed entry is found by the signed list.
    """
    data = bundle.read_bytes()
    chance = random.Random(20241231)
    for at in chance.sample(range(len(data)), 300):
        changed = bytearray(data)
        changed[at] ^= 1 << chance.randrange(8)
        assert not check_bundle(bytes(changed), None).ok, at
    entries = unpack(data)
    kinds: dict[str, str] = {}
    for name in entries:
        kinds.setdefault(name.partition("/")[0] + name.rpartition(".")[2], name)
    for name in kinds.values():
        changed = bytearray(entries[name])
        changed[chance.randrange(len(changed))] ^= 1
        assert not check_bundle(pack({**entries, name: bytes(changed)}), None).ok, name


def test_whoever_has_no_key_can_neither_drop_nor_exchange_nor_sign_anew(bundle: Path, shown: Path):
    """A record less, two exchanged, a paper more: found. All of it signed by another key: found by
    whoever knows the right one.
    """
    entries = unpack(bundle.read_bytes())
    known = (shown / "state" / "keys" / "log.key.pub").read_bytes()
    assert check_bundle(bundle.read_bytes(), known).pinned
    dropped = {name: data for name, data in entries.items() if name != "records/3.json"}
    swapped = {**entries, "records/3.json": entries["records/4.json"]}
    swapped["records/4.json"] = entries["records/3.json"]
    added = {**entries, "papers/opinion.md": b"all is well"}
    for forged in (dropped, swapped, added):
        assert not check_bundle(pack(forged), None).ok
    other = Ed25519PrivateKey.generate()
    public = other.public_key().public_bytes_raw()
    manifest = json.loads(entries["bundle.json"])
    text = manifest["checkpoint"].partition("\n\n")[0] + "\n"
    manifest["checkpoint"] = sign_note(text, text.splitlines()[0], public, other.sign)
    manifest["entries"]["key.pub"] = sha256(public_pem(public))
    anew = {**entries, "key.pub": public_pem(public), "bundle.json": canonical(manifest)}
    anew["bundle.sig"] = other.sign(anew["bundle.json"])
    assert check_bundle(pack(anew), None).ok  # self-attested, as it says
    assert not check_bundle(pack(anew), known).ok


KEPT = {  # what a person with access to the database would like to have been otherwise
    "an amount of a memo": (
        "UPDATE record SET body = replace(body, '1023500.00', '1923500.00') WHERE kind = 'asset'"
    ),
    "an outcome of a memo": (
        "UPDATE record SET body = replace(body, '\"refused\"', '\"capitalised\"') "
        "WHERE kind = 'asset'"
    ),
    "a value of a disclosure": (
        "UPDATE record SET body = replace(body, '3250000.00', '6886500.00') "
        "WHERE kind = 'disclosure'"
    ),
    "a figure and its edge": (
        "UPDATE record SET body = replace(body, '3250000.00', '6886500.00') WHERE kind = 'figure'"
    ),
    "who approved": (
        "UPDATE record SET body = replace(body, 'party:second_cpa', 'party:cfo') "
        "WHERE kind = 'approval'"
    ),
    "an approval's content": (
        "UPDATE record SET body = replace(body, 'sha256:', 'sha256:0') WHERE kind = 'approval'"
    ),
    "a line of an entry": (
        "UPDATE record SET body = replace(body, '102350000', '102350001') WHERE kind = 'entry'"
    ),
    "an amount in the ledger": "UPDATE entry_line SET amount = amount + 1 WHERE ordinal = 0",
    "a day in the ledger": "UPDATE entry_line SET effective_on = '2024-07-01'",
    "an approval taken away": (
        "DELETE FROM edge WHERE node IN (SELECT id FROM record WHERE kind = 'approval');"
        "DELETE FROM record WHERE kind = 'approval'"
    ),
    "a voucher taken away with its event": (
        "DELETE FROM edge WHERE node = 'voucher:2024-03-0120';"
        "DELETE FROM event WHERE node = 'voucher:2024-03-0120';"
        "DELETE FROM record WHERE id = 'voucher:2024-03-0120'"
    ),
    "two records exchanged": (
        "UPDATE record SET body = (SELECT body FROM record other WHERE other.id = CASE record.id "
        "WHEN 'voucher:2024-03-0120' THEN 'voucher:2024-06-0138' ELSE 'voucher:2024-03-0120' END) "
        "WHERE id IN ('voucher:2024-03-0120', 'voucher:2024-06-0138')"
    ),
    "a sample taken away": (
        "DELETE FROM edge WHERE node IN (SELECT id FROM record WHERE kind = 'sample');"
        "DELETE FROM record WHERE kind = 'sample'"
    ),
}


def test_a_changed_memo_disclosure_approval_or_posting_is_found_in_what_is_kept(
    shown: Path, tmp_path: Path
):
    folder = tmp_path / "jiahua"
    shutil.copytree(shown, folder)
    said("audit", "sample", *PERIOD, "--n", 2, "--seed", "s", "--no-bundle", "-C", folder)
    database = folder / "state" / "state.db"
    whole = database.read_bytes()
    with Workspace(folder) as ws:
        assert verify_store(ws).ok
    for what, statements in KEPT.items():
        database.write_bytes(whole)
        with sqlite3.connect(database) as db:
            triggers = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            found = triggers.fetchall()
            for name, _ in found:
                db.execute(f'DROP TRIGGER "{name}"')
            for statement in statements.split(";"):
                assert db.execute(statement).rowcount >= 1, what
            for _, sql in found:
                db.execute(sql)
        db.close()
        try:
            with Workspace(folder) as ws:
                sound = verify_store(ws).ok
        except SanhuaError:
            sound = False
        assert not sound, what


def test_an_asset_opens_to_the_judgement_on_its_life_and_to_its_person(shown: Path):
    answer = said("explain", "asset:cloud_map_v2", "-C", shown)
    life = next(node for node in answer["nodes"] if node["kind"] == "judgement")
    assert life["about"] == "life" and life["value"] == "months 36" and life["reason"]
    assert {"from": life["id"], "edge": "judged_by", "to": "party:cfo", "weight": "1"} in answer[
        "edges"
    ]


def test_a_wide_node_is_opened_a_page_and_a_step_at_a_time(shown: Path):
    """What the pages of one step list is what stands in the whole walk, each once."""
    whole = said("explain", "asset:cloud_map_v2", "-C", shown)
    below = [edge for edge in whole["edges"] if edge["from"] == "asset:cloud_map_v2"]
    paged: list[dict[str, str]] = []
    after = 0
    while True:
        page = said(
            *("explain", "asset:cloud_map_v2", "--depth", 1, "--limit", 5),
            *("--after", after, "-C", shown),
        )
        assert len(page["nodes"]) <= 5
        paged += page["edges"]
        if not page["more"] or "after" not in page["more"]:
            break
        after = page["more"]["after"]
    assert paged == below


def test_the_data_that_an_asset_is_must_exist(shown: Path, tmp_path: Path):
    folder = tmp_path / "jiahua"
    shutil.copytree(shown, folder, ignore=shutil.ignore_patterns("state", ".sanhua"))
    card = folder / "books" / "assets" / "cloud_map_v2.yaml"
    named = "products: [cloud]\nresources: [maps]\n"
    card.write_text(card.read_text("utf-8") + named, "utf-8")
    found = said("check", "-C", folder, exit_code=1)["diagnostics"]
    codes = {one["code"] for one in found if one["severity"] == "error"}
    assert codes == {"ref.product", "ref.resource"}
