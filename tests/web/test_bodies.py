"""What a body may be called and begin with, and what is said of characters that are none."""

import json

import pytest

from tests.world import World, pointers


@pytest.mark.parametrize(
    "media",
    [
        "application/json;charset=utf8",
        'application/json; charset="UTF-8"',
        "application/json; Charset=Utf8",
        "application/json; charset=utf-8; profile=x",
        'application/json; profile="a; charset=latin-1"',
        "application/json; odata.metadata=minimal",
        "application/json; boundary=--x",
        "application/json;",
        "application/json; ;",
        "application/json ; charset = utf-8",
    ],
)
def test_parameters_of_a_media_type_do_not_matter_but_for_the_charset(world: World, media: str) -> None:
    answer = world.alice.create(None, content=b'{"firstName": "Zo\xc3\xab"}', headers={"content-type": media})
    assert (answer.status_code, answer.json().get("firstName")) == (201, "Zoë"), answer.text


@pytest.mark.parametrize(
    "charset", ["latin-1", "iso-8859-1", "utf-16", '"latin-1"', "us-ascii", "utf-8; charset=latin-1"]
)
def test_another_charset_is_unsupported(world: World, charset: str) -> None:
    headers = {"content-type": f"application/json; charset={charset}"}
    refused = world.alice.create(None, content=b'{"firstName": "Jane"}', headers=headers)
    assert (refused.status_code, refused.json()["type"]) == (415, "/errors/unsupported-media-type")
    assert "UTF-8" in refused.json()["detail"]


def test_a_byte_order_mark_is_skipped(world: World) -> None:
    body = b'\xef\xbb\xbf{"firstName": "Jane"}'
    made = world.alice.create(None, content=body)
    assert (made.status_code, made.json()["firstName"]) == (201, "Jane")
    patched = world.alice.patch(made.json()["id"], content=b'\xef\xbb\xbf{"tags": ["vip"]}')
    assert patched.json()["tags"] == ["vip"]
    for wrong in (b"\xef\xbb\xbf" * 2 + b"{}", b'{"firstName": \xef\xbb\xbf"Jane"}', b"\xef\xbb\xbf"):
        assert world.alice.create(None, content=wrong).status_code == 400
    utf_16 = '{"firstName": "Jane"}'.encode("utf-16")
    assert world.alice.create(None, content=utf_16).status_code == 400


LONE = {
    b'{"firstName": "a\\ud800"}': "/firstName",
    b'{"firstName": "\\uDFFFb"}': "/firstName",
    b'{"firstName": "a\xed\xa0\x80"}': "/firstName",
    b'{"tags": ["a", "\\ud83d\\ude00", "\\ude00\\ud83d"]}': "/tags/2",
    b'{"tags": ["\\\\ud800", "\\ud800x"]}': "/tags/1",
    b'{"customFields": {"A/B": "\\ud800\\u0041"}}': "/customFields/A~1B",
    b'{"customFields": {"A\\ud800": "x"}}': "/customFields/A\ufffd",
    b'{"operations": [{"op": "create", "data": {"firstName": "\\udc00"}}]}': "/operations/0/data/firstName",
}


@pytest.mark.parametrize(("body", "pointer"), LONE.items(), ids=LONE.values())
@pytest.mark.parametrize("path", ["", "/upsert", "/batch"])
def test_half_of_a_character_is_named_with_its_place(
    world: World, body: bytes, pointer: str, path: str
) -> None:
    refused = world.alice.post(f"/v1/contacts{path}", content=body)
    assert (refused.status_code, pointers(refused)) == (400, {pointer: "invalid_character"})
    assert "U+D" in refused.json()["errors"][0]["detail"]


def test_every_half_of_a_character_is_named(world: World) -> None:
    body = b'{"firstName": "\\ud800", "lastName": "\\udfff", "tags": ["ok", "\\udbff"]}'
    found = pointers(world.alice.create(None, content=body))
    assert found == dict.fromkeys(("/firstName", "/lastName", "/tags/1"), "invalid_character")


@pytest.mark.parametrize("half", [b"\\ud800", b"\xed\xa0\x80"])
def test_in_a_large_body_half_of_a_character_is_named_with_its_byte(world: World, half: bytes) -> None:
    start = b'{"firstName": "x", "tags": ["%s' % (b"\\ud83d\\ude00" * 40_000)
    refused = world.alice.create(None, content=start + half + b'"]}')
    [error] = refused.json()["errors"]
    assert (error["pointer"], error["code"]) == ("", "malformed_body")
    assert "U+D800" in error["detail"]
    assert f"byte {len(start)} " in error["detail"]


def test_what_only_looks_like_half_of_a_character_is_kept(world: World) -> None:
    texts = ["\\ud800", "\\\\ud800", "😀", "\ud7ff", "\ue000"]
    made = world.alice.made(tags=texts)
    assert made["tags"] == sorted(texts)
    content = json.dumps({"firstName": "😀 \\ud800"}).encode()
    assert world.alice.create(None, content=content).json()["firstName"] == "😀 \\ud800"
