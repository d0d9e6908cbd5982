"""Operators see which mails wait, and for how long the longest has been due."""

from services.notifier.measures import measure
from tests.integration.notifier.stage import Stage
from tests.support.measured import measure_by, told
from tests.unit.notifier.events import an_invoice


async def unsent_and_due(stage: Stage) -> tuple[float | None, float | None]:
    await measure_by(measure, stage.process.db, stage.clock)
    return told("mails_unsent", status="pending"), told("mails_oldest_due_seconds")


async def test_a_mail_that_is_sent_waits_no_more(stage: Stage) -> None:
    customer_id = await stage.register()
    await stage.tell(an_invoice(customer_id=customer_id))
    assert await unsent_and_due(stage) == (0, 0)


async def test_a_mail_that_the_server_puts_off_waits_until_it_is_tried_again(
    stage: Stage,
) -> None:
    customer_id = await stage.register()
    stage.mailbox.always = "451 not now"
    await stage.tell(an_invoice(customer_id=customer_id))
    assert await unsent_and_due(stage) == (1, 0)
    stage.wait(hours=2)
    waiting, due = await unsent_and_due(stage)
    assert waiting == 1
    assert due is not None
    assert due > 3600
