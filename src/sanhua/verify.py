"""The single-file verifier 离线验证器.

Checks a bundle with nothing of sanhua installed, only `cryptography`.

    python verify.py bundle.zip [--key PUBLIC_KEY_FILE] [--json]     exit 0 sound, 8 broken, 2 usage

What a sound bundle proves: the records in it are, to the byte, those that the log's checkpoint
commits to, and every figure that claims to be a sum is that sum; entries balance, memos and bills
add up, a sample was drawn as its seed says, and signatures under deals and approvals are those of
the keys that their sides declared. Files that come with the records (a dossier's form, a sample's
population) are, to the byte, those that one of them names; papers (a README, tables to read) are
those that the signer of the bundle put in. Who keeps the log is proven only as far as the key is
known: without --key (the public key, obtained from elsewhere) the bundle is 自证 self-attested.

The parts, top to bottom: canonical JSON (RFC 8785), seals, the Merkle tree (RFC 6962), checkpoints
(C2SP signed notes), the archive, sampling, the checks.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import json
import re
import struct
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

FORMAT = "sanhua-bundle/1"
INTEGER_MAX = 2**53 - 1  # what every JSON reader keeps exactly (RFC 8785 §3.2.2.3)


# Canonical JSON and seals


def canonical(value: Any) -> bytes:
    """Canonical JSON (RFC 8785) of text, integers, booleans, null, lists and objects, as UTF-8.

    Raises ValueError for a float, an integer beyond 2^53 - 1 or a lone surrogate, TypeError for
    anything else.
    """
    if _check(value):
        return _SORTED.encode(value).encode()
    return _AS_GIVEN.encode(_in_utf16_order(value)).encode()


_SORTED = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))
_AS_GIVEN = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def _check(value: Any) -> bool:
    """Refuse what has no canonical form.

    Whether sorting by code point is sorting by UTF-16 unit (no key above BMP).
    """
    if isinstance(value, str) or value is None or value is True or value is False:
        return True
    simple = True
    if isinstance(value, dict):
        for key, item in value.items():  # pyright: ignore[reportUnknownVariableType]
            if not isinstance(key, str):
                raise TypeError(f"a key must be text, not {type(key).__name__}")  # pyright: ignore
            if not key.isascii() and max(key) > "\uffff":
                simple = False
            if type(item) is not str and not _check(item):  # pyright: ignore[reportUnknownArgumentType]
                simple = False
        return simple
    if isinstance(value, (list, tuple)):
        for item in value:  # pyright: ignore[reportUnknownVariableType]
            if type(item) is not str and not _check(item):  # pyright: ignore[reportUnknownArgumentType]
                simple = False
        return simple
    if isinstance(value, int):
        if not -INTEGER_MAX <= value <= INTEGER_MAX:
            raise ValueError(f"{value} is not exact in JSON; write it as text")
        return True
    if isinstance(value, float):
        raise ValueError(f"{value} is a float; write it as text")
    raise TypeError(f"{type(value).__name__} has no canonical JSON")


def _in_utf16_order(value: Any) -> Any:
    if isinstance(value, dict):
        keys: list[str] = sorted(value, key=lambda key: key.encode("utf-16-be", "surrogatepass"))  # pyright: ignore
        return {key: _in_utf16_order(value[key]) for key in keys}
    if isinstance(value, (list, tuple)):
        return [_in_utf16_order(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    return value


def sha256(data: bytes) -> str:
    """`sha256:<hex>`."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def seal(salt: bytes, body: bytes) -> str:
    """The commitment to a record version that its event carries."""
    return sha256(salt + body)


# The Merkle tree (RFC 6962 §2.1). `Lookup(level, position)` is the hash of the whole subtree of
# 2^level leaves that starts at leaf position·2^level; leaves count from 0.

Lookup = Callable[[int, int], bytes]


def leaf_hash(leaf: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(slots=True)
class Frontier:
    """A growing tree: its size and the roots of its whole subtrees, largest first."""

    size: int = 0
    peaks: list[bytes] = field(default_factory=list[bytes])

    def append(self, leaf: bytes) -> list[bytes]:
        """Add a leaf hash; the roots of the subtrees of 2, 4, 8 … leaves that it completes."""
        completed: list[bytes] = []
        size, top = self.size, leaf
        while size & 1:
            top = hashlib.sha256(b"\x01" + self.peaks.pop() + top).digest()
            completed.append(top)
            size >>= 1
        self.peaks.append(top)
        self.size += 1
        return completed

    def root(self) -> bytes:
        return _fold(self.peaks)


def _fold(peaks: Sequence[bytes]) -> bytes:
    if not peaks:
        return hashlib.sha256(b"").digest()
    top = peaks[-1]
    for peak in reversed(peaks[:-1]):
        top = node_hash(peak, top)
    return top


def subtrees(start: int, end: int) -> Iterator[tuple[int, int]]:
    """The whole subtrees (level, position) that make up leaves start..end-1, from left to right.

    Largest first.
    """
    while start < end:
        level = (end - start).bit_length() - 1
        yield level, start >> level
        start += 1 << level


def _hash_of(lookup: Lookup, start: int, end: int) -> bytes:
    return _fold([lookup(level, position) for level, position in subtrees(start, end)])


def root_of(lookup: Lookup, size: int) -> bytes:
    """The root of the first `size` leaves."""
    return _hash_of(lookup, 0, size)


def _split(start: int, end: int) -> int:
    return start + (1 << ((end - start - 1).bit_length() - 1))


def inclusion_proof(lookup: Lookup, index: int, size: int) -> list[bytes]:
    """The audit path of leaf `index` in the tree of `size` leaves, from the leaf up (§2.1.1)."""
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size}")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = _split(start, end)
        if index < middle:
            path.append(_hash_of(lookup, middle, end))
            end = middle
        else:
            path.append(_hash_of(lookup, start, middle))
            start = middle
    return path[::-1]


def consistency_proof(lookup: Lookup, old: int, size: int) -> list[bytes]:
    """That the tree of `old` leaves is the beginning of the tree of `size` leaves (§2.1.2).

    Empty when trivial.
    """
    if not 0 <= old <= size:
        raise ValueError(f"a tree of {size} cannot begin with {old}")
    path: list[bytes] = []
    start, end, whole = 0, size, True
    while old and old != end:
        middle = _split(start, end)
        if old <= middle:
            path.append(_hash_of(lookup, middle, end))
            end = middle
        else:
            path.append(_hash_of(lookup, start, middle))
            start, whole = middle, False
    if not whole:
        path.append(_hash_of(lookup, start, end))
    return path[::-1]


def root_by_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that `path` leads to from the leaf hash; None when the path has the wrong length."""
    if not 0 <= index < size:
        return None
    at, last, top = index, size - 1, leaf
    for other in path:
        if last == 0:
            return None
        if at & 1 or at == last:
            top = node_hash(other, top)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            top = node_hash(top, other)
        at, last = at >> 1, last >> 1
    return top if last == 0 else None


def is_consistent(old: int, old_root: bytes, size: int, root: bytes, path: Sequence[bytes]) -> bool:
    """Whether `path` proves that tree (old, old_root) is the beginning of tree (size, root)."""
    if not 0 < old < size:
        return not path and (
            old_root == root if old == size else old == 0 and old_root == _fold([])
        )
    steps = list(path) if old & (old - 1) else [old_root, *path]
    if not steps:
        return False
    at, last = old - 1, size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old_top = top = steps[0]
    for other in steps[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old_top, top = node_hash(other, old_top), node_hash(other, top)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            top = node_hash(top, other)
        at, last = at >> 1, last >> 1
    return last == 0 and old_top == old_root and top == root


# Checkpoints: signed notes (C2SP tlog-checkpoint, signed-note)

ED25519 = b"\x01"
SIGNED = "\u2014 "
PREVIOUS = "previous "


class Checkpoint(NamedTuple):
    """What a note says: the log `origin` had `size` leaves with this root, and the checkpoint
    before it had the text of this hash (empty: it is the first).
    """

    origin: str
    size: int
    root: bytes
    previous: str = ""


def checkpoint_text(point: Checkpoint) -> str:
    """The lines that are signed: three, and an extension line after the first checkpoint."""
    text = f"{point.origin}\n{point.size}\n{base64.b64encode(point.root).decode()}\n"
    return f"{text}{PREVIOUS}{point.previous}\n" if point.previous else text


def sign_note(text: str, name: str, public_key: bytes, sign: Callable[[bytes], bytes]) -> str:
    """`text`, a blank line and one signature line."""
    signature = base64.b64encode(_key_hash(name, public_key) + sign(text.encode())).decode()
    return f"{text}\n{SIGNED}{name} {signature}\n"


def _key_hash(name: str, public_key: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + ED25519 + public_key).digest()[:4]


def open_note(note: str, public_key: bytes | None) -> Checkpoint:
    """The checkpoint in `note`, signed by `public_key` (None: signatures are not looked at).

    ValueError otherwise.
    """
    text, blank, signatures = note.partition("\n\n")
    lines = text.split("\n")
    if (
        not blank
        or len(lines) not in (3, 4)
        or not lines[0]
        or not re.fullmatch(r"0|[1-9][0-9]{0,17}", lines[1])
    ):
        raise ValueError("not a checkpoint")
    previous = lines[3].removeprefix(PREVIOUS) if len(lines) == 4 else ""
    if len(lines) == 4 and not re.fullmatch(r"sha256:[0-9a-f]{64}", previous):
        raise ValueError("not a checkpoint")
    root = base64.b64decode(lines[2], validate=True)
    point = Checkpoint(lines[0], int(lines[1]), root, previous)
    if checkpoint_text(point) != text + "\n" or len(point.root) != 32:
        raise ValueError("not a checkpoint")
    if public_key is None:
        return point
    for line in signatures.splitlines():
        name, _, encoded = line.removeprefix(SIGNED).rpartition(" ")
        if not line.startswith(SIGNED) or not name:
            raise ValueError("not a signature line")
        signature = base64.b64decode(encoded, validate=True)
        if signature[:4] == _key_hash(name, public_key) and is_signed(
            public_key, signature[4:], text.encode() + b"\n"
        ):
            return point
    raise ValueError("no signature by this key")


def is_signed(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether `signature` is the Ed25519 signature of `message` by the raw public key."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


_PEM = b"-----BEGIN PUBLIC KEY-----\n%b\n-----END PUBLIC KEY-----\n"
_SPKI = bytes.fromhex(
    "302a300506032b6570032100"
)  # RFC 8410: what stands before the 32 bytes of an Ed25519 key


def public_pem(public_key: bytes) -> bytes:
    """The raw Ed25519 key as PEM."""
    return _PEM % base64.b64encode(_SPKI + public_key)


def public_raw(key: bytes) -> bytes:
    """The 32 bytes of an Ed25519 public key given raw or as PEM; ValueError for anything else."""
    if len(key) == 32:
        return key
    lines = key.split()
    if lines[:3] != _PEM.split()[:3] or lines[-3:] != _PEM.split()[-3:]:
        raise ValueError("neither 32 bytes nor a PEM public key")
    raw = base64.b64decode(b"".join(lines[3:-3]), validate=True)
    if len(raw) != 44 or not raw.startswith(_SPKI):
        raise ValueError("not an Ed25519 public key")
    return raw[12:]


# The archive: a zip that one sequence of bytes stands for (stored, sorted, one date, no extras)

_DATE = 1 << 5 | 1  # 1980-01-01
_LOCAL, _CENTRAL = struct.Struct("<4s5H3I2H"), struct.Struct("<4s6H3I5H2I")


def pack(entries: Mapping[str, bytes]) -> bytes:
    """The canonical zip of `entries`; equal entries give equal bytes. ValueError at 4 GiB."""
    parts: list[bytes] = []
    central: list[bytes] = []
    offset = 0
    for name in sorted(entries):
        data, encoded = entries[name], name.encode()
        common = (20, 0x0800, 0, 0, _DATE, zlib.crc32(data), len(data), len(data), len(encoded))
        if offset + len(data) >= 0xFFFFFFFF - 0xFFFF:
            raise ValueError("a bundle holds less than 4 GiB")
        central.append(_CENTRAL.pack(b"PK\x01\x02", 20, *common, 0, 0, 0, 0, 0, offset) + encoded)
        parts += [_LOCAL.pack(b"PK\x03\x04", *common, 0) + encoded, data]
        offset += len(parts[-2]) + len(data)
    index, count = b"".join(central), len(entries)
    if count >= 0xFFFF:  # ZIP64 end of central directory and its locator
        index_end = struct.pack(
            "<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, len(index), offset
        )
        index += index_end + struct.pack("<4sIQI", b"PK\x06\x07", 0, offset + len(index), 1)
        index_size = len(index) - len(index_end) - 20
    else:
        index_size = len(index)
    short = min(count, 0xFFFF)
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, short, short, index_size, offset, 0)
    return b"".join(parts) + index + end


def unpack(data: bytes) -> dict[str, bytes]:
    """The entries of a canonical zip; ValueError when any byte is not as `pack` writes it."""
    entries: dict[str, bytes] = {}
    at = 0
    while data[at : at + 4] == b"PK\x03\x04" and at + _LOCAL.size <= len(data):
        *_, size, _, name_length, _ = _LOCAL.unpack_from(data, at)
        at += _LOCAL.size
        entries[data[at : at + name_length].decode()] = data[
            at + name_length : at + name_length + size
        ]
        at += name_length + size
    if pack(entries) != data:
        raise ValueError("not a canonical zip")
    return entries


# Sampling: any two people with the population and the seed draw the same

POPULATION = "id,amount,currency"


def population_of(text: bytes) -> list[tuple[str, Fraction]]:
    """Ids and amounts of a population as it is handed out: the heading, then a line an item in the
    order of their ids as bytes, each once. ValueError for any other form.
    """
    heading, *lines = text.decode().split("\n")
    rows = [line.split(",") for line in lines[:-1]]
    if heading != POPULATION or lines[-1:] != [""] or any(len(row) != 3 for row in rows):
        raise ValueError("not a population")
    found = [(row[0], _number(row[1])) for row in rows]
    if any(one[0].encode() >= two[0].encode() for one, two in zip(found, found[1:], strict=False)):
        raise ValueError("a population is in the order of its ids, each once")
    return found


def ticket(seed: str, population: str, item: str) -> str:
    """What decides about an item: SHA-256 of seed, the population's hash and its id, in hex."""
    return hashlib.sha256(f"{seed}\n{population}\n{item}".encode()).hexdigest()


def draw(text: bytes, seed: str, size: int, interval: int = 0) -> dict[str, int]:
    """The items that are drawn from a population, and how often.

    Without `interval` the `size` items of the lowest tickets: every set of them is as likely as any
    other. With it (in hundredths of the currency) money units, of absolute amounts: a first one
    below `interval` by the ticket of "start", then each `interval` further on; an item that holds
    several of them is drawn so many times.
    """
    population = sha256(text)
    items = population_of(text)
    if not interval:
        lots = sorted((ticket(seed, population, item), item) for item, _ in items)
        return {item: 1 for item in sorted(item for _, item in lots[:size])}
    point = int(ticket(seed, population, "start"), 16) % interval
    drawn: dict[str, int] = {}
    through = 0
    for item, amount in items:
        units = abs(amount) * 100
        if units.denominator != 1:
            raise ValueError(f"not whole hundredths: {item}")
        through += int(units)
        while point < through:
            drawn[item] = drawn.get(item, 0) + 1
            point += interval
    return drawn


# The checks


@dataclass(slots=True)
class Report:
    """What was checked and what is wrong; a fault says it in Chinese and English."""

    root: str = ""
    records: int = 0
    figures: int = 0  # additive figures that were recomputed
    parts: int = 0  # parts of figures that were compared with what their records say
    unsaid: int = 0  # parts whose records are here and do not say the amount
    signatures: int = 0  # under deals: by a declared key, over terms that are here
    approvals: int = 0  # signed by a declared key, over what is here
    unsigned: int = 0  # approvals that no key of a person vouches for, over what is here
    balanced: int = 0  # entries, memos and bills that were added up
    samples: int = 0  # drawn again from their population and seed
    files: int = 0  # files that come with the records
    papers: list[str] = field(default_factory=list[str])  # put in by the signer of the bundle
    log_size: int = 0
    origin: str = ""
    key: str = ""  # sha256 of the raw public key that signed
    pinned: bool = False  # the key was known beforehand
    outside: dict[str, int] = field(
        default_factory=dict[str, int]
    )  # edge targets that the bundle only names, by kind
    erased: list[str] = field(default_factory=list[str])
    faults: list[str] = field(default_factory=list[str])

    @property
    def ok(self) -> bool:
        return not self.faults

    def to_json(self) -> dict[str, Any]:
        names = (
            "root",
            "records",
            "figures",
            "parts",
            "unsaid",
            "signatures",
            "approvals",
            "unsigned",
            "balanced",
            "samples",
            "files",
            "papers",
            "log_size",
            "origin",
            "key",
            "outside",
            "erased",
            "faults",
        )
        attested = "pinned-key" if self.pinned else "self-attested"
        return {
            "ok": self.ok,
            "attested": attested,
            **{name: getattr(self, name) for name in names},
        }

    @property
    def zh(self) -> str:
        return "\n".join(self.lines("zh"))

    @property
    def en(self) -> str:
        return "\n".join(self.lines("en"))

    def lines(self, language: str = "zh") -> list[str]:
        """The report for people."""
        zh = language != "en"
        if self.faults:
            head = (
                f"未通过：{len(self.faults)} 处不符" if zh else f"BROKEN: {len(self.faults)} faults"
            )
            return [head, *(f"  - {fault}" for fault in self.faults)]
        outside = (
            ", ".join(f"{kind} {count}" for kind, count in sorted(self.outside.items())) or "0"
        )
        counted = (self.records, self.origin, self.log_size, self.figures, self.parts, self.unsaid)
        if zh:
            lines = [
                f"通过：{self.root}",
                "{} 条记录均在日志 {}（{} 个事件）中；{} 个合计已重新计算，{} 个分项与其记录相符，"
                "{} 个分项的金额其记录未载".format(*counted),
                f"仅引用、未包含：{outside}",
            ]
        else:
            lines = [
                f"SOUND: {self.root}",
                "{} records are in log {} ({} events); {} sums recomputed, {} parts are what their "
                "records say, {} are not said by theirs".format(*counted),
                f"named but not included: {outside}",
            ]
        if self.signatures:
            lines.append(
                f"合约签署 {self.signatures} 个，均由签署方声明的密钥对此处的条款作出"
                if zh
                else f"{self.signatures} signatures under deals, by keys that their sides "
                "declared, over the terms that are here"
            )
        if self.approvals or self.unsigned:
            lines.append(
                f"批准 {self.approvals} 个，由批准人声明的密钥对此处的内容签名；"
                f"另有 {self.unsigned} 个无本人签名，只由日志记名"
                if zh
                else f"{self.approvals} approvals signed by keys that the persons declared, over "
                f"what is here; {self.unsigned} without a signature of their own, named by the log"
            )
        if self.balanced:
            lines.append(
                f"分录、备忘和账单 {self.balanced} 份，借贷与合计已重新计算"
                if zh
                else f"{self.balanced} entries, memos and bills were added up again"
            )
        if self.samples:
            lines.append(
                f"样本 {self.samples} 个，已按种子从总体重新抽取，结果相同"
                if zh
                else f"{self.samples} samples drawn again from population and seed: the same"
            )
        if self.files:
            lines.append(
                f"随附文件 {self.files} 个，均由记录列明"
                if zh
                else f"{self.files} files come with it, each named by a record"
            )
        if self.papers:
            lines.append(
                f"说明材料 {len(self.papers)} 份，由本包的签名者附上，不在日志中"
                if zh
                else f"{len(self.papers)} papers put in by the signer of the bundle, not in the log"
            )
        if self.erased:
            lines.append(("内容已删除：" if zh else "content erased: ") + ", ".join(self.erased))
        if self.pinned:
            lines.append(
                f"由所给公钥签名 {self.key}" if zh else f"signed by the key you gave {self.key}"
            )
        elif zh:
            lines.append(f"自证：密钥 {self.key} 未经外部核对；请用 --key 给出从别处取得的公钥")
        else:
            lines.append(
                f"self-attested: key {self.key}; give --key, a public key obtained elsewhere"
            )
        return lines


def check_bundle(data: bytes, key: bytes | None) -> Report:
    """Check every byte of a bundle.

    `key` is the public key (raw or PEM) that must have signed it, if known.
    """
    report = Report()
    try:
        entries = unpack(data)
        manifest = _manifest(entries, key, report)
        records = _records(entries, manifest, report)
        _graph(manifest, records, report)
        _figures(records, report)
        _sums(records, report)
        _signatures(records, report)
        _approvals(entries, manifest, records, report)
        _samples(entries, manifest, records, report)
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        IndexError,
        RecursionError,
        struct.error,
        binascii.Error,
    ) as error:
        report.faults.append(f"格式不符 malformed: {type(error).__name__} {error}")
    return report


def _read(text: bytes) -> Any:
    value = json.loads(text)
    if canonical(value) != text:
        raise ValueError("not canonical JSON")
    return value


def _manifest(entries: Mapping[str, bytes], key: bytes | None, report: Report) -> dict[str, Any]:
    """bundle.json, once its signature, the key and the hash of every other entry are right."""
    signer = public_raw(entries["key.pub"])
    report.key = sha256(signer)
    report.pinned = key is not None and public_raw(key) == signer
    if key is not None and not report.pinned:
        report.faults.append("签名密钥不是所给公钥 signed by another key than the one given")
    if not is_signed(signer, entries["bundle.sig"], entries["bundle.json"]):
        report.faults.append("签名不符 bad signature: bundle.json")
    manifest = _read(entries["bundle.json"])
    if manifest["format"] != FORMAT:
        raise ValueError(f"unknown format {manifest['format']}")
    listed: dict[str, str] = manifest["entries"]
    for name in sorted({*listed, *entries} - {"bundle.json", "bundle.sig"}):
        if name not in entries or name not in listed or sha256(entries[name]) != listed[name]:
            report.faults.append(f"摘要不符 hash differs: {name}")
    report.papers = papers(listed)
    wanted = {"key.pub", *attached(listed), *report.papers}
    for n, item in enumerate(manifest["records"]):
        wanted |= {f"records/{n}.json", f"events/{item['seq']}.json", f"proofs/{item['seq']}.json"}
    if wanted != set(listed):
        report.faults.append(
            f"文件清单不符 entries differ: {', '.join(sorted(wanted ^ set(listed))[:5])}"
        )
    point = open_note(manifest["checkpoint"], signer)
    if point.size != manifest["size"]:
        report.faults.append(f"日志大小不符 log size differs: {point.size} / {manifest['size']}")
    report.origin, report.log_size, report.root = point.origin, point.size, manifest["root"]
    return manifest


def attached(listed: Mapping[str, str]) -> dict[str, str]:
    """The files that come with the records, name → hash: `files/` and one plain name."""
    return {
        name: digest
        for name, digest in listed.items()
        if re.fullmatch(r"files/[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name)
    }


def papers(listed: Iterable[str]) -> list[str]:
    """What is put in for people to read: README.md, this file, `papers/` and one plain name."""
    plain = re.compile(r"README\.md|verify\.py|papers/[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
    return sorted(name for name in listed if plain.fullmatch(name))


class Version(NamedTuple):
    """A version of a record; the body is None when it is erased."""

    id: str
    version: int
    seal: str
    body: Any


def _records(
    entries: Mapping[str, bytes], manifest: Mapping[str, Any], report: Report
) -> list[Version]:
    """What the bundle holds; events are in the log, seals are right."""
    point = open_note(manifest["checkpoint"], None)
    records: list[Version] = []
    for n, item in enumerate(manifest["records"]):
        node, version, seq = item["id"], item["version"], item["seq"]
        leaf = entries[f"events/{seq}.json"]
        path = [
            base64.b64decode(step, validate=True) for step in _read(entries[f"proofs/{seq}.json"])
        ]
        if root_by_inclusion(leaf_hash(leaf), seq - 1, point.size, path) != point.root:
            report.faults.append(f"事件不在日志中 event is not in the log: {seq}")
        event, kept = _read(leaf), _read(entries[f"records/{n}.json"])
        told = (event["seq"], event["node"], event["version"])
        if told != (str(seq), node, str(version)) or (kept["id"], kept["version"]) != (
            node,
            version,
        ):
            report.faults.append(f"事件与记录不是同一版本 event and record differ: {node}")
        report.records += 1
        if kept["body"] is None and kept["salt"] is None:
            report.erased.append(node)
            records.append(Version(node, version, event["seal"], None))
            continue
        body = kept["body"].encode()
        salt = bytes.fromhex(kept["salt"])
        if salt.hex() != kept["salt"] or seal(salt, body) != event["seal"]:
            report.faults.append(f"记录与封印不符 record does not match its seal: {node}")
        records.append(Version(node, version, event["seal"], _read(body)))
    if len({(record.id, record.version) for record in records}) != len(records):
        report.faults.append("记录重复 a record stands twice")
    for node in report.erased:
        if not any(
            r.body and r.body["kind"] == "erasure" and r.body["fields"]["node"] == node
            for r in records
        ):
            report.faults.append(f"内容缺失而无删除记录 body missing without an erasure: {node}")
    return records


def _graph(manifest: Mapping[str, Any], records: Sequence[Version], report: Report) -> None:
    """Every edge leads to a node in the bundle or to one that is listed as outside."""
    edges = [edge for record in records if record.body for edge in record.body["edges"]]
    files = attached(manifest["entries"])
    named = {dst for _, _, dst, _ in edges}
    for name, digest in sorted(files.items()):
        report.files += 1
        if digest not in named:
            report.faults.append(f"没有记录列明此文件 no record names the file: {name}")
    known = {record.id for record in records}
    known |= {*files.values(), *(src for src, _, _, _ in edges)}
    outside = sorted(named - known)
    if outside != manifest["outside"]:
        report.faults.append(
            "引用不符 an edge leads nowhere, or a node listed as outside is not named"
        )
    if manifest["root"] not in known:
        report.faults.append(f"根节点不在包内 the root is not in the bundle: {manifest['root']}")
    report.outside = dict(Counter(re.split("[:_]", node, maxsplit=1)[0] for node in outside))


def _signatures(records: Sequence[Version], report: Report) -> None:
    """Signatures under deals: each by a key that its side declared, over terms that are here."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for body in (record.body for record in records if record.body):
        found.setdefault(body["kind"], []).append(body["fields"])
    declared: dict[str, set[str]] = {}
    for party in found.get("party", ()):
        declared.setdefault(party["id"], set()).update(party.get("keys", ()))
    agreed: set[tuple[str, str]] = set()
    for deal in found.get("contract", ()):
        agreed.add((deal["id"], deal["hash"]))
        if sha256(canonical(deal["terms"])) != deal["hash"]:
            report.faults.append(f"条款与摘要不符 terms differ from their hash: {deal['id']}")
    for made in found.get("signature", ()):
        said = {name: made[name] for name in ("deal", "terms", "party", "person", "at", "alg")}
        key, signature = (base64.b64decode(made[name], validate=True) for name in ("key", "sig"))
        sides = [declared[node] for node in (made["party"], made["person"]) if node in declared]
        named = not sides or any(made["key"] in keys for keys in sides)
        if not (named and is_signed(key, signature, canonical(said))):
            report.faults.append(f"合约签署不符 bad signature under a deal: {made['id']}")
        elif sides and (made["deal"], made["terms"]) in agreed:
            report.signatures += 1


def _approvals(
    entries: Mapping[str, bytes],
    manifest: Mapping[str, Any],
    records: Sequence[Version],
    report: Report,
) -> None:
    """Approvals of what is here: signed, each by a key that the person declared."""
    contents: dict[str, set[str]] = {}
    keys: dict[str, set[str]] = {}
    for n, item in enumerate(manifest["records"]):
        body = _read(entries[f"records/{n}.json"])["body"]
        if body is not None:
            contents.setdefault(item["id"], set()).add(sha256(body.encode()))
    bodies = [record.body for record in records if record.body]
    for body in bodies:
        if body["kind"] == "party":
            keys.setdefault(body["fields"]["id"], set()).update(body["fields"].get("keys", ()))
    for given in (body["fields"] for body in bodies if body["kind"] == "approval"):
        here = given["content"] in contents.get(given["node"], ())
        if not given.get("signature"):
            report.unsigned += here
            continue
        said = {name: given[name] for name in ("node", "content", "person", "role", "at")}
        if given.get("sealed_on"):
            said["sealed_on"] = given["sealed_on"]
        key, signature = (base64.b64decode(given[n], validate=True) for n in ("key", "signature"))
        known = keys.get(given["person"])
        declared = known is None or given["key"] in known
        if not (declared and is_signed(key, signature, canonical(said))):
            report.faults.append(f"批准签名不符 bad signature under an approval: {given['id']}")
        elif here and known is not None:
            report.approvals += 1


def _samples(
    entries: Mapping[str, bytes],
    manifest: Mapping[str, Any],
    records: Sequence[Version],
    report: Report,
) -> None:
    """Each sample whose population is here, drawn again."""
    files = {digest: name for name, digest in attached(manifest["entries"]).items()}
    for made in (r.body["fields"] for r in records if r.body and r.body["kind"] == "sample"):
        name = files.get(made["population"])
        if name is None:
            continue
        text = entries[name]
        amounts = dict(population_of(text))
        drawn = draw(text, made["seed"], made["size"], made["interval"])
        said = {one["node"]: one["times"] for one in made["drawn"]}
        same = all(_number(one["amount"]) == amounts.get(one["node"]) for one in made["drawn"])
        if drawn != said or not same or made["count"] != len(amounts):
            report.faults.append(f"样本与种子不符 not what the seed draws: {made['id']}")
        report.samples += 1


def _sums(records: Sequence[Version], report: Report) -> None:
    """Entries balance, memos add up by outcome, bills by line, and what a disclosure says of its
    figures they say themselves.
    """
    values: dict[str, set[str]] = {}
    for body in (record.body for record in records if record.body):
        if body["kind"] == "figure":
            values.setdefault(body["fields"]["id"], set()).add(body["fields"]["value"])
    for body in (record.body for record in records if record.body):
        kind, fields = body["kind"], body["fields"]
        wrong = ""
        if kind == "entry" and sum(line["amount"] for line in fields["lines"]):
            wrong = "借贷不平 does not balance"
        elif kind == "asset" and not _memo_adds_up(fields):
            wrong = "备忘合计不符 the memo does not add up"
        elif kind == "invoice" and not _bill_adds_up(fields):
            wrong = "账单合计不符 the bill does not add up"
        elif kind == "disclosure" and len(fields["figures"]) == len(fields["values"]):
            shown = zip(fields["figures"], fields["values"], strict=True)
            if any(value not in values.get(figure, {value}) for figure, value in shown):
                wrong = "列示与数字不符 shows another value than the figure has"
        report.balanced += kind in ("entry", "asset", "invoice")
        if wrong:
            report.faults.append(f"{wrong}: {fields['id']}")


def _memo_adds_up(memo: Mapping[str, Any]) -> bool:
    """Each outcome's amount is the sum of its lines in the memo's currency."""
    verdicts = [v for v in memo.get("verdicts", ()) if "outcome" in v]
    for outcome in ("capitalised", "expensed", "waiting", "refused") if verdicts else ():
        whole = memo.get(outcome)
        of = [v["amount"] for v in verdicts if v["outcome"] == outcome]
        if whole and _number(whole["amount"]) != sum(
            (_number(m["amount"]) for m in of if m["currency"] == whole["currency"]), Fraction()
        ):
            return False
    return True


def _bill_adds_up(bill: Mapping[str, Any]) -> bool:
    """Net and tax are the total; the lines are the one or the other."""
    net, tax, total = (_number(bill[name]["amount"]) for name in ("net", "tax", "total"))
    lines = sum((_number(line["amount"]["amount"]) for line in bill["lines"]), Fraction())
    return net + tax == total and lines in (net, total)


def _figures(records: Sequence[Version], report: Report) -> None:
    """Every figure that is here, against its parts."""
    here: dict[str, dict[str, Version]] = {}
    for record in records:
        here.setdefault(record.id, {})[record.seal] = record
    for record in records:
        if record.body and record.body["kind"] == "figure":
            _figure(record.body["fields"], here, report)


def _figure(
    fields: Mapping[str, Any], here: Mapping[str, Mapping[str, Version]], report: Report
) -> None:
    """An additive figure is the sum of its parts, and every part has the amount that its record
    says: in the version that the figure cites, where it cites one.
    """
    node, cites = fields["id"], fields.get("cites", {})
    parts = [*fields["parts"], *fields["postings"]]
    carried_by = fields.get("recognised_in", [])
    cited: dict[str, Any] = {}
    for other in dict.fromkeys([*(part["node"] for part in parts), *carried_by]):
        versions = here.get(other, {})
        found = (
            versions.get(cites[other]) if other in cites else next(iter(versions.values()), None)
        )
        if found is not None:
            cited[other] = found.body
        elif versions:
            report.faults.append(
                f"所引版本不在包内 the version cited is not here: {node} ← {other}"
            )
    if fields.get("additive") is True:
        report.figures += 1
        if sum((_number(part["amount"]) for part in parts), Fraction()) != _number(fields["value"]):
            report.faults.append(f"合计不符 does not add up: {node} = {fields['value']}")
    carriers = [cited[asset] for asset in carried_by if cited.get(asset)]
    for part in parts:
        body = cited.get(part["node"])
        if not body:  # outside, or erased
            continue
        said = _said(part, body, carriers)
        if said is None:
            report.unsaid += 1
        elif _number(part["amount"]) in said:
            report.parts += 1
        else:
            report.faults.append(f"分项不符 part differs: {node} ← {part['node']}")


def _said(part: Mapping[str, Any], body: Any, carriers: Sequence[Any]) -> set[Fraction] | None:
    """What a part may count with, by its record; None when the record does not say.

    A figure says its value, a voucher or an entry what it moves on an account or in all, with
    either sign (a total takes some off); where assets carry it, what one or more of them carry of
    its lines. Of any other record the part names the field.
    """
    fields = body["fields"]
    if body["kind"] == "figure":
        return _either_sign([_number(fields["value"])])
    if body["kind"] == "voucher" and carriers:
        amounts = [_carried(part["node"], fields, asset) for asset in carriers]
        amounts = [amount for amount in amounts if amount]
        return _either_sign(_sums_of(amounts)) if len(amounts) <= CARRIERS_MAX else None
    if body["kind"] in ("voucher", "entry"):
        moved: dict[str, Fraction] = {}
        for line in fields["lines"]:
            moved[line["account"]] = moved.get(line["account"], Fraction()) + _line(line["amount"])
        whole = sum((amount for amount in moved.values() if amount > 0), Fraction())
        return _either_sign([*moved.values(), whole])
    if not part.get("said"):
        return None
    value: Any = fields
    for step in part["said"].split("."):
        value = value[step]
    return {_number(str(value))}


def _line(amount: Any) -> Fraction:
    """An entry's line has whole fen, a voucher's money."""
    return Fraction(amount, 100) if isinstance(amount, int) else _number(amount["amount"])


def _carried(voucher: str, fields: Mapping[str, Any], asset: Any) -> Fraction:
    """What an asset carries of a voucher, by those verdicts on it that the voucher has a line
    for.
    """
    lines = {(line["line"], line["account"], line["amount"]["amount"]) for line in fields["lines"]}
    verdicts = asset["fields"].get("verdicts", [])
    return sum(
        (
            _number(verdict["amount"]["amount"])
            for verdict in verdicts
            if verdict["recognised"] == voucher
            and (verdict["line"], verdict["account"], verdict["amount"]["amount"]) in lines
        ),
        Fraction(),
    )


CARRIERS_MAX = 12  # assets that carry lines of one voucher, of which a figure may mean some


def _sums_of(amounts: Iterable[Fraction]) -> set[Fraction]:
    """The sums of one or more of the amounts."""
    sums: set[Fraction] = set()
    for amount in amounts:
        sums |= {amount, *(other + amount for other in sums)}
    return sums


def _either_sign(amounts: Iterable[Fraction]) -> set[Fraction]:
    return {sign * amount for amount in amounts for sign in (1, -1)}


def _number(text: str) -> Fraction:
    if not re.fullmatch(r"-?[0-9]{1,40}(\.[0-9]{1,40})?", text):
        raise ValueError(f"not a plain number: {text[:60]}")
    return Fraction(text)


def main(arguments: Iterable[str]) -> int:
    """The command; both languages, so that it needs no setting."""
    import argparse

    parser = argparse.ArgumentParser(
        prog="verify.py", description="验证 sanhua 证据包 verify a sanhua bundle"
    )
    parser.add_argument("bundle", type=Path)
    parser.add_argument(
        "--key", type=Path, help="预期的公钥（PEM 或 32 字节）the public key that you expect"
    )
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args(list(arguments))
    try:
        key = public_raw(chosen.key.read_bytes()) if chosen.key else None
        data = chosen.bundle.read_bytes()
    except (OSError, ValueError) as error:
        print(f"{error}", file=sys.stderr)
        return 2
    report = check_bundle(data, key)
    # A console that cannot show Chinese still gets the English.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # pyright: ignore[reportUnknownMemberType]
    if chosen.json:
        print(json.dumps(report.to_json(), ensure_ascii=False))
    else:
        print("\n".join([*report.lines("zh"), "", *report.lines("en")]))
    return 0 if report.ok else 8


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
