"""The portal's pages on the power template, over HTTP: within 40 KB and 15 ms each?

    python bench/portal.py [--keep FOLDER]

Writes and runs the template with its disclosure, serves its pages with uvicorn on a loopback port
in a process of its own, asks for the first page (anew and from the state already read) and for
every node of the graph, and keeps the figures in `bench/results/`. Times are the client's: server,
loopback and reading the answer. `cpu_ms` is what the server process spent on a page.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from decimal import Decimal
from http.client import HTTPConnection
from importlib.metadata import version
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from sanhua.kernel.figure import Figure
from sanhua.kernel.text import Text
from sanhua.store import schema
from sanhua.web.show import node_path
from sanhua.workspace import templates
from sanhua.workspace.opening import Workspace
from sanhua.workspace.reporting import report

SERVE = """
import socket, sys
from pathlib import Path
import uvicorn
from sanhua.web.pages import portal
from sanhua.workspace.opening import Workspace
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(64)
print(listener.getsockname()[1], flush=True)
with Workspace(Path(sys.argv[1]), env={}) as ws:
    config = uvicorn.Config(portal(ws, shown=True), log_level="error", lifespan="off")
    uvicorn.Server(config).run(sockets=[listener])
"""


def cpu_s(pid: int) -> float:
    """User and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def asked(connection: HTTPConnection, path: str) -> tuple[float, bytes]:
    started = time.perf_counter()
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == 200, path
    return (time.perf_counter() - started) * 1000, body


def summed(taken: list[float]) -> dict[str, float]:
    taken = sorted(taken)
    return {
        "median_ms": round(statistics.median(taken), 2),
        "p95_ms": round(taken[int(len(taken) * 0.95)], 2),
        "max_ms": round(taken[-1], 2),
    }


def measured(folder: Path) -> dict[str, Any]:
    with Workspace(folder, env={}) as ws:
        with ws.store.begin(actor=ws.actor, read_only=True), ws.store._reading() as connection:
            edge = schema.edge.c
            found = sa.union(*(sa.select(one) for one in (edge.src, edge.dst, schema.record.c.id)))
            nodes = list(connection.execute(found).scalars())
        with subprocess.Popen(
            [sys.executable, "-c", SERVE, str(folder)], stdout=subprocess.PIPE, text=True
        ) as server:
            assert server.stdout is not None
            connection = HTTPConnection("127.0.0.1", int(server.stdout.readline()))
            first, home = asked(connection, "/")
            warm = [asked(connection, "/")[0] for _ in range(200)]
            anew: list[float] = []
            began = cpu_s(server.pid)
            for _ in range(30):  # the state has grown: all of the page is read again
                with ws.store.begin(actor=ws.actor) as uow:
                    name = f"figure:bench/bench/bench/value/{uow.new_id('bch')}"
                    uow.add(Figure(name, Text("测量", "bench"), Decimal(1), "1"), "bench.noted")
                anew.append(asked(connection, "/")[0])
            anew_cpu = cpu_s(server.pid) - began
            before, taken, sizes = cpu_s(server.pid), list[float](), list[int]()
            for node in nodes:
                spent, body = asked(connection, node_path(node))
                taken.append(spent)
                sizes.append(len(body))
            cpu = cpu_s(server.pid) - before
            style = asked(connection, "/static/portal.css")[1]
            server.terminate()
    return {
        "home": {
            "bytes": len(home),
            "gz_bytes_with_style": len(gzip.compress(home)) + len(gzip.compress(style)),
            "first_ms": round(first, 1),
            "read_anew": {**summed(anew), "cpu_ms": round(anew_cpu * 1000 / len(anew), 2)},
            "state_known": summed(warm),
        },
        "explain": {
            "pages": len(nodes),
            **summed(taken),
            "cpu_ms": round(cpu * 1000 / len(nodes), 2),
            "bytes_median": int(statistics.median(sizes)),
            "bytes_max": max(sizes),
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary) / "power"
        if not folder.exists():
            templates.write("power", folder)
        with Workspace(folder, env={}) as ws:
            report(ws, "disclosure")
        found = measured(folder)
    now = datetime.now(UTC)
    found["at"] = now.isoformat(timespec="seconds")
    found["on"] = {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        **{name: version(name) for name in ("starlette", "jinja2", "uvicorn")},
    }
    results = Path(__file__).parent / "results"
    results.mkdir(exist_ok=True)
    text = json.dumps(found, indent=1)
    (results / f"portal-{now.date().isoformat()}.json").write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
