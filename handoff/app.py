"""The wiring of the desk: every adapter, service and door is made and joined here, and only here."""

import logging
import time
from collections.abc import Callable

import gevent
from flask import Flask, Response, jsonify, request
from flask_compress import Compress
from flask_sock import Sock
from simple_websocket.ws import Base
from werkzeug.middleware.proxy_fix import ProxyFix

from handoff.auth import Accounts
from handoff.bot_client import RasaBot
from handoff.bus.inprocess import InProcessBus, InProcessPresenceBook
from handoff.conversations import Conversations
from handoff.desk import Desk
from handoff.errors import BatonError, SignedOut
from handoff.events import OperatorId
from handoff.gateway.connection import Connection, Registry
from handoff.gateway.operator import OperatorSession
from handoff.gateway.visitor import VisitorSession
from handoff.kb_client import KnowledgeBase
from handoff.presence import Presence
from handoff.projection import Phase
from handoff.protocol import FRAME_MAX_BYTES, CloseCode
from handoff.settings import Settings, read_settings
from handoff.store.database import Database
from handoff.store.sqlite import SqliteEventStore, SqliteVisitorStore
from handoff.store.staff import SqliteStaffStore
from handoff.turns import Turns
from handoff.visitors import Visitors
from handoff.web.articles import build_articles_blueprint
from handoff.web.border import SESSION_COOKIE, install_border, is_own_origin
from handoff.web.pages import build_pages_blueprint
from handoff.web.staff import build_staff_blueprint
from handoff.web.visitor_session import build_visitor_blueprint

logger = logging.getLogger(__name__)

SWEEP_PERIOD_S = 1.0
HELD_MAX = 10_000
"""More chats than any desk holds at once."""


class Parts:
    """The made and joined parts of one process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.database = Database(settings.database)
        self.store = SqliteEventStore(self.database)
        self.bus = InProcessBus()
        self.presence = Presence(InProcessPresenceBook(), self.bus)
        self.conversations = Conversations(
            self.store, self.bus, rules=settings.rules, is_staffed=self.presence.is_staffed
        )
        self.bot = RasaBot(settings.bot_url)
        self.turns = Turns(
            self.conversations,
            self.bot,
            self.bus,
            rules=settings.rules,
            is_staffed=self.presence.is_staffed,
        )
        self.desk = Desk(self.conversations, self.store)
        self.visitors = Visitors(SqliteVisitorStore(self.database), secret=settings.secret_key)
        self.accounts = Accounts(SqliteStaffStore(self.database))
        self.knowledge_base = KnowledgeBase(settings.kb_url, token=settings.kb_token)
        self.registry = Registry()
        self._sweeper: gevent.Greenlet | None = None

    def start(self) -> None:
        """Expect back those who held chats when the last process ended; from then on, sweep."""
        for operator_id, name in self._holders().items():
            self.presence.hold_for(operator_id, name)
        self._sweeper = gevent.spawn(self._sweep_forever)

    def shut_down(self, *, spread_ms: int) -> None:
        """Send every socket home, let running turns finish, flush the log."""
        self.registry.close_all(spread_ms=spread_ms)
        with gevent.Timeout(5.0, False):
            self.turns.join()
        if self._sweeper is not None:
            self._sweeper.kill()
        self.database.close()
        self.bot.close()
        self.knowledge_base.close()

    def _holders(self) -> dict[OperatorId, str]:
        """Give the operators who hold conversations, with their names."""
        states = [row.state for row in self.store.rows_in_phase(Phase.OPERATOR, since=0.0, limit=HELD_MAX)]
        return {OperatorId(s.operator_id): s.operator_name or "" for s in states if s.operator_id}

    def _sweep(self) -> None:
        """Make the rule true that nobody is in limbo: no chat is held by somebody who is gone, no reply is owed for
        long.

        What was missed before, by a crash or a full disk, is found again here: both are read from the store.
        """
        self.presence.sweep(self.desk.requeue_all_of)
        present = {lease.operator_id for lease in self.presence.people()}
        for holder in self._holders().keys() - present:
            self.desk.requeue_all_of(holder)
        for conversation_id in self.store.ids_owed_reply():
            self.turns.take(conversation_id)

    def _sweep_forever(self) -> None:
        while True:
            gevent.sleep(SWEEP_PERIOD_S)
            try:
                self._sweep()
            except BatonError:
                logger.exception("sweep failed; the next one tries again")


def create_app(settings: Settings) -> Flask:
    """Build the Flask application of the desk; `app.extensions["baton"]` holds its parts."""
    app = Flask("handoff", static_folder="web/static", template_folder="web/templates")
    app.config["SOCK_SERVER_OPTIONS"] = {"max_message_size": FRAME_MAX_BYTES}
    app.json.sort_keys = False  # type: ignore[attr-defined]
    parts = Parts(settings)
    app.extensions["baton"] = parts
    Compress(app)
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    install_border(app, public_url=settings.public_url)
    app.register_blueprint(
        build_pages_blueprint(parts.knowledge_base, company=settings.company, widget_origins=settings.widget_origins)
    )
    app.register_blueprint(
        build_staff_blueprint(
            parts.accounts,
            parts.presence,
            public_url=settings.public_url,
            is_cookie_secure=settings.is_cookie_secure,
        )
    )
    app.register_blueprint(build_articles_blueprint(parts.accounts, parts.knowledge_base))
    app.register_blueprint(build_visitor_blueprint(parts.visitors, widget_origins=settings.widget_origins))
    _add_sockets(app, parts)

    @app.get("/health")
    def health() -> Response:
        parts.database.read("select 1")
        return jsonify(status="ok", connections=len(parts.registry))

    parts.start()
    return app


def _add_sockets(app: Flask, parts: Parts) -> None:
    sock = Sock(app)

    @sock.route("/ws/visitor")
    def visitor_socket(ws: Base) -> None:
        connection = Connection(ws)
        session = VisitorSession(
            connection,
            conversations=parts.conversations,
            turns=parts.turns,
            visitors=parts.visitors,
            presence=parts.presence,
            bus=parts.bus,
            user_agent=request.headers.get("User-Agent", ""),
        )
        _serve(parts.registry, connection, session)

    @sock.route("/ws/operator")
    def operator_socket(ws: Base) -> None:
        connection = Connection(ws)
        token = request.cookies.get(SESSION_COOKIE)
        try:
            if not is_own_origin(parts.settings.public_url):
                raise SignedOut("Sockets from other sites are refused.")
            record = parts.accounts.whoever_has(token)
        except SignedOut:
            connection.close(CloseCode.SIGNED_OUT, "sign in again")
            return
        session = OperatorSession(
            connection,
            operator_id=record.id,
            name=record.name or record.email or "Operator",
            role=record.role,
            is_still_signed_in=_recheck(parts.accounts, token),
            conversations=parts.conversations,
            desk=parts.desk,
            presence=parts.presence,
            bus=parts.bus,
        )
        _serve(parts.registry, connection, session)


def _recheck(accounts: Accounts, token: str | None) -> Callable[[], bool]:
    def is_still_signed_in() -> bool:
        try:
            accounts.whoever_has(token)
        except SignedOut:
            return False
        return True

    return is_still_signed_in


def _serve(registry: Registry, connection: Connection, session: VisitorSession | OperatorSession) -> None:
    registry.add(connection)
    try:
        session.run()
    except Exception:  # a border (socket loop): this socket ends, the others do not notice
        logger.exception("socket failed")
        connection.close(CloseCode.INTERNAL, "internal error")
        connection.finish()
    finally:
        registry.remove(connection)


def create_app_from_environment() -> Flask:
    """Build the application for gunicorn."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.Formatter.converter = time.gmtime
    return create_app(read_settings())
