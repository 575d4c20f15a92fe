/** The head of the middle column: whom this chat is with, where it stands, and what can be done with it. */
import { el, fill } from "../shared/dom.js";
import { icon } from "../shared/icon.js";
import { showWait } from "./lists_region.js";
import { attachMenu } from "./menu.js";
import { chooseActions, chooseColleagues, chooseList, isAwaiting } from "./selectors.js";
import { namePage, nameReason, nameVisitor } from "./words.js";

const ICONS = { transfer: "transfer", release: "inbox", return_to_bot: "bot", resolve: "check" };
const KEYS = { claim: "c", resolve: "e", return_to_bot: "b", release: "q", transfer: "t" };

/** @param {HTMLElement} root @param {{commands: object, store: object, now: () => number}} desk */
export function mountHead(root, { commands, store, now }) {
  let transfer = null; // the menu of colleagues, while it is offered
  let shown = null;

  root.addEventListener("click", (event) => {
    const verb = event.target.closest("[data-verb]")?.dataset.verb;
    if (verb) commands.act(verb, store.state.selected_id);
    const pane = event.target.closest("[data-pane]")?.dataset.pane;
    if (pane) store.dispatch({ type: "pane_shown", pane });
    if (event.target.closest("[data-do=leave]")) commands.leave();
  });

  const buildMenus = (actions, isBusy) => {
    const transferButton = el("button", { class: "bt-button action", type: "button", disabled: isBusy, "aria-label": "Transfer to a colleague", title: "Transfer (t)" },
      icon("transfer", 14), el("span", { class: "action__text", text: "Transfer" }));
    transfer = attachMenu(transferButton, () => readColleagues(store, commands), "You are the only operator.");
    const more = attachMenu(
      el("button", { class: "bt-button action action--icon", type: "button", "aria-label": "More actions", disabled: isBusy }, icon("more")),
      () => actions.filter((action) => action.verb !== "resolve").map((action) => ({
        label: action.label, hint: KEYS[action.verb],
        run: () => (action.verb === "transfer" ? transfer.open() : commands.act(action.verb, store.state.selected_id)),
      })),
    );
    more.element.classList.add("actions__more");
    transfer.element.classList.add("actions__wide");
    return [transfer.element, more.element];
  };

  const buildActions = (state, summary) => {
    const actions = chooseActions(state, summary);
    const isBusy = isAwaiting(state, summary.conversation_id);
    transfer = null;
    const isMine = actions.some((action) => action.verb === "transfer");
    return el("div", { class: "actions", role: "group", "aria-label": "What to do with this chat" },
      isMine && buildMenus(actions, isBusy),
      actions.filter((action) => action.verb !== "transfer").map((action) => buildAction(action, isBusy)),
      el("button", { class: "bt-button action action--icon actions__brief", type: "button", "aria-label": "Show brief", title: "Brief and articles (i)", dataset: { pane: "brief" } }, icon("panel")));
  };

  return {
    render(state) {
      const summary = state.conversations.get(state.selected_id);
      const key = summary ? describe(state, summary) : "";
      if (key === shown) return;
      shown = key;
      root.hidden = !summary;
      if (!summary) return void fill(root);
      const held = document.activeElement?.dataset?.verb;
      fill(root, buildBack(), buildWho(state, summary, now()), buildActions(state, summary));
      if (held && root.dataset.shown === summary.conversation_id) root.querySelector(`[data-verb="${held}"]`)?.focus();
      root.dataset.shown = summary.conversation_id;
    },
    tick() {
      const cell = root.querySelector("[data-wait-from]");
      if (cell) showWait(cell, now());
    },
    openTransfer: () => transfer?.open(),
  };
}

function describe(state, summary) {
  const { conversation_id, phase, holder, epoch, visitor, page, is_visitor_online, queued_at, reason, rating } = summary;
  const isBusy = isAwaiting(state, conversation_id);
  return JSON.stringify([conversation_id, phase, holder, epoch, visitor, page, is_visitor_online, queued_at, reason, rating, isBusy, state.me?.id]);
}

function buildBack() {
  return el("button", { class: "bt-button bt-button--quiet action action--icon chat__back", type: "button", "aria-label": "Back to the lists", dataset: { do: "leave" } }, icon("back"));
}

function buildWho(state, summary, at) {
  const page = namePage(summary.page);
  return el("div", { class: "who" },
    el("div", { class: "who__line" },
      el("h2", { class: "who__name", text: nameVisitor(summary) }),
      buildPhase(state, summary, at)),
    el("div", { class: "who__sub" },
      el("span", { class: ["presence", summary.is_visitor_online && "presence--on"], text: summary.is_visitor_online ? "Online" : "Offline" }),
      el("span", { class: "who__number", text: `Chat ${summary.number}` }),
      page && el("a", { class: "who__page", href: summary.page.url, target: "_blank", rel: "noopener noreferrer", title: summary.page.url, text: page })));
}

function buildPhase(state, summary, at) {
  const list = chooseList(summary, state.me);
  if (list === "waiting") {
    const wait = el("span", { class: "wait", dataset: { waitFrom: summary.queued_at ?? summary.started_at } });
    showWait(wait, at);
    return el("span", { class: "phase phase--waiting" }, "Waiting", wait, summary.reason && el("span", { class: "phase__reason", text: nameReason(summary.reason) }));
  }
  const text = { mine: "With you", team: `With ${summary.holder?.name ?? "a colleague"}`, bot: "With the bot", resolved: "Resolved" }[list];
  const rating = list === "resolved" && summary.rating ? ` · rated ${summary.rating} of 5` : "";
  return el("span", { class: ["phase", `phase--${list}`], text: text + rating });
}

function buildAction({ verb, label, is_primary }, isBusy) {
  const key = KEYS[verb];
  return el(
    "button",
    {
      class: ["bt-button action", is_primary && "bt-button--primary", !is_primary && "actions__wide"], type: "button",
      disabled: isBusy, dataset: { verb }, "aria-keyshortcuts": key, title: key ? `${label} (${key})` : label,
    },
    ICONS[verb] && icon(ICONS[verb], 14),
    el("span", { class: "action__text", text: label }),
  );
}

function readColleagues(store, commands) {
  const { selected_id } = store.state;
  return chooseColleagues(store.state).map((person) => ({
    label: person.name,
    hint: person.is_available ? "Available" : "Away",
    is_disabled: !person.is_available,
    run: () => commands.act("transfer", selected_id, { to: person.id }),
  }));
}
