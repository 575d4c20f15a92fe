"""What Baton's bot does once Rasa has understood a message.

`actions` binds the rest to rasa-sdk; `replies` decides what to say, `memory` is what the bot remembers of a
conversation, `knowledge_base` asks for articles, `payloads` and `texts` build what is sent. Nothing here keeps the
only copy of anything: the conversation itself belongs to the handoff service.
"""
