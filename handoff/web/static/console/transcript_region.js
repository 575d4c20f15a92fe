/** The transcript: draws what is new, keeps the end in view unless the operator reads further up. */
import { el, fill, reconcile } from "../shared/dom.js";
import { icon } from "../shared/icon.js";
import { chooseList } from "./selectors.js";
import { buildItems } from "./transcript_items.js";
import { buildItem } from "./transcript_view.js";
import { nameVisitor } from "./words.js";

const NEAR_END_PX = 120;

/** @param {HTMLElement} root @param {{commands: object, store: object, now: () => number}} desk */
export function mountTranscript(root, { commands, store, now }) {
  // Not aria-live by itself: opening a chat would read all of it aloud. New words go through the announcer.
  const list = el("ol", { class: "transcript" });
  const typing = el("div", { class: "typing", hidden: true });
  const toEnd = el("button", { class: "bt-button to-end", type: "button", hidden: true }, icon("down", 14), "New messages");
  const empty = el("div", { class: "blank" });
  const scroll = el("div", { class: "transcript-scroll", role: "log", "aria-live": "off", "aria-label": "Transcript", tabindex: "0" }, list, typing);
  root.append(empty, scroll, toEnd);

  let view = { id: null, known: new Map(), signatures: new WeakMap(), transcript: null, summary: null, me: null };

  const isNearEnd = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < NEAR_END_PX;
  const goToEnd = () => {
    scroll.scrollTop = scroll.scrollHeight;
    toEnd.hidden = true;
  };
  toEnd.addEventListener("click", goToEnd);
  scroll.addEventListener("scroll", () => isNearEnd() && (toEnd.hidden = true), { passive: true });
  new ResizeObserver(() => view.sticks && goToEnd()).observe(scroll); // a growing reply box must not hide the end
  scroll.addEventListener("scroll", () => (view.sticks = isNearEnd()), { passive: true });
  list.addEventListener("click", (event) => {
    const { do: act, client_id } = event.target.closest("[data-do]")?.dataset ?? {};
    if (act) commands[act](store.state.selected_id, client_id);
  });

  const draw = (state, summary, transcript) => {
    const context = { now: now(), visitor_name: nameVisitor(summary) };
    const build = (item) => {
      const element = buildItem(item, context);
      view.signatures.set(element, JSON.stringify(item) + context.visitor_name);
      return element;
    };
    reconcile(list, buildItems(transcript, summary, state.me), {
      key: (item) => item.key,
      build,
      update: (element, item) => (view.signatures.get(element) === JSON.stringify(item) + context.visitor_name ? element : build(item)),
      known: view.known,
    });
  };

  return {
    render(state) {
      const summary = state.conversations.get(state.selected_id);
      scroll.hidden = !summary;
      empty.hidden = Boolean(summary);
      if (!summary) {
        view.id = null;
        toEnd.hidden = true;
        return void showBlank(empty, state);
      }
      const transcript = state.transcripts.get(summary.conversation_id);
      if (view.id !== summary.conversation_id) {
        fill(list);
        view = { id: summary.conversation_id, known: new Map(), signatures: new WeakMap(), sticks: true };
      }
      if (!transcript || (view.transcript === transcript && view.visitor === summary.visitor && view.me === state.me)) return;
      const wasNearEnd = view.sticks || isNearEnd();
      const isOwn = transcript.pending.length > (view.transcript?.pending.length ?? 0);
      const grew = transcript.events.length > (view.transcript?.events.length ?? 0);
      Object.assign(view, { transcript, visitor: summary.visitor, me: state.me });
      draw(state, summary, transcript);
      showTyping(typing, transcript.typing, summary);
      if (wasNearEnd || isOwn) goToEnd();
      else if (grew) toEnd.hidden = false;
    },
  };
}

function showTyping(element, typing, summary) {
  element.hidden = !typing;
  if (!typing) return;
  const name = typing.kind === "visitor" ? nameVisitor(summary) : typing.kind === "bot" ? "The bot" : (typing.name ?? "A colleague");
  fill(element, el("span", { class: "typing__dots", "aria-hidden": "true" }, el("i"), el("i"), el("i")),
    el("span", { class: "typing__text", text: typing.text ? `${name} is writing: ` : `${name} is writing` }),
    typing.text && el("span", { class: "typing__draft", text: typing.text }));
}

function showBlank(element, state) {
  const waiting = [...state.conversations.values()].filter((summary) => chooseList(summary, state.me) === "waiting").length;
  const key = `${state.me ? waiting : "loading"}/${state.is_available}`;
  if (element.dataset.shown === key) return;
  element.dataset.shown = key;
  const title = !state.me ? "Connecting…" : waiting ? "Choose a chat" : "All quiet";
  const text = !state.me
    ? "Your chats appear in a moment."
    : waiting
      ? `${waiting} ${waiting === 1 ? "visitor waits" : "visitors wait"} for a person. The longest wait stands on top.`
      : state.is_available
        ? "Nobody waits for a person. A sound tells you when somebody does."
        : "You are away: chats that come in do not ring here.";
  fill(element, icon(waiting ? "bell" : "inbox", 28), el("h2", { class: "blank__title", text: title }), el("p", { class: "blank__text", text }),
    el("p", { class: "blank__keys" }, el("kbd", { text: "j" }), el("kbd", { text: "k" }), " move  ", el("kbd", { text: "Enter" }), " open  ", el("kbd", { text: "?" }), " all shortcuts"));
}
