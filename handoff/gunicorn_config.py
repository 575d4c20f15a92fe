"""How gunicorn runs the desk: gevent workers, and a shutdown that sends every socket home first."""

import os
from typing import Any

import gevent

worker_class = "gevent"
workers = int(os.environ.get("BATON_WORKERS", "1"))  # checked when the settings are read
worker_connections = 10_000
graceful_timeout = 10
timeout = 60
accesslog = None
loglevel = "warning"

RETURN_SPREAD_MS = 3_000
"""Clients that are sent home by a restart come back within this time, each at a moment of its own."""


def post_worker_init(worker: Any) -> None:
    """Watch for the end of the worker: gunicorn only waits for requests, and an open socket is one that never ends."""
    parts = worker.wsgi.extensions["baton"]

    def see_off() -> None:
        while worker.alive:
            gevent.sleep(0.1)
        parts.shut_down(spread_ms=RETURN_SPREAD_MS)

    gevent.spawn(see_off)
