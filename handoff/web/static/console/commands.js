/** What an operator can do, as functions: each changes the state and tells the server. No page in here. */
import { api } from "../shared/api.js";
import { canReply, currentEpoch, isAwaiting } from "./selectors.js";

export const TEXT_MAX_CHARS = 4000; // the protocol's limit for one message
const TYPING_EVERY_MS = 3000;

/**
 * @param {import("./store.js").Store} store
 * @param {import("./connection.js").Connection} connection
 */
export function buildCommands(store, connection) {
  let typed_at_ms = 0;
  let typing_id = null;
  let search_stop = null;

  const now = () => Date.now() / 1000;

  const deliver = (frame, verb = frame.type) => {
    store.dispatch({ type: "errand_sent", client_id: frame.client_id, verb, conversation_id: frame.conversation_id });
    try {
      connection.deliver(frame);
    } catch (error) {
      store.dispatch({ type: "errand_failed", client_id: frame.client_id, error: { code: "outbox_full", message: error.message }, now: now() });
    }
  };

  const commands = {
    select(conversation_id, pane) {
      commands.stopTyping();
      store.dispatch({ type: "conversation_selected", conversation_id, pane });
      connection.watch(conversation_id, () => store.state.transcripts.get(conversation_id)?.cursor ?? 0);
    },

    /** claim, release, resolve, return_to_bot; transfer with {to}. */
    act(verb, conversation_id, more = {}) {
      if (isAwaiting(store.state, conversation_id)) return; // the first click counts
      if (verb !== "claim") commands.stopTyping();
      const epoch = currentEpoch(store.state, conversation_id);
      deliver({ type: verb, client_id: crypto.randomUUID(), conversation_id, epoch, ...more });
    },

    /** Send the draft of a tab. @returns {boolean} whether something went out */
    sendDraft(conversation_id, tab) {
      const text = (store.state.drafts.get(`${conversation_id}/${tab}`) ?? "").trim();
      if (!text || text.length > TEXT_MAX_CHARS) return false;
      const summary = store.state.conversations.get(conversation_id);
      if (tab === "reply" && !canReply(store.state, summary).is_allowed) return false;
      store.dispatch({ type: "draft_changed", conversation_id, tab, text: "" });
      commands.say(conversation_id, tab === "note" ? "note" : "post", text);
      return true;
    },

    say(conversation_id, kind, text, client_id = crypto.randomUUID()) {
      commands.stopTyping();
      store.dispatch({ type: "message_sent", conversation_id, client_id, kind, text, now: now() + store.state.clock_offset_s });
      const epoch = kind === "post" ? { epoch: currentEpoch(store.state, conversation_id) } : {};
      deliver({ type: kind, client_id, conversation_id, ...epoch, text });
    },

    /** A refused message goes out again under a new id: the server has settled the old one. */
    retry(conversation_id, client_id) {
      const message = findPending(store.state, conversation_id, client_id);
      if (!message) return;
      store.dispatch({ type: "message_dropped", conversation_id, client_id });
      commands.say(conversation_id, message.kind, message.text);
    },

    drop(conversation_id, client_id) {
      store.dispatch({ type: "message_dropped", conversation_id, client_id });
    },

    typing(conversation_id) {
      if (Date.now() - typed_at_ms < TYPING_EVERY_MS && typing_id === conversation_id) return;
      typed_at_ms = Date.now();
      typing_id = conversation_id;
      connection.send({ type: "typing", conversation_id, is_typing: true });
    },

    stopTyping() {
      if (typing_id) connection.send({ type: "typing", conversation_id: typing_id, is_typing: false });
      typing_id = null;
    },

    setAvailable(is_available) {
      if (!connection.send({ type: "set_available", is_available })) {
        commands.toast("No connection. Try again when it is back.", "alert");
        return;
      }
      store.dispatch({ type: "availability_set", is_available });
    },

    toast(text, tone = "info") {
      store.dispatch({ type: "toast_shown", toast: { id: crypto.randomUUID(), text, tone } });
    },

    async search(question, language) {
      search_stop?.abort();
      search_stop = new AbortController();
      store.dispatch({ type: "search_started", question });
      try {
        const body = { question: question.slice(0, 2000), language, limit: 6, exclude: [], log: false };
        const { results, verdict } = await api.post("/api/search", body, { signal: search_stop.signal });
        store.dispatch({ type: "search_answered", question, results, verdict });
      } catch (error) {
        if (error.code !== "aborted") store.dispatch({ type: "search_failed", question, problem: error.message });
      }
    },

    clearSearch() {
      search_stop?.abort();
      store.dispatch({ type: "search_cleared" });
    },

    async openArticle({ language, slug }) {
      try {
        const path = `/api/articles/${encodeURIComponent(language)}/${encodeURIComponent(slug)}`;
        store.dispatch({ type: "article_shown", article: await api.get(path, { published: 1 }) });
      } catch (error) {
        commands.toast(error.message, "alert");
      }
    },
  };
  return commands;
}

function findPending(state, conversation_id, client_id) {
  return state.transcripts.get(conversation_id)?.pending.find((message) => message.client_id === client_id);
}
