"""From commit to effect: what is committed arrives, once, with its cause."""

from tests.integration.chassis.stage import Stage, a_change


async def test_an_event_arrives_with_its_effects_once(stage: Stage) -> None:
    changes = [a_change() for _ in range(300)]
    async with stage.running("relay", "consumers"):
        await stage.emit(*changes)
        await stage.quiet()
    assert sorted(await stage.effects()) == sorted((c.thing_id, 1) for c in changes)
