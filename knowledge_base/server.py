"""The service under gunicorn: one worker, since the index lives in its memory, and threads inside it.

Model and index are loaded in the worker before it takes the first request, so that the port answers nothing
rather than something wrong.
"""

from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]
from gunicorn.errors import AppImportError  # type: ignore[import-untyped]

from knowledge_base.errors import KnowledgeBaseError
from knowledge_base.service import create_app_from_environment

THREADS = 8
# How long a request that is under way may take to end after SIGTERM.
GRACEFUL_TIMEOUT_S = 3
# As long as gunicorn takes any: what is longer it answers itself, as HTML.
REQUEST_LINE_MAX_BYTES = 8190
# A worker beats from its main thread, but loading a model on a slow disk takes a while.
BOOT_TIMEOUT_S = 180


class _Server(BaseApplication):  # type: ignore[misc]
    def __init__(self, host: str, port: int) -> None:
        self._address = f"{host}:{port}"
        super().__init__()

    def load_config(self) -> None:
        settings: dict[str, Any] = {
            "bind": self._address,
            "workers": 1,
            "worker_class": "gthread",
            "threads": THREADS,
            "timeout": BOOT_TIMEOUT_S,
            "graceful_timeout": GRACEFUL_TIMEOUT_S,
            "keepalive": 30,
            "limit_request_line": REQUEST_LINE_MAX_BYTES,
            "proc_name": "baton-knowledge-base",
            "accesslog": None,
            "control_socket_disable": True,
        }
        for name, value in settings.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Flask:
        try:
            return create_app_from_environment()
        except KnowledgeBaseError as exc:
            # gunicorn prints this one's message instead of a traceback, and stops instead of trying again.
            raise AppImportError(f"knowledge base: {exc.message}") from exc


def serve(host: str = "127.0.0.1", port: int = 8010) -> None:
    """Serve until SIGTERM or SIGINT; settings come from the environment."""
    _Server(host, port).run()
