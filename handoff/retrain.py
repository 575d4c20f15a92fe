"""`baton retrain`: train a new bot beside the running one, then swap it in without a restart; rung 6 of the ladder.

A conversation that is under way goes on: its tracker is in Rasa's store, not in the model, and while Rasa loads, the
desk answers from the knowledge base. The model in use is replaced last: a training that fails and a model that does
not load leave it where it is.
"""

import os
import subprocess
import sys
from pathlib import Path

import httpx
from rich.console import Console

from handoff.errors import ModelRefused
from handoff.settings import ROOT, Settings

CURRENT = "current"
"""Name of the link to the model in use, in the folder of models: what a restart of Rasa loads."""

LOAD_TIMEOUT_S = 120.0
"""Rasa loads a model in some 5 s on two cores; a much slower machine still gets there."""


def train(settings: Settings) -> Path:
    """Train the bot if its files have changed; gives the model's path.

    Raises:
        ModelRefused: the training failed; its reason stands on the terminal.
    """
    command = [str(settings.rasa_python), str(ROOT / "bot" / "train.py"), "--models", str(settings.models_dir)]
    # The trainer talks on stderr, which stays the terminal's; its last line on stdout is the model's path.
    environment = build_bot_environment(settings)
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise ModelRefused("The bot could not be trained; the model in use stays. See the lines above.")
    return Path(done.stdout.strip().splitlines()[-1])


def build_bot_environment(settings: Settings) -> dict[str, str]:
    """Return what the bot's scripts need besides the environment as it is."""
    return {
        **os.environ,
        "BATON_PYTHON": sys.executable,
        "BATON_EMBEDDING_MODEL": settings.embedding_model,
        "BATON_EMBEDDING_CACHE": str(settings.models_dir / "embeddings.sqlite"),
    }


def swap_in(settings: Settings, model: Path) -> None:
    """Have the running Rasa load `model` in place of its own, and keep it for restarts.

    Raises:
        ModelRefused: Rasa is not there, or could not load it; it goes on with the one that it has.
    """
    try:
        answer = httpx.put(
            f"{settings.bot_url}/model",
            params={"token": settings.bot_token},
            json={"model_file": str(model.resolve())},
            timeout=LOAD_TIMEOUT_S,
            trust_env=False,
        )
    except httpx.HTTPError as exc:
        raise ModelRefused(
            f"Rasa at {settings.bot_url} cannot be reached or did not load {model.name} in time: {exc!r}. Start Baton "
            "(`make run`), which uses the new model at once."
        ) from exc
    if answer.status_code != httpx.codes.NO_CONTENT:
        raise ModelRefused(f"Rasa could not load {model.name} and goes on with the model in use. Its log says why.")
    keep_for_restarts(settings, model)


def keep_for_restarts(settings: Settings, model: Path) -> Path:
    """Point the link that a restart of Rasa follows to `model`; gives the link."""
    link = settings.models_dir / CURRENT
    fresh = link.with_name(f".{CURRENT}-{os.getpid()}")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(model.resolve())
    os.replace(fresh, link)
    return link


def retrain(settings: Settings, console: Console) -> None:
    """Train and swap; raises as `train` and `swap_in` do."""
    model = train(settings)
    swap_in(settings, model)
    console.print(f"The bot now uses {model.name}. Nothing was restarted.")
