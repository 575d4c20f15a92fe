"""A new model takes over without a restart; one that cannot be loaded changes nothing."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest

from handoff import retrain
from handoff.errors import ModelRefused
from tests.bot.conftest import Ada, RunningBot, choose_free_port


@dataclass
class Installation:
    """The few settings that retraining reads."""

    bot_url: str
    bot_token: str
    models_dir: Path
    rasa_python: Path = Path("/nowhere/python")
    embedding_model: str = ""


@pytest.fixture
def installed(bot: RunningBot, tmp_path: Path) -> Installation:
    return Installation(bot.url, bot.token, tmp_path)


def model_in_use(bot: RunningBot) -> str:
    status = httpx.get(f"{bot.url}/status", params={"token": bot.token}, trust_env=False).json()
    return str(status["model_file"])


@pytest.mark.slow
def test_conversation_goes_on_over_a_swap_and_a_restart_would_load_the_new_model(
    installed: Installation, bot: RunningBot, ada: Ada, model: Path
) -> None:
    ada.says("hello")
    before = model_in_use(bot)
    new = installed.models_dir / "new.tar.gz"
    new.write_bytes(model.read_bytes())
    retrain.swap_in(installed, new)  # type: ignore[arg-type]
    assert (before, model_in_use(bot)) == (model.name, "new.tar.gz")
    assert (installed.models_dir / retrain.CURRENT).resolve() == new
    ada.says("hello again")
    events = httpx.get(
        f"{bot.url}/conversations/{ada.conversation}/tracker", params={"token": bot.token}, trust_env=False
    ).json()["events"]
    assert [event["text"] for event in events if event["event"] == "user"] == ["hello", "hello again"]


@pytest.mark.slow
def test_each_message_that_arrives_while_the_new_model_loads_is_answered(
    installed: Installation, bot: RunningBot, ada: Ada, model: Path
) -> None:
    new = installed.models_dir / "next.tar.gz"
    new.write_bytes(model.read_bytes())
    answers = []
    with ThreadPoolExecutor(1) as pool:
        swap = pool.submit(retrain.swap_in, installed, new)
        while not swap.done():
            answers.append(replace(ada, conversation=f"{ada.conversation}-{len(answers)}").says("hello"))
    swap.result()
    assert model_in_use(bot) == "next.tar.gz"
    assert answers
    assert {(one[0]["intent"], one[1]["type"]) for one in answers} == {("greeting", "say")}


@pytest.mark.slow
def test_model_that_cannot_be_loaded_leaves_the_old_one_serving(
    installed: Installation, bot: RunningBot, ada: Ada
) -> None:
    before = model_in_use(bot)
    broken = installed.models_dir / "broken.tar.gz"
    broken.write_bytes(b"no archive")
    with pytest.raises(ModelRefused, match=r"could not load broken\.tar\.gz"):
        retrain.swap_in(installed, broken)  # type: ignore[arg-type]
    assert model_in_use(bot) == before
    assert ada.says("hello")[0]["type"] == "understood"
    assert not (installed.models_dir / retrain.CURRENT).exists()


def test_rasa_that_is_not_there_is_named(tmp_path: Path) -> None:
    nobody = Installation(f"http://127.0.0.1:{choose_free_port()}", "", tmp_path)
    with pytest.raises(ModelRefused, match="cannot be reached"):
        retrain.swap_in(nobody, tmp_path / "new.tar.gz")  # type: ignore[arg-type]


def test_training_that_fails_changes_nothing(tmp_path: Path) -> None:
    failing = Installation("", "", tmp_path, rasa_python=Path("/bin/false"))
    with pytest.raises(ModelRefused, match="the model in use stays"):
        retrain.train(failing)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []
