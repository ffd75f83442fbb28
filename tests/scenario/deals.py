"""A deal on the small project, and a gateway over loopback to call it by."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from click.testing import CliRunner

from sanhua.cli.commands import cli
from sanhua.kernel.time import SHANGHAI, legal_day

BUYER = """
bank:   {name: 测试银行, uscc: 91310000MA1FL0XX7Y, roles: [buyer], public_key: keys/bank.pem}
banker: {name: 客户经理, person: true, of: bank, roles: [buyer]}
"""
DEAL = """
product: energy
consumer: bank
plan: standard
fields: [meter, day, kwh]
purposes: [credit]
from: 2026-01-01
through: 2035-12-31
level: L1
"""


def offer(project: Path, deal: str = DEAL) -> None:
    """Write the buyer and the deal `bank_2026`."""
    parties = project / "parties.yaml"
    seller = "roles: [holder, operator]"
    text = parties.read_text(encoding="utf-8").replace(
        f"{seller}}}", f"{seller}, public_key: keys/plant.pem}}", 1
    )
    parties.write_text(text + BUYER, encoding="utf-8")
    (project / "deals").mkdir()
    (project / "deals" / "bank_2026.yaml").write_text(deal, encoding="utf-8")


def say(project: Path, *words: str, code: int = 0, env: Mapping[str, str] | None = None) -> Any:
    """One command of the program; its JSON answer."""
    done = CliRunner().invoke(cli, [*words, "-C", str(project), "--json"], env=env)
    assert done.exit_code == code, (words, done.stdout[-600:], done.stderr, done.exception)
    return json.loads(done.stdout)


def codes(answer: Any) -> list[str]:
    return [found["code"] for found in answer["diagnostics"]]


def sign(project: Path, *, once: bool = False) -> None:
    """Make the keys, run, and sign for both sides."""
    keys = project.parent / "keys"
    keys.mkdir(exist_ok=True)
    for party in ("plant", "bank"):
        say(project, "deal", "key", party, "-o", str(keys / f"{party}.key"))
    say(project, "run")
    signers = [("steward", "plant"), ("banker", "bank")]
    for person, party in signers[:1] if once else signers:
        say(project, "deal", "sign", "bank_2026", "--as", person, "--key", f"{keys / party}.key")


def token(project: Path) -> tuple[str, str]:
    """A new token's id and secret."""
    made = say(project, "deal", "token", "bank_2026")
    return made["id"], made["token"]


class Gateway:
    """A serving process and one connection to it."""

    def __init__(
        self,
        project: Path,
        *options: str,
        env: Mapping[str, str] | None = None,
        limit: int | None = None,
    ) -> None:
        def bound() -> None:
            if limit is not None:
                import resource

                hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))

        command = [sys.executable, "-m", "sanhua", "serve", "--port", "0", "--json"]
        command += ["--no-schedule", *options]
        self.process = subprocess.Popen(
            [*command, "-C", str(project)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=bound if limit is not None else None,
            env={**os.environ, **(env or {})},
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line.strip():
            raise AssertionError(self.process.communicate()[1])
        self.told = json.loads(line)
        if "url" in self.told:
            self.address = self.told["url"].removeprefix("http://")
            self.line = http.client.HTTPConnection(self.address, timeout=20)

    def get(
        self,
        secret: str,
        product: str = "energy",
        headers: Mapping[str, str] | None = None,
        **q: str,
    ) -> tuple[int, bytes, http.client.HTTPResponse]:
        said = {"Authorization": f"Bearer {secret}"} if secret else {}
        self.line.request(
            "GET", f"/v1/data/{product}?{urlencode(q)}", headers={**said, **(headers or {})}
        )
        answer = self.line.getresponse()
        return answer.status, answer.read(), answer

    def code(self, *words: str, **q: str) -> tuple[int, str]:
        status, body, _ = self.get(*words, **q)
        return status, json.loads(body).get("code", "")

    def kill(self) -> None:
        """kill -9 of the whole group; the connection belongs to the thread that is calling."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate(timeout=60)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.end()

    def end(self) -> int:
        self.line.close()
        self.process.communicate(timeout=60)
        return self.process.returncode


@contextmanager
def serving(project: Path, *options: str, **more: Any) -> Iterator[Gateway]:
    gateway = Gateway(project, *options, **more)
    try:
        yield gateway
    finally:
        if gateway.process.poll() is None:
            assert gateway.stop() == 0


def records(project: Path) -> list[dict[str, Any]]:
    """Every usage record of the closed segments, in the order of their files."""
    found: list[dict[str, Any]] = []
    for path in sorted((project / "state" / "meter").glob("*.ndjson")):
        for line in path.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            if "id" in record:
                found.append(record)
    return found


def wait_until(true: Any, seconds: float) -> float:
    """Seconds until `true()` holds; fails after `seconds`."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds, "it did not come about"
        time.sleep(0.02)
    return time.monotonic() - began


def this_month() -> str:
    return f"{legal_day(datetime.now(UTC)):%Y-%m}"


def month_after(month: str, n: int = 1) -> str:
    year, number = divmod(int(month[:4]) * 12 + int(month[5:]) - 1 + n, 12)
    return f"{year}-{number + 1:02d}"


def when_over(month: str) -> dict[str, str]:
    """The clock set a few hours into the month after."""
    following = date.fromisoformat(month_after(month) + "-01")
    moment = datetime.combine(following, datetime.min.time(), SHANGHAI) + timedelta(hours=9)
    offset = max(0, int((moment - datetime.now(UTC)).total_seconds()))
    return {"SANHUA_CLOCK_OFFSET_S": str(offset)}


def shut(project: Path, month: str, code: int = 0, at: str = "") -> Any:
    """Close a month a few hours after it is over, or after the month `at` is."""
    return say(project, "close", month, code=code, env=when_over(at or month))
