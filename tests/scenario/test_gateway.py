"""From a signed deal to metered calls, over real HTTP on loopback."""

from __future__ import annotations

import base64
import csv
import io
import json
import os
import sqlite3
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from deals import (
    DEAL,
    codes,
    offer,
    records,
    say,
    serving,
    shut,
    sign,
    this_month,
    token,
    wait_until,
)

from sanhua.asset.contract import Signature
from sanhua.workspace.opening import Workspace
from sanhua.workspace.refusing import Refusal
from sanhua.workspace.verifying import verify_bundle, verify_store

POSIX = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals and limits")


@pytest.fixture
def dealt(small_project: Path) -> Path:
    """The small project with a deal that both sides have signed."""
    offer(small_project)
    sign(small_project)
    return small_project


def refused_acts(project: Path) -> list[tuple[str, str, str]]:
    """The refusals in the log: act, what it was asked of, code."""
    with Workspace(project) as ws, ws.store.begin(actor=ws.actor, read_only=True) as uow:
        return sorted((refusal.act, refusal.node, refusal.code) for refusal in uow.all(Refusal))


def test_a_deal_gives_nothing_until_both_sides_have_signed_it(small_project: Path):
    offer(small_project)
    sign(small_project, once=True)
    refused = say(small_project, "deal", "token", "bank_2026", code=5)
    assert codes(refused) == ["deal.not-signed"]
    assert say(small_project, "can", "bank", "energy", code=5)["reason"] == "call.not-signed"
    key = small_project.parent / "keys" / "bank.key"
    wrong = say(
        small_project, "deal", "sign", "bank_2026", "--as", "banker", "--key",
        str(small_project.parent / "keys" / "plant.key"), code=5,
    )  # fmt: skip
    assert codes(wrong) == ["approve.other-key"]
    done = say(small_project, "deal", "sign", "bank_2026", "--as", "banker", "--key", str(key))
    assert done["in_force"] and done["terms"].startswith("sha256:")
    yes = say(small_project, "can", "bank", "energy", "--field", "kwh", "--purpose", "credit")
    assert yes["answer"] == "yes"
    kinds = [link["node"].partition(":")[0].partition("_")[0] for link in yes["chain"]]
    assert kinds == ["claim", "product", "policy", "deal", "sig", "sig"]
    assert say(small_project, "can", "bank", "energy", "--purpose", "x", code=5)["answer"] == "no"
    told = say(small_project, "deal", "list")["deals"][0]
    assert (told["state"], told["through"]) == ("in_force", "2035-12-31")
    assert refused_acts(small_project) == [
        ("deal.sign", "deal:bank_2026", "approve.other-key"),
        ("deal.token", "deal:bank_2026", "deal.not-signed"),
    ]
    with Workspace(small_project) as ws:
        assert verify_store(ws).ok


def test_an_edit_after_signing_is_an_amendment_and_the_signed_terms_go_on(dealt: Path):
    path = dealt / "deals" / "bank_2026.yaml"
    path.write_text(DEAL.replace("[meter, day, kwh]", "[meter, day]"), encoding="utf-8")
    told = say(dealt, "run", code=1)
    (found,) = [d for d in told["diagnostics"] if d["code"].startswith("deal.")]
    assert found["code"] == "deal.changed-after-signing" and "fields" in found["message"]
    assert found["path"] == "deals/bank_2026.yaml"
    key = str(dealt.parent / "keys" / "bank.key")
    again = say(dealt, "deal", "sign", "bank_2026", "--as", "banker", "--key", key, code=4)
    assert codes(again) == ["deal.changed-after-signing"]
    path.write_text(f"# a comment may change\n{DEAL}", encoding="utf-8")
    assert not [c for c in codes(say(dealt, "run")) if c.startswith("deal.")]


@pytest.mark.parametrize(
    ("old", "new", "term"),
    [
        ("level: L1", "level: L2", "level"),
        ("level: L1", "level: L1\nfrequency: 5min", "frequency"),
        ("level: L1", "level: L1\nconsents: required", "consents"),
        ("level: L1", "level: L1\nmask: {kwh: scramble}", "mask.kwh"),
    ],
)
def test_a_term_that_cannot_be_bound_refuses_the_deal(
    small_project: Path, old: str, new: str, term: str
):
    offer(small_project, DEAL.replace(old, new))
    key = small_project.parent / "plant.key"
    say(small_project, "deal", "key", "plant", "-o", str(key))
    told = say(small_project, "run")
    found = [d for d in told["diagnostics"] if d["code"] == "deal.cannot-bind"]
    assert found and term in found[0]["message"] and found[0]["path"] == "deals/bank_2026.yaml"
    refused = say(
        small_project, "deal", "sign", "bank_2026", "--as", "steward", "--key", str(key), code=5
    )
    assert codes(refused) == ["deal.cannot-bind"]


def test_calls_give_just_what_was_agreed_in_three_forms_and_each_is_metered(dealt: Path):
    _, secret = token(dealt)
    with serving(dealt) as gateway:
        status, body, answer = gateway.get(secret, meter="M1", day="2024-02-02")
        (row,) = json.loads(body)["rows"]
        assert status == 200 and list(row) == ["meter", "day", "kwh"]
        assert answer.getheader("sanhua-deal") == "deal:bank_2026"
        with Workspace(dealt) as ws, ws.store.begin(actor=ws.actor, read_only=True):
            from sanhua.workspace.snapshots import Snapshots

            Snapshots(ws).bind("daily")
            truth = ws.engine.query("SELECT meter, day, kwh FROM daily ORDER BY ALL")
        assert (row["meter"], row["day"]) == ("M1", "2024-02-02")
        page = json.loads(gateway.get(secret)[1], parse_float=str)
        assert page["next"] is None
        shown = [(row["meter"], row["day"], row["kwh"]) for row in page["rows"]]
        assert shown == [(meter, str(day), str(kwh)) for meter, day, kwh in truth]
        text = gateway.get(secret, format="csv")[1].decode()
        assert list(csv.reader(io.StringIO(text)))[1:] == [list(row) for row in shown]
        arrow = gateway.get(secret, headers={"Accept": "application/vnd.apache.arrow.stream"})[1]
        table = pa.ipc.open_stream(arrow).read_all()
        assert [tuple(map(str, row.values())) for row in table.to_pylist()] == shown
        first = json.loads(gateway.get(secret, limit="1")[1])
        rest = json.loads(gateway.get(secret, limit="50", after=first["next"])[1])
        assert len(first["rows"]) + len(rest["rows"]) == len(truth)
        part = json.loads(gateway.get(secret, meter="M1", day="2024-02-02", fields="kwh")[1])
        assert list(part["rows"][0]) == ["kwh"]
        refusals = [
            (401, "call.no-token", gateway.code("")),
            (401, "call.unknown-token", gateway.code("sh_wrong")),
            (404, "call.no-such-product", gateway.code(secret, "other")),
            (403, "call.field", gateway.code(secret, fields="phone")),
            (403, "call.purpose", gateway.code(secret, purpose="sell")),
            (406, "call.not-acceptable", gateway.code(secret, format="xml")),
            (422, "call.bad-parameter", gateway.code(secret, after="!!")),
            (422, "call.bad-parameter", gateway.code(secret, limit="100000")),
            (422, "call.bad-parameter", gateway.code(secret, colour="red")),
        ]
        for status, code, got in refusals:
            assert got == (status, code)
    kept = records(dealt)
    assert Counter(record["decision"] for record in kept) == {"permit": 7, "deny": 9}
    reasons = Counter(record["reason"] for record in kept if record["decision"] == "deny")
    assert reasons == Counter(code for _, code, _ in refusals)
    assert all(record["units"]["call"] == 0 for record in kept if record["decision"] == "deny")
    everything = "".join(p.read_text() for p in (dealt / "state" / "meter").glob("*.ndjson"))
    assert secret not in everything and "M1" not in everything
    with Workspace(dealt) as ws:
        assert verify_store(ws).ok
        from sanhua.asset.meter import MeterSegment

        with ws.store.begin(actor=ws.actor, read_only=True) as uow:
            sealed = list(uow.all(MeterSegment))
    assert sum(one.permits for segment in sealed for one in segment.used) == 7
    assert sum(segment.anonymous for segment in sealed) == 2


def test_verify_covers_the_meter_and_the_signatures(dealt: Path):
    _, secret = token(dealt)
    with serving(dealt) as gateway:
        assert gateway.get(secret)[0] == 200
    told = say(dealt, "verify")
    assert (told["segments"], told["signatures"]) == (1, 2)
    (path,) = (dealt / "state" / "meter").glob("*.ndjson")
    whole = path.read_bytes()
    for at in (3, len(whole) // 2, len(whole) - 3):
        changed = bytearray(whole)
        changed[at] ^= 1
        path.write_bytes(bytes(changed))
        say(dealt, "verify", code=8)
    path.unlink()
    say(dealt, "verify", code=8)
    path.write_bytes(whole)
    copy = path.with_suffix(".parquet")
    made = copy.read_bytes()
    for at in range(0, len(made), len(made) // 4):  # what it is counted from; made again if it goes
        copy.write_bytes(made[:at] + bytes([made[at] ^ 1]) + made[at + 1 :])
        assert f"{copy.name}: differs" in str(say(dealt, "verify", code=8)["diagnostics"])
    copy.unlink()
    say(dealt, "verify")
    with Workspace(dealt) as ws, ws.store.begin(actor=ws.actor) as uow:
        good = next(iter(uow.all(Signature)))
        uow.add(replace(good, id=uow.new_id("sig"), person="party:checker"), "deal.signed")
    assert "bad signature" in str(say(dealt, "verify", code=8)["diagnostics"])


def test_what_is_not_sold_is_not_in_the_file_that_answers_calls(small_project: Path):
    narrow = DEAL + "mask: {kwh: round 0}\nrows: meter = 'M1'\n"
    offer(small_project, narrow)
    sign(small_project)
    (path,) = (small_project / ".sanhua" / "serving").glob("*.keyed")
    with sqlite3.connect(path) as db:
        bodies = [
            json.loads(body, parse_float=str) for (body,) in db.execute("SELECT body FROM row")
        ]
    db.close()
    assert bodies and {body["meter"] for body in bodies} == {"M1"}
    assert all(set(body) == {"meter", "day", "kwh"} for body in bodies)
    assert all(float(body["kwh"]) == int(float(body["kwh"])) for body in bodies)
    assert b"M2" not in path.read_bytes()


def test_a_revoked_token_is_refused_within_a_second(dealt: Path):
    name, secret = token(dealt)
    with serving(dealt) as gateway:
        assert gateway.get(secret)[0] == 200
        say(dealt, "deal", "revoke", name, "--reason", "left the bank")
        assert wait_until(lambda: gateway.code(secret) == (401, "call.revoked-token"), 5) <= 1.0
        _, other = token(dealt)
        wait_until(lambda: gateway.get(other)[0] == 200, 1.5)
        say(dealt, "deal", "end", "bank_2026", "--reason", "agreed")
        wait_until(lambda: gateway.code(other) == (403, "call.after-term"), 1.5)


def test_a_limit_is_kept_over_all_workers(small_project: Path):
    product = small_project / "products" / "energy.yaml"
    text = product.read_text(encoding="utf-8")
    product.write_text(
        text.replace("    fee:", "    limit: {call: 50}\n    fee:"), encoding="utf-8"
    )
    offer(small_project)
    sign(small_project)
    _, secret = token(small_project)
    with serving(small_project, "--workers", "2") as gateway:
        found: Counter[int] = Counter()
        for _ in range(6):  # connections fall on both workers
            gateway.line.close()
            found.update(gateway.get(secret, meter="M1", day="2024-02-01")[0] for _ in range(15))
    permits = sum(record["decision"] == "permit" for record in records(small_project))
    assert found[200] == permits and 45 <= permits <= 50 and found[429] == 90 - permits
    with serving(small_project) as gateway:  # what a stopped worker held is free again
        more = [gateway.get(secret, meter="M1", day="2024-02-01")[0] for _ in range(10)]
    assert more.count(200) == 50 - permits


@POSIX
def test_a_full_disk_under_load_is_answered_503_and_loses_nothing(dealt: Path):
    """The file limit of the process stands for the disk."""
    _, secret = token(dealt)
    with serving(dealt, limit=400_000) as gateway:
        answered, refused = 0, Counter[str]()
        for _ in range(3000):
            status, body, _ = gateway.get(secret, meter="M1", day="2024-02-01")
            if status == 200:
                answered += 1
            else:
                refused[json.loads(body)["code"]] += 1
            if refused.total() > 5:
                break
        assert set(refused) == {"store.meter-full"}
        gateway.process.kill()
        gateway.end()
    time.sleep(1.0)  # workers end when their parent is gone
    with serving(dealt):
        pass
    kept = [record for record in records(dealt) if record["decision"] == "permit"]
    assert len(kept) == answered and len({record["id"] for record in kept}) == answered


def test_a_clock_that_was_set_back_stops_the_answers(dealt: Path):
    _, secret = token(dealt)
    with serving(dealt, env={"SANHUA_CLOCK_OFFSET_S": "120"}) as gateway:
        assert gateway.get(secret)[0] == 200
    with serving(dealt) as gateway:
        assert gateway.code(secret) == (503, "call.clock-set-back")
    assert records(dealt)[-1]["reason"] == "call.clock-set-back"
    with serving(dealt, env={"SANHUA_CLOCK_OFFSET_S": "180"}) as gateway:
        assert gateway.get(secret)[0] == 200


def test_a_folder_is_served_by_one_process(dealt: Path):
    with serving(dealt):
        assert codes(say(dealt, "serve", "--port", "0", code=4)) == ["serve.running"]


def test_a_repeat_is_the_same_question_under_the_same_key(dealt: Path):
    """One key over several questions pays for each; the answer to a repeat is not paid again."""
    _, secret = token(dealt)
    key = {"Idempotency-Key": "same"}
    with serving(dealt) as gateway:
        for meter in ("M1", "M2"):
            for day in ("2024-02-01", "2024-02-02"):
                for _ in range(2):
                    assert gateway.get(secret, meter=meter, day=day, headers=key)[0] == 200
        assert gateway.get(
            secret, meter="M1", day="2024-02-01", headers={**key, "Accept": "text/csv"}
        )
    permits = [record for record in records(dealt) if record["decision"] == "permit"]
    assert len(permits) == 9 and len({record["asked"] for record in permits}) == 4
    assert not any(c in json.dumps(permits) for c in ("M1", "2024-02"))  # no parameter in the meter
    counted = shut(dealt, this_month())
    assert (counted["usage"]["rated"], counted["usage"]["repeats"]) == (4, 5)


def test_hostile_parameters_are_refused_and_use_up_nothing(small_project: Path):
    product = small_project / "products" / "energy.yaml"
    text = product.read_text(encoding="utf-8")
    limited = text.replace("included: {call: 1000}", "limit: {call: 5}")
    product.write_text(limited, encoding="utf-8")
    offer(small_project)
    sign(small_project)
    _, secret = token(small_project)
    deep = base64.urlsafe_b64encode(b"[" * 20_000).decode()
    far = base64.urlsafe_b64encode(b'["M1","2024-02-01",%d]' % 2**70).decode()
    half = base64.urlsafe_b64encode(rb'["\ud800","2024-02-01",0]').decode()
    with serving(small_project) as gateway:
        for asked in (
            {"limit": "9" * 5000},
            {"limit": "0"},
            {"limit": "1001"},
            {"limit": "²"},
            {"after": deep},
            {"after": far},
            {"after": half},
            {"after": "%"},
            {"nothing": "x"},
        ):
            assert gateway.code(secret, **asked) == (422, "call.bad-parameter"), asked
        assert gateway.get(secret, fields="kwh,kwh", meter="M1")[1].count(b"kwh") == 2
        for _ in range(4):
            assert gateway.get(secret, **{"meter": "M1", "day": "2024-02-01"})[0] == 200
        assert gateway.code(secret)[1] == "call.limit"


def test_a_deal_that_was_ended_has_no_grace_and_its_pages_their_length(small_project: Path):
    product = small_project / "products" / "energy.yaml"
    text = product.read_text(encoding="utf-8")
    text = text.replace("included: {call: 1000}", "included: {call: 1000}\n    grace: 30 days")
    product.write_text(text.replace("{key: [meter, day]}", "{key: [meter, day], page: 2}"), "utf-8")
    offer(small_project)
    sign(small_project)
    _, secret = token(small_project)
    with serving(small_project) as gateway:
        assert len(json.loads(gateway.get(secret)[1])["rows"]) == 2
        assert gateway.code(secret, limit="3") == (422, "call.bad-parameter")
        say(small_project, "deal", "end", "bank_2026")
        wait_until(lambda: gateway.code(secret) == (403, "call.after-term"), 5)


def test_a_purpose_may_be_spelt_as_people_like(small_project: Path):
    """A quote in a code is data: the meter stays one JSON object a line."""
    codes_file = small_project / "standards" / "codes" / "purposes.csv"
    codes_file.write_text('code,name\ncredit,信贷\n"cre""dit\\",怪\n', encoding="utf-8")
    policy = small_project / "policies" / "credit.yaml"
    odd = "'cre\"dit\\'"
    policy.write_text(
        policy.read_text("utf-8").replace("purposes: [credit]", f"purposes: [{odd}]"), "utf-8"
    )
    offer(small_project, DEAL.replace("purposes: [credit]", f"purposes: [{odd}]"))
    sign(small_project)
    _, secret = token(small_project)
    with serving(small_project) as gateway:
        assert gateway.get(secret, meter="M1", day="2024-02-01")[0] == 200
    assert records(small_project)[-1]["purpose"] == 'cre"dit\\'
    say(small_project, "run")
    with Workspace(small_project) as ws:
        assert verify_store(ws).ok


def test_a_signature_by_a_key_that_nobody_declared_is_found(dealt: Path):
    """Even when it stands in the log: made over the right terms by another key."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    bundle = dealt.parent / "deal.zip"
    with Workspace(dealt) as ws:
        with ws.store.begin(actor=ws.actor) as uow:
            [real, _] = uow.all(Signature)
            forged = replace(
                real,
                id=uow.new_id("sig"),
                key=base64.b64encode(key.public_key().public_bytes_raw()).decode(),
                sig=base64.b64encode(key.sign(real.statement())).decode(),
            )
            uow.add(forged, "deal.signed")
        assert any("bad signature" in fault for fault in verify_store(ws).faults)
    assert say(dealt, "prove", real.id, "-o", str(bundle))["root"] == real.id
    sound = verify_bundle(bundle, None)
    assert sound.ok and sound.data["signatures"] == 1
    refused = say(dealt, "prove", forged.id, "-o", str(dealt.parent / "forged.zip"), code=8)
    assert codes(refused) == ["prove.own-bundle"]
