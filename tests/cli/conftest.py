import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from contactory.__main__ import main
from contactory.embedded.host import die_with_parent
from tests.servers import PROJECT


class CommandLine:
    """The command `contactory` with these settings."""

    def __init__(self, folder: Path, **settings: object) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CONTACTORY_")}
        given = {f"CONTACTORY_{name.upper()}": str(value) for name, value in settings.items()}
        self.environment = {**kept, **given, "PYTHONPATH": str(PROJECT)}
        self.folder = folder

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Starts a command as a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "contactory", *words],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 (it makes two system calls)
        )

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Runs a command within this process, which saves the third of a second that a start takes."""
        unset = dict.fromkeys(os.environ.keys() - self.environment.keys())
        with contextlib.chdir(self.folder):
            done = CliRunner(env={**unset, **self.environment}).invoke(main, words, prog_name="contactory")
        # Click turns what it expects into an exit; anything else would have been a traceback.
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return subprocess.CompletedProcess(words, done.exit_code, done.stdout, done.stderr)

    def says(self, *words: str) -> str:
        """What a command that succeeds prints."""
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def gives(self, *words: str) -> Any:
        """What a command that succeeds answers with --json."""
        return json.loads(self.says(*words, "--json"))

    def gives_anyway(self, *words: str) -> Any:
        """What a command answers with --json, whether it succeeds or not."""
        return json.loads(self.run(*words, "--json").stdout)

    def fails(self, *words: str, code: int = 1) -> str:
        """The sentence of a command that fails."""
        done = self.run(*words)
        assert done.returncode == code, done
        assert done.stdout == ""
        last = done.stderr.rstrip("\n").rpartition("\n")[2]
        assert last.startswith("Error: ")
        return last


@pytest.fixture
def contactory(database_url: str, tmp_path: Path) -> CommandLine:
    """The command line on the database that the server of the tests has."""
    return CommandLine(tmp_path, database_url=database_url)
