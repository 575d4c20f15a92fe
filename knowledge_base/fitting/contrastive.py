"""Learn an adapter: of one help centre's articles at a time, the right one's texts nearer than the others', and a
question that none answers far from all of them.

Both as pooled vectors and token by token (`late_interaction`), and both together, each with a scale of its own. Of an
article only the texts count that are near as the model is without corrections: the right articles' nearest, and those
of the nearest wrong ones (hard negatives).
"""

import logging
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from knowledge_base.article import ArticleDraft
from knowledge_base.chunking import build_passages
from knowledge_base.evaluation.labelled import LabelledQuestion
from knowledge_base.fitting.low_rank import LowRankEncoder, TextTokens
from knowledge_base.indexing import build_targets
from knowledge_base.late_interaction import count_tokens
from knowledge_base.segment import TOKENISED
from knowledge_base.vector_index import Target, TargetKind

_QUESTIONS_PER_STEP = 16
_RIVALS = 2
_RATE, _AXES_RATE, _SCALES_RATE = 1e-3, 3e-4, 1e-2
_WARM_UP_SHARE, _RATE_MIN = 0.1, 0.02
_DECAY = 0.01
_GRADIENT_MAX = 1.0
# How much it matters that questions without an answer are found out, beside the order of the articles.
_REJECTION_WEIGHT = 0.5

logger = logging.getLogger(__name__)


class TrainingCentre:
    """A labelled help centre: its texts, its questions, and how near they are before anything is learnt."""

    def __init__(
        self, drafts: Sequence[ArticleDraft], questions: Sequence[LabelledQuestion], encoder: LowRankEncoder
    ) -> None:
        """Cut the articles and encode everything once."""
        ordinals = {draft.slug: n for n, draft in enumerate(drafts)}
        self.questions = [question.text for question in questions]
        self.right = [{ordinals[slug] for slug in question.slugs if slug in ordinals} for question in questions]
        self.targets: list[Target] = []
        self.owners: list[int] = []
        holders = np.zeros(encoder.vocabulary_size, dtype=np.int64)
        for n, draft in enumerate(drafts):
            passages = build_passages(draft.content.body, count_tokens=lambda text: len(encoder.split(text)) - 2)
            own = build_targets(draft.content, passages)
            self.targets += own
            self.owners += [n] * len(own)
            holders[list({token for target in own for token in encoder.split(target.text)})] += 1
        statistics = replace(count_tokens([]), articles=len(drafts), holders=holders)
        self.idf = torch.from_numpy(statistics.find_idf(np.arange(len(holders), dtype=np.int32)))
        with torch.no_grad():
            asked, _ = encoder(self.questions)
            texts, _ = encoder([target.text for target in self.targets])
        self.cosines = asked @ texts.T

    def pick(self, questions: Sequence[int], *, has_phrasings: bool) -> list[int]:
        """Return the places of the targets that a step needs for these questions."""
        chosen: set[int] = set()
        for question in questions:
            right = self.right[question]
            found: set[int] = set()
            with_passage: set[int] = set()
            for place in self.cosines[question].argsort(descending=True).tolist():
                kind, owner = self.targets[place].kind, self.owners[place]
                if kind == TargetKind.PHRASING and not has_phrasings:
                    continue
                if owner not in found and (owner in right or len(found - right) < _RIVALS):
                    found.add(owner)
                    chosen.add(place)
                if owner in found - with_passage and kind == TargetKind.PASSAGE:
                    with_passage.add(owner)
                    chosen.add(place)
                if len(with_passage) == _RIVALS + len(right):
                    break
        return sorted(chosen)


@dataclass(frozen=True, slots=True, eq=False)
class _Scores:
    """How near each picked article is to each question: (questions, articles), and which ones are right."""

    pooled: torch.Tensor
    tokens: torch.Tensor
    is_right: torch.Tensor


class _Scales(nn.Module):
    """What nearness is worth: one set for pooled vectors, for tokens, and for both together."""

    def __init__(self) -> None:
        super().__init__()
        self.order = nn.Parameter(torch.full((3,), math.log(20.0)))
        self.rejection = nn.Parameter(torch.full((3,), math.log(15.0)))
        self.threshold = nn.Parameter(torch.tensor([0.5, 0.6, 0.55]))

    def lose(self, scores: _Scores) -> torch.Tensor:
        """Return the loss of a step."""
        loss = torch.zeros(())
        is_answerable = scores.is_right.any(1)
        for n, near in enumerate((scores.pooled, scores.tokens, (scores.pooled + scores.tokens) / 2)):
            if is_answerable.any():
                scaled = near[is_answerable] * self.order[n].exp()
                right = scaled.masked_fill(~scores.is_right[is_answerable], -torch.inf)
                loss = loss - (torch.logsumexp(right, 1) - torch.logsumexp(scaled, 1)).mean()
            best_right = near.masked_fill(~scores.is_right, -1.0).amax(1)
            telling = torch.where(is_answerable, best_right, near.amax(1))
            log_odds = self.rejection[n].exp() * (telling - self.threshold[n])
            rejection = functional.binary_cross_entropy_with_logits(log_odds, is_answerable.float())
            loss = loss + _REJECTION_WEIGHT * rejection
        return loss


def learn(encoder: LowRankEncoder, centres: Sequence[TrainingCentre], *, seed: int, steps: int) -> None:
    """Change the encoder's corrections and axes, one centre a step, each as often as the others."""
    chance = random.Random(seed)
    scales = _Scales()
    corrections = encoder.list_corrections()
    groups: list[dict[str, Any]] = [
        {"params": corrections, "lr": _RATE, "weight_decay": _DECAY},
        {"params": encoder.list_axes(), "lr": _AXES_RATE, "weight_decay": 0.0},
        {"params": list(scales.parameters()), "lr": _SCALES_RATE, "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _find_rate(step / steps))
    for step, centre in enumerate(islice(_take_turns(centres, chance), steps)):
        questions = chance.sample(range(len(centre.questions)), _QUESTIONS_PER_STEP)
        loss = scales.lose(_score(encoder, centre, questions, has_phrasings=chance.random() < 0.5))
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(corrections, _GRADIENT_MAX)
        optimiser.step()
        schedule.step()
        logger.info("step %d of %d: loss %.3f", step + 1, steps, loss.item())


def _take_turns(centres: Sequence[TrainingCentre], chance: random.Random) -> Iterator[TrainingCentre]:
    while True:
        yield from chance.sample(list(centres), len(centres))


def _find_rate(progress: float) -> float:
    """Return the share of the greatest rate: up in a line, then down along a half wave."""
    return min(progress / _WARM_UP_SHARE + 1e-3, 0.5 * (1 + math.cos(math.pi * progress)) + _RATE_MIN)


def _score(
    encoder: LowRankEncoder, centre: TrainingCentre, questions: Sequence[int], *, has_phrasings: bool
) -> _Scores:
    picked = centre.pick(questions, has_phrasings=has_phrasings)
    # Those that are compared token by token go first.
    picked.sort(key=lambda place: centre.targets[place].kind not in TOKENISED)
    tokenised = [place for place in picked if centre.targets[place].kind in TOKENISED]
    articles = sorted({centre.owners[place] for place in picked})
    columns = torch.tensor([articles.index(centre.owners[place]) for place in picked])
    asked, asked_tokens = encoder([centre.questions[n] for n in questions])
    texts, text_tokens = encoder([centre.targets[place].text for place in tokenised])
    others = [centre.targets[place].text for place in picked[len(tokenised) :]]
    vectors = torch.cat([texts, encoder(others)[0]]) if others else texts
    matched = _match(asked_tokens, len(questions), text_tokens, len(tokenised), centre.idf)
    return _Scores(
        _take_best(asked @ vectors.T, columns, len(articles)),
        _take_best(matched, columns[: len(tokenised)], len(articles)),
        torch.tensor([[article in centre.right[n] for article in articles] for n in questions]),
    )


def _take_best(scores: torch.Tensor, columns: torch.Tensor, articles: int) -> torch.Tensor:
    """Return the best of each article's texts; -1 where it has none."""
    best = torch.full((len(scores), articles), -1.0)
    return best.scatter_reduce(1, columns.expand(len(scores), -1), scores, "amax")


def _match(
    asked: Sequence[TextTokens], questions: int, texts: Sequence[TextTokens], count: int, idf: torch.Tensor
) -> torch.Tensor:
    """Return the mean best match of each question's tokens in each text, weighted by `idf`: (questions, texts)."""
    vectors = torch.cat([batch.vectors[batch.is_word] for batch in asked])
    weights = torch.cat([idf[batch.ids[batch.is_word]] for batch in asked])
    owners = torch.cat([torch.tensor(batch.places)[:, None].expand_as(batch.ids)[batch.is_word] for batch in asked])
    best = torch.zeros(len(vectors), count)
    for batch in texts:
        likeness = torch.einsum("qd,nld->qnl", vectors, batch.vectors).masked_fill(~batch.is_word, -1.0)
        best = best.index_copy(1, torch.tensor(batch.places), likeness.amax(-1))
    sums = torch.zeros(questions, count).index_add(0, owners, best * weights[:, None])
    totals = torch.zeros(questions).index_add(0, owners, weights)
    return sums / totals.clamp_min(1e-6)[:, None]
