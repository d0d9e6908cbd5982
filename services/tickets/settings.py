"""Tickets' settings, from the environment."""

from aiohttp import web

from chassis.settings import ProcessSettings


class Settings(ProcessSettings):
    """What tickets needs to know beside what every process does."""

    #: Where a staff task goes whose own department doesn't exist here.
    staff_task_department: str = "finance"


SETTINGS: web.AppKey[Settings] = web.AppKey("tickets_settings")
