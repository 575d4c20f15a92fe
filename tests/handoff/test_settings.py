"""The settings: defaults that run, bad values named, secrets made once and for their owner only."""

import re
import stat
from pathlib import Path

import pytest

from handoff.errors import SettingsError
from handoff.escalation import EscalationRules
from handoff.settings import ROOT, SECRETS, SETTINGS, Setting, Settings, read_settings

README = ROOT / "README.md"


def read(tmp_path: Path, **environment: str) -> Settings:
    return read_settings({"BATON_DATA_DIR": str(tmp_path / "data"), **environment})


def test_defaults_run_the_product_on_this_machine_only(tmp_path: Path) -> None:
    settings = read(tmp_path)
    assert (settings.host, settings.port, settings.public_url) == ("127.0.0.1", 8000, "http://127.0.0.1:8000")
    assert (settings.kb_url, settings.bot_url, settings.actions_url) == (
        "http://127.0.0.1:8010",
        "http://127.0.0.1:5005",
        "http://127.0.0.1:5055",
    )
    assert settings.rules == EscalationRules(unsure_limit=2, unhelpful_limit=2)
    assert settings.widget_origins == ("*",)
    assert settings.has_demo_articles is True
    assert settings.is_cookie_secure is False
    assert settings.models_dir == ROOT / "var" / "models"
    assert settings.database == tmp_path / "data" / "handoff.db"


def test_data_folder_is_made(tmp_path: Path) -> None:
    assert not (tmp_path / "data").exists()
    assert read(tmp_path).data_dir == tmp_path / "data"
    assert (tmp_path / "data").is_dir()


def test_given_values_are_read(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        BATON_PORT="9000",
        BATON_PUBLIC_URL="https://help.example.com/",
        BATON_WIDGET_ORIGINS=" https://www.example.com/, http://localhost:3000 ,",
        BATON_ESCALATE_UNSURE="3",
        BATON_DEMO_ARTICLES="off",
        BATON_MODELS_DIR="elsewhere/models",
    )
    assert settings.public_url == "https://help.example.com"
    assert settings.is_cookie_secure is True
    assert settings.port == 9000
    assert settings.widget_origins == ("https://www.example.com", "http://localhost:3000")
    assert settings.rules.unsure_limit == 3
    assert settings.has_demo_articles is False
    assert settings.models_dir == ROOT / "elsewhere" / "models"


BAD_VALUES = [
    ("BATON_ESCALATE_FRUSTRATED", "often"),
    ("BATON_ESCALATE_TOPICS", "/nowhere/topics.yml"),
    ("BATON_BUSINESS_HOURS", "nine to five"),
    ("BATON_TIME_ZONE", "Mars"),
    ("BATON_HOLIDAYS", "Christmas"),
    ("BATON_TRUSTED_PROXIES", "many"),
    ("BATON_DATABASE_URL", "mysql://localhost/baton"),
    ("BATON_REDIS_URL", "localhost:6379"),
    ("BATON_WORKERS", "many"),
    ("BATON_WORKERS", "0"),
    ("BATON_PORT", "http"),
    ("BATON_PORT", ""),
    ("BATON_PORT", "0"),
    ("BATON_PORT", "65536"),
    ("BATON_PORT", "-1"),
    ("BATON_PORT", "80.5"),
    ("BATON_TARGET_ERROR", "0.9"),
    ("BATON_KB_PORT", "x"),
    ("BATON_BOT_PORT", "x"),
    ("BATON_ACTIONS_PORT", "x"),
    ("BATON_PUBLIC_URL", "help.example.com"),
    ("BATON_PUBLIC_URL", "ftp://help.example.com"),
    ("BATON_WIDGET_ORIGINS", "www.example.com"),
    ("BATON_WIDGET_ORIGINS", "https://www.example.com/shop"),
    ("BATON_WIDGET_ORIGINS", "https://"),
    ("BATON_WIDGET_ORIGINS", "https://a.example, javascript:alert(1)"),
    ("BATON_DEMO_ARTICLES", "yes"),
    ("BATON_ESCALATE_UNSURE", "0"),
    ("BATON_ESCALATE_UNSURE", "11"),
    ("BATON_ESCALATE_UNHELPFUL", "two"),
    *((variable, "short") for variable in SECRETS.values()),
]


@pytest.mark.parametrize(("variable", "value"), BAD_VALUES)
def test_bad_value_is_refused_by_the_name_of_its_variable(tmp_path: Path, variable: str, value: str) -> None:
    assert read(tmp_path)
    with pytest.raises(SettingsError, match=variable):
        read(tmp_path, **{variable: value})


SERVERS = {"BATON_DATABASE_URL": "postgresql://localhost/baton", "BATON_REDIS_URL": "redis://localhost"}


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, "BATON_DATABASE_URL and BATON_REDIS_URL"),
        ({"BATON_DATABASE_URL": SERVERS["BATON_DATABASE_URL"]}, "Set BATON_REDIS_URL"),
        ({"BATON_REDIS_URL": SERVERS["BATON_REDIS_URL"]}, "Set BATON_DATABASE_URL"),
    ],
)
def test_several_processes_without_what_they_need_between_them_are_refused(
    tmp_path: Path, given: dict[str, str], missing: str
) -> None:
    with pytest.raises(SettingsError, match=missing):
        read(tmp_path, BATON_WORKERS="2", **given)


def test_redis_without_postgres_is_refused_and_everything_else_goes_together(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="Set BATON_DATABASE_URL, too"):
        read(tmp_path, BATON_REDIS_URL=SERVERS["BATON_REDIS_URL"])
    assert read(tmp_path, BATON_DATABASE_URL=SERVERS["BATON_DATABASE_URL"]).workers == 1
    assert read(tmp_path, BATON_WORKERS="4", **SERVERS).workers == 4


def test_every_setting_that_can_be_wrong_has_a_bad_value_here() -> None:
    free = {"_text", "_path"}
    checked = {setting.variable for setting in SETTINGS.values() if setting.read.__name__ not in free}
    assert checked <= {variable for variable, _ in BAD_VALUES}


def test_data_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file is in the way")
    with pytest.raises(SettingsError, match="BATON_DATA_DIR"):
        read(tmp_path)


# --- secrets ------------------------------------------------------------------------------------------------------


def test_secrets_are_made_once_long_and_for_their_owner_only(tmp_path: Path) -> None:
    made = [getattr(read(tmp_path), name) for name in SECRETS]
    again = [getattr(read(tmp_path), name) for name in SECRETS]
    assert made == again
    assert len(set(made)) == len(made)
    assert min(len(secret) for secret in made) >= 32
    folder = tmp_path / "data" / "secrets"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert sorted(path.name for path in folder.iterdir()) == sorted(variable.lower() for variable in SECRETS.values())
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


@pytest.mark.parametrize(("name", "variable"), SECRETS.items())
def test_secret_comes_from_its_variable_or_from_its_file(tmp_path: Path, name: str, variable: str) -> None:
    file = tmp_path / "secret.txt"
    file.write_text("  from a file, long enough\n")
    assert getattr(read(tmp_path, **{f"{variable}_FILE": str(file)}), name) == "from a file, long enough"
    assert getattr(read(tmp_path, **{variable: "given and long enough"}), name) == "given and long enough"
    both = {variable: "given and long enough", f"{variable}_FILE": str(file)}
    assert getattr(read(tmp_path, **both), name) == "given and long enough"
    assert not (tmp_path / "data" / "secrets" / variable.lower()).exists()


@pytest.mark.parametrize("content", [None, b"", b"short\n", b"\xff" * 40], ids=["missing", "empty", "short", "binary"])
def test_secret_file_that_cannot_work_is_named_and_not_replaced(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "secret.txt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError, match="BATON_SECRET_KEY"):
        read(tmp_path, BATON_SECRET_KEY_FILE=str(file))
    assert (file.read_bytes() if file.exists() else None) == content


def test_secrets_are_never_in_the_message_of_a_refusal(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refusal:
        read(tmp_path, BATON_SECRET_KEY="hunter2")
    assert "hunter2" not in refusal.value.message


# --- the table in README ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=lambda setting: setting.variable)
def test_readme_documents_the_setting_with_its_default_and_meaning(setting: Setting) -> None:
    row = re.search(rf"^\| `{setting.variable}` \|(.*)\|(.*)\|$", README.read_text(), re.MULTILINE)
    assert row, f"README.md has no row for {setting.variable}"
    assert row.group(1).strip().strip("`") == (setting.default or "empty")
    assert row.group(2).strip() == setting.meaning


def test_readme_documents_no_setting_that_does_not_exist() -> None:
    known = {setting.variable for setting in SETTINGS.values()}
    known |= {name for variable in SECRETS.values() for name in (variable, f"{variable}_FILE")}
    mentioned = set(re.findall(r"BATON_[A-Z_0-9]*[A-Z0-9]", README.read_text()))
    assert set(SECRETS.values()) <= mentioned
    assert mentioned <= known | {"BATON_PYTHON310"}
