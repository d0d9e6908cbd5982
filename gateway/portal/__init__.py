"""The portal: server-rendered pages over the routes that every client uses."""
