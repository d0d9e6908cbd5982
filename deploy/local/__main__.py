"""`python -m deploy.local`: what its commands do is in `commands`."""

import signal

# As long as there is nothing to stop in order, Ctrl-C just ends it, without a word.
signal.signal(signal.SIGINT, signal.SIG_DFL)

from deploy.local.commands import main  # noqa: E402 - this takes a second

main()
