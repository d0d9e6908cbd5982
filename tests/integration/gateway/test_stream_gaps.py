"""What a listener may have missed: told afterwards, or else told that it was missed."""

import asyncio

import aiohttp
from prometheus_client import REGISTRY

from gateway.stream import STREAMS
from gateway.stream.stream import LONGEST_WAITING
from tests.integration.gateway.announcing import Announcer
from tests.integration.gateway.conftest import Services, without_broker
from tests.integration.gateway.happenings import a_ticket_answered
from tests.integration.gateway.listening import (
    customer_of,
    listening,
    listening_badly,
)
from tests.support.arrivals import envelope_of
from tests.support.running import Running
from tests.support.servers import Servers
from tests.support.tokens import a_customer

HEAR_SECONDS = 60


async def test_whoever_comes_back_hears_what_came_meanwhile_without_gap_or_repeat(
    gateway: Running, announcer: Announcer
) -> None:
    somebody = a_customer()
    tickets = [a_ticket_answered(customer_of(somebody)) for _ in range(5)]
    async with listening(gateway.client, somebody) as ear:
        await announcer.announce(*tickets[:2])
        heard = [await ear.next(), await ear.next()]
    await announcer.announce(a_ticket_answered(customer_of(a_customer())))
    await announcer.announce(*tickets[2:4])
    after = heard[-1].id
    async with listening(gateway.client, somebody, after=after) as ear:
        heard += [await ear.next(), await ear.next()]
        await announcer.announce(tickets[4])
        heard.append(await ear.next())
    told = [event.data["subject"] for event in heard]
    assert told == [str(ticket.ticket_id) for ticket in tickets]


async def test_whoever_has_heard_nothing_yet_can_go_on_from_there(
    gateway: Running, announcer: Announcer
) -> None:
    somebody = a_customer()
    async with listening(gateway.client, somebody) as ear:
        await announcer.announce(a_ticket_answered(customer_of(a_customer())))
        await ear.heartbeat()
    missed = a_ticket_answered(customer_of(somebody))
    await announcer.announce(missed)
    async with listening(gateway.client, somebody, after=ear.position) as again:
        assert (await again.next()).data["subject"] == str(missed.ticket_id)


async def test_whoever_comes_from_an_unknown_place_is_told_to_load_anew(
    gateway: Running, announcer: Announcer
) -> None:
    somebody = a_customer()
    async with listening(gateway.client, somebody, after="long ago") as ear:
        reset = await ear.next()
        assert reset.event == "reset"
        assert reset.data["type"] == "reset"
        assert reset.data["subject"] is None
        await announcer.announce(a_ticket_answered(customer_of(somebody)))
        assert (await ear.next()).event == "tickets.ticket.answered"
    async with listening(gateway.client, somebody, after=reset.id) as again:
        assert (await again.next()).event == "tickets.ticket.answered"


async def test_a_lost_broker_connection_is_made_anew_and_everybody_told(
    gateway: Running, announcer: Announcer, servers: Servers, amqp_url: str
) -> None:
    somebody = a_customer()
    async with listening(gateway.client, somebody) as ear:
        await announcer.announce(a_ticket_answered(customer_of(somebody)))
        before = await ear.next()
        await cut_listener(servers, amqp_url.rpartition("/")[2])
        assert (await ear.next()).event == "reset"
        await announcer.announce(a_ticket_answered(customer_of(somebody)))
        assert (await ear.next()).event == "tickets.ticket.answered"
    # What was before the gap leads nowhere any more.
    async with listening(gateway.client, somebody, after=before.id) as again:
        assert (await again.next()).event == "reset"


async def test_without_a_broker_streams_are_opened_and_wait(services: Services) -> None:
    async with without_broker(services) as gateway:
        async with listening(gateway.client, a_customer()) as ear:
            await ear.heartbeat()
        assert (await gateway.client.get("/health/ready")).status == 200
        assert not REGISTRY.get_sample_value(
            "listener_connected", {"listener": "gateway"}
        )


async def test_a_slow_reader_is_told_that_it_missed_something_and_delays_nobody(
    gateway: Running,
) -> None:
    somebody = a_customer()
    streams = gateway.resources[STREAMS]
    async with (
        listening(gateway.client, somebody) as quick,
        listening_badly(gateway, somebody) as slow,
    ):
        # In steps that the quick one follows; the slow one reads nothing meanwhile.
        for _ in range(20):
            for _ in range(LONGEST_WAITING // 2):
                answered = a_ticket_answered(customer_of(somebody))
                streams.tell(envelope_of(answered), answered)
            names = [(await quick.next()).event for _ in range(LONGEST_WAITING // 2)]
            assert set(names) == {"tickets.ticket.answered"}
        told = await slow.until("reset")
        assert 0 < len(told) < 10 * LONGEST_WAITING
        last = a_ticket_answered(customer_of(somebody))
        streams.tell(envelope_of(last), last)
        assert (await slow.next()).data["subject"] == str(last.ticket_id)


async def cut_listener(servers: Servers, vhost: str) -> None:
    """Close the gateway's connection as an operator would, by its name."""
    async with aiohttp.ClientSession(raise_for_status=True) as http:
        url = f"{servers.management}/api/vhosts/{vhost}/connections"
        async with asyncio.timeout(HEAR_SECONDS):
            while not (names := await listener_connections(http, url)):
                await asyncio.sleep(0.1)
        for name in names:
            await http.delete(f"{servers.management}/api/connections/{name}")


async def listener_connections(http: aiohttp.ClientSession, url: str) -> list[str]:
    async with http.get(url) as answer:
        return [
            connection["name"]
            for connection in await answer.json()
            if connection.get("user_provided_name") == "gateway listener"
        ]
