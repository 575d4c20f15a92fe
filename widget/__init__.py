"""What runs on other people's pages: the loader, the chat window and the demonstration site. Holds no Python code."""
