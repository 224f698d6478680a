"""`contactory doctor`."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import phonenumbers

from contactory.cli.doctor import phone_numbers, time_zones
from contactory.local_time.zones import TZDATA_VERSION, data_since
from contactory.values import numbering_plans
from contactory.values.numbering_plans import plans_since
from tests.cli.conftest import CommandLine
from tests.servers import sql_at


def test_all_is_well_with_a_good_database(database_url: str, tmp_path: Path) -> None:
    contactory = CommandLine(tmp_path, database_url=database_url)
    found = {finding["check"]: finding["status"] for finding in contactory.gives_anyway("doctor")}
    # The PostgreSQL of the tests is told not to wait for the disk.
    assert found.pop("durability") in ("ok", "fail")
    assert found.keys() >= {"settings", "time zones", "phones", "database", "schema", "writing"}
    assert found.keys() >= {"connections", "clock", "jobs"}
    # The time zone data and numbering plans of an old checkout are old, which is for doctor to say.
    assert {found.pop("time zones"), found.pop("phones")} <= {"ok", "warn"}
    assert set(found.values()) == {"ok"}


def test_what_is_missing_is_told_with_what_to_do(new_database: Callable[[], str], tmp_path: Path) -> None:
    contactory = CommandLine(tmp_path, database_url=new_database())
    done = contactory.run("doctor")
    assert done.returncode == 1
    assert "fail  schema" in done.stdout
    assert "run `contactory migrate`" in done.stdout
    assert contactory.gives("migrate")["applied"]
    assert contactory.gives("migrate")["applied"] == []
    assert "ok    schema" in contactory.run("doctor").stdout


def test_a_recurring_job_that_is_late_is_named(new_database: Callable[[], str], tmp_path: Path) -> None:
    contactory = CommandLine(tmp_path, database_url=(url := new_database()))
    contactory.gives("migrate")

    def jobs() -> dict[str, str]:
        return next(f for f in contactory.gives_anyway("doctor") if f["check"] == "jobs")

    assert (jobs()["status"], "no server" in jobs()["detail"]) == ("ok", True)
    with sql_at(url) as sql:
        sql.execute(
            """insert into schedule (name, every, registered_at, due_at, last_success)
               values ('poll', '0.4 s', now(), now(), now()),
                      ('sweep_tags', '10 s', now(), now(), now() - interval '100 s'),
                      ('hourly', '1 hour', now(), now(), now() - interval '2 hours'),
                      ('new', '10 s', now() - interval '1 minute', now(), null)"""
        )
        assert jobs()["status"] == "ok"
        sql.execute("update schedule set last_success = now() - interval '5 minutes' where name <> 'poll'")
        found = jobs()
        assert (found["status"], "sweep_tags (last done 20" in found["detail"]) == ("warn", True)
        assert "new (last done" in found["detail"]
        assert "hourly" not in found["detail"]
        assert "job failed" in found["advice"]
        sql.execute("update schedule set last_success = null, registered_at = now() - interval '1 day'")
        sql.execute("update schedule set last_success = now() where name = 'poll'")
        assert "sweep_tags (never done)" in jobs()["detail"]
        # Where no server runs, nothing is late.
        sql.execute("update schedule set last_success = now() - interval '1 day'")
        assert jobs()["status"] == "ok"


def test_wrong_settings_and_a_database_that_is_away_are_findings(tmp_path: Path) -> None:
    wrong = CommandLine(tmp_path, workers="many").run("doctor", "--json")
    assert (wrong.returncode, json.loads(wrong.stdout)[0]["status"]) == (1, "fail")
    away = CommandLine(tmp_path, database_url="postgresql://a@127.0.0.1:1/x").run("doctor", "--json")
    assert (away.returncode, json.loads(away.stdout)[-1]["status"]) == (1, "fail")
    none = CommandLine(tmp_path, data_dir=tmp_path / "none").run("doctor")
    assert "There is no data in" in none.stdout
    assert not (tmp_path / "none").exists()


def test_time_zone_data_of_more_than_a_year_is_warned_of() -> None:
    fresh = time_zones(data_since() + timedelta(days=300))
    assert (fresh.check, fresh.status, fresh.advice) == ("time zones", "ok", "")
    assert TZDATA_VERSION in fresh.detail
    old = time_zones(data_since() + timedelta(days=400))
    assert old.status == "warn"
    assert "tzdata" in old.advice


def test_numbering_plans_of_more_than_a_year_are_warned_of() -> None:
    fresh = phone_numbers(plans_since() + timedelta(days=300))
    assert (fresh.check, fresh.status, fresh.advice) == ("phones", "ok", "")
    assert f"phonenumbers {phonenumbers.__version__} ({plans_since():%B %Y} or later)" in fresh.detail
    old = phone_numbers(plans_since() + timedelta(days=400))
    assert old.status == "warn"
    assert "phonenumbers" in old.advice


def test_the_area_codes_were_checked_with_the_release_that_is_installed() -> None:
    """After an upgrade of the package: check main_zones.toml again, then name the new release and its day."""
    pinned = Path(__file__).parents[2].joinpath("requirements.txt").read_text("utf-8")
    assert f"phonenumbers=={numbering_plans._CHECKED} " in pinned
    assert plans_since() == numbering_plans._CAME_OUT
