"""Canonical JSON, the Merkle tree, checkpoints and bundles of the single-file verifier."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from sanhua import verify
from sanhua.verify import (
    Checkpoint,
    Frontier,
    canonical,
    check_bundle,
    checkpoint_text,
    consistency_proof,
    inclusion_proof,
    is_consistent,
    leaf_hash,
    node_hash,
    open_note,
    pack,
    public_pem,
    public_raw,
    root_by_inclusion,
    root_of,
    seal,
    sha256,
    sign_note,
    unpack,
)

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

# Canonical JSON

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


def slow_canonical(value: Any) -> str:
    """RFC 8785 read literally: §3.2.2.2 escapes, §3.2.3 keys by UTF-16 code units."""
    if value is None:
        return "null"
    if value is True or value is False:
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        short = {8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r", 34: '\\"', 92: "\\\\"}
        parts: list[str] = []
        for char in value:
            code = ord(char)
            parts.append(short.get(code) or (f"\\u{code:04x}" if code < 32 else char))
        return '"' + "".join(parts) + '"'
    if isinstance(value, list):
        return "[" + ",".join(slow_canonical(item) for item in value) + "]"
    units = {key: list(memoryview(key.encode("utf-16-le")).cast("H")) for key in value}
    keys = sorted(value, key=lambda key: units[key])
    return "{" + ",".join(f"{slow_canonical(k)}:{slow_canonical(value[k])}" for k in keys) + "}"


@given(VALUES)
def test_canonical_json_agrees_with_a_literal_reading_of_rfc_8785(value: Any):
    assert canonical(value) == slow_canonical(value).encode()


@given(VALUES)
def test_canonical_json_reads_back_as_what_was_written(value: Any):
    assert json.loads(canonical(value)) == value
    assert canonical(json.loads(canonical(value))) == canonical(value)


def test_keys_are_sorted_as_in_the_example_of_rfc_8785():
    """RFC 8785 §3.2.3.

    Carriage return, 1, U+0080, ö, €, 😀, U+FB33 (a surrogate pair sorts before U+FB33).
    """
    keys = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    text = canonical(dict.fromkeys(keys, 1))
    assert list(json.loads(text)) == [
        "\r",
        "1",
        "\u0080",
        "\u00f6",
        "\u20ac",
        "\U0001f600",
        "\ufb33",
    ]


@pytest.mark.parametrize("value", [1.0, float("nan"), {"a": [0.5]}, 2**53, -(2**53), "\ud800"])
def test_what_has_no_exact_form_in_json_is_refused(value: Any):
    with pytest.raises(ValueError):
        canonical(value)


@pytest.mark.parametrize("value", [{1: "a"}, b"bytes", {"a": object()}])
def test_what_is_no_json_is_refused(value: Any):
    with pytest.raises(TypeError):
        canonical(value)


# The Merkle tree


def leaves_of(size: int) -> list[bytes]:
    return [leaf_hash(str(n).encode()) for n in range(size)]


def slow_root(leaves: list[bytes]) -> bytes:
    """RFC 6962 §2.1, the definition."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + slow_root(leaves[:k]) + slow_root(leaves[k:])).digest()


def lookup_in(leaves: list[bytes]) -> verify.Lookup:
    return lambda level, at: slow_root(leaves[at << level : (at + 1) << level])


def test_roots_are_those_of_certificate_transparency():
    """The eight leaves and roots of merkle_tree_test in google/certificate-transparency."""
    inputs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657",
              "606162636465666768696a6b6c6d6e6f"]  # fmt: skip
    roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]
    tree = Frontier()
    for given_, root in zip(inputs, roots, strict=True):
        tree.append(leaf_hash(bytes.fromhex(given_)))
        assert tree.root().hex() == root


@given(st.integers(0, 70))
def test_a_growing_tree_has_the_root_of_the_definition(size: int):
    leaves, tree = leaves_of(size), Frontier()
    for leaf in leaves:
        tree.append(leaf)
    assert tree.root() == slow_root(leaves) == root_of(lookup_in(leaves), size)


@given(st.integers(1, 70), st.data())
def test_every_inclusion_proof_leads_to_the_root_and_no_changed_one_does(
    size: int, data: st.DataObject
):
    index = data.draw(st.integers(0, size - 1))
    leaves = leaves_of(size)
    root, path = slow_root(leaves), inclusion_proof(lookup_in(leaves), index, size)
    assert root_by_inclusion(leaves[index], index, size, path) == root
    assert len(path) <= max(size - 1, 0).bit_length()
    assert root_by_inclusion(leaf_hash(b"other"), index, size, path) != root
    assert root_by_inclusion(leaves[index], index, size, [*path, root]) != root
    assert root_by_inclusion(leaves[index], size, size, path) is None
    if path:
        assert root_by_inclusion(leaves[index], index, size, path[:-1]) != root
        at = data.draw(st.integers(0, len(path) - 1))
        changed = [*path[:at], node_hash(path[at], path[at]), *path[at + 1 :]]
        assert root_by_inclusion(leaves[index], index, size, changed) != root


@given(st.integers(1, 70), st.data())
def test_every_consistency_proof_holds_and_no_changed_one_does(size: int, data: st.DataObject):
    old = data.draw(st.integers(0, size))
    leaves = leaves_of(size)
    before, root = slow_root(leaves[:old]), slow_root(leaves)
    path = consistency_proof(lookup_in(leaves), old, size)
    assert is_consistent(old, before, size, root, path)
    assert not is_consistent(old, leaf_hash(b"other"), size, root, path)
    assert not is_consistent(old, before, size, root, [*path, root])
    if path:
        assert not is_consistent(old, before, size, root, path[:-1])
        assert not is_consistent(old, before, size, leaf_hash(b"other"), path)
        at = data.draw(st.integers(0, len(path) - 1))
        changed = [*path[:at], node_hash(path[at], path[at]), *path[at + 1 :]]
        assert not is_consistent(old, before, size, root, changed)


def test_a_proof_of_what_is_not_there_is_not_made():
    with pytest.raises(ValueError):
        inclusion_proof(lookup_in([]), 0, 0)
    with pytest.raises(ValueError):
        consistency_proof(lookup_in(leaves_of(2)), 3, 2)


# Checkpoints


def test_the_signed_note_of_the_c2sp_example_is_accepted():
    """The note and key of golang.org/x/mod/sumdb/note (package example): PeterNeumann+c74f20a3+…"""
    key = base64.b64decode("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")[1:]
    text = "If you think cryptography is the answer to your problem,\n" \
           "then you don't know what your problem is.\n"  # fmt: skip
    signature = base64.b64decode(
        "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    )
    assert signature[:4] == verify._key_hash("PeterNeumann", key)
    assert verify.is_signed(key, signature[4:], text.encode())


def note_of(size: int = 3, origin: str = "sanhua/test") -> str:
    point = Checkpoint(origin, size, leaf_hash(b"root"))
    return sign_note(checkpoint_text(point), "sanhua/test", PUBLIC, KEY.sign)


def test_a_checkpoint_reads_back_and_any_other_signer_is_refused():
    assert open_note(note_of(), PUBLIC) == Checkpoint("sanhua/test", 3, leaf_hash(b"root"))
    other = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key()
    with pytest.raises(ValueError):
        open_note(note_of(), other.public_bytes(Encoding.Raw, PublicFormat.Raw))


def test_any_changed_character_of_a_checkpoint_is_refused():
    note = note_of()
    for at, char in enumerate(note.rstrip("\n")):
        changed = note[:at] + ("A" if char != "A" else "B") + note[at + 1 :]
        with pytest.raises(ValueError):
            open_note(changed, PUBLIC)


def test_a_further_signature_by_a_witness_does_not_disturb():
    witness = base64.b64encode(b"abcd" + bytes(64)).decode()
    assert open_note(note_of() + f"\u2014 witness.example {witness}\n", PUBLIC).size == 3


@pytest.mark.parametrize("raw", [PUBLIC, public_pem(PUBLIC)])
def test_a_public_key_is_read_raw_or_as_pem(raw: bytes):
    assert public_raw(raw) == PUBLIC


def test_the_pem_is_what_cryptography_writes():
    pem = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert public_pem(PUBLIC) == pem


# Bundles


def body(kind: str, fields: dict[str, Any], edges: list[list[str]]) -> str:
    return canonical({"kind": kind, "fields": fields, "edges": edges}).decode()


def figure(
    node: str,
    value: str,
    parts: Sequence[tuple[str, str]],
    postings: Sequence[tuple[str, str]] = (),
) -> tuple[str, str]:
    fields = {
        "id": node,
        "value": value,
        "additive": True,
        "parts": [{"node": part, "amount": amount} for part, amount in parts],
        "postings": [{"node": part, "amount": amount} for part, amount in postings],
    }
    edges = [[node, "summed_from", part, "1"] for part, _ in parts]
    edges += [[node, "posted_from", part, "1"] for part, _ in postings]
    return node, body("figure", fields, edges)


RECORDS = [
    figure(
        "figure:b/r/total/c/p", "3.30", [("figure:b/r/part/c/p", "1.10")], [("voucher:2", "2.20")]
    ),
    figure("figure:b/r/part/c/p", "1.10", [], [("voucher:1", "1.10")]),
]


def bundle_of(
    records: Sequence[tuple[str, str]] = RECORDS,
    *,
    event: dict[str, str] | None = None,
    sealed: dict[str, str] | None = None,
    manifest: dict[str, Any] | None = None,
    drop: str = "",
) -> bytes:
    """A bundle made by hand from the format alone.

    The arguments change what an honest one would say.
    """
    leaves: list[bytes] = []
    for n, (node, text) in enumerate(records):
        told = {
            "seq": str(n + 1),
            "id": f"evt_{n}",
            "type": "figure.made",
            "node": node,
            "version": "1",
            "recorded_at": "2026-01-02T03:04:05.000000Z",
            "effective_on": "2026-01-02",
            "actor": "party:a",
            "seal": seal(bytes([n]), (sealed or {}).get(node, text).encode()),
        }
        leaves.append(canonical(told | (event or {})))
    hashes = [leaf_hash(leaf) for leaf in leaves]
    size, root = len(leaves), slow_root(hashes)
    entries = {"key.pub": public_pem(PUBLIC)}
    named: set[str] = set()
    for n, (node, text) in enumerate(records):
        path = inclusion_proof(lookup_in(hashes), n, size)
        entries[f"events/{n + 1}.json"] = leaves[n]
        entries[f"proofs/{n + 1}.json"] = canonical(
            [base64.b64encode(step).decode() for step in path]
        )
        kept = {"id": node, "version": 1, "salt": bytes([n]).hex(), "body": text}
        entries[f"records/{n}.json"] = canonical(kept)
        named |= {edge[2] for edge in json.loads(text)["edges"]}
    text = checkpoint_text(Checkpoint("sanhua/test", size, root))
    listed = {
        "format": verify.FORMAT,
        "root": records[0][0],
        "size": size,
        "checkpoint": sign_note(text, "sanhua/test", PUBLIC, KEY.sign),
        "records": [
            {"id": node, "version": 1, "seq": n + 1} for n, (node, _) in enumerate(records)
        ],
        "outside": sorted(named - {node for node, _ in records}),
        "entries": {name: sha256(data) for name, data in entries.items()},
    } | (manifest or {})
    entries["bundle.json"] = canonical(listed)
    entries["bundle.sig"] = KEY.sign(entries["bundle.json"])
    if drop:
        del entries[drop]
    return pack(entries)


def test_an_honest_bundle_is_sound_and_says_who_vouches_for_it():
    report = check_bundle(bundle_of(), None)
    assert (report.ok, report.pinned, report.records, report.figures) == (True, False, 2, 2)
    assert "自证" in report.zh and "self-attested" in report.en
    assert report.outside == {"voucher": 2}
    pinned = check_bundle(bundle_of(), PUBLIC)
    assert pinned.ok and pinned.pinned and "自证" not in pinned.zh


def test_a_bundle_signed_by_another_key_than_the_one_given_is_refused():
    assert not check_bundle(bundle_of(), bytes(32)).ok


def test_every_single_changed_byte_of_a_bundle_is_found():
    """All bytes, three changes each: a bit, all bits, zero."""
    data = bundle_of(RECORDS[1:])
    for at, byte in enumerate(data):
        for value in {byte ^ 1, byte ^ 0xFF, 0} - {byte}:
            assert not check_bundle(data[:at] + bytes([value]) + data[at + 1 :], None).ok, at


def test_a_cut_or_lengthened_bundle_is_found():
    data = bundle_of(RECORDS[1:])
    assert not any(check_bundle(data[:end], None).ok for end in range(len(data)))
    assert not check_bundle(data + b"\x00", None).ok
    assert not check_bundle(b"\x00" + data, None).ok


def money(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "CNY"}


def voucher(amount: str) -> tuple[str, str]:
    """Two lines of 5301 (rows 2 and 3 of its file) and one that balances them."""
    lines = [("5301", amount, 2), ("5301", "7.00", 3), ("2211", f"-{amount}", 4)]
    listed = [{"account": a, "amount": money(m), "line": n} for a, m, n in lines]
    return "voucher:1", body("voucher", {"id": "voucher:1", "lines": listed}, [])


def asset(amount: str) -> tuple[str, str]:
    """An asset that carries row 2 of the voucher and refuses row 3."""
    rows = [(2, amount, "voucher:1"), (3, "7.00", "")]
    verdicts = [
        {"line": n, "account": "5301", "amount": money(m), "recognised": v} for n, m, v in rows
    ]
    fields = {"id": "asset:a", "verdicts": verdicts, "capitalised": money(amount)}
    return "asset:a", body("asset", fields, [])


def carried(amount: str, cites: dict[str, str] | None = None) -> tuple[str, str]:
    """A figure posted from the voucher, carried by the asset."""
    node, text = figure("figure:b/r/carried/c/p", amount, [], [("voucher:1", amount)])
    said = json.loads(text)
    said["fields"] |= {"recognised_in": ["asset:a"], "cites": cites or {}}
    said["edges"].append([node, "recognised_in", "asset:a", "1"])
    return node, canonical(said).decode()


def counted(amount: str) -> tuple[str, str]:
    """A figure whose part says where its record has the amount."""
    node, text = figure("figure:b/r/counted/c/p", amount, [("asset:a", amount)])
    said = json.loads(text)
    said["fields"]["parts"][0]["said"] = "capitalised.amount"
    return node, canonical(said).decode()


def posted(amount: str) -> list[tuple[str, str]]:
    """A figure posted from an entry of 2.50 over two accounts and 1.00 and 1.50 on the other
    side."""
    lines = [("a", 250), ("b", -100), ("c", -150)]
    listed = [{"account": account, "amount": fen} for account, fen in lines]
    entry = "pst_1", body("entry", {"id": "pst_1", "lines": listed}, [])
    return [figure("figure:b/r/posted/c/p", amount, [], [("pst_1", amount)]), entry]


OTHER_SEAL = {"voucher:1": sha256(b"another version")}


def test_what_counts_into_a_figure_is_compared_with_what_its_record_says():
    report = check_bundle(bundle_of([carried("1.10"), asset("1.10"), voucher("1.10")]), None)
    assert (report.faults, report.parts, report.unsaid) == ([], 1, 0)
    assert check_bundle(bundle_of([carried("-1.10"), asset("1.10"), voucher("1.10")]), None).ok
    assert check_bundle(bundle_of([counted("1.10"), asset("1.10")]), None).parts == 1
    for amount in ("2.50", "-1.00", "1.50"):
        assert check_bundle(bundle_of(posted(amount)), None).faults == []


def test_what_a_record_does_not_say_is_counted_as_not_said():
    amortised = figure("figure:b/r/total/c/p", "0.10", [], [("asset:a", "0.10")])
    report = check_bundle(bundle_of([amortised, asset("1.10")]), None)
    assert (report.ok, report.parts, report.unsaid) == (True, 0, 1)
    assert "1 are not said by theirs" in report.en and "1 个分项的金额其记录未载" in report.zh


TOTAL, PART = RECORDS[0][0], RECORDS[1][0]
WRONG_SUM = figure(TOTAL, "3.31", [(PART, "1.10")], [("voucher:2", "2.20")])
WRONG_PART = figure(TOTAL, "3.30", [(PART, "1.00")], [("voucher:2", "2.30")])


@pytest.mark.parametrize(
    ("bundle", "says"),
    [
        (bundle_of([WRONG_SUM, RECORDS[1]]), "add up"),
        (bundle_of([WRONG_PART, RECORDS[1]]), "part differs"),
        (bundle_of([carried("8.10"), asset("1.10"), voucher("1.10")]), "part differs"),
        (bundle_of([carried("7.00"), asset("1.10"), voucher("1.10")]), "part differs"),
        (bundle_of([carried("1.10"), asset("1.10"), voucher("1.20")]), "part differs"),
        (bundle_of([carried("1.10"), asset("1.20"), voucher("1.20")]), "part differs"),
        (bundle_of([counted("1.10"), asset("1.20")]), "part differs"),
        (bundle_of(posted("1.25")), "part differs"),
        (
            bundle_of([carried("1.10", OTHER_SEAL), asset("1.10"), voucher("1.10")]),
            "the version cited is not here",
        ),
        (bundle_of([*RECORDS, RECORDS[1]]), "stands twice"),
        (bundle_of(sealed={PART: "{}"}), "seal"),
        (bundle_of(event={"version": "2"}), "differ"),
        (bundle_of(event={"seq": "9"}), "differ"),
        (bundle_of(manifest={"outside": ["voucher:1"]}), "leads nowhere"),
        (bundle_of(manifest={"outside": ["voucher:1", "voucher:2", "voucher:3"]}), "leads nowhere"),
        (bundle_of(manifest={"root": "figure:other"}), "root"),
        (bundle_of(manifest={"size": 9}), "size"),
        (bundle_of(manifest={"format": "sanhua-bundle/9"}), "format"),
        (bundle_of(manifest={"checkpoint": note_of(2)}), "not in the log"),
        (bundle_of(drop="events/1.json"), "events/1.json"),
        (bundle_of(drop="key.pub"), "key.pub"),
        (b"", "malformed"),
        (b"PK\x03\x04" + b"\xff" * 40, "malformed"),
    ],
)
def test_a_bundle_that_its_own_key_signed_over_something_untrue_is_refused(
    bundle: bytes, says: str
):
    report = check_bundle(bundle, None)
    assert not report.ok
    assert any(says in fault for fault in report.faults), report.faults


# What else adds up: entries, memos, bills, disclosures; approvals


def entry(*fen: int) -> tuple[str, str]:
    lines = [{"account": str(n), "amount": one} for n, one in enumerate(fen)]
    return "pst_1", body("entry", {"id": "pst_1", "lines": lines}, [])


def memo(capitalised: str) -> tuple[str, str]:
    """A memo of two lines: 1.10 carried, 7.00 refused."""
    said = [("1.10", "capitalised"), ("7.00", "refused")]
    verdicts = [{"amount": money(amount), "outcome": outcome} for amount, outcome in said]
    fields = {"id": "asset:a", "verdicts": verdicts, "capitalised": money(capitalised)}
    return "asset:a", body("asset", fields | {"refused": money("7.00")}, [])


def bill(total: str) -> tuple[str, str]:
    """A bill of 100.00 and 6 % tax."""
    amounts = {"net": money("100.00"), "tax": money("6.00"), "total": money(total)}
    fields = {"id": "inv_1", "lines": [{"amount": money("100.00")}], **amounts}
    return "inv_1", body("invoice", fields, [])


def disclosure(value: str) -> tuple[str, str]:
    fields = {"id": "disclosure:b/p", "figures": [PART], "values": [value]}
    return "disclosure:b/p", body("disclosure", fields, [["disclosure:b/p", "shows", PART, "1"]])


@pytest.mark.parametrize(
    ("sound", "other", "says"),
    [
        ([entry(250, -250)], [entry(250, -249)], "balance"),
        ([memo("1.10")], [memo("8.10")], "memo"),
        ([bill("106.00")], [bill("106.01")], "bill"),
        ([disclosure("1.10"), RECORDS[1]], [disclosure("1.20"), RECORDS[1]], "another value"),
    ],
)
def test_what_should_add_up_and_does_not_is_refused(
    sound: list[tuple[str, str]], other: list[tuple[str, str]], says: str
):
    assert check_bundle(bundle_of(sound), None).faults == []
    report = check_bundle(bundle_of(other), None)
    assert any(says in fault for fault in report.faults), report.faults


def approval(
    content: str, keys: list[str], *, role: str = "finance", **day: str
) -> list[tuple[str, str]]:
    """Of the figure PART by a person with `keys`; signed as for the role finance."""
    said = {"node": PART, "content": content, "person": "party:p", "role": "finance", "at": "t"}
    said |= day
    key = base64.b64encode(PUBLIC).decode()
    signature = base64.b64encode(KEY.sign(canonical(said))).decode()
    fields = said | {"id": "apr_1", "role": role, "signature": signature, "key": key}
    edges = [["apr_1", "approves", PART, "1"], ["apr_1", "approved_by", "party:p", "1"]]
    person = body("party", {"id": "party:p", "keys": keys}, [])
    return [RECORDS[1], ("apr_1", body("approval", fields, edges)), ("party:p", person)]


def test_an_approval_is_by_a_key_that_its_person_declared_over_what_it_says():
    content, key = sha256(RECORDS[1][1].encode()), base64.b64encode(PUBLIC).decode()
    assert check_bundle(bundle_of(approval(content, [key])), None).approvals == 1
    sealed = approval(content, [key], sealed_on="2026-03-31")
    assert check_bundle(bundle_of(sealed), None).approvals == 1
    moved = [(n, text.replace("2026-03-31", "2026-03-30")) for n, text in sealed]
    assert not check_bundle(bundle_of(moved), None).ok
    elsewhere = check_bundle(bundle_of(approval(sha256(b"other"), [key])), None)
    assert (elsewhere.ok, elsewhere.approvals) == (True, 0)
    for forged in (approval(content, []), approval(content, [key], role="auditor")):
        report = check_bundle(bundle_of(forged), None)
        assert any("bad signature under an approval" in fault for fault in report.faults)


# Sampling

ITEMS = st.dictionaries(
    st.from_regex(r"voucher:[0-9]{1,6}", fullmatch=True),
    st.integers(-(10**9), 10**9),
    min_size=1,
    max_size=40,
)


def population_text(items: dict[str, int]) -> bytes:
    rows = [f"{name},{fen / 100:.2f},CNY\n" for name, fen in sorted(items.items())]
    return "".join([verify.POPULATION, "\n", *rows]).encode()


@given(ITEMS, st.text("ab 7", max_size=4), st.integers(1, 40))
def test_a_sample_by_count_holds_so_many_items_each_once_whatever_their_order(
    items: dict[str, int], seed: str, size: int
):
    text = population_text(items)
    drawn = verify.draw(text, seed, size)
    assert len(drawn) == min(size, len(items))
    assert drawn.keys() <= items.keys() and set(drawn.values()) == {1}
    assert drawn == verify.draw(population_text(dict(reversed(items.items()))), seed, size)
    assert drawn.keys() <= verify.draw(text, seed, size + 1).keys()  # a larger one goes on


@given(ITEMS, st.text("ab 7", max_size=4), st.integers(1, 10**9))
def test_a_sample_by_value_hits_a_unit_in_every_interval(
    items: dict[str, int], seed: str, interval: int
):
    """No more and no fewer hits than intervals begin in the total; what is as large as the interval
    is drawn for certain, and nothing without an amount is.
    """
    interval = max(interval, sum(map(abs, items.values())) // 2000 + 1)
    text = population_text(items)
    drawn = verify.draw(text, seed, 0, interval)
    total = sum(map(abs, items.values()))
    start = int(verify.ticket(seed, sha256(text), "start"), 16) % interval
    assert sum(drawn.values()) == max(0, -(-(total - start) // interval))
    for name, fen in items.items():
        assert drawn.get(name, 0) in (abs(fen) // interval, -(-abs(fen) // interval))


def test_every_item_is_drawn_about_as_often_by_many_seeds():
    """2,000 samples of 3 out of 12: 500 times each, within five standard deviations (97)."""
    text = population_text({f"voucher:{n:02}": 100 for n in range(12)})
    counts: dict[str, int] = {}
    for n in range(2000):
        for item in verify.draw(text, f"seed {n}", 3):
            counts[item] = counts.get(item, 0) + 1
    assert len(counts) == 12
    assert all(abs(count - 500) < 97 for count in counts.values()), counts


@pytest.mark.parametrize(
    "text",
    [
        b"id,amount\n",
        b"id,amount,currency\nb,1,CNY\na,1,CNY\n",
        b"id,amount,currency\na,1,CNY\na,1,CNY\n",
        b"id,amount,currency\na,1,CNY",
        b"id,amount,currency\na,one,CNY\n",
    ],
)
def test_a_population_has_one_form(text: bytes):
    with pytest.raises(ValueError):
        verify.draw(text, "seed", 1)


def sampled(seed: str, drawn: list[str], **more: Any) -> bytes:
    """A bundle of a sample of one out of three, and its population."""
    text = population_text({"voucher:1": 100, "voucher:2": 200, "voucher:3": 300})
    listed = [{"node": node, "amount": f"{node[-1]}.00", "times": 1} for node in drawn]
    fields = {"id": "sample:a", "seed": seed, "size": 1, "interval": 0, "count": 3}
    fields |= {"population": sha256(text), "drawn": listed, **more}
    edges = [["sample:a", "population", sha256(text), "1"]]
    edges += [["sample:a", "sampled", node, "1"] for node in drawn]
    entries = unpack(bundle_of([("sample:a", body("sample", fields, edges))]))
    manifest = json.loads(entries["bundle.json"])
    entries["files/population.csv"] = text
    entries["README.md"] = b"read me"
    for name in ("files/population.csv", "README.md"):
        manifest["entries"][name] = sha256(entries[name])
    manifest["outside"] = sorted(drawn)
    entries["bundle.json"] = canonical(manifest)
    entries["bundle.sig"] = KEY.sign(entries["bundle.json"])
    return pack(entries)


def test_a_sample_that_its_seed_does_not_draw_is_refused():
    text = population_text({"voucher:1": 100, "voucher:2": 200, "voucher:3": 300})
    [right] = verify.draw(text, "7", 1)
    sound = check_bundle(sampled("7", [right]), None)
    assert (sound.faults, sound.samples, sound.papers) == ([], 1, ["README.md"])
    assert "抽取" in sound.zh and "signer of the bundle" in sound.en
    wrong = next(item for item in ("voucher:1", "voucher:2") if item != right)
    for forged in (sampled("7", [wrong]), sampled("7", [right], count=2), sampled("7", [])):
        assert any("seed" in fault for fault in check_bundle(forged, None).faults)


def test_a_body_that_is_missing_without_an_erasure_is_refused():
    entries = unpack(bundle_of())
    kept = {"id": PART, "version": 1, "salt": None, "body": None}
    entries["records/1.json"] = canonical(kept)
    listed = json.loads(entries["bundle.json"])
    listed["entries"]["records/1.json"] = sha256(entries["records/1.json"])
    listed["outside"] = ["voucher:2"]
    entries["bundle.json"] = canonical(listed)
    entries["bundle.sig"] = KEY.sign(entries["bundle.json"])
    report = check_bundle(pack(entries), None)
    assert any("without an erasure" in fault for fault in report.faults)


@given(
    st.dictionaries(st.text("abc/.é", min_size=1, max_size=6), st.binary(max_size=40), max_size=6)
)
def test_an_archive_reads_back_and_has_one_form(entries: dict[str, bytes]):
    data = pack(entries)
    assert unpack(data) == entries
    assert pack(dict(reversed(entries.items()))) == data


def test_any_zip_program_reads_the_archive(tmp_path: Path):
    import zipfile

    entries = {f"records/{n}.json": str(n).encode() * n for n in range(50)}
    (tmp_path / "a.zip").write_bytes(pack(entries))
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == entries


def test_an_archive_of_more_than_65535_entries_is_a_zip64_that_reads_back(tmp_path: Path):
    import zipfile

    entries = {f"{n:05}": b"" for n in range(65_536)}
    data = pack(entries)
    assert len(unpack(data)) == 65_536
    (tmp_path / "a.zip").write_bytes(data)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert len(archive.namelist()) == 65_536


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The verifier copied away from the package, with two bundles and two keys beside it."""
    folder = tmp_path_factory.mktemp("auditor")
    shutil.copy(verify.__file__, folder / "verify.py")
    data = bundle_of()
    (folder / "sound.zip").write_bytes(data)
    (folder / "broken.zip").write_bytes(data[:900] + bytes([data[900] ^ 1]) + data[901:])
    (folder / "right.pem").write_bytes(public_pem(PUBLIC))
    (folder / "wrong.pem").write_bytes(public_pem(bytes(32)))
    return folder


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["sound.zip"], 0, "自证"),
        (["sound.zip", "--key", "right.pem"], 0, "signed by the key you gave"),
        (["sound.zip", "--key", "wrong.pem"], 8, "another key"),
        (["broken.zip"], 8, "BROKEN"),
        (["absent.zip"], 2, ""),
        (["sound.zip", "--key", "sound.zip"], 2, ""),
        ([], 2, ""),
    ],
)
def test_the_verifier_runs_as_a_single_file_without_sanhua(
    alone: Path, arguments: list[str], code: int, says: str
):
    command = [sys.executable, "-I", "verify.py", *arguments]
    clean = {"PATH": os.environ.get("PATH", ""), "PYTHONIOENCODING": "utf-8", "PYTHONUTF8": "1"}
    done = subprocess.run(command, cwd=alone, capture_output=True, env=clean)
    assert done.returncode == code, done.stderr.decode()
    assert says in done.stdout.decode("utf-8")


def test_the_verifier_answers_in_json(alone: Path):
    command = [sys.executable, "-I", "-X", "utf8", "verify.py", "sound.zip", "--json"]
    done = subprocess.run(command, cwd=alone, capture_output=True, check=True)
    answer = json.loads(done.stdout)
    assert (answer["ok"], answer["attested"], answer["log_size"]) == (True, "self-attested", 2)
