"""The operations on availability: their rows of the table."""

from contactory.availability import api, planning
from contactory.availability.model import MANY, AvailabilityResults
from contactory.local_time.plan import Plan
from contactory.local_time.verdict import Availability
from contactory.rules.checks import ID, Rule, described, leading_plus, one_of
from contactory.values.phones import PHONE_NUMBER
from contactory.values.questions import QUESTION
from contactory.web.operations import Operation

AVAILABILITY_OPERATIONS = [
    Operation(
        id="getContactAvailability",
        method="GET",
        path="/v1/contacts/{id}/availability",
        summary="Ask whether a contact may be contacted, and when",
        permission="read",
        handler=api.get_contact_availability,
        query=QUESTION,
        required=("channel",),
        answers={200: Availability},
        problems=(404,),
    ),
    Operation(
        id="getPhoneAvailability",
        method="GET",
        path="/v1/availability",
        summary="Ask whether a phone number may be called or texted, and when",
        permission="read",
        handler=api.get_phone_availability,
        query={
            "workspaceId": ID,
            "phone": Rule(str, PHONE_NUMBER, plus=leading_plus),
            **QUESTION,
            "channel": described(one_of("call", "sms"), "The channel of the contact."),
        },
        required=("phone", "channel"),
        answers={200: Availability},
        problems=(404,),
    ),
    Operation(
        id="getAvailabilities",
        method="POST",
        path="/v1/availability",
        summary="Ask whether up to 1,000 contacts may be contacted, and when",
        permission="read",
        handler=api.get_availabilities,
        body=MANY,
        raw_body=True,
        only_reads=True,
        answers={200: AvailabilityResults},
        problems=(404,),
    ),
    Operation(
        id="planSendWindow",
        method="POST",
        path="/v1/send-windows/{id}/plan",
        summary="Count the contacts that become available in each hour of the next seven days",
        permission="read",
        handler=planning.plan_window,
        body=planning.PLAN,
        raw_body=True,
        only_reads=True,
        answers={200: Plan},
        problems=(404,),
    ),
]
