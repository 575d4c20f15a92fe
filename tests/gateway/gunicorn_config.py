"""The desk's own settings of gunicorn, without the desk's end: these applications have no parts to shut down."""

from handoff.gunicorn_config import graceful_timeout, timeout, worker_class, worker_connections, workers  # noqa: F401

loglevel = "warning"
