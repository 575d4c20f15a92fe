"""`baton run`: train what has changed, start the four processes, fill an empty knowledge base, print where
everything is.
"""

import os
import shutil
import signal
import socket
import sys
import threading
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel

from handoff.content import import_demo_if_empty, link_for_first_admin
from handoff.errors import BatonError, ModelRefused, SettingsError
from handoff.retrain import CURRENT, keep_for_restarts, train
from handoff.settings import ROOT, Settings
from handoff.supervisor import ChildSpec, Supervisor

WELL_TIMEOUT_S = 180.0
"""On two cores Rasa takes some 10 s to boot and the model 6 s to load; a much slower machine still gets there."""


def run_everything(settings: Settings, console: Console) -> int:
    """Run until SIGINT or SIGTERM; gives the exit code.

    Raises:
        SettingsError: Rasa's environment is missing, or a port is taken.
        BatonError: the bot could not be trained and there is no model to fall back on.
    """
    stop = _stop_on_signals()
    _check_ready_to_start(settings)
    model = keep_for_restarts(settings, train_bot(settings, console))
    supervisor = Supervisor(child_specs(settings, model), console)
    try:
        supervisor.start()
        unwell = supervisor.wait_until_well(timeout_s=WELL_TIMEOUT_S, give_up=stop)
        if stop.is_set():
            return 0
        if unwell:
            console.print(f"[bold red]Not well after {WELL_TIMEOUT_S:g} s:[/] {', '.join(unwell)}. See the log above.")
        else:
            # In a thread of its own: the first import takes a while, and Ctrl-C must not wait for it.
            threading.Thread(target=_fill_and_announce, args=(settings, console), daemon=True).start()
        stop.wait()
    finally:
        console.print("Stopping ...")
        supervisor.stop()
        console.print("All stopped.")
    return 0


def run_desk_only(settings: Settings, console: Console) -> int:
    """Run the desk alone until SIGINT or SIGTERM: one more machine in front of the first one's bot and articles.

    Raises:
        SettingsError: the port is taken, or PostgreSQL and Redis, over which the machines share, are not set.
    """
    stop = _stop_on_signals()
    if not (settings.database_url and settings.redis_url):
        raise SettingsError("A desk of its own shares its log: set BATON_DATABASE_URL and BATON_REDIS_URL.")
    _check_ports_are_free({"BATON_PORT": (settings.host, settings.port)})
    supervisor = Supervisor([_desk_spec(settings, {})], console)
    try:
        supervisor.start()
        unwell = supervisor.wait_until_well(timeout_s=WELL_TIMEOUT_S, give_up=stop)
        console.print("Not well. See the log above." if unwell else f"The desk is ready: {settings.public_url}/console")
        stop.wait()
    finally:
        console.print("Stopping ...")
        supervisor.stop()
        console.print("All stopped.")
    return 0


def train_bot(settings: Settings, console: Console) -> Path:
    """Train the bot if its files have changed; gives the model's path. A failed training leaves the last model in
    use.
    """
    try:
        return train(settings)
    except ModelRefused:
        console.print("[bold yellow]Looking for an earlier model.[/]")
    current = settings.models_dir / CURRENT
    if current.exists():
        return current.resolve()
    models = sorted(settings.models_dir.glob("*.tar.gz"), key=lambda path: path.stat().st_mtime)
    if not models:
        raise BatonError("The bot could not be trained, and there is no earlier model. See the lines above.")
    console.print(f"[bold yellow]The bot could not be trained; going on with {models[-1].name}.[/]")
    return models[-1]


def child_specs(settings: Settings, model: Path) -> list[ChildSpec]:
    """Build the four processes, innermost first."""
    shared = {
        "BATON_KB_URL": settings.kb_url,
        "BATON_KB_TOKEN": settings.kb_token,
        "BATON_KB_DATABASE": str(settings.kb_database),
        "BATON_BOT_TOKEN": settings.bot_token,
        "BATON_ACTIONS_PORT": str(settings.actions_port),
        "BATON_TRACKER_DATABASE": settings.database_url or str(settings.tracker_database),
        "BATON_REDIS_URL": settings.redis_url,
        "BATON_REDIS_PREFIX": settings.redis_prefix,
        "RASA_TELEMETRY_ENABLED": "false",
        "PYTHONUNBUFFERED": "1",
    }
    serve_bot = [str(settings.rasa_python), str(ROOT / "bot" / "serve.py")]
    serve_rasa = [*serve_bot, "rasa", "--model", str(model), "--port", str(settings.bot_port)]
    serve_actions = [*serve_bot, "actions", "--port", str(settings.actions_port)]
    serve_articles = [sys.executable, "-m", "knowledge_base", "--port", str(settings.kb_port)]
    return [
        ChildSpec("knowledge_base", serve_articles, shared, f"{settings.kb_url}/health", "magenta"),
        ChildSpec("actions", serve_actions, shared, f"{settings.actions_url}/health", "blue"),
        ChildSpec("bot", serve_rasa, shared, f"{settings.bot_url}/", "cyan"),
        _desk_spec(settings, shared),
    ]


def _desk_spec(settings: Settings, environment: dict[str, str]) -> ChildSpec:
    command = [
        *(sys.executable, "-m", "gunicorn", "--config", "python:handoff.gunicorn_config"),
        *("--bind", f"{settings.host}:{settings.port}", "handoff.app:create_app_from_environment()"),
    ]
    return ChildSpec("handoff", command, environment, f"http://127.0.0.1:{settings.port}/health", "green")


def _check_ready_to_start(settings: Settings) -> None:
    if not settings.rasa_python.exists():
        raise SettingsError(
            f"Rasa's Python is not at {settings.rasa_python}. Run `make setup`, or set BATON_RASA_PYTHON."
        )
    ports = {
        "BATON_PORT": (settings.host, settings.port),
        "BATON_KB_PORT": ("127.0.0.1", settings.kb_port),
        "BATON_BOT_PORT": ("127.0.0.1", settings.bot_port),
        "BATON_ACTIONS_PORT": ("127.0.0.1", settings.actions_port),
    }
    _check_ports_are_free(ports)


def _check_ports_are_free(ports: dict[str, tuple[str, int]]) -> None:
    for variable, (host, port) in ports.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as exc:
                raise SettingsError(
                    f"Port {port} of {host} is taken: {exc}. Stop what uses it, or set {variable} to another one."
                ) from exc


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGINT, on_signal)
    signal.signal(signal.SIGTERM, on_signal)
    return stop


def _fill_and_announce(settings: Settings, console: Console) -> None:
    try:
        report = import_demo_if_empty(settings, console) if settings.has_demo_articles else None
    except BatonError as exc:
        console.print(f"[bold red]The demo articles are missing:[/] {escape(exc.message)}", soft_wrap=True)
        report = None
    if report is not None:
        console.print(f"Imported the demo help centre: {report['created']} articles.")
    lines = [
        f"Demo site   {settings.public_url}/demo/",
        f"Console     {settings.public_url}/console",
        f"Editor      {settings.public_url}/editor",
        f"Help pages  {settings.public_url}/help/",
    ]
    link = link_for_first_admin(settings)
    if link:
        lines += ["", "First administrator, one-time link (a week, until used):", link]
    if shutil.which("baton") is None:
        lines += ["", f"Is everything well?  {os.path.relpath(Path(sys.executable).parent / 'baton')} doctor"]
    console.print(Panel("\n".join(lines), title="Baton is ready", expand=False), soft_wrap=True)
