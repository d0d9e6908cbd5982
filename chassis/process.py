"""A process's face: what its app.py declares, and what runs it."""

from chassis.commands import main
from chassis.definition import Process, Republisher
from chassis.resources import BLOBS, CLOCK, DATABASE, SETTINGS, VERIFIER, Resources

__all__ = [
    "BLOBS",
    "CLOCK",
    "DATABASE",
    "SETTINGS",
    "VERIFIER",
    "Process",
    "Republisher",
    "Resources",
    "main",
]
