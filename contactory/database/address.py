"""Where the database is to be found, and why it is not."""

from urllib.parse import urlsplit


def is_address(url: str) -> bool:
    """Whether the driver can read this; it would take a port that is not a number for a fault of ours."""
    try:
        scheme, place, *_ = urlsplit(url)
    except ValueError:
        return False
    hosts = place.rpartition("@")[2].split(",")
    ports = [host.rpartition("]")[2].partition(":")[2] for host in hosts]
    return scheme in ("postgresql", "postgres") and all(port.isdigit() or not port for port in ports)


def unreachable(error: BaseException) -> str:
    """A sentence that says what is wrong, of an error that says that the database is away, and what to do."""
    text = error.strerror if isinstance(error, OSError) else str(error).partition("\n")[0]
    why = text or "it does not answer"
    return f"The database cannot be reached: {why}. Check CONTACTORY_DATABASE_URL, and that the server runs."
