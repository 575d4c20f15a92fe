"""Baton's knowledge base: articles, search and the probability that an answer is right.

A library with a thin service on top. It imports nothing from Baton's other parts and knows nothing of
operators, sessions or visitors.
"""

import os

# Read when numpy is imported. A question's products take a third of a millisecond on one thread; on several, on a busy
# machine of two cores, the threads that wait for each other took 16 ms of the processor.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
