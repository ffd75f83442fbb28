"""A MariaDB of the tests' own, from Debian's programs, on a Unix socket in a folder of its own,
ended with the tests. Without `mariadbd` there is none.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

START_WAIT_S = 30
# Ended by its own number when the tests end, however those do: the shell reads a pipe of theirs.
KEEP = 'program=$1; shift; "$program" "$@" & read -r _; kill -TERM $!; wait $!'


def program() -> str | None:
    return shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin")


class Server:
    def __init__(self, folder: Path, mariadbd: str) -> None:
        self.folder, self.socket = folder, folder / "m.sock"
        user = ["--user=root"] if os.geteuid() == 0 else []
        data = f"--datadir={folder / 'data'}"
        subprocess.run(
            ["mariadb-install-db", "--no-defaults", data, *user, "--skip-test-db",
             "--auth-root-authentication-method=normal"],
            check=True, capture_output=True,
        )  # fmt: skip
        self._log = (folder / "server.log").open("wb")
        self._process = subprocess.Popen(
            ["sh", "-c", KEEP, "sh", mariadbd, "--no-defaults", data, *user, "--skip-networking",
             f"--socket={self.socket}", f"--pid-file={folder / 'm.pid'}",
             "--innodb-buffer-pool-size=16M", "--innodb-flush-log-at-trx-commit=0"],
            stdin=subprocess.PIPE, stdout=self._log, stderr=self._log,
        )  # fmt: skip
        until = time.monotonic() + START_WAIT_S
        while not self.socket.exists():
            if time.monotonic() > until or self._process.poll() is not None:
                said = (folder / "server.log").read_text(errors="replace")
                raise RuntimeError(f"MariaDB does not start: {said[-2000:]}")
            time.sleep(0.05)

    def do(self, *statements: str, database: str | None = None) -> Any:
        import pymysql

        line = pymysql.connect(
            unix_socket=str(self.socket), user="root", database=database, autocommit=True
        )
        with line, line.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall()

    def url(self, database: str) -> str:
        return f"mysql+pymysql://root@localhost/{database}?unix_socket={self.socket}"

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(START_WAIT_S)
        finally:
            self._log.close()


def running(mariadbd: str) -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="sanhua-my-"))  # a socket's path is short
    try:
        server = Server(folder, mariadbd)
        try:
            yield server
        finally:
            server.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
