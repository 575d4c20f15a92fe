"""The settings, rung 6 of the ladder: read once from the environment, checked at once, passed on as values.

`SETTINGS` is the table that README documents; a test compares the two. Every secret may come from a file
(`NAME_FILE`); those that are not set are made on the first start and kept in the data folder, readable by its owner
only.
"""

import os
import secrets
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handoff.business_hours import BusinessHours, parse_hours
from handoff.errors import SettingsError
from handoff.escalation import EscalationRules
from handoff.guarded_topics import GuardedTopics, parse_topics

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Setting:
    """One line of the table: the environment variable, what is read into, its default and its meaning."""

    variable: str
    read: Callable[[str, str], Any]
    default: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, checked. URLs of the inner services are derived from their ports: they are loopback only."""

    host: str
    port: int
    public_url: str
    company: str
    data_dir: Path
    database_url: str
    redis_url: str
    redis_prefix: str
    workers: int
    models_dir: Path
    rasa_python: Path
    kb_port: int
    bot_port: int
    actions_port: int
    widget_origins: tuple[str, ...]
    embedding_model: str
    target_error: float
    has_demo_articles: bool
    trusted_proxies: int
    rules: EscalationRules
    topics: GuardedTopics
    hours: BusinessHours
    is_cookie_secure: bool
    secret_key: str
    kb_token: str
    bot_token: str

    @property
    def kb_url(self) -> str:
        return f"http://127.0.0.1:{self.kb_port}"

    @property
    def bot_url(self) -> str:
        return f"http://127.0.0.1:{self.bot_port}"

    @property
    def actions_url(self) -> str:
        return f"http://127.0.0.1:{self.actions_port}"

    @property
    def database(self) -> Path:
        return self.data_dir / "handoff.db"

    @property
    def kb_database(self) -> Path:
        return self.data_dir / "knowledge_base.db"

    @property
    def tracker_database(self) -> Path:
        return self.data_dir / "tracker.db"

    def secret_file(self, name: str) -> Path:
        """Give where a secret of `SECRETS` is kept that is not given from outside."""
        return self.data_dir / "secrets" / SECRETS[name].lower()


def _port(variable: str, text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise SettingsError(f"{variable} is {text!r}; it must be a port from 1 to 65535.")
    return int(text)


def _count(variable: str, text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 10:
        raise SettingsError(f"{variable} is {text!r}; it must be a number from 1 to 10.")
    return int(text)


def _few(variable: str, text: str) -> int:
    if not text.isdecimal() or int(text) > 5:
        raise SettingsError(f"{variable} is {text!r}; it must be a number from 0 to 5.")
    return int(text)


def _switch(variable: str, text: str) -> bool:
    if text not in ("on", "off"):
        raise SettingsError(f"{variable} is {text!r}; it must be on or off.")
    return text == "on"


def _path(_variable: str, text: str) -> Path:
    path = Path(text).expanduser()
    return path if path.is_absolute() else ROOT / path


def _topics(variable: str, text: str) -> GuardedTopics:
    path = _path(variable, text)
    try:
        return parse_topics(path.read_text(encoding="utf-8"), source=str(path))
    except (OSError, UnicodeDecodeError) as exc:
        raise SettingsError(f"{variable} is {text!r}, which cannot be read: {exc}.") from exc


def _target_error(variable: str, text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0.01 <= share <= 0.5:
        raise SettingsError(f"{variable} is {text!r}; it must be a share from 0.01 to 0.5, such as 0.05.")
    return share


def _text(_variable: str, text: str) -> str:
    return text


def _url(variable: str, text: str) -> str:
    if text and not text.startswith(("http://", "https://")):
        raise SettingsError(f"{variable} is {text!r}; it must begin with http:// or https://.")
    return text.rstrip("/")


def _postgres_url(variable: str, text: str) -> str:
    if text and not text.startswith(("postgresql://", "postgres://")):
        raise SettingsError(f"{variable} is {text!r}; it must begin with postgresql://.")
    return text


def _redis_url(variable: str, text: str) -> str:
    if text and not text.startswith(("redis://", "rediss://")):
        raise SettingsError(f"{variable} is {text!r}; it must begin with redis:// or rediss://.")
    return text


def _origins(variable: str, text: str) -> tuple[str, ...]:
    origins = tuple(part.strip().rstrip("/") for part in text.split(",") if part.strip())
    for origin in origins:
        scheme, _, rest = origin.partition("://")
        if origin != "*" and (scheme not in ("http", "https") or not rest or "/" in rest):
            raise SettingsError(
                f"{variable} holds {origin!r}; each must be an origin such as https://www.example.com, or * for all."
            )
    return origins or ("*",)


SETTINGS = {
    "host": Setting("BATON_HOST", _text, "127.0.0.1", "Address that the one public door listens on."),
    "port": Setting("BATON_PORT", _port, "8000", "Port of the one public door."),
    "public_url": Setting(
        "BATON_PUBLIC_URL",
        _url,
        "",
        "Address under which visitors and staff reach Baton; empty: http://host:port.",
    ),
    "company": Setting("BATON_COMPANY", _text, "Fernhill", "Name that visitors read on the help pages."),
    "data_dir": Setting("BATON_DATA_DIR", _path, "var", "Folder of the databases, secrets and logs."),
    "database_url": Setting(
        "BATON_DATABASE_URL",
        _postgres_url,
        "",
        "PostgreSQL for the log and the people, postgresql://user:password@host/name; empty: SQLite.",
    ),
    "redis_url": Setting(
        "BATON_REDIS_URL",
        _redis_url,
        "",
        "Redis between several processes or machines, redis://host:6379; empty: one process needs none.",
    ),
    "redis_prefix": Setting(
        "BATON_REDIS_PREFIX", _text, "baton", "What the names in Redis begin with: one for each Baton that shares it."
    ),
    "workers": Setting(
        "BATON_WORKERS", _count, "1", "Processes of the desk on this machine; more than one need PostgreSQL and Redis."
    ),
    "models_dir": Setting("BATON_MODELS_DIR", _path, "var/models", "Folder of the trained bots."),
    "rasa_python": Setting(
        "BATON_RASA_PYTHON", _path, ".venv-rasa/bin/python", "Python 3.10 of the environment that holds Rasa."
    ),
    "kb_port": Setting("BATON_KB_PORT", _port, "8010", "Loopback port of the knowledge base."),
    "bot_port": Setting("BATON_BOT_PORT", _port, "5005", "Loopback port of Rasa."),
    "actions_port": Setting("BATON_ACTIONS_PORT", _port, "5055", "Loopback port of the bot's actions."),
    "widget_origins": Setting(
        "BATON_WIDGET_ORIGINS",
        _origins,
        "*",
        "Origins that may show the widget, with commas between; * for all.",
    ),
    "embedding_model": Setting(
        "BATON_EMBEDDING_MODEL",
        _text,
        "",
        "A sentence-transformers model, by name or path; empty: the packaged all-MiniLM-L6-v2 with Baton's adapter; "
        "all-MiniLM-L6-v2: without.",
    ),
    "target_error": Setting(
        "BATON_TARGET_ERROR",
        _target_error,
        "0.2",
        "The greatest share of the bot's answers that may be wrong; a smaller one makes it ask or pass on more often.",
    ),
    "has_demo_articles": Setting(
        "BATON_DEMO_ARTICLES",
        _switch,
        "on",
        "`on` gives an empty knowledge base the demo company's articles; `off` leaves it empty for your own.",
    ),
    "trusted_proxies": Setting(
        "BATON_TRUSTED_PROXIES",
        _few,
        "0",
        "How many proxies stand in front: visitors' addresses are taken from the X-Forwarded-For that they set.",
    ),
    "unsure_limit": Setting(
        "BATON_ESCALATE_UNSURE", _count, "2", "Hand over after the bot found nothing this many times in a row."
    ),
    "unhelpful_limit": Setting(
        "BATON_ESCALATE_UNHELPFUL", _count, "2", "Hand over after this many answers in a row that did not help."
    ),
    "frustrated_limit": Setting("BATON_ESCALATE_FRUSTRATED", _count, "2", "Hand over after this many angry messages."),
    "topics": Setting(
        "BATON_ESCALATE_TOPICS",
        _topics,
        "handoff/guarded_topics.yml",
        "File of the words and article tags that go to a person at once.",
    ),
    "hours": Setting(
        "BATON_BUSINESS_HOURS",
        _text,
        "",
        "When people can be reached, such as `Mon-Fri 09:00-17:00, Sat 10:00-14:00`; empty: always.",
    ),
    "time_zone": Setting("BATON_TIME_ZONE", _text, "UTC", "IANA time zone of the business hours."),
    "holidays": Setting("BATON_HOLIDAYS", _text, "", "Days without business hours, such as `2026-12-25, 2027-01-01`."),
}

SECRETS = {
    "secret_key": "BATON_SECRET_KEY",
    "kb_token": "BATON_KB_TOKEN",
    "bot_token": "BATON_BOT_TOKEN",
}


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read and check all settings; makes the data folder and missing secrets.

    Raises:
        SettingsError: a setting cannot work; the message names it.
    """
    given = os.environ if environment is None else environment
    values: dict[str, Any] = {
        name: setting.read(setting.variable, given.get(setting.variable, setting.default))
        for name, setting in SETTINGS.items()
    }
    _check_mix(values)
    data_dir: Path = values["data_dir"]
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise SettingsError(f"BATON_DATA_DIR {data_dir} cannot be made: {exc}.") from exc
    limits = ("unsure_limit", "unhelpful_limit", "frustrated_limit")
    rules = EscalationRules(**{name: values.pop(name) for name in limits})
    values["hours"] = parse_hours(values["hours"], zone=values.pop("time_zone"), holidays=values.pop("holidays"))
    values["public_url"] = values["public_url"] or f"http://{values['host']}:{values['port']}"
    values |= {name: _secret(variable, given, data_dir / "secrets") for name, variable in SECRETS.items()}
    return Settings(**values, rules=rules, is_cookie_secure=values["public_url"].startswith("https://"))


def _check_mix(values: dict[str, Any]) -> None:
    """Refuse what cannot work together, with the setting that mends it."""
    if values["workers"] > 1 and not (values["redis_url"] and values["database_url"]):
        missing = [name for name in ("database_url", "redis_url") if not values[name]]
        raise SettingsError(
            f"BATON_WORKERS is {values['workers']}: several processes need PostgreSQL and Redis between them. "
            f"Set {' and '.join(SETTINGS[name].variable for name in missing)}, or BATON_WORKERS=1."
        )
    if values["redis_url"] and not values["database_url"]:
        raise SettingsError(
            "BATON_REDIS_URL is set, but the log is in SQLite, which one process owns. Set BATON_DATABASE_URL, too, or "
            "unset BATON_REDIS_URL."
        )


def _secret(variable: str, given: Mapping[str, str], folder: Path) -> str:
    secret = given.get(variable) or _secret_from_file(variable, given, folder)
    if len(secret) < 16:
        raise SettingsError(f"The secret {variable} is shorter than 16 characters. Take 32 random ones.")
    return secret


def _secret_from_file(variable: str, given: Mapping[str, str], folder: Path) -> str:
    named_file = given.get(f"{variable}_FILE")
    path = Path(named_file) if named_file else folder / variable.lower()
    try:
        if not named_file and not path.exists():
            _make_secret(path)
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError) as exc:
        raise SettingsError(f"The secret {variable} cannot be read from {path}: {exc}.") from exc


def _make_secret(path: Path) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent)  # made with mode 0600
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(32))
    # A link appears whole or not at all; where another process of the same start was faster, its secret stands.
    with suppress(FileExistsError):
        os.link(temporary, path)
    os.unlink(temporary)
