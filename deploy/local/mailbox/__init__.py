"""A mailbox to look at: takes every mail over SMTP, shows it in a page, sends none.

Scripts read it by the calls of Mailpit, which takes its place in compose.
"""

from deploy.local.mailbox.server import Mailbox

__all__ = ["Mailbox"]
