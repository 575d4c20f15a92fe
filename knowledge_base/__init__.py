"""Baton's knowledge base: articles, search and the probability that an answer is right.

A library with a thin service on top. It imports nothing from Baton's other parts and knows nothing of
operators, sessions or visitors.
"""
