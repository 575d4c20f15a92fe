"""What the documents list by hand is what the code has: close codes, error codes, commands, make targets, reasons."""

import re
from pathlib import Path

from handoff import errors
from handoff.cli import main
from handoff.events import Reason
from handoff.protocol import CloseCode
from handoff.verification import Rule

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
DESK_README = (ROOT / "handoff" / "README.md").read_text()


def section(text: str, title: str) -> str:
    return text.split(f"\n## {title}\n")[1].split("\n## ")[0]


def all_error_codes() -> set[str]:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.BatonError)]
    return {kind.code for kind in kinds} - {errors.BatonError.code}


def test_close_codes_of_the_readme_are_those_of_the_code() -> None:
    rows = re.findall(r"^\| (\d{4}) \| `(\w+)` \|", section(DESK_README, "Sockets"), re.MULTILINE)
    assert {(int(code), name) for code, name in rows} == {(code.value, code.name.lower()) for code in CloseCode}


def test_error_codes_of_the_readme_are_those_of_the_code() -> None:
    assert set(re.findall(r"`([a-z_]+)`", section(DESK_README, "Errors"))) - {"error", "client_id"} == all_error_codes()


def test_reasons_of_the_readme_are_those_of_the_code() -> None:
    listed = section(DESK_README, "The floor").split("closed list:")[1]
    assert set(re.findall(r"`([a-z_]+)`", listed)) == {reason.value for reason in Reason}


def test_rules_of_the_log_in_the_readme_are_those_of_the_code() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", section(DESK_README, "What holds of every log"), re.MULTILINE)
    assert set(listed) == {rule.value for rule in Rule}


def test_every_command_is_in_the_documents() -> None:
    assert main.commands
    documents = README + (ROOT / "CHANGELOG.md").read_text()
    for name in main.commands:
        assert re.search(rf"baton\s+{name}\b|make {name}\b", documents), name


def test_every_make_target_explains_itself_and_the_main_ones_are_in_the_readme() -> None:
    makefile = (ROOT / "Makefile").read_text()
    explained = set(re.findall(r"^([a-z]+):.*## ", makefile, re.MULTILINE))
    phony = set(re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split())  # type: ignore[index]
    assert explained == phony
    for target in ("run", "test", "check", "bench", "faults", "screenshots"):
        assert f"make {target}" in README
