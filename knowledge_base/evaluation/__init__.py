"""How good the answers are, measured on labelled questions; `baton evaluate` prints it."""
