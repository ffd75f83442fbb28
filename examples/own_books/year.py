"""一家虚构公司的 2026 年：卖数据、记账、逐月月结，到年末披露，每个数字都打开到底。全部合成。
A year of an invented company: it sells data, keeps its books, closes every month, and every
figure of its year-end disclosure is opened to the bottom. Everything is synthetic.

    python examples/own_books/year.py FOLDER [CALLS]

Writes the project into the new FOLDER (private keys beside it, in FOLDER-keys) and takes it
through the year with the commands that anybody would type; each is printed before it runs. Only
the clock is set (SANHUA_CLOCK_OFFSET_S). The calls go over HTTP to the real gateway, CALLS of them
a deal and month (default 300). `start/` is laid over the template in January, `story/MONTH/` in
that month. What may be sold by what right is ruled from July 2026 on, when the guide on
registering data rights came into force; until then the company only keeps its books.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SHANGHAI = timezone(timedelta(hours=8))
COMPANY, PRODUCT = "grid_co", "load_profile_daily"
YEAR = "2026"
MONTHS = [f"{YEAR}-{month:02d}" for month in range(1, 13)]
LATER = ("rights", "policies", "products")  # of the template, from the first deal on
CALL_DAY = 28
# Who signs a deal for each side.
STEWARD = "he_lan"
BUYERS = {"spark": ("sun_yi", "spark_co"), "brook": ("qian_bo", "brook_co")}
MOST = {"brook_trial": 200}  # calls that a plan allows
Command = Callable[[list[str], Mapping[str, str]], str]


class Failed(Exception):
    """A command did not do what the year needs."""


def in_a_process(words: list[str], env: Mapping[str, str]) -> str:
    """One command of the program as a user gives it; what it prints on stdout."""
    command = [sys.executable, "-m", "sanhua", *words]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **env})
    if done.returncode:
        raise Failed(f"sanhua {' '.join(words)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


class Year:
    """The project in `folder`, and the day that it is there."""

    def __init__(
        self,
        folder: Path,
        *,
        calls: int = 300,
        command: Command = in_a_process,
        told: Callable[[str], None] = print,
    ) -> None:
        self.folder, self.calls, self.command, self.told = folder.resolve(), calls, command, told
        self.keys = self.folder.with_name(f"{self.folder.name}-keys")
        self.keys.mkdir()
        self.tokens: dict[str, str] = {}
        self.closed: dict[str, dict[str, Any]] = {}
        self.counted: dict[str, dict[str, int]] = {}  # month → deal → answers that the buyer counts
        self.began = datetime.now(UTC)
        self.env: dict[str, str] = {}

    def on(self, day: date, hour: int = 10) -> None:
        """Set the project's clock."""
        moment = datetime(day.year, day.month, day.day, hour, tzinfo=SHANGHAI)
        self.env = {"SANHUA_CLOCK_OFFSET_S": str(int((moment - datetime.now(UTC)).total_seconds()))}
        self.told(f"\n# {day}")

    def sanhua(self, *words: str) -> dict[str, Any]:
        self.told(f"$ sanhua {' '.join(words)}")
        return json.loads(self.command([*words, *self.at()], self.env))

    def at(self) -> list[str]:
        return ["-C", str(self.folder), "--json"]

    def arrive(self, source: Path, into: str = "") -> None:
        """Lay what comes over what is there."""
        if source.is_dir():
            shutil.copytree(source, self.folder / into, dirs_exist_ok=True)

    # The year

    def begin(self) -> None:
        """The template `power`, without what it sells, and the books as they stand in January."""
        self.on(date(2026, 1, 20))
        self.told(f"$ sanhua init {self.folder.name} --template power")
        self.command(["init", str(self.folder), "--template", "power", "--json"], self.env)
        shutil.rmtree(self.folder / "deals")
        for name in LATER:
            shutil.move(self.folder / name, self.keys / name)
        self.arrive(HERE / "start")
        for party in (COMPANY, *(party for _, party in BUYERS.values())):
            self.sanhua("deal", "key", party, "-o", str(self.keys / f"{party}.key"))

    def month(self, month: str) -> None:
        """What comes in the month, what is sold in it, its close, and what the ERP makes of it."""
        first = date.fromisoformat(f"{month}-01")
        story = HERE / "story" / month
        begins = [self.term(deal)[0] for deal in (story / "deals").glob("*.yaml")]
        if begins:
            self.on(min(begins))
            self.arrive(story / "deals", "deals")  # its books are written later in the month
            self.offer()
        self.arrive(story)
        self.sell(first.replace(day=CALL_DAY))
        if month == MONTHS[-1]:  # the impairment tests come before December is closed
            self.on(date(2027, 1, 16))
            self.arrive(HERE / "story" / "year-end")
        else:
            self.on((first + timedelta(days=31)).replace(day=2))
        self.sanhua("run")
        self.closed[month] = self.sanhua("close", month)
        self.book(month)

    def offer(self) -> None:
        """What is sold, by what right and on what terms; sign the deals that are new."""
        for name in LATER:
            if (self.keys / name).exists():
                shutil.move(self.keys / name, self.folder / name)
        self.sanhua("run")
        for deal in sorted((self.folder / "deals").glob("*.yaml")):
            if deal.stem not in self.tokens:
                self.sign(deal.stem)

    def sign(self, deal: str) -> None:
        person, party = BUYERS[deal.partition("_")[0]]
        for who, whose in ((STEWARD, COMPANY), (person, party)):
            key = str(self.keys / f"{whose}.key")
            self.sanhua("deal", "sign", deal, "--as", who, "--key", key)
        self.tokens[deal] = self.sanhua("deal", "token", deal)["token"]

    def sell(self, day: date) -> None:
        """The buyers' own programs call the gateway; what they count themselves is kept."""
        open_now = [deal for deal in self.tokens if self.in_force(deal, day)]
        if not open_now:
            return
        self.on(day)
        with self.serving() as url:
            self.counted[f"{day:%Y-%m}"] = {deal: self.call(url, deal) for deal in open_now}

    def in_force(self, deal: str, day: date) -> bool:
        """Whether the deal's data may be called for on the day."""
        first, last = self.term(self.folder / "deals" / f"{deal}.yaml")
        return first <= day <= last

    @staticmethod
    def term(path: Path) -> tuple[date, date]:
        """The first and the last day of a deal."""
        lines = path.read_text(encoding="utf-8").splitlines()
        terms = dict(line.split(": ", 1) for line in lines if ": " in line)
        return date.fromisoformat(terms["from"]), date.fromisoformat(terms["through"])

    @contextmanager
    def serving(self) -> Iterator[str]:
        """The gateway on a free port of this machine."""
        command = [
            sys.executable,
            "-m",
            "sanhua",
            "serve",
            "--port",
            "0",
            "--json",
            "--no-schedule",
        ]
        self.told("$ sanhua serve")
        with subprocess.Popen(
            [*command, *self.at()],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **self.env},
        ) as server:
            try:
                assert server.stdout is not None
                line = server.stdout.readline()
                if not line.strip():
                    raise Failed(f"sanhua serve: {server.wait()}")
                yield json.loads(line)["url"]
            finally:
                server.terminate()

    def call(self, url: str, deal: str) -> int:
        calls = str(min(self.calls, MOST.get(deal, self.calls)))
        self.told(f"$ python client.py {url} {PRODUCT} {calls} token day    # {deal}")
        done = subprocess.run(
            [sys.executable, str(self.folder / "client.py"), url, PRODUCT, calls, "token", "day"],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "SANHUA_TOKEN": self.tokens[deal]},
        )
        counted = json.loads(done.stdout)
        if counted["refused"]:
            raise Failed(f"{deal}: {counted}")
        return counted["answered"]

    def book(self, month: str) -> None:
        """The ERP books what was proposed under numbers of its own, and hands its lines back."""
        proposed = self.closed[month]["proposed_vouchers"]
        if not proposed:
            return
        columns = ("voucher", "date", "summary", "account", "debit", "credit")
        numbers: dict[str, str] = {}
        path = self.folder / "books" / "vouchers" / f"{month}-erp.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            for row in proposed:
                number = numbers.setdefault(row["voucher"], f"{month}-9{len(numbers) + 1:03d}")
                writer.writerow([number, *(row[column] for column in columns[1:])])
        left = self.sanhua("report", "vouchers", "--period", month)["vouchers"]
        if left:
            raise Failed(f"{month}: the ERP was asked twice for {left}")

    # The year's end

    def end(self) -> dict[str, Any]:
        """The audit's adjustment, the second person's approval, the auditor's seal, the disclosure
        as it is handed out.
        """
        self.on(date(2027, 3, 5))
        self.arrive(HERE / "story" / "audit")
        self.sanhua("run")
        self.sanhua("close", f"{YEAR}-ADJ")
        for card in sorted((self.folder / "books" / "assets").glob("*.yaml")):
            self.sanhua("approve", f"asset:{card.stem}", "--as", "chen_yu")
        self.sanhua("report", "disclosure", "--period", YEAR)
        self.sanhua("approve", f"disclosure:{COMPANY}/{YEAR}", "--as", "chen_yu")
        self.on(date(2027, 3, 18))
        seal = ("--sealed-on", "2027-03-18")
        self.sanhua("approve", f"disclosure:{COMPANY}/{YEAR}", "--as", "lin_mo", *seal)
        return self.sanhua("report", "disclosure", "--period", YEAR)

    def open(self, figures: Iterable[str]) -> int:
        """Open each figure as `sanhua explain` does, and count them; Failed where a way ends before
        it has come to a file, or nobody answers.
        """
        from sanhua.workspace.explaining import explain
        from sanhua.workspace.opening import Workspace

        opened = 0
        with Workspace(self.folder) as ws:
            for figure in figures:
                walk = explain(ws, figure).to_json()
                kinds = {node["id"]: node["kind"] for node in walk["nodes"]}
                onward = {edge["from"] for edge in walk["edges"]}
                ends = [node for node in kinds if kinds[node] in GROUNDS and node not in onward]
                files = any(node.startswith("sha256:") for node in kinds)
                booked = {"voucher", "asset", "entry"} & set(kinds.values())
                nobody = booked and "party" not in kinds.values()
                if Decimal(walk["nodes"][0]["value"]) and (ends or not files or nobody):
                    raise Failed(f"{figure}: ends {ends}, files {files}, nobody {nobody}")
                opened += 1
        return opened


# What stands between a figure and the files; none of them may be where a way ends.
GROUNDS = ("figure", "voucher", "asset", "entry", "invoice", "settlement", "segment", "closing")


def main(folder: Path, calls: int) -> None:
    year = Year(folder, calls=calls)
    year.begin()
    for month in MONTHS:
        year.month(month)
    shown = year.end()
    figures = [f["id"] for f in shown["figures"]]
    figures += [c["id"] for table in shown["tables"].values() for c in table["cells"]]
    print()
    for figure in shown["figures"]:
        print(f"{figure['amount']:>14}  {figure['label']}")
    print(f"\n{len(figures)} 个数字逐个打开。Each of {len(figures)} figures is opened.")
    year.open(figures)
    year.sanhua("verify")
    seconds = (datetime.now(UTC) - year.began).total_seconds()
    print("全部打开到文件与人，日志完整。All open down to files and people; the log is whole.")
    print(f"{seconds:.0f} s")
    print(f"项目在 the project is in {year.folder}; go on with")
    print(f"export SANHUA_CLOCK_OFFSET_S={year.env['SANHUA_CLOCK_OFFSET_S']}")


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 3:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) == 3 else 300)
