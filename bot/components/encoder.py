"""Asks the knowledge base for sentence vectors, so that its embedding model is the only one in memory.

At run time over HTTP within a deadline. For a training the vectors are kept on disk; those that are missing come
from the knowledge base at BATON_KB_URL, or, without that variable, from one that is started for the purpose.
"""

import contextlib
import hashlib
import os
import secrets
import socket
import sqlite3
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Dict, Iterator, Optional, Sequence

import httpx
import numpy as np

ROOT = Path(__file__).resolve().parents[2]
# As knowledge_base/packaged_model.py has it.
DEFAULT_MODEL = "all-MiniLM-L6-v2-baton-2"
# The knowledge base takes no longer text, and a search sends no more of a message either.
TEXT_MAX_CHARS = 2000
BATCH_SIZE = 128
# A batch of an import may be ahead of this one on a busy machine; training waits for that.
TRAINING_TIMEOUT_S = 120.0
# It loads torch and the model: 6 s alone, a minute beside other work.
START_TIMEOUT_S = 180.0
# About 80 MB; the sentences of several bots.
CACHE_MAX_VECTORS = 50_000


class EncoderUnreachable(Exception):
    """The knowledge base is down, too slow, has another model, or answered with something that is no vectors."""


def read_model_name() -> str:
    """Return the name of the embedding model that the knowledge base uses, as its settings have it."""
    return os.environ.get("BATON_EMBEDDING_MODEL", "").strip() or DEFAULT_MODEL


def prepare_text(text: str) -> str:
    """Return a message as the knowledge base gets it, for a search as well; it may be empty then."""
    return text[:TEXT_MAX_CHARS].strip().encode(errors="replace").decode()


class Encoder:
    """The knowledge base's POST /embed. Not thread-safe."""

    def __init__(self, url: str, token: str, model: str, *, timeout_s: float) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        # The environment's proxies are not asked: it is loopback.
        self._client = httpx.Client(base_url=url, headers=headers, timeout=timeout_s, trust_env=False)
        self._model = model
        self._timeout_s = timeout_s

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Return one row for each text; texts are at least one, and as `prepare_text` returns them, not empty.

        Raises:
            EncoderUnreachable: no vectors of the model in time.
        """
        return np.concatenate([self._ask(texts[n : n + BATCH_SIZE]) for n in range(0, len(texts), BATCH_SIZE)])

    def close(self) -> None:
        self._client.close()

    def _ask(self, texts: Sequence[str]) -> np.ndarray:
        try:
            answer = self._post({"texts": list(texts)})
            model, vectors = answer["model"], np.array(answer["vectors"], dtype=np.float32)
            shape = (len(texts), int(answer["dimension"]))
        except (httpx.HTTPError, httpx.InvalidURL, KeyError, TypeError, ValueError) as exc:
            raise EncoderUnreachable(f"POST /embed: {type(exc).__name__} {exc}") from exc
        if model != self._model:
            raise EncoderUnreachable(
                f"the knowledge base encodes with {model}, this model was trained with {self._model}: train again"
            )
        if vectors.shape != shape or not np.isfinite(vectors).all():
            raise EncoderUnreachable(f"POST /embed: {vectors.shape} instead of {shape} numbers")
        return vectors

    def _post(self, body: dict) -> dict:
        gives_up_at = time.monotonic() + self._timeout_s
        with self._client.stream("POST", "/embed", json=body) as response:
            content = bytearray()
            # httpx counts its timeout anew for each piece that arrives; this ends a trickle as well.
            for piece in response.iter_bytes():
                content += piece
                if time.monotonic() > gives_up_at:
                    raise httpx.ReadTimeout(f"not complete after {self._timeout_s:g} s")
            response.raise_for_status()
            return httpx.Response(200, content=bytes(content)).json()


def build_encoder(model: str, *, timeout_s: float) -> Encoder:
    """Build the client of the running knowledge base, with the settings of `actions/`."""
    url = os.environ.get("BATON_KB_URL", "http://127.0.0.1:8010")
    return Encoder(url, _read_token(), model, timeout_s=timeout_s)


def encode_for_training(texts: Sequence[str], model: str) -> np.ndarray:
    """Return one row for each text, from the disk as far as they are there; texts as for `Encoder.encode`.

    Raises:
        EncoderUnreachable: some are not, and no knowledge base could be asked for them.
    """
    with contextlib.closing(VectorCache(os.environ.get("BATON_EMBEDDING_CACHE"), model)) as cache:
        known = cache.read(texts)
        missing = [text for text in dict.fromkeys(texts) if text not in known]
        if missing:
            with _open_encoder(model) as encoder:
                known.update(zip(missing, encoder.encode(missing), strict=True))
            cache.write({text: known[text] for text in missing})
    return np.array([known[text] for text in texts], dtype=np.float32)


class VectorCache:
    """A SQLite file of vectors by model and text digest; without a path it remembers nothing."""

    def __init__(self, path: Optional[str], model: str) -> None:
        self._model = model
        if path:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path or ":memory:", timeout=30)
        self._database.execute(
            "create table if not exists vectors"
            " (number integer primary key, key text not null unique, vector blob not null)"
        )

    def read(self, texts: Sequence[str]) -> Dict[str, np.ndarray]:
        """Return the vectors of those texts that are here."""
        found = {}
        for text in dict.fromkeys(texts):
            row = self._database.execute("select vector from vectors where key = ?", [self._key(text)]).fetchone()
            if row:
                found[text] = np.frombuffer(row[0], dtype=np.float32)
        return found

    def write(self, vectors: Dict[str, np.ndarray]) -> None:
        """Keep these vectors; the oldest make room once there are too many."""
        rows = [(self._key(text), vector.astype(np.float32).tobytes()) for text, vector in vectors.items()]
        with self._database:
            self._database.executemany("insert or replace into vectors (key, vector) values (?, ?)", rows)
            self._database.execute(
                "delete from vectors where number <= (select max(number) from vectors) - ?", [CACHE_MAX_VECTORS]
            )

    def close(self) -> None:
        self._database.close()

    def _key(self, text: str) -> str:
        return hashlib.sha256(f"{self._model}\n{text}".encode(errors="replace")).hexdigest()


@contextlib.contextmanager
def run_encoder() -> Iterator[Dict[str, str]]:
    """Run an empty knowledge base in Baton's own Python meanwhile; gives the environment that leads to it.

    Raises:
        EncoderUnreachable: it did not come up; the message has its last line.
    """
    python = os.environ.get("BATON_PYTHON") or str(ROOT / ".venv/bin/python")
    port, token = _choose_free_port(), secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="baton-encoder-") as folder:
        log = Path(folder, "log")
        environment = {
            **os.environ,
            "BATON_KB_DATABASE": str(Path(folder, "empty.db")),
            "BATON_KB_TOKEN": token,
            "PYTHONPATH": str(ROOT),
        }
        command = [python, "-m", "knowledge_base", "--port", str(port)]
        with log.open("wb") as output:
            try:
                process = subprocess.Popen(
                    command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
                )
            except OSError as exc:
                raise EncoderUnreachable(f"{python} cannot be started ({exc}): set BATON_PYTHON") from exc
        try:
            url = f"http://127.0.0.1:{port}"
            _await_encoder(url, process, log)
            yield {"BATON_KB_URL": url, "BATON_KB_TOKEN": token}
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextlib.contextmanager
def _open_encoder(model: str) -> Iterator[Encoder]:
    if os.environ.get("BATON_KB_URL"):
        with contextlib.closing(build_encoder(model, timeout_s=TRAINING_TIMEOUT_S)) as encoder:
            yield encoder
        return
    with run_encoder() as place:
        encoder = Encoder(place["BATON_KB_URL"], place["BATON_KB_TOKEN"], model, timeout_s=TRAINING_TIMEOUT_S)
        with contextlib.closing(encoder):
            yield encoder


def _await_encoder(url: str, process: subprocess.Popen, log: Path) -> None:
    gives_up_at = time.monotonic() + START_TIMEOUT_S
    while True:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{url}/health", timeout=5, trust_env=False).status_code == 200:
                return
        if process.poll() is not None or time.monotonic() > gives_up_at:
            lines = log.read_text(errors="replace").strip().splitlines()
            raise EncoderUnreachable(f"the encoder did not start: {lines[-1] if lines else 'it said nothing'}")
        time.sleep(0.1)


def _choose_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _read_token() -> str:
    token, file = os.environ.get("BATON_KB_TOKEN", ""), os.environ.get("BATON_KB_TOKEN_FILE", "")
    return token or (Path(file).read_text(encoding="utf-8").strip() if file else "")
