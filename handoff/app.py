"""The wiring of the desk: every adapter, service and door is made and joined here, and only here."""

import logging
import time

import gevent
from flask import Flask, Response, jsonify, request
from flask_compress import Compress
from flask_sock import Sock
from simple_websocket.ws import Base
from werkzeug.middleware.proxy_fix import ProxyFix

from handoff.auth import Accounts
from handoff.backends import open_bus, open_database
from handoff.bot_client import RasaBot
from handoff.bot_texts import BotTexts
from handoff.conversations import Conversations
from handoff.desk import Desk
from handoff.errors import BatonError, SignedOut, StoreFailed
from handoff.events import ConversationId, OperatorId
from handoff.fallback import Fallback
from handoff.gateway.connection import SOCKET_OPTIONS, Connection, Registry, without_compression
from handoff.gateway.poll import Departures
from handoff.gateway.sessions import Sessions
from handoff.kb_client import KnowledgeBase
from handoff.labelling import Labelling
from handoff.presence import Presence
from handoff.projection import Phase
from handoff.protocol import CloseCode
from handoff.settings import ROOT, Settings, read_settings
from handoff.store.log import SqlEventStore
from handoff.store.staff import SqlStaffStore
from handoff.store.visitors import SqlVisitorStore
from handoff.turns import Turns
from handoff.visitors import Visitors
from handoff.web.articles import build_articles_blueprint
from handoff.web.border import SESSION_COOKIE, install_border, is_own_origin
from handoff.web.pages import build_pages_blueprint
from handoff.web.polls import build_polls_blueprint
from handoff.web.staff import build_staff_blueprint
from handoff.web.visitor_session import build_visitor_blueprint

logger = logging.getLogger(__name__)

SWEEP_PERIOD_S = 1.0
TAKE_UP_AFTER_S = 3.0
"""A turn takes some 50 ms: by now its process is gone, or its record was refused by a full disk."""

OWED_MAX = 500
"""Replies that one look takes up; the next look takes those that follow."""

HELD_MAX = 10_000
"""More chats than any desk holds at once."""


class Parts:
    """The made and joined parts of one process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.database = open_database(settings)
        self.store = SqlEventStore(self.database)
        self.bus, book = open_bus(settings, self.database)
        self.presence = Presence(book, self.bus, hours=settings.hours)
        self.knowledge_base = KnowledgeBase(settings.kb_url, token=settings.kb_token)
        self.labelling = Labelling(self.store, self.knowledge_base)
        self.conversations = Conversations(
            self.store,
            self.bus,
            rules=settings.rules,
            is_staffed=self.presence.is_reachable,
            on_recorded=self.labelling.hear,
        )
        self.bot = RasaBot(settings.bot_url, token=settings.bot_token)
        self.turns = Turns(
            self.conversations,
            self.bot,
            self.bus,
            fallback=Fallback(self.knowledge_base, BotTexts(ROOT / "bot" / "texts")),
            rules=settings.rules,
            staffing=self.presence.staffing,
            topics=settings.topics,
        )
        self.desk = Desk(self.conversations, self.store)
        self.visitors = Visitors(SqlVisitorStore(self.database), secret=settings.secret_key)
        self.accounts = Accounts(SqlStaffStore(self.database))
        self.registry = Registry()
        self.departures = Departures()
        self._log_epoch = self.store.log_epoch()
        self._owed_since: dict[ConversationId, float] = {}
        self._sweeper: gevent.Greenlet | None = None

    def start(self) -> None:
        """Take up what the last process left undone; from then on, sweep."""
        for conversation_id in self.store.ids_owed_reply(limit=OWED_MAX):
            self.turns.take(conversation_id)
        self._sweeper = gevent.spawn(self._sweep_forever)

    def shut_down(self, *, spread_ms: int) -> None:
        """Send every socket home, let running turns finish, flush the log."""
        self.registry.shut(spread_ms=spread_ms)
        self.departures.end()
        with gevent.Timeout(5.0, False):
            self.turns.join()
        if self._sweeper is not None:
            self._sweeper.kill()
        self.labelling.close()
        self.bus.close()
        self.database.close()
        self.bot.close()
        self.knowledge_base.close()

    def _sweep(self) -> None:
        """Make the rule true that nobody is in limbo: no chat is held by somebody who is gone, no reply is owed for
        long, nobody looks at a history that is gone.

        What was missed before, by a crash or a full disk, is found again here: all is read from the store.
        """
        log_epoch = self.store.log_epoch()
        if log_epoch != self._log_epoch:
            logger.warning("the log was restored: every client starts afresh")
            self._log_epoch = log_epoch
            self.registry.send_home(spread_ms=0)
        self.presence.tell_if_changed()
        held = self.store.rows_in_phase(Phase.OPERATOR, since=0.0, limit=HELD_MAX)
        for holder in self.presence.gone_of(OperatorId(row.state.operator_id or "") for row in held):
            self.desk.requeue_all_of(holder)
        self._take_up_what_is_owed()

    def _take_up_what_is_owed(self) -> None:
        """Take the turns that no process has finished for a while."""
        now = time.monotonic()
        owed = {each: self._owed_since.get(each, now) for each in self.store.ids_owed_reply(limit=OWED_MAX)}
        self._owed_since = owed
        for conversation_id, since in owed.items():
            if now - since >= TAKE_UP_AFTER_S:
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
    app.config["SOCK_SERVER_OPTIONS"] = SOCKET_OPTIONS
    app.json.sort_keys = False  # type: ignore[attr-defined]
    parts = Parts(settings)
    app.extensions["baton"] = parts
    Compress(app)
    app.wsgi_app = without_compression(app.wsgi_app)  # type: ignore[method-assign]
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
    sessions = Sessions(
        conversations=parts.conversations,
        turns=parts.turns,
        desk=parts.desk,
        visitors=parts.visitors,
        accounts=parts.accounts,
        presence=parts.presence,
        bus=parts.bus,
        registry=parts.registry,
    )
    _add_sockets(app, parts, sessions)
    app.register_blueprint(
        build_polls_blueprint(sessions, visitors=parts.visitors, accounts=parts.accounts, departures=parts.departures)
    )

    @app.get("/health")
    def health() -> Response:
        parts.database.read("select 1")
        return jsonify(status="ok", connections=len(parts.registry), bot_breaker=parts.bot.stance)

    parts.start()
    return app


def _add_sockets(app: Flask, parts: Parts, sessions: Sessions) -> None:
    sock = Sock(app)

    @sock.route("/ws/visitor")
    def visitor_socket(ws: Base) -> None:
        sessions.serve_visitor(Connection(ws), user_agent=request.headers.get("User-Agent", ""))

    @sock.route("/ws/operator")
    def operator_socket(ws: Base) -> None:
        connection = Connection(ws)
        token = request.cookies.get(SESSION_COOKIE)
        try:
            if not is_own_origin(parts.settings.public_url):
                raise SignedOut("Sockets from other sites are refused.")
            record = parts.accounts.whoever_has(token)
        except (SignedOut, StoreFailed) as exc:
            connection.close(CloseCode.SIGNED_OUT if isinstance(exc, SignedOut) else CloseCode.INTERNAL, exc.code)
            connection.finish()
            return
        sessions.serve_operator(connection, record, token=token)


def create_app_from_environment() -> Flask:
    """Build the application for gunicorn."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.Formatter.converter = time.gmtime
    return create_app(read_settings())
