"""The doors for sockets: one module that owns the socket, one for visitors, one for operators."""
