"""The cast of the tests.

Acme is a customer with two live workspaces and one for tests. Alice (admin), Wendy (write) and Bob (read)
have keys of its first workspace, Ada has one for the whole account, and Tom one of the test workspace.
Globex is another customer; Carol, its admin, is the outsider who must never see anything of Acme's.
"""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any, TypeVar

import httpx
from argon2 import PasswordHasher

from contactory.access.keys import new_key
from contactory.access.sessions import open_session
from contactory.access.users import create_user
from contactory.base.ids import new_id
from contactory.jobs.store import enqueue
from contactory.keys.store import create_key
from contactory.rules.actor import Actor
from contactory.workspaces.store import create_account, create_workspace
from tests.servers import Sql

T = TypeVar("T")
_numbers = itertools.count(1)
PASSWORD = "correct horse battery"
"""Of everybody who is signed in; what is stored of it is cheap to verify."""
_STORED = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


class Caller:
    """Somebody with an API key, who speaks HTTP as any client program does.

    Every method gives the answer as it came (`httpx.Response`), but for `made`, which insists on success.
    """

    def __init__(self, http: httpx.Client, key: str, workspace_id: str, key_id: str = "") -> None:
        self.http = http
        self.key = key
        self.key_id = key_id
        self.workspace_id = workspace_id

    def at(self, http: httpx.Client) -> Caller:
        """The same caller, speaking to another server process."""
        return Caller(http, self.key, self.workspace_id, self.key_id)

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        **params: Any,
    ) -> httpx.Response:
        """`body` is sent as JSON, or `content` as it is; other arguments are query parameters."""
        sent = {"authorization": f"Bearer {self.key}", **(headers or {})}
        if content is not None:
            sent = {"content-type": "application/json", **sent}
            return self.http.request(method, path, content=content, headers=sent, params=_shown(params))
        return self.http.request(method, path, json=body, headers=sent, params=_shown(params))

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.request("GET", path, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        return self.request("POST", path, body, **more)

    def put(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        return self.request("PUT", path, body, **more)

    def delete(self, path: str, **more: Any) -> httpx.Response:
        return self.request("DELETE", path, **more)

    # The operations on contacts.

    def create(self, fields: Any, **more: Any) -> httpx.Response:
        return self.post("/v1/contacts", fields, **more)

    def made(self, fields: dict[str, Any] | None = None, /, **named: Any) -> dict[str, Any]:
        """A new contact, Jane unless something else is given."""
        answer = self.create({**(fields or {}), **named} or {"firstName": "Jane"})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def fetch(self, contact_id: str, **more: Any) -> httpx.Response:
        return self.get(f"/v1/contacts/{contact_id}", **more)

    def read(self, contact_id: str) -> dict[str, Any]:
        """The contact as it is now."""
        answer = self.fetch(contact_id)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def patch(self, contact_id: str, changes: Any = None, **more: Any) -> httpx.Response:
        return self.request("PATCH", f"/v1/contacts/{contact_id}", changes, **more)

    def upsert(self, fields: Any, **more: Any) -> httpx.Response:
        return self.post("/v1/contacts/upsert", fields, **more)

    def remove(self, contact_id: str, **more: Any) -> httpx.Response:
        return self.delete(f"/v1/contacts/{contact_id}", **more)

    def restore(self, contact_id: str, **more: Any) -> httpx.Response:
        return self.post(f"/v1/contacts/{contact_id}/restore", **more)

    def set_tags(self, contact_id: str, tags: Any, **more: Any) -> httpx.Response:
        return self.put(f"/v1/contacts/{contact_id}/tags", {"tags": tags}, **more)

    def list(self, **params: Any) -> httpx.Response:
        return self.get("/v1/contacts", **params)

    def batch(self, *operations: Any, **more: Any) -> httpx.Response:
        return self.post("/v1/contacts/batch", {"operations": [*operations]}, **more)

    def history(self, contact_id: str, **params: Any) -> httpx.Response:
        return self.get(f"/v1/contacts/{contact_id}/history", **params)


class Person:
    """Somebody at a browser, who is signed in; redirects are not followed."""

    def __init__(self, http: httpx.Client, user_id: str, email: str, secret: str, csrf: str) -> None:
        self.http = http
        self.user_id = user_id
        self.email = email
        self.secret = secret
        self.csrf = csrf
        self.cookie = {"cookie": f"__Host-contactory={secret}"}

    def get(self, path: str, *, script: bool = False, **params: Any) -> httpx.Response:
        """A page, or with `script` what a script gets in its stead."""
        headers = {**self.cookie, **({"hx-request": "true"} if script else {})}
        return self.http.get(path, headers=headers, params=_shown(params))

    def post(self, path: str, form: Mapping[str, Any] | None = None, **headers: str) -> httpx.Response:
        """Sends a form as our own pages do; headers are given with `_` for `-`."""
        own = {"sec-fetch-site": "same-origin", "x-csrf-token": self.csrf}
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.post(path, data=form or {}, headers={**self.cookie, **own, **given})


def _shown(params: dict[str, Any]) -> dict[str, Any] | None:
    return {name: str(v).lower() if isinstance(v, bool) else v for name, v in params.items()} or None


class World:
    """A fresh Acme and a fresh Globex, which no other test sees."""

    def __init__(self, sql: Sql, http: httpx.Client) -> None:
        self.sql = sql
        self.http = http
        self.account_id = self.account("Acme")
        self.acme = self.workspace("Acme")
        self.acme_two = self.workspace("Acme Two")
        self.acme_test = self.workspace("Acme Test", mode="test")
        self.globex_account_id = self.account("Globex")
        self.globex = self.workspace("Globex", account_id=self.globex_account_id)
        self.alice = self.caller(self.acme, "admin", name="Alice")
        self.wendy = self.caller(self.acme, "write", name="Wendy")
        self.bob = self.caller(self.acme, "read", name="Bob")
        self.ada = self.caller(None, "admin", name="Ada")
        self.tom = self.caller(self.acme_test, "admin", name="Tom", mode="test")
        self.carol = self.caller(self.globex, "admin", name="Carol", account_id=self.globex_account_id)
        self.revoked = self.caller(self.acme, "admin", name="Revoked")
        sql.execute("update api_keys set revoked_at = now() where id = $1", self.revoked.key_id)

    def account(self, name: str) -> str:
        """A new account's id."""
        return self.sql.run(create_account(self.sql.conn, name))

    def workspace(self, name: str = "More", *, account_id: str | None = None, **more: Any) -> str:
        """A new workspace's id, Acme's unless said otherwise; `mode`, `timezone`, `country` may be given."""
        return self.sql.run(create_workspace(self.sql.conn, account_id or self.account_id, name, **more))

    def caller(
        self,
        workspace_id: str | None,
        permission: str = "admin",
        *,
        name: str = "Somebody",
        mode: str = "live",
        account_id: str | None = None,
        **more: Any,
    ) -> Caller:
        """Somebody with a new key, of the account where `workspace_id` is None.

        `expires_at`, `rate_limit` and `rate_burst` may be given.
        """
        owner = account_id or self.account_id
        making = create_key(
            self.sql.conn, owner, workspace_id, name=name, mode=mode, permission=permission, **more
        )
        key = self.sql.run(making)
        return Caller(self.http, key.key, workspace_id or self.acme, key.id)

    def person(
        self,
        role: str = "owner",
        *,
        name: str = "Olive",
        account_id: str | None = None,
        workspace_ids: list[str] | None = None,
    ) -> Person:
        """Somebody of Acme, unless said otherwise, who is signed in to the dashboard."""
        email = an_email()
        making = create_user(
            self.sql.conn,
            account_id or self.account_id,
            (email, email),
            name=name,
            role=role,
            workspace_ids=workspace_ids,
            password_hash=_STORED,
        )
        user = self.sql.run(making)
        secret = self.sql.run(open_session(self.sql.conn, user.id))
        csrf = self.sql.value("select csrf from sessions where user_id = $1", user.id)
        return Person(self.http, user.id, email, secret, csrf)

    def field(self, name: str, kind: str = "text", workspace_id: str | None = None) -> str:
        """A new custom field, Acme's unless said otherwise; gives its id."""
        field_id, workspace = new_id(), workspace_id or self.acme
        self.sql.execute(
            """with field as (
                   insert into custom_fields (workspace_id, id, name, type, position, created_at, updated_at)
                   select $1, $2, $3, $4, count(*), now(), now() from custom_fields where workspace_id = $1)
               update workspaces set catalog_version = catalog_version + 1 where id = $1""",
            workspace,
            field_id,
            name,
            kind,
        )
        return field_id

    def job(self, workspace_id: str | None = None) -> str:
        """A new job, Acme's unless said otherwise, of a type that no server knows; gives its id."""
        home = workspace_id or self.acme
        actor = Actor(self.alice.key_id, self.account_id, home, "live", "admin")
        making = enqueue(self.sql.conn, actor, home, "somethingTest", {}, request_id="tests")
        return self.sql.run(making).id

    def stranger(self, key: str | None = None) -> Caller:
        """Somebody whose key is well formed, and known to nobody."""
        return Caller(self.http, key or new_key("live"), self.acme)


def a_phone() -> str:
    """A phone number that no other test has."""
    return f"+1415{2_000_000 + next(_numbers):07}"


def an_email() -> str:
    """An e-mail address that no other test has."""
    return f"{secrets.token_hex(6)}@example.com"


def at_once(*calls: Callable[[], T]) -> list[T]:
    """What the calls give, each made in a thread of its own, all at the same moment."""
    barrier = Barrier(len(calls))

    def run(call: Callable[[], T]) -> T:
        barrier.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def pointers(answer: httpx.Response) -> dict[str, str]:
    """What a problem says is wrong: its code by JSON Pointer or parameter."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return {e.get("pointer", e.get("parameter")): e["code"] for e in answer.json()["errors"]}
