"""Devices by a name that people know: `Firefox, Windows` instead of a User-Agent."""

#: What tells a browser or system, the more telling first; nearly all say "Safari".
_BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)
_SHOWN_CHARACTERS = 60


def device_name(user_agent: str | None) -> str:
    """Return the device's name, or what it calls itself if that is nothing known."""
    said = user_agent or "?"
    known = [
        next((name for mark, name in marks if mark in said), "")
        for marks in (_BROWSERS, _SYSTEMS)
    ]
    return ", ".join(filter(None, known)) or said[:_SHOWN_CHARACTERS]
