"""The name of a browser in words that its user knows."""

_BROWSERS = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "SamsungBrowser/": "Samsung Internet",
    "Firefox/": "Firefox",
    "FxiOS/": "Firefox",
    "CriOS/": "Chrome",
    "Chrome/": "Chrome",
    "Safari/": "Safari",
}
_SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "CrOS": "ChromeOS",
    "Windows": "Windows",
    "Mac OS X": "macOS",
    "Linux": "Linux",
}
# In this order: Edge and Opera also call themselves Chrome, Chrome also Safari, Android also Linux.


def browser_of(agent: str | None) -> str:
    """The browser and its system: "Firefox on Linux", or "Unknown browser"."""
    sent = agent or ""
    browser = next((name for mark, name in _BROWSERS.items() if mark in sent), "Unknown browser")
    system = next((name for mark, name in _SYSTEMS.items() if mark in sent), "")
    return f"{browser} on {system}" if system else browser
