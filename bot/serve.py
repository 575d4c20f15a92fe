"""Serves the bot on this machine's loopback address. Runs in Rasa's Python; one process each.

    python bot/serve.py actions --port N
    python bot/serve.py rasa --model PATH --port N

Each prints one "ready" line on standard output, and warnings and errors on standard error. SIGTERM ends it.
"""

# ruff: noqa: T201  (standard output is the interface of this script)

import argparse
import contextlib
import os
import sqlite3
import sys
from pathlib import Path

from stores import is_postgres, use_shared_stores

BOT_FOLDER = Path(__file__).resolve().parent
HOST = "127.0.0.1"
DEFAULT_ACTIONS_PORT = "5055"
DEFAULT_TRACKER_DATABASE = BOT_FOLDER / ".rasa" / "tracker.sqlite"
# The longest turn is a knowledge base that hangs for 5 s.
RESPONSE_TIMEOUT_S = 30
# Rasa keeps an idle connection to the actions for 15 s. Whoever closes first must be Rasa: a request that meets the
# other's end on its way is lost, and the turn with it.
KEEP_ALIVE_S = 60


def main() -> None:
    arguments = _parse_arguments()
    _prepare_environment()
    if arguments.part == "rasa":
        if not arguments.model.is_file():
            sys.exit(f"no model at {arguments.model}: train one with `python bot/train.py --models DIR`")
        serve_rasa(arguments.model.resolve(), arguments.port)
    else:
        serve_actions(arguments.port)


def serve_rasa(model: Path, port: int) -> None:
    """Serve Rasa's REST channel and HTTP API until SIGTERM; with BATON_BOT_TOKEN the API asks for that token."""
    database = os.environ.setdefault("BATON_TRACKER_DATABASE", str(DEFAULT_TRACKER_DATABASE))
    if not is_postgres(database):
        Path(database).parent.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(sqlite3.connect(database)) as connection:
            # The file remembers it. Rasa writes four times a turn, and each time waits for the disk once, not twice.
            connection.execute("pragma journal_mode = wal")
    os.environ.setdefault("BATON_ACTIONS_PORT", DEFAULT_ACTIONS_PORT)

    import rasa.core.run
    import rasa.utils.common
    import rasa.utils.io
    from rasa.core.utils import AvailableEndpoints
    from rasa.utils.log_utils import configure_structlog

    _silence_warnings()
    rasa.utils.common.configure_logging_and_warnings(_log_level(), None, warn_only_once=True)
    rasa.utils.io.configure_colored_logging(_log_level())
    configure_structlog(_log_level())

    _prepare_validation()
    endpoints = AvailableEndpoints.read_endpoints(str(BOT_FOLDER / "endpoints.yml"))
    use_shared_stores(endpoints)

    async def announce(app: object, loop: object) -> None:
        print(f"ready: rasa at http://{HOST}:{port}", flush=True)

    rasa.core.run.serve_application(
        model_path=str(model),
        interface=HOST,
        port=port,
        credentials=str(BOT_FOLDER / "credentials.yml"),
        endpoints=endpoints,
        enable_api=True,
        auth_token=os.environ.get("BATON_BOT_TOKEN") or None,
        response_timeout=RESPONSE_TIMEOUT_S,
        server_listeners=[(announce, "after_server_start")],
    )


def _prepare_validation() -> None:
    """Check Rasa's schema of what the actions answer now, and no more for each answer.

    Rasa 3.6 checks the schema itself before it checks each answer against it: a third of a turn's processor time.
    """
    from jsonschema.validators import validator_for
    from rasa.core.actions.action import RemoteAction

    schema = RemoteAction.action_response_format_spec()
    kind = validator_for(schema)
    kind.check_schema(schema)
    validator = kind(schema)

    def validate(_: RemoteAction, result: dict) -> bool:
        validator.validate(result)
        return True

    RemoteAction._validate_action_result = validate


def serve_actions(port: int) -> None:
    """Serve the actions to Rasa until SIGTERM."""
    import logging

    from rasa_sdk import utils
    from rasa_sdk.endpoint import create_app

    utils.configure_colored_logging(logging.WARNING)
    utils.update_sanic_log_level()
    _silence_warnings()
    app = create_app("actions", cors_origins=None)
    app.config.KEEP_ALIVE_TIMEOUT = KEEP_ALIVE_S

    async def announce(app: object, loop: object) -> None:
        print(f"ready: actions at http://{HOST}:{port}", flush=True)

    app.register_listener(announce, "after_server_start")
    app.run(HOST, port, workers=1)


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Serve the bot on the loopback address.")
    parts = parser.add_subparsers(dest="part", required=True)
    rasa_part = parts.add_parser("rasa", help="what understands the visitors")
    rasa_part.add_argument("--model", required=True, type=Path, help="a model that train.py made")
    rasa_part.add_argument("--port", required=True, type=int)
    actions_part = parts.add_parser("actions", help="what decides what to say")
    actions_part.add_argument("--port", required=True, type=int)
    return parser.parse_args()


def _prepare_environment() -> None:
    # Before any of the libraries is loaded: they read these once.
    os.environ.update(
        RASA_TELEMETRY_ENABLED="false",
        SQLALCHEMY_SILENCE_UBER_WARNING="1",
        TF_CPP_MIN_LOG_LEVEL="3",
        CUDA_VISIBLE_DEVICES="-1",
    )
    sys.path.insert(0, str(BOT_FOLDER))
    _silence_warnings()


def _silence_warnings() -> None:
    # Rasa's pinned libraries warn about one another, and some of them take filters back that we set. Whoever
    # develops the bot sees the warnings with `python -W default bot/serve.py`.
    import warnings

    if not sys.warnoptions:
        warnings.showwarning = lambda *_, **__: None


def _log_level() -> int:
    import logging

    return logging.WARNING


if __name__ == "__main__":
    main()
