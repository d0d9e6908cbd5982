"""The rules of tickets: their states, their files, and what the system answers."""
