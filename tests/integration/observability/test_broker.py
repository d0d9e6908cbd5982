"""What dashboards and alerts ask about the broker is what its plugin really tells."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from urllib.parse import urlencode

import aio_pika
import pytest
import yaml

from chassis import topology
from chassis.deadletters import DeadLetter, DeadLetters
from chassis.topology import dead_queue
from contracts.subscriptions import SUBSCRIPTIONS
from deploy.local.ports import LOOPBACK, free_ports
from deploy.local.rabbitmq import PrivateRabbitMQ
from tests.integration.observability.scraped import LIMIT_SECONDS, Scrape, scrape
from tests.unit.observability.exposed import OF_SERVERS
from tests.unit.observability.queries import FOLDER

QUEUES = "rabbitmq_detailed_queue_"
CONSUMER = "notifier"


class TellingRabbitMQ(PrivateRabbitMQ):
    """A broker that tells Prometheus of itself, as the compose file's does."""

    told_at: int

    def make(self) -> None:
        super().make()
        [self.told_at] = free_ports(1)
        known = (self.home.folder / "rabbitmq.conf").read_text()
        more = {
            "prometheus.tcp.ip": LOOPBACK,
            "prometheus.tcp.port": self.told_at,
            # Milliseconds; ten times as often as usual.
            "collect_statistics_interval": 500,
        }
        lines = "".join(f"{key} = {value}\n" for key, value in more.items())
        self.home.write("rabbitmq.conf", known + lines)
        self.home.write("enabled_plugins", "[rabbitmq_prometheus].\n")


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncGenerator[TellingRabbitMQ]:
    node = TellingRabbitMQ(tmp_path / "node", management=False)
    await node.start()
    yield node
    await node.stop()
    node.home.remove()


async def look(node: TellingRabbitMQ, job: str) -> Scrape:
    """Ask as prometheus.yml has Prometheus ask."""
    jobs = yaml.safe_load((FOLDER / "prometheus.yml").read_text("utf-8"))
    [asked] = [one for one in jobs["scrape_configs"] if one["job_name"] == job]
    path = asked.get("metrics_path", "/metrics")
    query = urlencode(asked.get("params", {}), doseq=True)
    return await scrape(f"http://{LOOPBACK}:{node.told_at}{path}?{query}")


async def see(node: TellingRabbitMQ, queue: str, messages: int) -> None:
    """Look until the queue is told to hold so many."""
    seen = None
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            while seen != messages:
                await asyncio.sleep(0.1)
                scraped = await look(node, "rabbitmq-queues")
                seen = scraped.value(f"{QUEUES}messages", queue=queue)
    except TimeoutError:
        pytest.fail(f"{queue} holds {messages}, and the broker tells of {seen}")


@pytest.mark.timeout(300)  # It starts a broker of its own.
async def test_dead_letters_count_until_they_are_replayed_or_dropped(
    broker: TellingRabbitMQ,
) -> None:
    connection = await aio_pika.connect(broker.url)
    async with connection:
        await topology.declare(connection, {CONSUMER: SUBSCRIPTIONS[CONSUMER]})
        channel = await connection.channel()
        for name in ("first", "second", "third"):
            message = aio_pika.Message(b"unreadable", message_id=name)
            await channel.default_exchange.publish(message, dead_queue(CONSUMER))
        await see(broker, dead_queue(CONSUMER), 3)

        letters = DeadLetters(connection, CONSUMER)
        assert await letters.drop("first", note_nothing) == 1
        await see(broker, dead_queue(CONSUMER), 2)
        assert await letters.replay() == 2
        await see(broker, dead_queue(CONSUMER), 0)
        await see(broker, CONSUMER, 2)

        for job in ("rabbitmq", "rabbitmq-queues"):
            hold_to(job, await look(broker, job))


def hold_to(job: str, seen: Scrape) -> None:
    names = {name for name in OF_SERVERS if name.startswith("rabbitmq_")}
    queues = {name for name in names if name.startswith(QUEUES)}
    for name in names - queues if job == "rabbitmq" else queues:
        assert OF_SERVERS[name] <= seen.labels_of(name), name


async def note_nothing(letter: DeadLetter) -> None:
    assert letter.message_id
