"""Without root, the server runs as the user who starts it."""

import multiprocessing
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from contactory.embedded.server import EmbeddedError, EmbeddedPostgres
from tests.embedded.servers import NOBODY, ROOT, query, running


def as_nobody(wheel_site: Path, task: Callable[..., Any], *arguments: Any) -> Any:
    """Run a function as an ordinary user: by fork, as that user may be unable to reach the interpreter."""
    if not ROOT:
        return task(*arguments)
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=step_down, args=(wheel_site, sender, task, *arguments))
    child.start()
    sender.close()
    try:
        return receiver.recv()
    finally:
        child.join()


def step_down(wheel_site: Path, sender: Any, task: Callable[..., Any], *arguments: Any) -> None:
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
    sys.path.insert(0, str(wheel_site))
    sender.send(task(*arguments))


def refusal_text(data_dir: Path) -> str:
    try:
        EmbeddedPostgres(data_dir).start()
    except EmbeddedError as error:
        return str(error)
    return "it started"


def run_twice(data_dir: Path) -> tuple[str, int]:
    with running(data_dir) as server:
        query(server.url, "create table note (body text)", "insert into note values ('mine')")
    with running(data_dir) as server:
        owner = (data_dir / "data-18").stat().st_uid
        return query(server.url, "select body from note"), owner


def test_an_ordinary_user_runs_a_server_of_their_own(folder: Path, wheel_site: Path) -> None:
    home = folder / "home"
    home.mkdir()
    if ROOT:
        os.chown(home, NOBODY, NOBODY)
    body, owner = as_nobody(wheel_site, run_twice, home / "store")
    assert body == "mine"
    assert owner == (NOBODY if ROOT else os.geteuid())


def test_a_folder_that_may_not_be_written_is_named(folder: Path, wheel_site: Path) -> None:
    (folder / "fixed").mkdir(0o555)
    assert f"may not use {folder}/fixed" in as_nobody(wheel_site, refusal_text, folder / "fixed")
