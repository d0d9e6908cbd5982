"""What a page carries of what it showed, so that just that is done."""

from uuid import UUID

import pytest

from chassis.errors import NotFound
from gateway.portal.views.paying import Quote, read_ids

FIRST, SECOND = UUID(int=1), UUID(int=2)


def test_the_same_choice_has_the_same_mark_in_any_order() -> None:
    mark = Quote(chosen=[FIRST, SECOND], use_credit=True).mark
    assert mark == Quote(chosen=[SECOND, FIRST], use_credit=True).mark
    assert mark != Quote(chosen=[FIRST, SECOND]).mark
    assert mark != Quote(chosen=[FIRST], use_credit=True).mark


def test_ids_are_read_once_each_and_nonsense_leads_nowhere() -> None:
    assert read_ids([str(FIRST), str(SECOND), str(FIRST)]) == [FIRST, SECOND]
    with pytest.raises(NotFound):
        read_ids(["all of them"])
