"""What migration 0003 gives to the workspaces that are there already."""

import re
from importlib.resources import files

from contactory.base.ids import parse_id
from tests.servers import Sql
from tests.world import World


def test_every_workspace_that_was_there_gets_the_window_that_a_new_one_has(sql: Sql, world: World) -> None:
    text = files("contactory.database").joinpath("migrations/0003_send_windows.sql").read_text()
    insert = text[text.index("insert into") :].partition(";")[0]
    [made] = world.bob.get("/v1/send-windows").json()
    world.sql.execute("delete from send_windows where workspace_id = $1", world.acme)
    world.sql.execute(insert.replace("where w.deleted_at is null", "where w.id = $1"), world.acme)
    [given] = world.bob.get("/v1/send-windows").json()
    assert re.fullmatch(r".{8}-.{4}-7.{3}-[89ab].{3}-.{12}", given["id"])
    assert parse_id(given["id"])
    changing = {"id": 0, "createdAt": 0, "updatedAt": 0}
    assert {**given, **changing} == {**made, **changing}
