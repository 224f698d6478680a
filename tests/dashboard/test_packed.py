"""Pages are packed where that tells nothing, and their forms carry a secret that each writes another way."""

import gzip
import re
import zlib

import httpx
import pytest

from contactory.dashboard.csrf import carries, masked
from tests.world import Person, World


@pytest.fixture
def olive(world: World) -> Person:
    return world.person()


def asked(world: World, person: Person, **headers: str) -> httpx.Response:
    given = {**person.cookie, **{name.replace("_", "-"): value for name, value in headers.items()}}
    with world.http.stream("GET", f"/w/{world.acme}/contacts", headers=given) as answer:
        answer.extensions["raw"] = b"".join(answer.iter_raw())
    return answer


@pytest.mark.parametrize("site", ["none", "same-origin"])
def test_a_page_is_packed_for_who_asks_by_themselves(world: World, olive: Person, site: str) -> None:
    world.alice.made(firstName="Jane")
    plain = asked(world, olive, sec_fetch_site=site, accept_encoding="identity")
    answer = asked(world, olive, sec_fetch_site=site, accept_encoding="br, gzip")
    assert answer.headers["content-encoding"] == "gzip"
    assert "sec-fetch-site" in answer.headers["vary"]
    packed = answer.extensions["raw"]
    assert b"Jane" in gzip.decompress(packed)
    assert int(answer.headers["content-length"]) == len(packed) < len(plain.extensions["raw"]) / 3


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site", "accept_encoding": "gzip"},
        {"sec_fetch_site": "same-site", "accept_encoding": "gzip"},
        {"accept_encoding": "gzip"},
        {"sec_fetch_site": "none", "accept_encoding": "gzip;q=0, br"},
        {"sec_fetch_site": "none", "accept_encoding": "identity"},
    ],
)
def test_what_another_site_may_have_asked_for_is_not_packed(
    world: World, olive: Person, headers: dict[str, str]
) -> None:
    answer = asked(world, olive, **headers)
    assert "content-encoding" not in answer.headers
    assert answer.extensions["raw"].startswith(b"<!doctype html>")


def secrets_of(page: str) -> set[str]:
    return set(re.findall(r'name="csrf" (?:value|content)="([^"]+)"', page))


def test_every_page_writes_its_secret_another_way_and_each_is_good(world: World, olive: Person) -> None:
    path = f"/w/{world.acme}/contacts"
    one, other = (secrets_of(olive.get(path).text) for _ in range(2))
    assert len(one) == len(other) == 1
    assert one != other
    assert olive.csrf not in one | other
    for secret in one | other:
        answer = olive.post(f"{path}/new", {"firstName": "Jane"}, x_csrf_token=secret)
        assert answer.status_code == 303
    [stranger] = secrets_of(world.person().get(path).text)
    for wrong in (stranger, "", "x", "é", next(iter(one))[:-4], next(iter(one))[:-4] + "AAAA"):
        answer = olive.post(f"{path}/new", {"firstName": "Mallory", "csrf": wrong}, x_csrf_token="")
        assert answer.status_code == 403, wrong


def test_masked_secrets_share_nothing_that_packing_finds() -> None:
    secret = "s" * 43
    both = [masked(secret), masked(secret)]
    assert all(carries(each, secret) for each in both)
    assert not carries(masked("t" * 43), secret)
    assert len(zlib.compress("".join(both).encode())) > 0.7 * len("".join(both))
