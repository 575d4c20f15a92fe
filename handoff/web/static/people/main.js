/** The people page: who may sign in, invitations, roles. For administrators. */
import { api } from "../shared/api.js";
import { el, fill, reconcile } from "../shared/dom.js";
import { mountTopbar } from "../shared/topbar.js";
import { NoticeBoard, askChoice } from "../editor/dialogs.js";
import { connectInvite } from "./invite.js";
import { buildLinkCard } from "./link_card.js";
import { buildRow, describePerson } from "./row.js";

const find = (selector) => /** @type {HTMLElement} */ (document.querySelector(selector));
const now = () => Date.now() / 1000;
const notices = new NoticeBoard(find(".people__notices"));
const rows = find(".people__rows");
const links = find(".people__links");
/** @type {any[]} */
let people = [];
let me = null;

const known = new Map();
const verbs = { changeRole, deactivate, reactivate, renewLink };
const ROLE_WORDS = { operator: "an operator", editor: "an editor", admin: "an administrator" };

function show() {
  const shown = [...people].sort(
    (one, other) =>
      Number(other.is_active) - Number(one.is_active) || describePerson(one).localeCompare(describePerson(other)),
  );
  find(".people__state").hidden = true;
  find(".people__table").hidden = false;
  reconcile(rows, shown, {
    key: (person) => person.id,
    build: (person) => buildRow(person, { me, now: now(), verbs }),
    update: (row, person) => buildFresh(row, person),
    known,
  });
}

/** Rows that changed are built anew; focus stays on the same control. */
function buildFresh(row, person) {
  const look = JSON.stringify(person);
  if (row.dataset.look === look) return row;
  const name = row.contains(document.activeElement)
    ? /** @type {HTMLElement} */ (document.activeElement).dataset.verb
    : null;
  const fresh = buildRow(person, { me, now: now(), verbs });
  if (name)
    queueMicrotask(() =>
      /** @type {HTMLElement|null} */ (
        fresh.querySelector(`[data-verb="${name}"]`) ?? fresh.querySelector("select, button")
      )?.focus(),
    );
  return fresh;
}

async function change(person, changes, done) {
  try {
    const answer = await api.patch(`/api/staff/people/${encodeURIComponent(person.id)}`, changes);
    people = people.map((other) => (other.id === person.id ? answer.person : other));
    notices.show(done);
  } catch (error) {
    notices.show(error.message, "alert");
    known.get(person.id)?.setAttribute("data-look", ""); // the refused choice must not stay on the screen
  }
  show();
}

function changeRole(person, role) {
  return change(person, { role }, `${describePerson(person)} is now ${ROLE_WORDS[role]}.`);
}

async function deactivate(person) {
  const choice = await askChoice({
    title: `Deactivate ${describePerson(person)}?`,
    text: "This person is signed out everywhere and cannot sign in again. What they wrote stays. You can reactivate them at any time.",
    choices: [{ value: "deactivate", label: "Deactivate", kind: "alert" }],
  });
  if (choice === "deactivate")
    await change(person, { is_active: false }, `${describePerson(person)} can no longer sign in.`);
}

function reactivate(person) {
  return change(person, { is_active: true }, `${describePerson(person)} can sign in again.`);
}

async function renewLink(person) {
  try {
    const { join_url: url } = await api.post(`/api/staff/people/${encodeURIComponent(person.id)}/link`);
    showLink(person, url);
  } catch (error) {
    notices.show(error.message, "alert");
  }
}

function showLink(person, url) {
  const card = buildLinkCard(person, url, { onClose: () => card.remove() });
  fill(links, card);
  /** @type {HTMLElement|null} */ (card.querySelector("button"))?.focus();
}

function showProblem(title, text) {
  find(".people__table").hidden = true;
  find(".people__invite").hidden = true;
  const state = find(".people__state");
  state.hidden = false;
  fill(state, el("p", { class: "people__problem", text: title }), el("p", { class: "bt-soft", text }));
}

async function start() {
  const { operator } = await api.get("/api/staff/me");
  me = operator;
  mountTopbar(find(".topbar"), { operator });
  if (operator.role !== "admin") {
    showProblem("This page is for administrators", "Ask one of them to invite people or to change a role.");
    return;
  }
  connectInvite(find(".people__invite"), {
    onInvited: (person, url) => {
      people = [...people, person];
      show();
      showLink(person, url);
    },
  });
  ({ people } = await api.get("/api/staff/people"));
  show();
}

start().catch((error) => showProblem("The people could not be loaded", error.message));
