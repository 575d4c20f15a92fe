"""The packaged model with low-rank corrections that can be learnt (LoRA, Hu et al. 2021), and the axes of its tokens.

Everything else of the model stays as it is. Runs in half precision, learns in full; without dropout.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from knowledge_base.embedding import Matrix
from knowledge_base.packaged_model import check_packaged_model

RANK = 16
# Learning needs the beginning of a long passage only; the model itself reads twice as much.
_TOKENS_MAX = 128
_TOKENS_PER_PASS = 3_000
_FIRST, _LAST = 101, 102


@dataclass(frozen=True, slots=True, eq=False)
class TextTokens:
    """Some texts' tokens, padded to the longest: unit vectors (texts, length, axes), and which places are words."""

    places: Sequence[int]
    """Where each text stood among those that were encoded."""
    vectors: torch.Tensor
    is_word: torch.Tensor
    ids: torch.Tensor


class _Corrected(nn.Module):
    """A linear layer that stays, plus a product of two thin matrices that is learnt."""

    def __init__(self, base: nn.Linear) -> None:
        super().__init__()
        self.base = base
        self.down = nn.Parameter(torch.randn(RANK, base.in_features) / math.sqrt(base.in_features))
        self.up = nn.Parameter(torch.zeros(base.out_features, RANK))

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        corrected: torch.Tensor = self.base(states) + functional.linear(functional.linear(states, self.down), self.up)
        return corrected


class LowRankEncoder(nn.Module):
    """Texts to unit vectors and token vectors, as the product's embedders give them, but differentiable."""

    def __init__(self, projection: Matrix) -> None:
        """Load the packaged model; `projection` (dimension, axes) is where learning starts."""
        from tokenizers import Tokenizer
        from transformers import AutoModel

        super().__init__()
        folder = check_packaged_model()
        silent = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
        self._model: Any = AutoModel.from_pretrained(folder, add_pooling_layer=False, **silent)
        self._model.requires_grad_(False)
        self._corrected: dict[str, _Corrected] = {}
        for number, layer in enumerate(self._model.encoder.layer):
            self._correct(layer.attention.self, ("query", "key", "value"), f"encoder.layer.{number}.attention.self")
            for part in ("attention.output", "intermediate", "output"):
                self._correct(layer.get_submodule(part), ("dense",), f"encoder.layer.{number}.{part}")
        self._projection = nn.Parameter(torch.from_numpy(projection.astype(np.float32)))
        self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._ids: dict[str, list[int]] = {}

    @property
    def vocabulary_size(self) -> int:
        return int(self._model.config.vocab_size)

    def list_corrections(self) -> list[nn.Parameter]:
        """Return the parameters of all corrections."""
        return [part for layer in self._corrected.values() for part in (layer.down, layer.up)]

    def list_axes(self) -> list[nn.Parameter]:
        """Return the parameters of the token axes."""
        return [self._projection]

    def describe(self, strength: float) -> tuple[dict[str, tuple[Matrix, Matrix]], Matrix]:
        """Return the corrections, at a share of their strength, and the axes, as `write_adapter` takes them."""
        corrections = {
            name: (layer.down.detach().numpy(), layer.up.detach().numpy() * np.float32(strength))
            for name, layer in self._corrected.items()
        }
        return corrections, self._projection.detach().numpy()

    def split(self, text: str) -> list[int]:
        """Return a text's token ids, the special ones around it included."""
        if text not in self._ids:
            ids = self._tokenizer.encode(text, add_special_tokens=False).ids
            self._ids[text] = [_FIRST, *ids[: _TOKENS_MAX - 2], _LAST]
        return self._ids[text]

    def forward(self, texts: Sequence[str]) -> tuple[torch.Tensor, list[TextTokens]]:
        """Return unit vectors (texts, dimension), and the tokens in batches of texts of about one length."""
        pooled: list[torch.Tensor] = [torch.empty(0)] * len(texts)
        batches = []
        for places in self._group(texts):
            ids = nn.utils.rnn.pad_sequence([torch.tensor(self.split(texts[n])) for n in places], batch_first=True)
            is_token = ids != 0
            with torch.autocast("cpu", dtype=torch.bfloat16):
                states = self._model(input_ids=ids, attention_mask=is_token.float()).last_hidden_state
            states = states.float()
            sums = (states * is_token[..., None]).sum(1)
            rows = functional.normalize(sums / is_token.sum(1, keepdim=True), dim=-1)
            for n, row in zip(places, rows, strict=True):
                pooled[n] = row
            vectors = functional.normalize(states @ self._projection, dim=-1)
            batches.append(TextTokens(places, vectors, is_token & (ids != _FIRST) & (ids != _LAST), ids))
        return torch.stack(pooled), batches

    def _correct(self, owner: Any, names: Sequence[str], path: str) -> None:
        for name in names:
            corrected = _Corrected(getattr(owner, name))
            setattr(owner, name, corrected)
            self._corrected[f"{path}.{name}"] = corrected

    def _group(self, texts: Sequence[str]) -> list[list[int]]:
        groups: list[list[int]] = []
        first = 0
        for n in sorted(range(len(texts)), key=lambda n: len(self.split(texts[n]))):
            length = len(self.split(texts[n]))
            if groups and (len(groups[-1]) + 1) * length <= _TOKENS_PER_PASS and length <= 8 + 1.3 * first:
                groups[-1].append(n)
            else:
                groups.append([n])
                first = length
        return groups
