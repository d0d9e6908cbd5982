"""The mailbox of the compose file, by the few calls that every Mailpit has."""

from tests.e2e.client import Json, Mailbox

LATEST = "1000"


class Mailpit(Mailbox):
    """Mailpit's list of messages, chosen from here: its search reads an index."""

    async def sent_to(self, email: str) -> list[Json]:
        async with self.http.get(
            f"{self.url}/api/v1/messages", params={"limit": LATEST}
        ) as answer:
            found = await answer.json()
        mine = [
            each
            for each in found["messages"]
            if email in {to["Address"] for to in each["To"]}
        ]
        return list(reversed(mine))
