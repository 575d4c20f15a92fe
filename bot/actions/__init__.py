"""What Baton's bot does once Rasa has understood a message.

`actions` and `form_actions` bind the rest to rasa-sdk; the `..._replies` decide what to say, `form` reads the replies
to the form, `questions` and `choice` read what the classifier does not, `memory` is what the bot remembers,
`knowledge_base` asks for articles, `payloads` and `texts` build what is sent. Nothing here keeps the only copy of
anything: the conversation itself belongs to the handoff service.
"""
