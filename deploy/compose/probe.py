"""The containers' health check: asks the process beside it whether it is ready.

A script without imports of ours, since it runs every few seconds.
"""

import http.client
import os
import sys

PORT = int(os.environ.get("OBSERVE_PORT") or os.environ.get("HTTP_PORT") or 8080)
SECONDS = 3


def main() -> int:
    """Return 0 if it is ready; else say what it misses."""
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=SECONDS)
    try:
        connection.request("GET", "/health/ready")
        answer = connection.getresponse()
        said = answer.read(1000).decode("utf-8", "replace")
    except OSError as fault:
        said, ready = f"no answer on port {PORT}: {fault}", False
    else:
        ready = answer.status == http.client.OK
    sys.stdout.write(said)
    return 0 if ready else 1


if __name__ == "__main__":
    sys.exit(main())
