"""Rasa's logistic regression without its fixed class weights.

Rasa weighs every intent alike however many examples it has. But nearly everything that visitors write is a
question, and the weights turn short, unknown questions ("late fees") into small talk: README.md has the figures.
"""

from typing import Any, Dict

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.logistic_regression_classifier import LogisticRegressionClassifier


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class UnweightedLogisticRegression(LogisticRegressionClassifier):
    """Takes the options of Rasa's LogisticRegressionClassifier: C, max_iter, solver, tol, ranking_length."""

    def __init__(self, config: Dict[str, Any], name: str, model_storage: ModelStorage, resource: Resource) -> None:
        super().__init__(config, name, model_storage, resource)
        self.clf.set_params(class_weight=None)
