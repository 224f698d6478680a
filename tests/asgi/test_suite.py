"""The tests of the API on the ASGI application: a few of them here, and all with `pytest --asgi`."""

import os
import re
import subprocess
import sys

from tests.servers import PROJECT, Sql, named

FILES = [
    "contacts/test_patch.py",
    "contacts/test_get.py",
    "tags",
    "fields/test_update.py",
    "test_tenancy.py",
]


def test_the_tests_that_speak_http_pass_on_it(sql: Sql) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--asgi", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
        + [f"tests/{name}" for name in FILES],
        cwd=PROJECT,
        env={**os.environ, "CONTACTORY_TEST_DATABASE_URL": named(sql.url, "postgres")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert int(re.findall(r"(\d+) passed", done.stdout)[-1]) > 100
