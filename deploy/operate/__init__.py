"""Operators' chores, each a command: `python -m deploy.operate --help`."""
