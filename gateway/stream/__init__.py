"""The live stream: tells those who listen what has changed, the moment it does."""

from gateway.stream.streams import STREAMS, Streams

__all__ = ["STREAMS", "Streams"]
