"""The address of the database, and why the database cannot be reached."""

from urllib.parse import urlsplit


def is_address(url: str) -> bool:
    """Whether the driver can parse the URL; with a wrong port it would fail like an internal error."""
    try:
        scheme, place, *_ = urlsplit(url)
    except ValueError:
        return False
    hosts = place.rpartition("@")[2].split(",")
    ports = [host.rpartition("]")[2].partition(":")[2] for host in hosts]
    return scheme in ("postgresql", "postgres") and all(port.isdigit() or not port for port in ports)


def unreachable(error: BaseException) -> str:
    """A sentence for the user: why the database cannot be reached, and what to do."""
    reason = error.strerror if isinstance(error, OSError) else str(error).partition("\n")[0]
    why = reason or "it does not answer"
    return f"The database cannot be reached: {why}. Check CONTACTORY_DATABASE_URL, and start the server."
