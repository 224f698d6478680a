"""Finds the send window of a question."""

from contactory.catalog.catalog import Catalog
from contactory.local_time.openings import Schedule
from contactory.local_time.windows import CHANNELS, SendWindow
from contactory.rules.checks import Errors, quote
from contactory.rules.invalid import Invalid
from contactory.rules.near import nearest


def find_window(
    catalog: Catalog, channel: str | None, name: str | None, errors: Errors, body: bool = False
) -> SendWindow | None:
    """The window with that name; without a name the default one, or the first by name for the channel.

    None, with an error in `errors` at the parameter (or the field, with `body`), if the window does not exist
    or is not for the channel.
    """
    try:
        return _named(catalog, channel, name) if name is not None else _usual(catalog, channel)
    except Invalid as error:
        where = "window" if name is not None else "channel"
        if body:
            errors.add(error, where)
        else:
            errors.add_parameter(where, error)
    return None


def usual_schedules(catalog: Catalog) -> tuple[Schedule | None, ...]:
    """For each channel, the hours of the window that counts without a name; None without a window for it."""
    if not catalog.usual_schedules:
        windows = [find_window(catalog, channel, None, Errors()) for channel in CHANNELS]
        catalog.usual_schedules = tuple(window and window.schedule for window in windows)
    return catalog.usual_schedules


def _named(catalog: Catalog, channel: str | None, name: str) -> SendWindow:
    window = catalog.windows.get(name)
    if window is None:
        near = nearest(name, catalog.windows)
        raise Invalid("unknown_send_window", f"{quote(name)} is not a send window of the workspace", near)
    if channel is not None and channel not in window.channels:
        detail = f"The send window {quote(name)} is for {' and '.join(window.channels)}, not for {channel}"
        raise Invalid("wrong_channel", detail)
    return window


def _usual(catalog: Catalog, channel: str | None) -> SendWindow:
    windows = [window for window in catalog.windows.values() if channel is None or channel in window.channels]
    for window in windows:
        if window.is_default:
            return window
    if not windows:
        raise Invalid("wrong_channel", f"The workspace has no send window for {channel}: create one")
    return windows[0]
