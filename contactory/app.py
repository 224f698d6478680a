"""The table of contents: every operation of the API and the dashboard."""

from contactory.availability.operations import AVAILABILITY_OPERATIONS
from contactory.contacts.api.operations import CONTACT_OPERATIONS
from contactory.contacts.pages.operations import CONTACT_PAGES
from contactory.dashboard import visits
from contactory.dashboard.html import OPEN
from contactory.fields.operations import FIELD_OPERATIONS
from contactory.fields.pages import FIELD_PAGES
from contactory.jobs.operations import JOB_OPERATIONS
from contactory.keys.operations import KEY_OPERATIONS
from contactory.keys.pages import KEY_PAGES
from contactory.overview.pages import OVERVIEW_PAGES
from contactory.people.operations import PEOPLE_PAGES, USER_PAGES
from contactory.public.pages import opened, page_operations
from contactory.send_windows.operations import SEND_WINDOW_OPERATIONS
from contactory.send_windows.pages import SEND_WINDOW_PAGES
from contactory.services import Services
from contactory.tags.operations import TAG_OPERATIONS
from contactory.tags.pages import TAG_PAGES
from contactory.timezones.operations import TIMEZONE_OPERATIONS
from contactory.timezones.pages import TIMEZONE_PAGES
from contactory.web.dispatch import Dispatcher
from contactory.web.operations import Operation
from contactory.workspaces.job_pages import JOB_PAGES
from contactory.workspaces.operations import WORKSPACE_OPERATIONS
from contactory.workspaces.pages import WORKSPACE_PAGES

_API: list[Operation] = [
    *CONTACT_OPERATIONS,
    *AVAILABILITY_OPERATIONS,
    *TAG_OPERATIONS,
    *FIELD_OPERATIONS,
    *SEND_WINDOW_OPERATIONS,
    *WORKSPACE_OPERATIONS,
    *KEY_OPERATIONS,
    *JOB_OPERATIONS,
    *TIMEZONE_OPERATIONS,
]
_DASHBOARD: list[Operation] = [
    *USER_PAGES,
    *OVERVIEW_PAGES,
    *CONTACT_PAGES,
    *WORKSPACE_PAGES,
    *FIELD_PAGES,
    *TAG_PAGES,
    *SEND_WINDOW_PAGES,
    *JOB_PAGES,
    *KEY_PAGES,
    *PEOPLE_PAGES,
    *TIMEZONE_PAGES,
]
OPERATIONS = [*_API, *_DASHBOARD, *page_operations(_API)]


def dispatcher_of(services: Services) -> Dispatcher:
    """Answers requests by the table, without the operations that the settings close."""
    if not services.settings.docs:
        OPEN.discard("docs")
    return Dispatcher(services, opened(OPERATIONS, services.settings), visits)
