"""Tells a private RabbitMQ what only its own program can."""

import asyncio
import os
import subprocess
from pathlib import Path

from deploy.local.packages import ensure_rabbitmq
from deploy.local.rabbitmq import PrivateRabbitMQ


async def control(broker: PrivateRabbitMQ, *command: str) -> None:
    """Run rabbitmqctl on the private node."""
    program = await asyncio.to_thread(ensure_rabbitmq)
    folder = Path(broker.home.folder)
    child = await asyncio.create_subprocess_exec(
        program.with_name("rabbitmqctl"),
        "--node",
        "clientarea@localhost",
        *command,
        env={
            **os.environ,
            "HOME": str(folder / "home"),
            "LANG": "C.UTF-8",
            "ERL_EPMD_PORT": str(broker.ports.epmd),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    told, _ = await child.communicate()
    assert child.returncode == 0, told.decode()
