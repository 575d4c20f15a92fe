"""Baton's own parts of Rasa's pipeline, named in config.yml."""
