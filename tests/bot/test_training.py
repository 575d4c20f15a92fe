"""`bot/train.py`: trains when needed, and never at the cost of a working model."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.bot.conftest import BOT_FOLDER

SCRIPT = BOT_FOLDER / "train.py"


@pytest.fixture
def small_bot(tmp_path: Path) -> Path:
    """A copy of the files that a model is made from."""
    folder = tmp_path / "bot"
    for name in ("data", "components"):
        shutil.copytree(BOT_FOLDER / name, folder / name)
    for name in ("config.yml", "domain.yml"):
        shutil.copy(BOT_FOLDER / name, folder / name)
    return folder


def train(python: Path, bot: Path, models: Path) -> subprocess.CompletedProcess[str]:
    command = [str(python), str(SCRIPT), "--bot", str(bot), "--models", str(models)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)


def ask_digest(python: Path, bot: Path) -> str:
    code = "import sys; from pathlib import Path; import train; print(train.compute_digest(Path(sys.argv[1])))"
    command = [str(python), "-c", code, str(bot)]
    return subprocess.run(command, cwd=BOT_FOLDER, capture_output=True, text=True, check=True).stdout.strip()


def test_model_of_the_same_files_is_not_trained_again(rasa_python: Path, small_bot: Path, tmp_path: Path):
    models = tmp_path / "models"
    models.mkdir()
    model = models / f"{ask_digest(rasa_python, small_bot)}.tar.gz"
    model.write_bytes(b"trained before")
    trained = train(rasa_python, small_bot, models)
    assert trained.returncode == 0
    assert trained.stdout.splitlines() == [str(model)]
    assert model.read_bytes() == b"trained before"


@pytest.mark.parametrize("name", ["config.yml", "domain.yml", "data/rules.yml", "data/nlu/person.yml"])
def test_each_source_changes_the_digest(rasa_python: Path, small_bot: Path, name: str):
    before = ask_digest(rasa_python, small_bot)
    path = small_bot / name
    path.write_text(path.read_text() + "\n# changed\n")
    assert ask_digest(rasa_python, small_bot) != before


@pytest.mark.slow
def test_failing_training_says_why_in_one_line_and_keeps_the_models(rasa_python: Path, small_bot: Path, tmp_path: Path):
    models = tmp_path / "models"
    models.mkdir()
    (models / "old.tar.gz").write_bytes(b"works")
    (small_bot / "domain.yml").write_text("intents: [: this is no YAML\n")
    trained = train(rasa_python, small_bot, models)
    assert trained.returncode == 1
    assert trained.stdout == ""
    assert trained.stderr.startswith("training failed: ")
    assert len(trained.stderr.splitlines()) == 1
    assert sorted(path.name for path in models.iterdir()) == [".lock", "old.tar.gz"]
    assert (models / "old.tar.gz").read_bytes() == b"works"


@pytest.mark.slow
def test_training_leaves_one_complete_model(model: Path):
    assert model.is_file()
    assert model.name == f"{model.name[:16]}.tar.gz"
    assert not list(model.parent.glob(".training-*/model.tar.gz"))
