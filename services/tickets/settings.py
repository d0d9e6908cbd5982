"""Tickets' settings, from the environment."""

from aiohttp import web

from chassis.settings import ProcessSettings
from contracts.api.fields import Language


class Settings(ProcessSettings):
    """What tickets needs to know beside what every process does."""

    #: Where a staff task goes whose own department doesn't exist here.
    staff_task_department: str = "finance"
    #: The language that staff tasks are written in: everybody reads the same one.
    staff_language: Language = "en"


SETTINGS: web.AppKey[Settings] = web.AppKey("tickets_settings")
