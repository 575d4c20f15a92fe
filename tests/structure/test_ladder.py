"""The import ladder of `handoff/`: every file imports only from lower rungs, and drivers and Flask stand where they
belong.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

LADDER = [
    {"errors", "events"},
    {"projection", "protocol", "escalation", "payloads", "brief", "limits", "verification"}
    | {"breaker", "business_hours", "guarded_topics", "phrases"},
    {"ports"},
    {"store", "bus", "bot_client", "bot_texts", "kb_client"},
    {"conversations", "turns", "fallback", "desk", "presence", "auth", "visitors", "log_check", "labelling"},
    {"gateway", "web"},
    {"settings", "backends", "app", "gunicorn_config", "content", "run", "retrain", "supervisor", "doctor", "cli"}
    | {"archive", "backup", "restore", "maintenance", "evaluate", "understanding", "rehearsal"},
]
RUNG = {name: number for number, names in enumerate(LADDER) for name in names}

# Package -> the places of handoff that may import it. What is not listed is free.
HOMES = {
    "flask": {"web", "app"},
    "flask_sock": {"app"},
    "flask_compress": {"app"},
    "werkzeug": {"web", "app"},
    "simple_websocket": {"gateway.connection", "app"},
    "wsproto": {"gateway.connection"},
    "sqlite3": {"store", "doctor"},
    "psycopg": {"store.postgres", "doctor"},
    "psycopg_pool": {"store.postgres"},
    "redis": {"bus.redis", "doctor"},
    "sqlite_utils": {"store"},
    "httpx": {"bot_client", "kb_client", "retrain", "supervisor", "doctor", "rehearsal"},
}


def handoff_files() -> list[Path]:
    return sorted((ROOT / "handoff").rglob("*.py"))


def imports_of(path: Path) -> list[str]:
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.append(node.module or "")
    return names


def place_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT / "handoff").with_suffix("").parts)


@pytest.mark.parametrize("path", handoff_files(), ids=place_of)
def test_handoff_imports_only_from_its_own_or_lower_rungs(path: Path) -> None:
    place = place_of(path)
    if place == "__init__":
        return
    own = place.split(".")[0]
    assert own in RUNG, f"{place} stands on no rung: add it to LADDER"
    for name in imports_of(path):
        parts = name.split(".")
        if parts[0] != "handoff" or len(parts) == 1:
            continue
        is_own_package = parts[1] == own
        is_lower = RUNG[parts[1]] < RUNG[own]
        is_same_service_rung = RUNG[parts[1]] == RUNG[own] and not is_own_package
        assert is_own_package or is_lower or is_same_service_rung, f"{place} must not import {name}"


def test_the_rungs_have_no_cycles() -> None:
    graph = {
        place_of(path): {name.removeprefix("handoff.") for name in imports_of(path) if name.startswith("handoff.")}
        for path in handoff_files()
    }
    done: set[str] = set()

    def visit(place: str, path: tuple[str, ...]) -> None:
        assert place not in path, " -> ".join([*path, place])
        if place not in done:
            for other in graph.get(place, ()):
                visit(other, (*path, place))
            done.add(place)

    for place in graph:
        visit(place, ())
    assert len(done) > 30


@pytest.mark.parametrize("path", handoff_files(), ids=place_of)
def test_drivers_and_web_libraries_stay_in_their_homes(path: Path) -> None:
    place = place_of(path)
    for name in imports_of(path):
        homes = HOMES.get(name.split(".")[0])
        if homes is not None:
            assert any(place == home or place.startswith(f"{home}.") for home in homes), f"{place} imports {name}"


def test_only_conversations_appends_to_the_log() -> None:
    appenders = {
        place_of(path)
        for path in handoff_files()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "append"
        and isinstance(node.func.value, ast.Attribute)
        and node.func.value.attr == "_store"
    }
    assert appenders == {"conversations"}


def test_only_the_connection_module_sends_on_a_socket() -> None:
    senders = {
        place_of(path)
        for path in handoff_files()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in ("_sock", "sendall")
    }
    assert senders == {"gateway.connection"}


@pytest.mark.parametrize("package", ["knowledge_base", "bot"])
def test_the_other_packages_know_nothing_of_the_desk(package: str) -> None:
    files = sorted((ROOT / package).rglob("*.py"))
    assert files
    for path in files:
        for name in imports_of(path):
            assert name.split(".")[0] != "handoff", f"{path} imports {name}"
