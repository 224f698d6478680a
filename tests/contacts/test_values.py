"""What a contact's own fields take, and how they are kept (told apart from custom values)."""

import unicodedata

import pytest

from tests.world import World, a_phone, an_email, pointers

LONGEST_EMAIL = f"{'a' * 64}@{'b' * 63}.{'c' * 63}.{'d' * 57}.com"


@pytest.mark.parametrize("name", ["firstName", "lastName"])
def test_a_name_is_trimmed(world: World, name: str) -> None:
    made = world.alice.made()
    assert world.alice.patch(made["id"], {name: " \t Zoë\n"}).json()[name] == "Zoë"


@pytest.mark.parametrize("name", ["firstName", "lastName"])
def test_a_name_may_have_255_characters_after_trimming(world: World, name: str) -> None:
    made = world.alice.made()
    assert world.alice.patch(made["id"], {name: " " + "ü" * 255 + " "}).json()[name] == "ü" * 255
    refused = world.alice.patch(made["id"], {name: "x" * 256})
    assert refused.status_code == 400
    assert pointers(refused) == {f"/{name}": "wrong_length"}


@pytest.mark.parametrize(
    ("name", "empty"),
    [
        *((name, None) for name in ("firstName", "lastName", "email", "phone", "timezone")),
        *((name, "") for name in ("firstName", "lastName", "email", "phone")),
    ],
)
def test_null_and_an_empty_string_clear(world: World, name: str, empty: str | None) -> None:
    full = {
        "firstName": "Jane",
        "lastName": "Doe",
        "email": an_email(),
        "phone": a_phone(),
        "timezone": "Europe/Paris",
    }
    made = world.alice.made(full)
    cleared = world.alice.patch(made["id"], {name: empty})
    assert cleared.status_code == 200
    assert cleared.json()[name] is None
    assert {n for n in full if cleared.json()[n] is None} == {name}


@pytest.mark.parametrize("name", ["firstName", "lastName", "email", "phone", "timezone"])
@pytest.mark.parametrize("wrong", [5, 1.5, True, [], ["x"], {}, {"a": 1}])
def test_a_field_takes_a_string_or_null_only(world: World, name: str, wrong: object) -> None:
    made = world.alice.made()
    refused = world.alice.patch(made["id"], {name: wrong})
    assert refused.status_code == 400
    assert pointers(refused) == {f"/{name}": "wrong_type"}
    assert world.alice.read(made["id"]) == made


def test_only_the_domain_of_an_email_is_lower_cased(world: World) -> None:
    email = an_email()
    made = world.alice.made(email=f"  Jane.{email.replace('example.com', 'EXAMPLE.Com')} ")
    assert made["email"] == f"Jane.{email}"


@pytest.mark.parametrize(
    "wrong", ["jane", "jane@", "@example.com", "a b@example.com", "jane@example..com", "a@b@c.d"]
)
def test_an_email_of_the_wrong_syntax_is_refused(world: World, wrong: str) -> None:
    refused = world.alice.create({"email": wrong})
    assert refused.status_code == 400
    assert pointers(refused) == {"/email": "invalid_email"}


def test_an_email_of_a_domain_that_does_not_exist_is_taken(world: World) -> None:
    assert world.alice.create({"email": "jane@no-such-domain-at-all.invalid"}).status_code == 201


def test_an_email_may_have_254_characters(world: World) -> None:
    assert len(LONGEST_EMAIL) == 254
    assert world.alice.create({"email": LONGEST_EMAIL}).status_code == 201
    assert pointers(world.alice.create({"email": "x" + LONGEST_EMAIL})) == {"/email": "invalid_email"}


def test_an_email_is_unique_in_a_workspace_without_regard_to_case(world: World) -> None:
    first = world.alice.made(email="Jane@example.com")
    second = world.alice.made()
    refused = world.alice.patch(second["id"], {"email": "jANE@EXAMPLE.com"})
    assert refused.status_code == 409
    [error] = refused.json()["errors"]
    assert (error["pointer"], error["contactId"]) == ("/email", first["id"])


def test_an_email_may_change_its_case(world: World) -> None:
    made = world.alice.made(email="jane@example.com")
    assert world.alice.patch(made["id"], {"email": "Jane@example.com"}).json()["email"] == "Jane@example.com"


def test_the_same_email_and_phone_may_be_in_two_workspaces(world: World) -> None:
    email, phone = an_email(), a_phone()
    for workspace_id in (world.acme, world.acme_two):
        assert world.ada.made(workspaceId=workspace_id, email=email, phone=phone)
    assert world.carol.made(email=email, phone=phone)


@pytest.mark.parametrize(
    "written", ["+1 (415) 555-1234", "+1-415-555-1234", "+14155551234", "+1.415.555.1234"]
)
def test_a_phone_is_kept_as_e164_however_it_is_written(world: World, written: str) -> None:
    assert world.alice.made(phone=written)["phone"] == "+14155551234"


def test_a_phone_without_country_code_is_read_in_the_country_of_the_workspace(world: World) -> None:
    workspace = world.workspace("Paris", country="FR")
    made = world.caller(workspace).made(phone="01 42 34 56 78")
    assert made["phone"] == "+33142345678"


def test_a_phone_without_country_code_is_refused_where_the_workspace_has_no_country(world: World) -> None:
    refused = world.alice.create({"phone": "(415) 555-1234"})
    assert refused.status_code == 400
    assert list(pointers(refused)) == ["/phone"]


@pytest.mark.parametrize("wrong", ["+1415", "+999123456789", "call me", "+1 415 555 12345678901"])
def test_a_phone_that_is_not_possible_is_refused(world: World, wrong: str) -> None:
    refused = world.alice.create({"phone": wrong})
    assert refused.status_code == 400
    assert list(pointers(refused)) == ["/phone"]


def test_a_phone_is_unique_among_the_active_contacts_of_a_workspace(world: World) -> None:
    first, second = world.alice.made(phone="+14155551234"), world.alice.made()
    refused = world.alice.patch(second["id"], {"phone": "+1 (415) 555-1234"})
    assert refused.status_code == 409
    assert refused.json()["type"] == "/errors/conflict"
    [error] = refused.json()["errors"]
    assert (error["pointer"], error["contactId"]) == ("/phone", first["id"])
    assert world.alice.remove(first["id"]).status_code == 204
    assert world.alice.patch(second["id"], {"phone": "+14155551234"}).status_code == 200


@pytest.mark.parametrize("zone", ["America/New_York", "US/Pacific", "Asia/Calcutta", "UTC", "Etc/GMT+5"])
def test_a_zone_is_kept_as_it_was_sent(world: World, zone: str) -> None:
    made = world.alice.made()
    assert world.alice.patch(made["id"], {"timezone": zone}).json()["timezone"] == zone


@pytest.mark.parametrize(
    ("wrong", "suggestion"),
    [
        ("america/new_york", "America/New_York"),
        ("America/New_Yrok", "America/New_York"),
        ("us/pacific", "US/Pacific"),
    ],
)
def test_a_zone_is_matched_exactly_with_a_suggestion(world: World, wrong: str, suggestion: str) -> None:
    refused = world.alice.create({"timezone": wrong})
    assert refused.status_code == 400
    [error] = refused.json()["errors"]
    assert (error["pointer"], error["code"]) == ("/timezone", "unknown_timezone")
    assert error["suggestion"] == suggestion
    assert wrong in error["detail"]


@pytest.mark.parametrize("empty", ["", "  "])
@pytest.mark.parametrize("operation", ["create", "patch", "batch"])
def test_an_empty_zone_is_refused_with_how_to_clear_it(world: World, operation: str, empty: str) -> None:
    made = world.alice.made(timezone="Europe/Paris")
    sent = {"firstName": "Jane", "timezone": empty}
    if operation == "create":
        problem = world.alice.create(sent).json()
    elif operation == "patch":
        problem = world.alice.patch(made["id"], sent).json()
    else:
        answer = world.alice.batch({"op": "update", "id": made["id"], "data": sent})
        problem = answer.json()["results"][0]["problem"]
    [error] = problem["errors"]
    assert (problem["status"], error["code"]) == (400, "unknown_timezone")
    assert error["pointer"].endswith("/timezone")
    assert "to clear, send null" in error["detail"]
    assert "suggestion" not in error
    assert world.alice.read(made["id"]) == made


@pytest.mark.parametrize(
    "wrong",
    [
        "posix/Europe/Paris",
        "right/Europe/Paris",
        "posixrules",
        "localtime",
        "Factory",
        "America",
        "zone.tab",
        "../etc/passwd",
        "/usr/share/zoneinfo/UTC",
        "Europe/Paris ",
        "PST8PDT2",
        "-",
        "x" * 5000,
    ],
)
def test_names_that_are_no_zones_are_refused(world: World, wrong: str) -> None:
    assert pointers(world.alice.create({"timezone": wrong})) == {"/timezone": "unknown_timezone"}


def test_a_tag_is_trimmed_and_nfc_and_case_sensitive(world: World) -> None:
    decomposed = unicodedata.normalize("NFD", "Café")
    made = world.alice.made(tags=["  vip ", "VIP", decomposed, "Café"])
    assert made["tags"] == ["Café", "VIP", "vip"]


def test_tags_are_sorted_by_code_point(world: World) -> None:
    names = ["😀", "ﬁ", "é", "z", "a", "Z", "10", "9", "_"]
    assert world.alice.made(tags=names)["tags"] == sorted(names)


@pytest.mark.parametrize("wrong", ["", "   ", "x" * 256])
def test_a_tag_has_1_to_255_characters_after_trimming(world: World, wrong: str) -> None:
    refused = world.alice.create({"tags": ["good", wrong]})
    assert pointers(refused) == {"/tags/1": "wrong_length"}
    assert world.alice.create({"tags": [" " + "x" * 255 + " "]}).status_code == 201


@pytest.mark.parametrize("wrong", [None, "vip", {"vip": True}, 5, True])
def test_tags_must_be_an_array(world: World, wrong: object) -> None:
    made = world.alice.made(tags=["vip"])
    refused = world.alice.patch(made["id"], {"tags": wrong})
    assert refused.status_code == 400
    assert pointers(refused) == {"/tags": "wrong_type"}
    assert world.alice.read(made["id"])["tags"] == ["vip"]


@pytest.mark.parametrize("wrong", [None, 5, True, ["vip"], {}])
def test_every_tag_must_be_a_string(world: World, wrong: object) -> None:
    assert pointers(world.alice.create({"tags": ["vip", wrong]})) == {"/tags/1": "wrong_type"}


def test_a_request_has_at_most_100_tags(world: World) -> None:
    made = world.alice.made()
    assert world.alice.patch(made["id"], {"tags": [f"tag {i}" for i in range(100)]}).status_code == 200
    refused = world.alice.patch(made["id"], {"tags": [f"tag {i}" for i in range(101)]})
    assert pointers(refused) == {"/tags": "too_many_tags"}


def test_a_contact_carries_at_most_1000_tags(world: World) -> None:
    made = world.alice.made()
    for start in range(0, 1000, 100):
        tags = [f"tag {i}" for i in range(start, start + 100)]
        assert world.alice.patch(made["id"], {"tags": tags}).status_code == 200
    refused = world.alice.patch(made["id"], {"tags": ["one more"], "firstName": "June"})
    assert refused.status_code in (400, 409)
    now = world.alice.read(made["id"])
    assert (len(now["tags"]), now["firstName"]) == (1000, "Jane")
    tags = world.sql.value("select count(*) from tags where workspace_id = $1", world.acme)
    assert tags == 1000, "the tag of the refused change was made all the same"


def test_a_contact_has_exactly_the_keys_of_the_contract_and_null_where_nothing_is_set(world: World) -> None:
    made = world.alice.made(tags=["vip"])
    assert made == {
        "id": made["id"],
        "workspaceId": world.acme,
        "firstName": None,
        "lastName": None,
        "email": None,
        "phone": None,
        "timezone": None,
        "tags": ["vip"],
        "customFields": {},
        "createdAt": made["createdAt"],
        "updatedAt": made["createdAt"],
    }
