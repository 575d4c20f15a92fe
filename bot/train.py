"""Trains the bot's model, only if something that it is made from has changed. Runs in Rasa's Python.

    python bot/train.py --models DIR

The last line of standard output is the path of the model. A training that fails leaves every model as it was,
says why in one line on standard error, and exits with 1.
"""

# ruff: noqa: T201  (standard output is the interface of this script)

import argparse
import fcntl
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

BOT_FOLDER = Path(__file__).resolve().parent
SOURCES = ("config.yml", "domain.yml", "data", "components")
# The model in use, the one before for going back, and one more.
KEPT_MODELS = 3
# Beside the models: a change of one example encodes one sentence.
EMBEDDING_CACHE = "embeddings.sqlite"
# The first training takes a minute of processor time; a machine twenty times slower should still succeed.
TRAINING_TIMEOUT_S = 1500


class TrainingFailed(Exception):
    """Rasa refused the bot's files, or was ended; the message says what to mend."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Train the bot if its files have changed.")
    parser.add_argument("--models", required=True, type=Path, help="folder for the models")
    parser.add_argument("--bot", default=BOT_FOLDER, type=Path, help="the bot's folder (default: this one)")
    arguments = parser.parse_args()
    # A supervisor ends this with SIGTERM: as an exception it ends the training and removes its folder, too.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        model = provide_model(arguments.bot.resolve(), arguments.models.resolve())
    except (TrainingFailed, OSError) as exc:
        print(f"training failed: {exc}", file=sys.stderr)
        return 1
    print(model)
    return 0


def provide_model(bot: Path, models: Path) -> Path:
    """Return the model of the bot's files as they are now, training it first if there is none.

    Safe to call from several processes at once: one trains, the others wait and use its model.

    Raises:
        TrainingFailed: there is no new model; older ones are untouched.
    """
    models.mkdir(parents=True, exist_ok=True)
    with (models / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        model = models / f"{compute_digest(bot)}.tar.gz"
        if not model.exists():
            _train(bot, model)
        # Which one is the newest decides which ones are kept.
        os.utime(model)
        _remove_old_models(models)
    return model


def compute_digest(bot: Path) -> str:
    """Return a short digest of everything that the model is made from, Rasa's version and the embedding model's name
    included.
    """
    digest = hashlib.sha256(
        f"rasa {version('rasa')}\nembeddings {os.environ.get('BATON_EMBEDDING_MODEL', '').strip()}\n".encode()
    )
    for source in SOURCES:
        path = bot / source
        files = sorted(p for p in path.rglob("*") if p.suffix in (".yml", ".py")) if path.is_dir() else [path]
        for file in files:
            content = file.read_bytes()
            digest.update(f"{file.relative_to(bot).as_posix()} {len(content)}\n".encode())
            digest.update(content)
    return digest.hexdigest()[:16]


def build_environment() -> dict:
    """Return the environment that keeps Rasa from telling others, and its libraries from telling us too much."""
    return {
        **os.environ,
        "RASA_TELEMETRY_ENABLED": "false",
        "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONWARNINGS": "ignore",
        # The classifier is too small to gain from the GPU, and claiming one takes seconds.
        "CUDA_VISIBLE_DEVICES": "-1",
    }


def _train(bot: Path, model: Path) -> None:
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix=".training-", dir=model.parent) as folder:
        # --force: Rasa's own cache would be a second opinion on what has changed.
        command = [sys.executable, "-m", "rasa", "train", "--quiet", "--force", "--skip-validation"]
        command += ["--out", folder, "--fixed-model-name", "model"]
        # Whatever a training that is ended leaves behind lies in the folder that is removed here.
        variables = {"BATON_EMBEDDING_CACHE": str(model.parent / EMBEDDING_CACHE), "TMPDIR": folder}
        output = _run(command, bot, variables)
        trained = Path(folder) / "model.tar.gz"
        if not trained.is_file():
            raise TrainingFailed(f"{_choose_last_line(output)} (mend it in {bot}, then train again)")
        os.replace(trained, model)
    print(f"trained in {time.monotonic() - started:.1f} s")


def _run(command: list, bot: Path, variables: dict) -> str:
    process = subprocess.Popen(
        command,
        cwd=bot,
        env={**build_environment(), **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        # A group of its own, so that its encoder ends with it.
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=TRAINING_TIMEOUT_S)
    except subprocess.TimeoutExpired as exc:
        raise TrainingFailed(f"it took more than {TRAINING_TIMEOUT_S} s") from exc
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return output


def _choose_last_line(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else "rasa said nothing"


def _remove_old_models(models: Path) -> None:
    by_age = sorted(models.glob("*.tar.gz"), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in by_age[KEPT_MODELS:]:
        old.unlink()


if __name__ == "__main__":
    sys.exit(main())
