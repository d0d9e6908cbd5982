"""What goes wrong in a browser while a test looks elsewhere."""

import re
from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, ConsoleMessage, Request, WebError

HOME = "127.0.0.1"
#: What Chromium says of an answer above 399, of pages as of what pages load.
REFUSAL = re.compile(r"Failed to load resource: .* a status of (\d+)")


class Watch:
    """Notes errors, breaches of the content policy, requests that leave the machine.

    A test that provokes refusals says so: `watch.allow(422)`.
    """

    def __init__(self) -> None:
        self._faults: list[str] = []
        self._statuses: dict[int, list[str]] = {}
        self._allowed: set[int] = set()

    @property
    def faults(self) -> list[str]:
        refusals = [
            f"{status} from {url}"
            for status, urls in self._statuses.items()
            if status not in self._allowed
            for url in dict.fromkeys(urls)
        ]
        return self._faults + refusals

    def assert_calm(self) -> None:
        """Fail with one line for each thing that went wrong."""
        assert not self.faults, "\n".join(["the browser complains:", *self.faults])

    def allow(self, *statuses: int) -> None:
        """Take answers with these statuses for granted."""
        self._allowed.update(statuses)

    def forget(self) -> None:
        """Begin anew: what was noted, and allowed, is another test's."""
        self._faults.clear()
        self._statuses.clear()
        self._allowed.clear()

    def over(self, context: BrowserContext) -> None:
        """Watch all that happens in the context."""
        context.on("console", self._hear)
        context.on("weberror", self._note_error)
        context.on("request", self._see)

    def _hear(self, message: ConsoleMessage) -> None:
        """Breaches of the content policy are among the errors."""
        if message.type not in ("error", "warning"):
            return
        url = message.location["url"]
        if refusal := REFUSAL.match(message.text):
            self._statuses.setdefault(int(refusal[1]), []).append(url)
        else:
            self._faults.append(f"{url} said: {message.text}")

    def _note_error(self, error: WebError) -> None:
        self._faults.append(
            f"uncaught on {error.page and error.page.url}: {error.error}"
        )

    def _see(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.hostname not in (HOME, None):
            self._faults.append(f"asked another machine for {request.url}")
