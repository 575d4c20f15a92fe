"""Conversation tests: scripts played against the trained bot and the rules of the desk, rung 6 of the ladder.

`script` reads them, `help_centre` stands in for the knowledge base where a script is about the dialogue and not about
search, `desk` applies the real rules to what the bot says, `play` compares, `stage` starts what is needed.
"""
