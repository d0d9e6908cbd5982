"""Every event, one module per process that emits it.

An event carries the whole state of its object that readers need, so that nobody calls
back; `version` is the object's version after the change, and there is at most one event
per version. Contracts only grow; a breaking change is a new wire version.
"""

from contracts.events import accounts, billing, tickets

__all__ = ["accounts", "billing", "tickets"]
