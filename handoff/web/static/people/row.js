/** One person in the table. */
import { el } from "../shared/dom.js";
import { formatAgo, formatMoment } from "../shared/time.js";

export const ROLES = Object.freeze([
  { value: "operator", label: "Operator" },
  { value: "editor", label: "Editor" },
  { value: "admin", label: "Administrator" },
]);

/** What to call a person: who was only invited may have no name yet. @param {{name: string|null, email: string|null}} person */
export function describePerson({ name, email }) {
  return name || email || "somebody invited";
}

/** What the last column says: "Invited", "Deactivated", "5 min ago". @param {any} person @param {number} now */
export function describeActivity(person, now) {
  if (!person.is_active) return "Deactivated";
  if (person.is_invited) return "Invited, not joined yet";
  if (!person.last_seen_at) return "Never here";
  const ago = formatAgo(person.last_seen_at, now);
  if (ago === "now") return "Here now";
  return /\d (min|h)$/.test(ago) ? `${ago} ago` : ago.charAt(0).toUpperCase() + ago.slice(1);
}

/**
 * @param {any} person
 * @param {{me: any, now: number, verbs: Record<string, (person: any, value?: any) => void>}} context
 */
export function buildRow(person, { me, now, verbs }) {
  const isMe = person.id === me.id;
  const called = describePerson(person);
  const role = el(
    "select",
    {
      class: "people__role",
      "aria-label": `Role of ${called}`,
      disabled: isMe || !person.is_active,
      title: isMe ? "Another administrator can change your role" : null,
      dataset: { verb: "role" },
      on: { change: () => verbs.changeRole(person, role.value) },
    },
    ROLES.map(({ value, label }) => el("option", { value, text: label, selected: value === person.role })),
  );
  const button = (verb, label, run, kind) =>
    el("button", {
      type: "button",
      class: ["bt-button", "bt-button--quiet", "people__verb", kind],
      "aria-label": `${label}: ${called}`,
      dataset: { verb },
      text: label,
      on: { click: run },
    });
  return el(
    "tr",
    { class: ["people__row", !person.is_active && "people__row--off"], dataset: { look: JSON.stringify(person) } },
    el("th", { scope: "row", class: "people__who" }, buildPerson(person, isMe)),
    el("td", { class: "people__cell-role" }, role),
    el(
      "td",
      { class: "people__seen", title: person.last_seen_at ? formatMoment(person.last_seen_at) : null },
      person.is_invited && person.is_active
        ? el("span", { class: "bt-tag bt-tag--wait", text: "Invited" })
        : describeActivity(person, now),
    ),
    el(
      "td",
      { class: "people__verbs" },
      person.is_active && button("link", "New link", () => verbs.renewLink(person)),
      person.is_active &&
        !isMe &&
        button("deactivate", "Deactivate", () => verbs.deactivate(person), "bt-button--alert"),
      !person.is_active && button("reactivate", "Reactivate", () => verbs.reactivate(person)),
    ),
  );
}

function buildPerson(person, isMe) {
  const called = describePerson(person);
  return el(
    "div",
    { class: "people__person" },
    el("span", { class: "people__badge", "aria-hidden": "true", text: chooseInitials(called) }),
    el(
      "span",
      { class: "people__names" },
      el("span", { class: "people__name" }, called, isMe && el("span", { class: "bt-tag people__you", text: "you" })),
      person.name && person.email && el("span", { class: "people__email", text: person.email }),
    ),
  );
}

/** "GH" for "Grace Hopper". @param {string} name */
export function chooseInitials(name) {
  const words = name.split(/[\s.@_-]+/).filter(Boolean);
  const letters = [words[0], words.length > 1 ? words.at(-1) : ""].map((word) => [...(word ?? "")][0] ?? "");
  return letters.join("").toLocaleUpperCase();
}
