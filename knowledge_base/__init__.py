"""Baton's knowledge base: articles, search and the probability that an answer is right.

A library with a thin service on top. It imports nothing from Baton's other parts and knows nothing of
operators, sessions or visitors.
"""

import os

# Read when numpy, FAISS and PyTorch are imported. Threads that spin while they wait for each other cost more than they
# bring on a busy machine of two cores: a question's products took 16 ms of the processor there and take a third of a
# millisecond on one thread; PyTorch took 480 ms for a question and takes 11 ms with threads that sleep.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
