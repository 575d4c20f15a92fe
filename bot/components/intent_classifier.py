"""The intent classifier: one logistic regression over a sentence's embedding and its words.

The probability of the best intent alone is a poor sign that a message fits none of them: what lies far from every
training example may still lie far on one side of a boundary. So the confidence is that probability, lowered the less
the message resembles its nearest training example (README.md has the measurements).
"""

import json
import logging
from typing import Any, Dict, List, Text, Tuple, Type

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.nlu.featurizers.featurizer import Featurizer
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from scipy.sparse import csr_matrix, diags, hstack, vstack

logger = logging.getLogger(__name__)

WEIGHTS_FILE, INTENTS_FILE = "weights.npz", "intents.json"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class SentenceClassifier(IntentClassifier, GraphComponent):
    """Weighs all examples alike: nearly everything that visitors write is a question, and that is how it should be.

    Options: `C` and `max_iter` of the regression, `sparse_weight` of the words beside the embedding (whose length
    is 1), `ranking_length`, and `nearness`: `at`, the cosine to the nearest example at which the confidence is
    halved, and `slope`, how sharply; without it the confidence is the probability. `logit_adjustment` is what the
    logits of some intents are raised by when a message is read, since to miss them costs more than to see them once too
    often (Menon and others, 2021, use it for rare classes).
    """

    @classmethod
    def required_components(cls) -> List[Type]:
        return [Featurizer]

    @staticmethod
    def required_packages() -> List[Text]:
        return ["sklearn"]

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        return {
            "C": 10.0,
            "max_iter": 60,
            "sparse_weight": 0.5,
            "ranking_length": 5,
            "nearness": None,
            "logit_adjustment": {},
        }

    def __init__(self, config: Dict[Text, Any], model_storage: ModelStorage, resource: Resource) -> None:
        self._config = {**self.get_default_config(), **config}
        self._storage = model_storage
        self._resource = resource
        self._intents: List[str] = []
        self._weights: Dict[str, np.ndarray] = {}

    @classmethod
    def create(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> "SentenceClassifier":
        return cls(config, model_storage, resource)

    @classmethod
    def load(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **_: Any,
    ) -> "SentenceClassifier":
        component = cls.create(config, model_storage, resource, execution_context)
        with model_storage.read_from(resource) as folder:
            component._intents = json.loads((folder / INTENTS_FILE).read_text(encoding="utf-8"))
            with np.load(folder / WEIGHTS_FILE) as arrays:
                # The examples are kept in half precision, in which numpy multiplies twenty times more slowly.
                component._weights = {name: arrays[name].astype(np.float32) for name in arrays.files}
        return component

    def train(self, training_data: TrainingData) -> Resource:
        examples = [one for one in training_data.intent_examples if one.get(INTENT) and has_vector(one)]
        intents = [one.get(INTENT) for one in examples]
        if len(set(intents)) < 2:
            raise ValueError(f"SentenceClassifier: {len(set(intents))} intent(s) with examples; give it two or more.")
        dense, sparse = read_features(examples)
        # Inverse document frequency, smoothed as scikit-learn's TfidfTransformer does it.
        frequency = np.bincount(sparse.indices, minlength=sparse.shape[1])
        rarity = (np.log((1 + len(examples)) / (1 + frequency)) + 1).astype(np.float32)
        features = hstack([csr_matrix(dense), self._weigh_words(sparse, rarity)]).tocsr()
        self._fit(features, intents)
        self._weights.update(rarity=rarity, examples=dense.astype(np.float16))
        self._persist()
        return self._resource

    def process(self, messages: List[Message]) -> List[Message]:
        """Rank the intents; a message without its vector gets none, with confidence 0."""
        for message in messages:
            ranking = self._rank(message) if self._weights and has_vector(message) else []
            best = ranking[0] if ranking else {"name": None, "confidence": 0.0}
            message.set("intent", best, add_to_output=True)
            message.set("intent_ranking", ranking[: self._config["ranking_length"] or None], add_to_output=True)
        return messages

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        return training_data

    def _fit(self, features: csr_matrix, intents: List[str]) -> None:
        # Imported here: a server that only answers does not need it.
        from sklearn.linear_model import LogisticRegression

        regression = LogisticRegression(
            C=self._config["C"], max_iter=self._config["max_iter"], tol=1e-3, multi_class="multinomial"
        )
        regression.fit(features, intents)
        coefficients, bias = regression.coef_, regression.intercept_
        if len(regression.classes_) == 2:
            # scikit-learn keeps one row for two classes, whose logits are its opposite and itself.
            coefficients, bias = np.concatenate([-coefficients, coefficients]), np.concatenate([-bias, bias])
        self._intents = list(regression.classes_)
        # An evaluation on other data has other intents: these are not raised there.
        bias = bias + [self._config["logit_adjustment"].get(intent, 0.0) for intent in self._intents]
        # One row for each feature, so that a message reads those that it has.
        self._weights = {"coefficients": np.ascontiguousarray(coefficients.T, dtype=np.float32), "bias": bias}

    def _rank(self, message: Message) -> List[Dict[Text, Any]]:
        dense, sparse = read_features([message])
        words = self._weigh_words(sparse, self._weights["rarity"])
        rows = self._weights["coefficients"]
        logits = dense[0] @ rows[: dense.shape[1]] + self._weights["bias"]
        logits = logits + words.data @ rows[dense.shape[1] + words.indices]
        probabilities = np.exp(logits - logits.max())
        probabilities /= probabilities.sum()
        trust = self._weigh_nearness(dense[0])
        order = np.argsort(-probabilities)
        return [{"name": self._intents[n], "confidence": float(trust * probabilities[n])} for n in order]

    def _weigh_words(self, counts: csr_matrix, rarity: np.ndarray) -> csr_matrix:
        """Return words by logarithm of count and rarity, each row of the length `sparse_weight`."""
        weighed = counts.multiply(rarity).tocsr()
        weighed.data = rarity[weighed.indices] * (1 + np.log(np.maximum(counts.tocsr().data, 1)))
        lengths = np.sqrt(np.asarray(weighed.multiply(weighed).sum(axis=1)).ravel())
        return diags(self._config["sparse_weight"] / np.maximum(lengths, 1e-9)).dot(weighed).tocsr().astype(np.float32)

    def _weigh_nearness(self, vector: np.ndarray) -> float:
        """Return from 0 to 1 how far the nearest training example speaks for this message."""
        settings = self._config["nearness"]
        if not settings:
            return 1.0
        cosine = float((self._weights["examples"] @ vector).max())
        return 1 / (1 + float(np.exp(-settings["slope"] * (cosine - settings["at"]))))

    def _persist(self) -> None:
        with self._storage.write_to(self._resource) as folder:
            (folder / INTENTS_FILE).write_text(json.dumps(self._intents), encoding="utf-8")
            np.savez(folder / WEIGHTS_FILE, **self._weights)

    @classmethod
    def validate_config(cls, config: Dict[Text, Any]) -> None:
        nearness = config.get("nearness")
        if nearness is not None and set(nearness) != {"at", "slope"}:
            raise ValueError("SentenceClassifier: nearness takes `at` and `slope`.")
        adjustment = config.get("logit_adjustment", {})
        if not isinstance(adjustment, dict) or not all(isinstance(one, (int, float)) for one in adjustment.values()):
            raise ValueError("SentenceClassifier: logit_adjustment takes a number for each intent that it names.")


def has_vector(message: Message) -> bool:
    """Return whether sentence_embeddings.py could get the message's vector."""
    return message.get_dense_features(TEXT)[1] is not None


def read_features(messages: List[Message]) -> Tuple[np.ndarray, csr_matrix]:
    """Return the dense and the sparse sentence features, one row for each message."""
    dense = np.concatenate([one.get_dense_features(TEXT)[1].features for one in messages]).astype(np.float32)
    sparse = [one.get_sparse_features(TEXT)[1] for one in messages]
    return dense, vstack([csr_matrix(one.features if one else (1, 0)) for one in sparse]).tocsr()
