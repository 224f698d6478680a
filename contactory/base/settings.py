"""All settings: name, type, default and a sentence about each.

A setting comes from the environment (`CONTACTORY_` and its name in capitals), otherwise from the TOML file
that `CONTACTORY_CONFIG` names (or `contactory.toml` in the working directory), otherwise from its default.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import msgspec
from msgspec import Meta

PREFIX = "CONTACTORY_"


class SettingsError(Exception):
    """Some settings are not valid; the text names each of them and says what is expected."""


_MOST_BY_ITSELF = 4
_SWITCH = {"on": True, "yes": True, "off": False, "no": False}
"""The forms of a setting that is on or off, in addition to true, false, 1 and 0."""
_PORT = "[0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]"
_HOST = r"(?:[A-Za-z0-9_-]+\.)*[A-Za-z0-9_-]+|\[[0-9A-Fa-f:.]+\]"
_PUBLIC_URL = re.compile(rf"(?:https?://(?:{_HOST})(?::(?:{_PORT}))?(?:/[A-Za-z0-9._~%-]+)*)?")
_UNITS = {"": 1, "d": 86_400, "day": 86_400, "w": 604_800, "week": 604_800}
_DURATION = re.compile(r"p?([0-9]+(?:\.[0-9]*)?) ?(|d|w|days?|weeks?)")
_DURATIONS = ("history_retention",)
"""Settings that take days and weeks, or off, besides seconds."""
FEED_RETENTION = 30 * 86_400.0
"""Seconds for which no event is dropped, so that those who follow the changes miss none."""
Count = Annotated[int, Meta(ge=1)]


def _says(sentence: str) -> Meta:
    return Meta(description=sentence)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of one process."""

    database_url: Annotated[
        str,
        _says(
            "The PostgreSQL (15 or newer) to use, for example postgresql://…; empty means the embedded one."
        ),
    ] = ""
    data_dir: Annotated[
        str,
        _says(
            "Where the embedded PostgreSQL keeps its data; empty means /var/lib/contactory for root, "
            "and contactory in the user's data folder for other users."
        ),
    ] = ""
    database_memory: Annotated[
        int,
        Meta(ge=16, le=262_144),
        _says(
            "MiB of data that the embedded PostgreSQL keeps in its own memory; with millions of contacts, "
            "up to a quarter of the machine's memory."
        ),
    ] = 128
    host: Annotated[str, _says("The address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535), _says("The port to listen on.")] = 8000
    public_url: Annotated[
        str,
        _says(
            "The address of the server for clients, for example https://contacts.example.com, for its "
            "links; empty means the address of each request."
        ),
    ] = ""
    workers: Annotated[
        int,
        Meta(ge=0, le=64),
        _says("How many server processes share the port; 0 means one per processor, but at most 4."),
    ] = 0
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        _says("The least severe log line that is written."),
    ] = "info"
    log_format: Annotated[
        Literal["auto", "json", "human"],
        _says("The format of log lines: one JSON object each, or human; auto is human in a terminal."),
    ] = "auto"
    log_requests: Annotated[
        Literal["all", "errors", "none"],
        _says("Which requests write a log line: all, those answered with an error, or none."),
    ] = "errors"
    log_addresses: Annotated[
        bool,
        _says("Whether a log line of a request names the client's address."),
    ] = False
    metrics: Annotated[bool, _says("Whether GET /metrics is open.")] = True
    docs: Annotated[bool, _says("Whether the explorer at /docs and /openapi.json are open.")] = True
    pool_size: Annotated[
        int,
        Meta(ge=2, le=200),
        _says("Connections of one process to PostgreSQL, in addition to those of its writers."),
    ] = 8
    writers: Annotated[
        int,
        Meta(ge=1, le=16),
        _says("How many writers, each with a connection of its own, commit the changes of one process."),
    ] = 2
    connection_lifetime: Annotated[
        float,
        Meta(ge=1, le=604_800),
        _says(
            "Seconds after which a connection to PostgreSQL is replaced by a new one, plus or minus a fifth."
        ),
    ] = 3600.0
    write_batch: Annotated[
        int,
        Meta(ge=1, le=512),
        _says("How many changes one writer commits at once, at most."),
    ] = 128
    write_queue: Annotated[
        int,
        Meta(ge=16, le=1_000_000),
        _says("How many changes may wait for a writer; above that, the answer is 503 at once."),
    ] = 4096
    max_connections: Annotated[
        int,
        Meta(ge=1, le=1_000_000),
        _says("How many connections of clients one process keeps; above that, the answer is 503."),
    ] = 2000
    statement_timeout: Annotated[
        float,
        Meta(gt=0, le=600),
        _says("Seconds that one statement of a request may take in PostgreSQL."),
    ] = 4.0
    body_timeout: Annotated[
        float,
        Meta(gt=0, le=600),
        _says("Seconds that a client may take to send a request's body."),
    ] = 10.0
    shutdown_timeout: Annotated[
        float,
        Meta(gt=0, le=600),
        _says("Seconds that accepted requests get to finish when the server is stopped."),
    ] = 8.0
    worker_timeout: Annotated[
        float,
        Meta(ge=0, le=3600),
        _says("Seconds after which a server process without a sign of life is replaced; 0 means never."),
    ] = 30.0
    history_retention: Annotated[
        float,
        Meta(ge=0),
        _says(
            "How long the history of contacts is kept, such as 365 days or 52 weeks, at least 30 days; "
            "it is dropped by whole months. off means for good."
        ),
    ] = 0.0
    rate_limit: Annotated[
        float,
        Meta(ge=0),
        _says(
            "Writes per second that one API key may make in the long run; 0 means no limit. "
            "A key may have its own limit."
        ),
    ] = 0.0
    rate_burst: Annotated[
        int,
        Meta(ge=0),
        _says(
            "Writes that a key may make at once before its rate limit applies; 0: as many as in one second."
        ),
    ] = 0
    proxies: Annotated[
        int,
        Meta(ge=0, le=10),
        _says(
            "How many of your proxies are in front of the server and add to X-Forwarded-For, so that failed "
            "sign-ins are counted by the client's address, and links use X-Forwarded-Proto and -Host."
        ),
    ] = 0
    max_body_bytes: Annotated[int, Meta(ge=1024), _says("The largest request body, in bytes.")] = 1_048_576
    max_batch_bytes: Annotated[
        int, Meta(ge=1024), _says("The largest body of a batch of operations on contacts, in bytes.")
    ] = 8_388_608
    max_custom_fields: Annotated[Count, _says("Custom fields that a workspace may define.")] = 500
    max_send_windows: Annotated[Count, _says("Send windows that a workspace may have.")] = 100
    max_tags: Annotated[Count, _says("Tags that a workspace may have.")] = 10_000
    max_tags_per_contact: Annotated[Count, _says("Tags that a contact may have.")] = 1_000
    max_custom_characters: Annotated[
        Count,
        _says("Characters of custom values that a contact may have."),
    ] = 100_000


def processes(settings: Settings) -> int:
    """How many server processes the settings ask for on this machine."""
    return settings.workers or min(_MOST_BY_ITSELF, os.cpu_count() or 1)


def load_settings(environ: Mapping[str, str] = os.environ, **given: object) -> Settings:
    """The settings from `given` (the command line), the environment and the TOML file, in that order.

    `None` in `given` means not given. Raises SettingsError with all errors.
    """
    values = _from_file(environ) | _from_environment(environ)
    values |= {name: value for name, value in given.items() if value is not None}
    hints = get_type_hints(Settings, include_extras=True)
    wrong = [f"{name} is not a setting" for name in values if name not in hints]
    checked: dict[str, Any] = {}
    for name in hints.keys() & values.keys():
        value = values[name]
        is_switch = isinstance(getattr(Settings(), name), bool)
        if isinstance(value, str) and is_switch:
            value = _SWITCH.get(value.lower(), value)
        if isinstance(value, str) and name in _DURATIONS:
            value = _seconds(value)
        try:
            checked[name] = msgspec.convert(value, hints[name], strict=False)
        except msgspec.ValidationError as error:
            reason = f"{str(error)[0].lower()}{str(error)[1:]}"
            if is_switch:
                reason = "expected on or off"
            elif name in _DURATIONS:
                reason = "expected a time such as 365 days or 52 weeks, or off"
            wrong.append(f"{PREFIX}{name.upper()}={values[name]!r}: {reason}")
    checked["public_url"] = checked.get("public_url", "").rstrip("/")
    if not _PUBLIC_URL.fullmatch(checked["public_url"]):
        wrong.append(
            f"{PREFIX}PUBLIC_URL: expected http:// or https://, a host, and optionally a port and a path"
        )
    if 0 < checked.get("history_retention", 0) < FEED_RETENTION:
        wrong.append(
            f"{PREFIX}HISTORY_RETENTION: expected at least 30 days, since programs that follow the changes "
            "may be that far behind; or off, to keep the history for good"
        )
    if wrong:
        raise SettingsError(
            "Some settings are not valid: " + "; ".join(sorted(wrong)) + ". See docs/settings.md."
        )
    return Settings(**checked)


def _seconds(text: str) -> str:
    """A duration that is written with its unit, in seconds; anything else as it is."""
    duration = _DURATION.fullmatch(text.strip().lower())
    if duration:
        return str(float(duration[1]) * _UNITS[duration[2].rstrip("s")])
    return "0" if _SWITCH.get(text.lower()) is False or not text else text


def to_environment(settings: Settings) -> dict[str, str]:
    """The environment variables that make another process load the same settings."""
    return {PREFIX + name.upper(): str(value) for name, value in msgspec.structs.asdict(settings).items()}


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    names = get_type_hints(Settings)
    return {name: environ[PREFIX + name.upper()] for name in names if PREFIX + name.upper() in environ}


def _from_file(environ: Mapping[str, str]) -> dict[str, Any]:
    named = environ.get(PREFIX + "CONFIG")
    path = Path(named or "contactory.toml")
    if not named and not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(
            f"The settings file {path} cannot be read: {error}. Correct it or remove it."
        ) from error
