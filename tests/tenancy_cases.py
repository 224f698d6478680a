"""Requests that each aim an operation at something of Acme's, for test_tenancy.py."""

import secrets
from typing import Any, NamedTuple

from contactory.base.ids import new_id
from tests.world import a_phone

_IDS = ("contact", "deleted", "field", "key", "workspace", "window", "job")


class Target(NamedTuple):
    """What a case aims at: things of Acme's, or others of the same form that never were."""

    contact: str
    deleted: str
    field: str
    key: str
    workspace: str
    tag: str
    field_name: str
    phone: str
    email: str
    by_creation: str
    """A cursor of the list of contacts; likewise below."""
    by_change: str
    by_name: str
    window: str
    window_name: str
    job: str

    def unused(self) -> "Target":
        """The same, but nothing in it was ever used."""
        ids = {name: new_id() for name in _IDS}
        marker, never = self.tag.rpartition("-")[2], secrets.token_hex(6)
        nobody = secrets.token_hex(16)
        return self._replace(
            **ids,
            tag=self.tag.replace(marker, never),
            by_name=self.tag.replace(marker, never).encode().hex(),
            field_name=self.field_name.replace(marker, never),
            window_name=self.window_name.replace(marker, never),
            email=self.email.replace(marker, never),
            phone=a_phone(),
            by_creation=self.by_creation[:15] + nobody,
            by_change=self.by_change[:15] + nobody + self.by_change[47:],
        )


class Case(NamedTuple):
    """A request; `{name}` in it stands for a value of the target, `{own}` for the caller's workspace."""

    operation: str
    url: str
    body: Any = None
    foreign: int | None = 404
    """What others are answered; None where the request names nothing of Acme's."""
    permission: str | None = None
    """Where the parameters need more than the operation does."""
    headers: dict[str, str] = {}
    rightful: int = 200
    """What Acme's own account key is answered, where that is no success."""


TAKEN = "+14155550100"
"""The phone of a contact in every outsider's workspace."""
CONTACT, TAGS = "/v1/contacts/{contact}", "/v1/contacts/{contact}/tags"
WINDOW = "/v1/send-windows/{window}"
JOB = "/v1/jobs/{job}"
IN_WORKSPACE, OWN = "?workspaceId={workspace}", "?workspaceId={own}"
NOON = "2026-03-02T12:00:00Z"
CHANGE = {"firstName": "Mallory", "tags": ["mallory"]}
DENIED = {"call": {"status": "denied", "source": "mallory"}, "doNotContact": True}
CASES = [
    Case("listContacts", "/v1/contacts" + IN_WORKSPACE),
    Case("listContacts", f"/v1/contacts{OWN}&cursor={{by_creation}}&limit=1", foreign=200),
    Case("listContacts", f"/v1/contacts{OWN}&cursor={{by_change}}&count=true", foreign=200),
    Case("listContacts", f"/v1/contacts{OWN}&phone={{phone}}&count=true", foreign=200),
    Case("listContacts", f"/v1/contacts{OWN}&email={{email}}&count=true", foreign=200),
    Case("listContacts", f"/v1/contacts{OWN}&tag={{tag}}&count=true", foreign=200),
    Case("createContact", "/v1/contacts", {"workspaceId": "{workspace}", "firstName": "Mallory"}),
    Case(
        "upsertContact", "/v1/contacts/upsert", {"workspaceId": "{workspace}", "phone": "{phone}", **CHANGE}
    ),
    Case(
        "batchContacts",
        "/v1/contacts/batch",
        {"workspaceId": "{workspace}", "operations": [{"op": "create", "data": CHANGE}]},
    ),
    Case(
        "batchContacts",
        "/v1/contacts/batch",
        {
            "workspaceId": "{own}",
            "operations": [
                {"op": "update", "id": "{contact}", "data": CHANGE},
                {"op": "update", "id": "{contact}", "data": CHANGE, "ifMatch": 1},
                {"op": "delete", "id": "{contact}"},
                {"op": "delete", "id": "{deleted}"},
            ],
        },
        foreign=200,
    ),
    Case("lookupContact", "/v1/contacts/lookup" + IN_WORKSPACE + "&phone={phone}"),
    Case("lookupContact", "/v1/contacts/lookup" + OWN + "&phone={phone}"),
    Case("lookupContact", "/v1/contacts/lookup" + OWN + "&email={email}"),
    Case("getContact", CONTACT),
    Case("getContact", CONTACT + "?include=timezones", headers={"if-none-match": "*"}, rightful=304),
    Case("getContact", "/v1/contacts/{deleted}?include=deleted", permission="admin"),
    Case("updateContact", CONTACT, CHANGE),
    Case("updateContact", CONTACT, CHANGE, headers={"if-match": '"2"'}),
    Case("updateContact", CONTACT, CHANGE, headers={"if-match": '"2"', "idempotency-key": "{contact}"}),
    Case("updateContact", CONTACT + "?dryRun=true", CHANGE),
    Case("updateContact", CONTACT, {"phone": TAKEN}),
    Case("deleteContact", CONTACT),
    Case("deleteContact", CONTACT, headers={"if-match": '"2"'}),
    Case("deleteContact", CONTACT + "?purge=true", permission="admin"),
    Case("deleteContact", "/v1/contacts/{deleted}?purge=true", permission="admin"),
    Case("restoreContact", "/v1/contacts/{deleted}/restore"),
    Case("setContactTags", TAGS, {"tags": ["mallory"]}),
    Case("removeContactTag", TAGS + "/{tag}"),
    Case("getContactConsent", CONTACT + "/consent"),
    Case("setContactConsent", CONTACT + "/consent", DENIED),
    Case("setContactConsent", CONTACT + "/consent?dryRun=true", DENIED, headers={"if-match": '"2"'}),
    Case("getContactHistory", CONTACT + "/history?cursor=2"),
    Case("getContactHistory", "/v1/contacts/{deleted}/history?include=deleted", permission="admin"),
    Case("getContactAvailability", CONTACT + "/availability?channel=call"),
    Case("getContactAvailability", CONTACT + "/availability?channel=sms&window=Default"),
    Case("getContactAvailability", "/v1/contacts/{deleted}/availability?channel=call"),
    Case("getPhoneAvailability", f"/v1/availability{IN_WORKSPACE}&phone={{phone}}&channel=call"),
    Case(
        "getPhoneAvailability", f"/v1/availability{OWN}&phone={{phone}}&channel=call&at={NOON}", foreign=200
    ),
    Case(
        "getPhoneAvailability",
        f"/v1/availability{OWN}&phone=%2B14155550111&channel=call&window={{window_name}}",
        foreign=400,
    ),
    Case(
        "getAvailabilities",
        "/v1/availability",
        {"workspaceId": "{workspace}", "ids": ["{contact}"], "channel": "call"},
    ),
    Case(
        "getAvailabilities",
        "/v1/availability",
        {"workspaceId": "{own}", "ids": ["{contact}", "{deleted}"], "channel": "call"},
        foreign=200,
    ),
    Case("listTags", "/v1/tags" + IN_WORKSPACE),
    Case("listTags", f"/v1/tags{OWN}&cursor={{by_name}}", foreign=200),
    Case("listTags", f"/v1/tags{OWN}&q={{tag}}", foreign=200),
    Case("renameTag", "/v1/tags/{tag}", {"workspaceId": "{workspace}", "name": "mallory"}),
    Case("renameTag", "/v1/tags/{tag}", {"workspaceId": "{own}", "name": "mallory", "merge": True}),
    Case("deleteTag", "/v1/tags/{tag}" + IN_WORKSPACE),
    Case("deleteTag", "/v1/tags/{tag}" + OWN),
    Case("listCustomFields", "/v1/custom-fields" + IN_WORKSPACE),
    Case(
        "createCustomField",
        "/v1/custom-fields",
        {"workspaceId": "{workspace}", "name": "Mallory", "type": "text"},
    ),
    Case("getCustomField", "/v1/custom-fields/{field}"),
    Case("updateCustomField", "/v1/custom-fields/{field}", {"name": "Own", "position": 0}),
    Case("updateCustomField", "/v1/custom-fields/{field}", {"type": "text"}),
    Case("updateCustomField", "/v1/custom-fields/{field}?dryRun=true", {"type": "text"}),
    Case("deleteCustomField", "/v1/custom-fields/{field}"),
    Case("listSendWindows", "/v1/send-windows" + IN_WORKSPACE),
    Case("createSendWindow", "/v1/send-windows", {"workspaceId": "{workspace}", "preset": "us-tcpa"}),
    Case("listSendWindowPresets", "/v1/send-windows/presets", foreign=None),
    Case("getSendWindow", WINDOW),
    Case("updateSendWindow", WINDOW, {"name": "Mallory"}),
    Case("updateSendWindow", WINDOW, {"isDefault": True}),
    Case("updateSendWindow", WINDOW + "?dryRun=true", {"name": "Mallory"}),
    Case("planSendWindow", WINDOW + "/plan", {"at": NOON}),
    Case("deleteSendWindow", WINDOW),
    Case("listJobs", "/v1/jobs" + IN_WORKSPACE),
    Case("listJobs", f"/v1/jobs{OWN}&cursor={{job}}&status=queued", foreign=200),
    Case("getJob", JOB),
    Case("getJob", JOB + "?wait=1"),
    Case("cancelJob", JOB + "/cancel"),
    Case("cancelJob", JOB + "/cancel?dryRun=true"),
    Case("listJobProblems", JOB + "/problems?cursor=1"),
    Case("listJobProblems", JOB + "/problems?format=csv"),
    Case("listWorkspaces", "/v1/workspaces?cursor={workspace}", foreign=200),
    Case("createWorkspace", "/v1/workspaces", {"name": "Mallory"}, foreign=None),
    Case("getWorkspace", "/v1/workspaces/{workspace}"),
    Case("updateWorkspace", "/v1/workspaces/{workspace}", {"name": "Mallory"}),
    Case("deleteWorkspace", "/v1/workspaces/{workspace}"),
    Case("listApiKeys", "/v1/api-keys?cursor={key}", foreign=200),
    Case("createApiKey", "/v1/api-keys", {"workspaceId": "{workspace}", "permission": "admin"}),
    Case("listTimezones", "/v1/timezones?q=pacific", foreign=None),
    Case("revokeApiKey", "/v1/api-keys/{key}"),
]
