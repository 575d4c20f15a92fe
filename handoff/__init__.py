"""The support desk itself: conversations, the queue, the people, and the doors to them."""
