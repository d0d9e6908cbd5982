"""Departments for a new installation, from JSON; running it twice changes nothing."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from chassis.clock import Clock
from chassis.db import Database
from services.tickets.domain.tickets import Department, Priority
from services.tickets.settings import Settings
from services.tickets.store.departments import save_department

_Name = Annotated[str, StringConstraints(min_length=1, max_length=100)]
_Minutes = Annotated[int, Field(ge=1, le=4320)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Names(_Strict):
    en: _Name
    pt_br: _Name = Field(alias="pt-BR")


class _Department(_Strict):
    slug: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
    name: _Names
    expected_answer_minutes: dict[Priority, _Minutes]


class _Seed(_Strict):
    departments: list[_Department]


async def seed(
    db: Database, _clock: Clock, _settings: Settings, data: dict[str, object]
) -> None:
    """Save the departments in the order given."""
    wanted = _Seed.model_validate(data).departments
    async with db.transaction() as tx:
        for position, department in enumerate(wanted):
            await save_department(tx, _department(department, position))


def _department(wanted: _Department, position: int) -> Department:
    return Department(
        slug=wanted.slug,
        name=wanted.name.model_dump(by_alias=True),
        position=position,
        expected_answer_minutes=wanted.expected_answer_minutes,
    )
