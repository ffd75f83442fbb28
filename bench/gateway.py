"""A key call over HTTP: our gateway, datasette and a FastAPI handler on the same rows.

    python -m venv peers
    peers/bin/pip install 'datasette<1' datasette-auth-tokens fastapi 'uvicorn[standard]'
    .venv/bin/python bench/gateway.py --peers peers/bin/python --write

    [--rows 5000000] [--seconds 10] [--rounds 3] [--connections 32] [--ack-connections 256]
    [--rate 10000] [--workers 1] [--keep FOLDER] [--json] [--write]

Rows go through a real project: Parquet, `sanhua run`, a deal signed by both sides, a token,
`sanhua serve`. The peers get the four sold fields as SQLite with the same primary key (`WITHOUT
ROWID`, immutable, FastAPI's mapped as ours), so they read no more than we do; before the clock runs
all must answer twenty keys alike. They check a bearer token and no more: no terms, no purpose, no
counters, no usage record. Every server runs alone, in turn, for some rounds; the client is one
process with keep-alive connections, each of which sends its next call when the answer is there, by
the same seeded keys. Figures are medians of the rounds, ratios are of a round.

`cpu_us` is user and system time of all processes of the server over the calls, from /proc (so
Linux only); the client's is not in it, the kernel's work for loopback is. Included units are few,
so that calls are counted beyond them. Segments are sealed at 30 s of age and so after a load: what
that costs a record is measured by `rating.py`. `due` is an open loop: calls are due at a fixed rate
and each counts from when it was due, up to 1 ms of it the client's own. What `--peers` does not
have is left out. A run takes about 2 minutes a round, and some to build the rows; `--keep` builds
them in a folder, or takes what an earlier run built there.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import http.client
import json
import os
import platform
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from statistics import median
from textwrap import dedent
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SEED = 20261123
KEYS = 200_000  # calls that are made ready before the clock runs; then they come again
FIELDS = ("company", "kwh", "level", "day")
BARS = {"cpu_us": 45, "datasette": 15, "fastapi": 3.5, "ack_calls_s": 7000, "p99_ms": 10}

PROJECT = {
    "sanhua.yaml": """
        sanhua: 1
        title: {zh: 企业用电, en: Electricity of companies}
        entities:
          plant: {regime: CAS}
        """,
    "parties.yaml": """
        plant: {name: 供方, uscc: 91350100M000100Y43, roles: [holder, operator],
                public_key: keys/plant.pem}
        bank: {name: 需方, uscc: 91310000MA1FL0XX7Y, roles: [buyer], public_key: keys/bank.pem}
        steward: {name: 管家, person: true, of: plant, roles: [data_steward]}
        banker: {name: 客户经理, person: true, of: bank, roles: [buyer]}
        """,
    "sources/usage.yaml": "{title: 用电, files: raw/usage.parquet, cadence: month}\n",
    "standards/codes/purposes.csv": "code,name\ncredit,信贷审核\n",
    **{
        f"contracts/{name}.odcs.yaml": f"""
        apiVersion: v3.1.0
        kind: DataContract
        id: {name}
        version: 1.0.0
        status: active
        name: {title}
        schema:
          - name: {name}
            properties:
              - {{name: company, logicalType: string, primaryKey: true, primaryKeyPosition: 1}}
              - {{name: kwh, logicalType: number, physicalType: "decimal(12,2)"}}
              - {{name: level, logicalType: string}}
              - {{name: day, logicalType: date}}
              - {{name: district, logicalType: string}}
              - {{name: peak_kwh, logicalType: number, physicalType: "decimal(12,2)"}}
              - {{name: months, logicalType: integer}}
        """
        for name, title in (("usage", "用电"), ("companies", "企业用电"))
    },
    "sql/companies.sql": "SELECT company, kwh, level, day, district, peak_kwh, months FROM usage\n",
    "rights/claims.yaml": """
        claims:
          usage:
            resource: usage
            source: own_collection
            from: 2024-01-01
            evidence: [evidence/paper.md]
          companies: {resource: companies, source: derived, evidence: [evidence/paper.md]}
        """,
    "policies/credit.yaml": """
        title: 信贷
        permit: {actions: [read], purposes: [credit]}
        level: L1
        """,
    "products/energy.yaml": """
        title: 企业用电
        form: derivative
        table: companies
        policy: credit
        delivery:
          api: {key: [company]}
        plans:
          standard:
            fee: {month: 100.00}
            per: {call: 0.05}
            included: {call: 1000}
        shares:
          - {party: plant, rest: true}
        listings:
          own: {class: general}
        """,
    "deals/bank.yaml": """
        product: energy
        consumer: bank
        plan: standard
        fields: [company, kwh, level, day]
        purposes: [credit]
        from: 2026-01-01
        through: 2035-12-31
        level: L1
        """,
    "evidence/paper.md": "证明\n",
}
MADE = """
SELECT format('C{:017d}', i) AS company,
  (hash(i) % 100000000 / 100)::DECIMAL(12,2) AS kwh,
  ['low', 'middle', 'high', 'very high'][1 + (hash(i, 1) % 4)::BIGINT] AS level,
  DATE '2026-01-01' + (hash(i, 2) % 300)::INTEGER AS day,
  '3501' || lpad((hash(i, 3) % 12)::VARCHAR, 2, '0') AS district,
  (hash(i, 4) % 50000000 / 100)::DECIMAL(12,2) AS peak_kwh,
  (hash(i, 5) % 60)::INTEGER AS months
FROM range({rows}) t(i)
"""

DATASETTE = {
    "databases": {
        "data": {
            "allow": {"id": "bank"},
            "queries": {
                "one": "SELECT company, kwh, level, day FROM companies WHERE company = :company"
            },
        }
    },
    "plugins": {"datasette-auth-tokens": {"tokens": [{"token": "t", "actor": {"id": "bank"}}]}},
}
FASTAPI = """
import json, sqlite3, sys
from typing import Annotated
import uvicorn
from fastapi import FastAPI, Header, HTTPException
from fastapi.responses import JSONResponse

app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
db = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro&immutable=1", uri=True, check_same_thread=False)
db.execute("PRAGMA mmap_size = 17179869184")
tokens = {"Bearer t": "bank"}
ONE = "SELECT company, kwh, level, day FROM companies WHERE company = ?"

def found(company, authorization):
    if tokens.get(authorization) is None:
        raise HTTPException(401)
    row = db.execute(ONE, (company,)).fetchone()
    if row is None:
        raise HTTPException(404)
    return {"company": row[0], "kwh": row[1], "level": row[2], "day": row[3]}

@app.get("/companies/{company}")
async def plain(company: str, authorization: Annotated[str | None, Header()] = None):
    return found(company, authorization)

@app.get("/direct/{company}")
async def direct(company: str, authorization: Annotated[str | None, Header()] = None):
    return JSONResponse(found(company, authorization))

uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), access_log=False, log_level="warning",
            loop="uvloop", http="httptools", lifespan="off")
"""


# Making the rows


def say(folder: Path, *words: str) -> Any:
    """One command of the program; its JSON answer."""
    command = [sys.executable, "-m", "sanhua", *words, "-C", str(folder), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"sanhua {' '.join(words)}: {done.stdout[-2000:]}{done.stderr}")
    return json.loads(done.stdout)


def make(folder: Path, rows: int) -> dict[str, float]:
    """The project with its signed deal, and the SQLite file of the peers; seconds of each."""
    import sqlite3

    import duckdb

    project, taken = folder / "project", dict[str, float]()
    for name, text in PROJECT.items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
    (project / "raw").mkdir()
    began = time.perf_counter()
    db = duckdb.connect()
    raw = project / "raw" / "usage.parquet"
    db.execute(f"COPY ({MADE.replace('{rows}', str(rows))}) TO '{raw}' (FORMAT parquet)")
    taken["parquet_s"] = time.perf_counter() - began
    for party in ("plant", "bank"):
        say(project, "deal", "key", party, "-o", str(folder / f"{party}.key"))
    began = time.perf_counter()
    say(project, "run")
    taken["run_s"] = time.perf_counter() - began
    began = time.perf_counter()
    for person, party in (("steward", "plant"), ("banker", "bank")):
        signed = say(
            project, "deal", "sign", "bank", "--as", person, "--key", str(folder / f"{party}.key")
        )
    assert signed["rows"] == rows, signed
    taken["keyed_file_s"] = time.perf_counter() - began
    began = time.perf_counter()
    with sqlite3.connect(folder / "data.db", isolation_level=None) as file:
        file.execute("PRAGMA page_size = 8192")
        file.execute("PRAGMA journal_mode = OFF")
        file.execute("PRAGMA synchronous = OFF")
        file.execute(
            "CREATE TABLE companies (company TEXT PRIMARY KEY, kwh REAL, level TEXT, day TEXT) "
            "WITHOUT ROWID"
        )
        file.execute("BEGIN")
        read = db.execute(f"SELECT company, kwh::DOUBLE, level, day::VARCHAR FROM '{raw}'")
        while batch := read.fetchmany(50_000):
            file.executemany("INSERT INTO companies VALUES (?, ?, ?, ?)", batch)
        file.execute("COMMIT")
    file.close()
    taken["peers_file_s"] = time.perf_counter() - began
    (folder / "datasette.json").write_text(json.dumps(DATASETTE), encoding="utf-8")
    (folder / "handler.py").write_text(FASTAPI, encoding="utf-8")
    (folder / "token").write_text(say(project, "deal", "token", "bank")["token"], encoding="utf-8")
    (folder / "rows").write_text(str(rows), encoding="utf-8")
    return {name: round(value, 1) for name, value in taken.items()}


# Serving


@dataclass
class Server:
    """A running server: its leader's id, its address, and how one key is asked for."""

    pid: int
    port: int
    path: str
    headers: dict[str, str]
    folder: Path
    said: list[str] = field(default_factory=list)


@contextmanager
def running(command: list[str], **more: Any) -> Iterator[subprocess.Popen[str]]:
    """A process that leads a session, ended with all that it started."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("SANHUA_")}
    process = subprocess.Popen(command, start_new_session=True, text=True, env=env, **more)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def await_port(port: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit("a server did not start")


@contextmanager
def ours(folder: Path, mode: str, workers: int) -> Iterator[Server]:
    options = ["--port", "0", "--workers", str(workers), "--meter", mode, "--json"]
    command = [sys.executable, "-m", "sanhua", "serve", *options, "-C", str(folder / "project")]
    with running(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line.strip():
            sys.exit("the gateway did not start")
        port = int(json.loads(line)["url"].rpartition(":")[2])
        token = (folder / "token").read_text("utf-8")
        yield Server(
            process.pid, port, "/v1/data/energy?company=%s", {"Authorization": f"Bearer {token}"},
            folder,
        )  # fmt: skip


@contextmanager
def datasette(folder: Path, peers: str, path: str) -> Iterator[Server]:
    port = free_port()
    config = folder / "datasette.json"
    said = []
    if not has(peers, "datasette_auth_tokens"):
        about = json.loads(config.read_text("utf-8"))
        del about["databases"]["data"]["allow"]
        config = folder / "datasette-open.json"
        config.write_text(json.dumps(about), encoding="utf-8")
        said = ["datasette ran without tokens: datasette-auth-tokens is not installed"]
    command = [peers, "-m", "datasette", "serve", "-i", str(folder / "data.db"), "-m", str(config)]
    with running([*command, "-p", str(port)], stdout=subprocess.DEVNULL,
                 stderr=subprocess.DEVNULL) as process:  # fmt: skip
        await_port(port, process)
        yield Server(process.pid, port, path, {"Authorization": "Bearer t"}, folder, said)


@contextmanager
def fastapi(folder: Path, peers: str, path: str) -> Iterator[Server]:
    port = free_port()
    with running(
        [peers, str(folder / "handler.py"), str(folder / "data.db"), str(port)]
    ) as process:
        await_port(port, process)
        yield Server(process.pid, port, path, {"Authorization": "Bearer t"}, folder)


def has(python: str, module: str) -> bool:
    code = f"import importlib.util, sys; sys.exit(not importlib.util.find_spec({module!r}))"
    return subprocess.run([python, "-c", code], check=False).returncode == 0


def processes(session: int) -> list[tuple[int, int, float]]:
    """(id, parent, CPU seconds) of every process of a session."""
    found, ticks = [], os.sysconf("SC_CLK_TCK")
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text("ascii", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session:
            spent = (int(fields[11]) + int(fields[12])) / ticks
            found.append((int(path.parent.name), int(fields[1]), spent))
    return found


def cpu_s(session: int) -> float:
    return sum(spent for _, _, spent in processes(session))


# The client, a process of its own


def key_of(number: int) -> str:
    return f"C{number:017d}"


class Line(asyncio.Protocol):
    """One connection: sends a call, reads its answer, says when it is there."""

    def __init__(self, load: Load) -> None:
        self.load, self.got, self.due = load, b"", 0.0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def call(self, due: float) -> None:
        self.due = due
        self.transport.write(self.load.next_call())

    def data_received(self, data: bytes) -> None:
        got = self.got = self.got + data if self.got else data
        end = got.find(b"\r\n\r\n")
        if end < 0:
            return
        head = got[:end].lower()
        at = head.find(b"content-length:")
        if at >= 0:
            stop = head.find(b"\r\n", at)
            length = int(head[at + 15 : stop if stop > 0 else None])
            if len(got) < end + 4 + length:
                return
        elif not got.endswith(b"0\r\n\r\n"):
            return
        self.got = b""
        if got[9:12] != b"200":
            self.load.bad.append(got[:500])
        self.load.answered(self)

    def connection_lost(self, error: Exception | None) -> None:
        self.load.lost(error)


class Load:
    """Calls over some connections: closed (`rate` 0) or due at a fixed rate."""

    def __init__(self, spec: Mapping[str, Any]) -> None:
        draw = random.Random(spec["seed"])
        head = "".join(f"{name}: {value}\r\n" for name, value in spec["headers"].items())
        self.calls = [
            f"GET {spec['path'] % key_of(draw.randrange(spec['rows']))} HTTP/1.1\r\n"
            f"Host: 127.0.0.1\r\n{head}\r\n".encode()
            for _ in range(min(KEYS, spec["rows"] * 4))
        ]
        self.spec, self.at = spec, 0
        self.taken: list[float] = []
        self.bad: list[bytes] = []
        self.free: deque[Line] = deque()
        self.late: deque[float] = deque()
        self.sent = 0
        self.until = 0.0

    def next_call(self) -> bytes:
        self.at = (self.at + 1) % len(self.calls)
        self.sent += 1
        return self.calls[self.at]

    def answered(self, line: Line) -> None:
        now = time.perf_counter()
        self.taken.append(now - line.due)
        if self.late:
            line.call(self.late.popleft())
        elif not self.spec["rate"] and now < self.until:
            line.call(now)
        else:
            self.free.append(line)
            if now >= self.until and len(self.free) == self.spec["connections"]:
                self.done.set_result(None)

    def lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error or ConnectionError("the server closed a connection"))

    async def run(self) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        self.done: asyncio.Future[None] = loop.create_future()
        lines = [
            (await loop.create_connection(lambda: Line(self), "127.0.0.1", self.spec["port"]))[1]
            for _ in range(self.spec["connections"])
        ]
        gc.disable()
        began = time.perf_counter()
        self.until = began + self.spec["seconds"]
        if self.spec["rate"]:
            self.free.extend(lines)
            await self.due(began)
        else:
            for line in lines:
                line.call(time.perf_counter())
        await self.done
        spent = time.perf_counter() - began
        for line in lines:
            line.transport.abort()
        taken = sorted(self.taken)
        return {
            "calls": len(taken),
            "calls_s": len(taken) / spent,
            **{
                f"p{str(share).replace('.', '')}_ms": taken[int(len(taken) * share / 100)] * 1000
                for share in (50, 99, 99.9)
            },
            "bad": len(self.bad),
            "first_bad": self.bad[0].decode("latin-1") if self.bad else "",
        }

    async def due(self, began: float) -> None:
        """Send what is due each millisecond on a free connection, or keep it until one is free."""
        number, rate = 0, self.spec["rate"]
        while (now := time.perf_counter()) < self.until:
            while began + number / rate <= now:
                if self.free:
                    self.free.popleft().call(began + number / rate)
                else:
                    self.late.append(began + number / rate)
                number += 1
            await asyncio.sleep(0.001)
        if len(self.free) == self.spec["connections"] and not self.done.done():
            self.done.set_result(None)


def client(spec: Mapping[str, Any]) -> dict[str, Any]:
    load = Load(spec)
    try:
        import uvloop
    except ImportError:
        return asyncio.run(load.run())
    return uvloop.run(load.run())


# Measuring


def loaded(server: Server, rows: int, given: argparse.Namespace, **more: Any) -> dict[str, Any]:
    """Figures of one load, with the server's CPU over the same calls."""
    spec = {
        "port": server.port,
        "path": server.path,
        "headers": server.headers,
        "rows": rows,
        "seed": SEED,
        "connections": given.connections,
        "seconds": given.seconds,
        "rate": 0,
        **more,
    }
    before = cpu_s(server.pid)
    done = subprocess.run(
        [sys.executable, __file__, "--client", json.dumps(spec)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    spent = cpu_s(server.pid) - before
    if done.returncode:
        sys.exit(done.stderr)
    found = json.loads(done.stdout)
    if found["bad"]:
        sys.exit(f"{found['bad']} calls were not answered 200: {found['first_bad']}")
    found["cpu_us"] = spent / found["calls"] * 1e6
    found["connections"] = spec["connections"]
    del found["bad"], found["first_bad"]
    return found


def answers(server: Server, rows: int) -> list[dict[str, Any]]:
    """What a server says of some keys: each must say the same."""
    line, found = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20), []
    draw = random.Random(SEED)
    for _ in range(20):
        line.request("GET", server.path % key_of(draw.randrange(rows)), headers=server.headers)
        answer = line.getresponse()
        body = answer.read()
        if answer.status != 200:
            sys.exit(f"{server.path}: {answer.status} {body[:500]!r}")
        said = json.loads(body, parse_float=Decimal, parse_int=Decimal)
        row = said["rows"][0] if "rows" in said else said
        row = row[0] if isinstance(row, list) else row
        found.append({name: row[name] for name in FIELDS})
    line.request("GET", server.path % key_of(0))
    answer = line.getresponse()
    answer.read()
    if answer.status not in (401, 403) and not server.said:
        sys.exit(f"{server.path} answers without a token: {answer.status}")
    line.close()
    return found


def measured(folder: Path, rows: int, given: argparse.Namespace) -> dict[str, Any]:
    tried: dict[str, Any] = {
        "window": lambda: ours(folder, "window", given.workers),
        "ack": lambda: ours(folder, "ack", given.workers),
    }
    said: list[str] = []
    peers = given.peers
    if peers and has(peers, "datasette"):
        row, one = "/data/companies/%s.json?_shape=array", "/data/one.json?company=%s&_shape=array"
        tried["datasette row"] = lambda: datasette(folder, peers, row)
        tried["datasette query"] = lambda: datasette(folder, peers, one)
    else:
        said.append("datasette was not measured: --peers names no Python that has it")
    if peers and has(peers, "fastapi") and has(peers, "uvloop") and has(peers, "httptools"):
        tried["fastapi"] = lambda: fastapi(folder, peers, "/companies/%s")
        tried["fastapi direct"] = lambda: fastapi(folder, peers, "/direct/%s")
    else:
        said.append(
            "fastapi was not measured: --peers names no Python with it and uvicorn[standard]"
        )
    rounds: list[dict[str, dict[str, Any]]] = []
    truth: list[dict[str, Any]] = []
    for number in range(given.rounds):
        rounds.append({})
        for name, start in tried.items():
            with start() as server:
                got = answers(server, rows)
                truth = truth or got
                if got != truth:
                    sys.exit(f"{name} says {got}, window says {truth}")
                said += [one for one in server.said if one not in said]
                many = {"connections": given.ack_connections} if name == "ack" else {}
                loaded(server, rows, given, seconds=min(2.0, given.seconds), seed=SEED + 1, **many)
                found = loaded(server, rows, given, **many)
                if name in ("window", "ack"):
                    if given.rate:
                        due = loaded(server, rows, given, rate=given.rate, **many)
                        found["due"] = {key: value for key, value in due.items() if key != "calls"}
                rounds[-1][name] = found
                shown = {key: round(value, 2) for key, value in found.items() if key != "due"}
                print(f"round {number + 1} {name}: {shown}", file=sys.stderr)
    return summed(rounds) | {"said": said, "rounds": len(rounds), "seconds": given.seconds}


def summed(rounds: list[dict[str, dict[str, Any]]]) -> dict[str, Any]:
    """Medians of the rounds, and medians of the ratios of each round."""

    def middle(listed: list[Any]) -> Any:
        if isinstance(listed[0], dict):
            return {key: middle([one[key] for one in listed]) for key in listed[0]}
        return round(median(listed), 2)

    names = list(rounds[0])
    found: dict[str, Any] = {"servers": {n: middle([one[n] for one in rounds]) for n in names}}
    for peer in ("datasette", "fastapi"):
        kinds = [name for name in names if name.split()[0] == peer]
        found[f"{peer}_over_ours"] = {
            kind: middle([one[kind]["cpu_us"] / one["window"]["cpu_us"] for one in rounds])
            for kind in kinds
        }
    return found


def held(found: Mapping[str, Any], rate: int) -> list[tuple[str, Any, str, bool]]:
    """(bar, figure, goal, kept) of each bar that was measured, by the cheapest form of a peer."""
    window, ack = found["servers"]["window"], found["servers"]["ack"]
    bars: list[tuple[str, Any, str, bool]] = [
        ("window: CPU µs a call", window["cpu_us"], f"≤ {BARS['cpu_us']}",
         window["cpu_us"] <= BARS["cpu_us"]),
        ("ack: calls/s of the server", ack["calls_s"], f"≥ {BARS['ack_calls_s']}",
         ack["calls_s"] >= BARS["ack_calls_s"]),
    ]  # fmt: skip
    for peer in ("datasette", "fastapi"):
        ratios = found[f"{peer}_over_ours"]
        if ratios:
            least = min(ratios.values())
            bars.append((f"{peer} over ours, CPU", least, f"≥ {BARS[peer]}", least >= BARS[peer]))
    if "due" in window:
        p99 = window["due"]["p99_ms"]
        what = f"window: p99 ms at {rate:,} calls/s"
        bars.append((what, p99, f"≤ {BARS['p99_ms']}", p99 <= BARS["p99_ms"]))
    return bars


def table(found: Mapping[str, Any]) -> str:
    lines = [
        "| server | CPU µs/call | × ours | calls/s | p50 ms | p99 ms | p99.9 ms |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]

    ratios = {**found["datasette_over_ours"], **found["fastapi_over_ours"]}

    def line(name: str, one: Mapping[str, Any]) -> str:
        return (
            f"| {name}, {one['connections']:.0f} connections | {one['cpu_us']:.1f} "
            f"| {ratios.get(name, '')} "
            f"| {one['calls_s']:,.0f} | {one['p50_ms']:.2f} | {one['p99_ms']:.2f} "
            f"| {one['p999_ms']:.2f} |"
        )

    for name, one in found["servers"].items():
        lines.append(line(f"ours, {name}" if name in ("window", "ack") else name, one))
        if "due" in one:
            lines.append(line(f"ours, {name}, {found['rate']:,} calls due a second", one["due"]))
    lines.append("")
    lines += [
        f"{'kept  ' if kept else 'MISSED'}  {what}: {figure:,.1f} ({goal})"
        for what, figure, goal, kept in held(found, found["rate"])
    ]
    return "\n".join([*lines, *found["said"]])


def versions(peers: str) -> dict[str, str]:
    """Versions of what answered."""
    listed = ("sanhua", "uvicorn", "uvloop", "httptools", "datasette", "fastapi", "starlette")
    code = (
        "import sys, platform\nfrom importlib.metadata import version, PackageNotFoundError\n"
        "import sqlite3\nprint('python', platform.python_version())\n"
        "print('sqlite', sqlite3.sqlite_version)\nfor name in sys.argv[1:]:\n"
        "    try: print(name, version(name))\n    except PackageNotFoundError: pass\n"
    )
    found = {}
    for who, python in (("ours", sys.executable), ("peers", peers)):
        if python:
            done = subprocess.run([python, "-c", code, *listed], capture_output=True, text=True)
            found[who] = ", ".join(done.stdout.splitlines())
    return found


def machine() -> dict[str, Any]:
    info = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    model = next((line.partition(":")[2].strip() for line in info if "model name" in line), "")
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} CPUs, {model}",
        "load": [round(one, 1) for one in os.getloadavg()],
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
    }


def main() -> None:
    asked = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    asked.add_argument("--rows", type=int, default=5_000_000)
    asked.add_argument("--seconds", type=float, default=10)
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--workers", type=int, default=1)
    asked.add_argument("--connections", type=int, default=32)
    asked.add_argument("--ack-connections", type=int, default=256, help="group commit needs many")
    asked.add_argument("--rate", type=int, default=10_000, help="of the open loop; 0: none")
    asked.add_argument("--peers", default="", help="the Python that has the peers")
    asked.add_argument("--keep", type=Path, help="build there, or use what was built there")
    asked.add_argument("--json", action="store_true", help="print the figures as JSON")
    asked.add_argument("--write", action="store_true", help="keep them in bench/results")
    asked.add_argument("--client", help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.client:
        print(json.dumps(client(json.loads(given.client))))
        return
    begun = machine()
    with tempfile.TemporaryDirectory(prefix="gateway-") as name:
        folder = given.keep or Path(name)
        made = {}
        if not (folder / "rows").exists():
            made = make(folder, given.rows)
            print(f"made {made}", file=sys.stderr)
        rows = int((folder / "rows").read_text("utf-8"))
        if rows != given.rows:
            sys.exit(f"{folder} holds {rows} rows")
        found = {"rows": rows, "made": made, "rate": given.rate, "workers": given.workers}
        found |= measured(folder, rows, given)
        files = [*(folder / "project" / ".sanhua" / "serving").glob("*.keyed"), folder / "data.db"]
        found["file_mb"] = {path.suffix[1:]: path.stat().st_size >> 20 for path in files}
    found["bars"] = {what: kept for what, _, _, kept in held(found, given.rate)}
    found |= {"versions": versions(given.peers), **begun}
    if given.json:
        print(json.dumps(found, indent=1, ensure_ascii=False))
    else:
        print(table(found))
        print("\n".join(f"{key}: {found[key]}" for key in ("versions", "machine", "load", "date")))
    if given.write:
        path = ROOT / "bench" / "results" / f"gateway-{begun['date']}.json"
        path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
