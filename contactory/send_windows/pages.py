"""The pages of send windows: the list, and forms to create, change and delete them.

The typed values are converted to the shape of the API, and use the same rules and the same store.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from contactory.catalog.calls import changing_catalog
from contactory.catalog.catalog import read_windows
from contactory.dashboard.html import at_input, see_other
from contactory.dashboard.inputs import DONE, TEXT, touched
from contactory.dashboard.visits import done_of, html_page, page_path, visit_of
from contactory.local_time.windows import CHANNEL_TITLES, CHANNELS, WEEKDAYS, DayRange
from contactory.rules.checks import TIMESTAMP, Errors, Object, Rule
from contactory.rules.errors import Conflict, Problem, ValidationProblem
from contactory.rules.invalid import Invalid
from contactory.send_windows import store
from contactory.send_windows.model import Preset, parse_window, presets
from contactory.send_windows.week import TITLES, in_words, week_of
from contactory.web.messages import Response
from contactory.web.operations import Call
from contactory.web.operations import workspace_page as _page

_HERE = "settings/send-windows"
_SPARE = 1  # Empty times of each day, for browsers without scripts.
_DONE = {
    "made": "Send window created.",
    "saved": "Send window saved.",
    "deleted": "Send window deleted.",
}
_STARTING_HOURS = [DayRange(day, "09:00", "17:00") for day in WEEKDAYS[:5]]


class Times(msgspec.Struct):
    """The typed start and end, and their error."""

    start: str = ""
    end: str = ""
    error: str = ""


class Typed(msgspec.Struct):
    """The values of the form of a send window."""

    name: str
    channels: list[str]
    days: dict[str, list[Times]]
    holidays: str
    is_default: bool
    seen: str = ""
    """The version that the user saw before the change, by its time."""


async def show_windows(call: Call) -> Response:
    """The workspace's send windows."""
    async with call.connection() as conn:
        windows = await read_windows(conn, call.workspace_id)
    return await html_page(
        call,
        "send_windows/windows.html",
        here=page_path(call, _HERE),
        windows=[(window, week_of(window.days), in_words(window.days)) for window in windows],
        channels=CHANNEL_TITLES,
        done=done_of(call, _DONE),
    )


def _typed(
    name: str,
    channels: list[str],
    days: list[DayRange],
    *,
    holidays: str = "",
    is_default: bool = False,
    seen: str = "",
) -> Typed:
    hours = {
        day: [Times(each.start, _as_input(each.end)) for each in days if each.day == day] for day in WEEKDAYS
    }
    return Typed(name, channels, hours, holidays, is_default, seen)


def _as_input(end: str) -> str:
    """An input for times does not accept 24:00; as an end, 00:00 means the same midnight."""
    return "00:00" if end == "24:00" else end


_PRESET_QUERY = {
    "preset": TEXT,
    "name": TEXT,
    "holidays": Rule(str, {"type": "string"}),
    "isDefault": TEXT,
}


async def show_new(call: Call) -> Response:
    """The form of a new send window, empty or with the hours of a preset, and the presets to choose from."""
    preset = presets().get(call.query.get("preset", ""))
    if preset:
        # A script sends what the user has typed already.
        name, holidays = call.query.get("name") or preset.name, call.query.get("holidays", "")
        is_default = "isDefault" in call.query
        typed = _typed(name, preset.channels, preset.days, holidays=holidays, is_default=is_default)
    else:
        typed = _typed("", list(CHANNELS), _STARTING_HOURS)
    return await _form(call, None, typed, preset=preset)


async def _form(
    call: Call,
    window: store.SendWindow | None,
    typed: Typed,
    status: int = 200,
    *,
    errors: Mapping[str, str] | None = None,
    preset: Preset | None = None,
) -> Response:
    return await html_page(
        call,
        "send_windows/window.html",
        status,
        here=page_path(call, _HERE),
        window=window,
        typed=typed,
        spare=[Times() for _ in range(_SPARE)],
        errors=errors or {},
        titles=TITLES,
        channels=CHANNEL_TITLES,
        week=week_of(_drawable(typed)),
        words=in_words(_drawable(typed)),
        preset=preset,
        presets=[(each, week_of(each.days), in_words(each.days)) for each in presets().values()],
    )


def _drawable(typed: Typed) -> list[DayRange]:
    """The valid times, which can be drawn."""
    sent = _days(typed)
    return parse_window({"days": sent}, Errors()).get("days", []) if sent else []


def _days(typed: Typed) -> list[Object]:
    """The times in the shape of the API."""
    return [
        {"day": day, "from": each.start, "to": "24:00" if each.end == "00:00" else each.end}
        for day, found in typed.days.items()
        for each in found
    ]


def _from_form(call: Call) -> Typed:
    """The typed values, without times that are empty on both sides."""
    visit = visit_of(call)
    days = {
        day: [
            Times(start.strip(), end.strip())
            for start, end in zip(visit.form.get(f"{day}-from", []), visit.form.get(f"{day}-to", []))  # noqa: B905
            if start.strip() or end.strip()
        ]
        for day in WEEKDAYS
    }
    return Typed(
        name=visit.value("name"),
        channels=visit.form.get("channel", []),
        days=days,
        holidays=visit.value("holidays"),
        is_default=visit.value("isDefault") == "true",
        seen=visit.value("seen"),
    )


def _sent(call: Call, typed: Typed, known: Typed | None) -> Object:
    """The form in the shape of the API, with only the values that differ from `known`."""
    form, sent = visit_of(call).form, dict[str, Any]()
    texts = {name: visit_of(call).value(name) for name in ("name", "holidays") if name in form}
    sent |= touched(texts, {"name": known.name, "holidays": known.holidays}) if known else texts
    if "holidays" in sent:
        sent["holidays"] = typed.holidays.replace(",", " ").split()
    if "week" in form:
        if known is None or set(typed.channels) != set(known.channels):
            sent["channels"] = typed.channels
        if known is None or typed.days != known.days:
            sent["days"] = _days(typed)
    if typed.is_default:
        sent["isDefault"] = True
    return sent


def _checked(call: Call, typed: Typed, known: Typed | None = None, required: tuple[str, ...] = ()) -> Object:
    """The window's values. Raises ValidationProblem with all errors."""
    errors, sent = Errors(), _sent(call, typed, known)
    values = parse_window(sent, errors)
    for name in required:
        if name not in sent:
            errors.add(Invalid("required", "is required"), name)
    errors.check()
    return values


_EMPTY = {"channels": "Select at least one channel.", "days": "Enter the hours of at least one day."}


def _places(typed: Typed, problem: Problem) -> dict[str, str]:
    """The errors by the field of the form; errors of times are attached to the times."""
    found: dict[str, str] = {} if problem.errors else {"": problem.detail}
    times = [each for hours in typed.days.values() for each in hours]
    for error in problem.errors:
        name, _, rest = (error.pointer or "").removeprefix("/").partition("/")
        index = rest.partition("/")[0]
        if name == "days" and index.isdigit():
            times[int(index)].error = at_input(error)
        empty = (name == "days" and not times) or (name == "channels" and not typed.channels)
        found.setdefault(name, _EMPTY[name] if empty else at_input(error))
    return found


async def make_window(call: Call) -> Response:
    """Creates a send window."""
    typed, workspace_id = _from_form(call), call.workspace_id
    try:
        values = _checked(call, typed, required=("name", "channels", "days"))
        async with changing_catalog(call, workspace_id) as conn:
            await store.create_window(conn, workspace_id, values, call.app.settings.max_send_windows)
    except (ValidationProblem, Conflict) as problem:
        return await _form(call, None, typed, problem.status, errors=_places(typed, problem))
    return see_other(page_path(call, f"{_HERE}?done=made"))


async def show_window(call: Call) -> Response:
    """A send window, with a form for users who may change it."""
    window_id = call.path_id()
    async with call.connection() as conn:
        window = await store.get_window(conn, call.workspace_id, window_id)
    return await _form(call, window, _known(window))


def _known(window: store.SendWindow) -> Typed:
    """The form's values of a send window."""
    return _typed(
        window.name,
        window.channels,
        window.days,
        holidays="\n".join(map(str, window.holidays)),
        is_default=window.is_default,
        seen=window.updated_at.isoformat(),
    )


async def save_window(call: Call) -> Response:
    """Changes the values in which the form differs from the send window."""
    typed, window_id, workspace_id = _from_form(call), call.path_id(), call.workspace_id
    async with call.connection() as conn:
        window = await store.get_window(conn, workspace_id, window_id)
    try:
        values = _checked(call, typed, _known(window))
        async with changing_catalog(call, workspace_id) as conn:
            await store.change_window(conn, workspace_id, window_id, values, _seen(typed))
    except (ValidationProblem, Conflict) as problem:
        return await _again(call, window_id, typed, problem)
    return see_other(page_path(call, f"{_HERE}?done=saved"))


def _seen(typed: Typed) -> datetime | None:
    try:
        return TIMESTAMP.parse(typed.seen) if typed.seen else None
    except Invalid:
        return datetime.min.replace(tzinfo=UTC)


async def _again(call: Call, window_id: str, typed: Typed, problem: Problem) -> Response:
    """The form with its errors; it now refers to the current version of the window."""
    async with call.connection() as conn:
        window = await store.get_window(conn, call.workspace_id, window_id)
    if "week" not in visit_of(call).form:
        raise problem
    typed.seen, typed.is_default = window.updated_at.isoformat(), typed.is_default or window.is_default
    return await _form(call, window, typed, problem.status, errors=_places(typed, problem))


async def delete_window(call: Call) -> Response:
    """Deletes a send window, except the default one."""
    window_id, workspace_id = call.path_id(), call.workspace_id
    async with changing_catalog(call, workspace_id) as conn:
        await store.delete_window(conn, workspace_id, window_id)
    return see_other(page_path(call, f"{_HERE}?done=deleted"))


SEND_WINDOW_PAGES = [
    _page(
        "showSendWindows",
        "GET",
        "settings/send-windows",
        "Show the send windows",
        show_windows,
        "read",
        query=DONE,
    ),
    _page(
        "showNewSendWindow",
        "GET",
        "settings/send-windows/new",
        "Show the form of a new send window",
        show_new,
        "write",
        query=_PRESET_QUERY,
    ),
    _page(
        "makeSendWindow", "POST", "settings/send-windows/new", "Create a send window", make_window, "write"
    ),
    _page("showSendWindow", "GET", "settings/send-windows/{id}", "A send window", show_window, "read"),
    _page(
        "saveSendWindow", "POST", "settings/send-windows/{id}", "Change a send window", save_window, "write"
    ),
    _page(
        "deleteSendWindowPage",
        "POST",
        "settings/send-windows/{id}/delete",
        "Delete a send window",
        delete_window,
        "write",
    ),
]
