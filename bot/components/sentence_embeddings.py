"""Sentence embeddings as dense features, from the knowledge base's own model.

A message whose vector cannot be had in time stays without one; intent_classifier.py then says that it is not sure.
"""

import logging
import time
from typing import Any, Dict, List, Optional, Text, Type

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.featurizers.dense_featurizer.dense_featurizer import DenseFeaturizer
from rasa.nlu.tokenizers.tokenizer import Tokenizer
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from components.encoder import (
    Encoder,
    EncoderUnreachable,
    build_encoder,
    encode_for_training,
    prepare_text,
    read_model_name,
)

logger = logging.getLogger(__name__)

# Rasa's one thread waits meanwhile, so after a failure nobody waits for this long.
REST_S = 2.0
MODEL_FILE = "embedding_model.txt"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=True)
class SentenceEmbeddings(DenseFeaturizer, GraphComponent):
    """One vector for each message; none for its words. `timeout_s` limits the wait for one message."""

    @classmethod
    def required_components(cls) -> List[Type]:
        return [Tokenizer]

    @staticmethod
    def required_packages() -> List[Text]:
        return ["httpx"]

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        return {**DenseFeaturizer.get_default_config(), "timeout_s": 2.0}

    @classmethod
    def validate_config(cls, config: Dict[Text, Any]) -> None:
        timeout_s = config.get("timeout_s", 1)
        if not isinstance(timeout_s, (int, float)) or timeout_s <= 0:
            raise ValueError(f"SentenceEmbeddings: timeout_s is {timeout_s}; give seconds, more than 0.")

    def __init__(self, config: Dict[Text, Any], name: Text, storage: ModelStorage, resource: Resource) -> None:
        super().__init__(name, config)
        self._storage = storage
        self._resource = resource
        self._model = read_model_name()
        self._encoder: Optional[Encoder] = None
        self._rests_until = 0.0

    @classmethod
    def create(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> "SentenceEmbeddings":
        return cls(config, execution_context.node_name, model_storage, resource)

    @classmethod
    def load(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **_: Any,
    ) -> "SentenceEmbeddings":
        component = cls.create(config, model_storage, resource, execution_context)
        with model_storage.read_from(resource) as folder:
            component._model = (folder / MODEL_FILE).read_text(encoding="utf-8")
        return component

    def train(self, training_data: TrainingData) -> Resource:
        """Note which embedding model this is: vectors of another one would be nonsense."""
        with self._storage.write_to(self._resource) as folder:
            (folder / MODEL_FILE).write_text(self._model, encoding="utf-8")
        return self._resource

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Add the vectors of all examples; without them there is no training."""
        texts = _prepare_texts(training_data.training_examples)
        if texts:
            self._add_vectors(training_data.training_examples, texts, encode_for_training(texts, self._model))
        return training_data

    def process(self, messages: List[Message]) -> List[Message]:
        """Add the vectors of messages, all or none."""
        texts = _prepare_texts(messages)
        if not texts or time.monotonic() < self._rests_until:
            return messages
        try:
            if self._encoder is None:
                self._encoder = build_encoder(self._model, timeout_s=self._config["timeout_s"])
            self._add_vectors(messages, texts, self._encoder.encode(texts))
        except (EncoderUnreachable, OSError) as exc:
            self._rests_until = time.monotonic() + REST_S
            logger.error(f"Messages are not understood for the moment: {exc}")
        return messages

    def _add_vectors(self, messages: List[Message], texts: List[str], vectors: np.ndarray) -> None:
        by_text = dict(zip(texts, vectors, strict=True))
        for message in messages:
            vector = by_text.get(prepare_text(message.get(TEXT) or ""))
            if vector is not None:
                self.add_features_to_message(None, vector[np.newaxis], TEXT, message)


def _prepare_texts(messages: List[Message]) -> List[str]:
    texts = (prepare_text(message.get(TEXT) or "") for message in messages)
    return list(dict.fromkeys(text for text in texts if text))
