"""The yardstick: a bare flask-sock echo, under the worker that serves the desk."""

from flask import Flask
from flask_sock import Sock

app = Flask(__name__)
sock = Sock(app)


@sock.route("/echo")
def echo(ws) -> None:
    while True:
        ws.send(ws.receive())


@app.get("/health")
def health() -> str:
    return "ok"
