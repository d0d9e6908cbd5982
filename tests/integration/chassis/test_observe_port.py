"""Health and metrics on a port of their own: there, and nowhere else."""

import asyncio
from dataclasses import replace
from functools import partial

import aiohttp
from aiohttp import web
from prometheus_client import REGISTRY

from chassis.process import Process, Resources
from chassis.settings import ProcessSettings
from deploy.local.ports import LOOPBACK, free_ports
from tests.integration.chassis.stage import Stage, until
from tests.support.running import running

BARE = Process(
    name="bare", package="bare", settings=ProcessSettings, has_database=False
)
OBSERVED = ("/health/live", "/health/ready", "/metrics")


async def test_health_and_metrics_are_served_on_their_own_port_alone(
    stage: Stage,
) -> None:
    port = free_ports(1)[0]
    async with (
        stage.running("http", observe_port=port) as probe,
        aiohttp.ClientSession(f"http://{LOOPBACK}:{port}") as inside,
    ):
        for path in OBSERVED:
            assert (await inside.get(path)).status == 200
            assert (await probe.client.get(path)).status == 404
        assert (await inside.get("/api/v1/things/x")).status == 404


async def test_the_gateways_look_at_the_port_of_requests_is_no_request(
    stage: Stage,
) -> None:
    port = free_ports(1)[0]
    async with stage.running("http", observe_port=port) as probe:
        before = requests_of_no_route()
        assert (await probe.client.get("/health/live")).status == 404
        assert requests_of_no_route() == before
        assert (await probe.client.get("/health/lively")).status == 404
        assert requests_of_no_route() == before + 1


def requests_of_no_route() -> float:
    labels = {"method": "GET", "route": "unknown", "status": "404"}
    return REGISTRY.get_sample_value("http_requests_total", labels) or 0.0


async def test_without_such_a_port_they_are_among_the_routes(stage: Stage) -> None:
    async with stage.running("http") as probe:
        for path in OBSERVED:
            assert (await probe.client.get(path)).status == 200


async def test_a_process_that_drains_says_so_until_its_last_answer_is_given() -> None:
    asked, may_answer = asyncio.Event(), asyncio.Event()

    async def slow(_request: web.Request) -> web.Response:
        asked.set()
        await may_answer.wait()
        return web.Response()

    def extend(app: web.Application, _resources: Resources) -> None:
        app.router.add_get("/slow", slow)

    port = free_ports(1)[0]
    async with (
        running(replace(BARE, extend=extend), observe_port=port) as process,
        aiohttp.ClientSession(f"http://{LOOPBACK}:{port}") as inside,
        asyncio.TaskGroup() as tasks,
    ):
        late = tasks.create_task(_status(process.client, "/slow"))
        await asked.wait()
        assert await _status(inside, "/health/ready") == 200
        process.stopping.set()
        await until(partial(_is_unready, inside))
        may_answer.set()
        assert await late == 200


async def _is_unready(client: aiohttp.ClientSession) -> bool:
    return await _status(client, "/health/ready") == 503


async def _status(client: aiohttp.ClientSession, path: str) -> int:
    async with client.get(path) as answer:
        return answer.status


async def test_whoever_watches_is_not_counted_among_the_requests(stage: Stage) -> None:
    async with stage.running("http") as probe:
        for path in OBSERVED:
            await probe.client.get(path)
        told = await (await probe.client.get("/metrics")).text()
    assert not [path for path in OBSERVED if f'route="{path}"' in told]
