/** Makes news heard and seen: sound, the title's badge, a desktop notification, an announcement. */
import { el, fill } from "../shared/dom.js";
import { icon } from "../shared/icon.js";
import { attachMenu } from "./menu.js";
import { chooseAlerts, countWaiting } from "./selectors.js";
import { readStored, writeStored } from "./store.js";
import { nameReason, nameVisitor } from "./words.js";

const NOTIFY_STORED = "baton.notifications";

/**
 * @param {{root: HTMLElement, announcer: HTMLElement}} places  `root` takes the buttons
 * @param {{store: object, commands: object, chime: import("./sound.js").Chime}} desk
 */
export function mountAlerts({ root, announcer }, { store, commands, chime }) {
  const turnOn = el("button", { class: "bt-button action action--small sound-on", type: "button" }, icon("bell", 13), "Turn on sound");
  const button = el("button", { class: "bt-button bt-button--quiet action action--icon", type: "button", "aria-label": "Sound and notifications" });
  const menu = attachMenu(button, () => readEntries(chime, commands));
  root.append(turnOn, menu.element);
  turnOn.addEventListener("click", () => chime.setWanted(true).then(() => chime.play("message")));

  const announce = (text) => {
    announcer.textContent = ""; // the same words twice are announced twice
    setTimeout(() => (announcer.textContent = text), 50);
  };
  const tell = (alert, state) => {
    const summary = state.conversations.get(alert.conversation_id);
    const name = nameVisitor(summary);
    const isOpen = state.selected_id === alert.conversation_id && !document.hidden;
    if (alert.kind === "message") {
      if (!isOpen && state.is_available) chime.play("message");
      return announce(`${name}: ${summary.last?.text ?? ""}`);
    }
    const reason = summary.reason ? `: ${nameReason(summary.reason).toLowerCase()}` : "";
    const text = alert.kind === "escalation" ? `${name} waits for a person${reason}` : `${name} is now with you`;
    announce(text);
    if (!state.is_available) return; // away: seen in the list and the title, not heard
    chime.play("escalation");
    if (document.hidden) notify(text, alert.conversation_id, commands);
  };

  store.onChange((before, after) => {
    for (const alert of chooseAlerts(before, after)) tell(alert, after);
    if (before.conversations !== after.conversations) showTitle(after);
  });

  return {
    renderSound() {
      const { status } = chime;
      const hadFocus = document.activeElement === turnOn;
      turnOn.hidden = status !== "blocked";
      menu.element.hidden = status === "blocked";
      fill(button, icon(status === "muted" ? "bell-off" : "bell"));
      if (hadFocus && turnOn.hidden) button.focus();
      button.title = { on: "Sound is on", muted: "Sound is off", blocked: "The browser blocks sound until you click" }[status];
    },
  };
}

/** The tab's title with the number of waiting visitors. */
export function showTitle(state) {
  const count = countWaiting(state);
  const title = count ? `(${count}) Waiting · Baton` : "Console · Baton";
  if (document.title !== title) document.title = title;
}

function readEntries(chime, commands) {
  const isMuted = chime.status === "muted";
  const isGranted = "Notification" in window && Notification.permission === "granted";
  return [
    { label: "Sound on new chats", is_checked: !isMuted, run: () => chime.setWanted(isMuted) },
    { label: "Desktop notifications", is_checked: isGranted && wantsNotifications(), run: () => toggleNotifications(commands) },
    { label: "Play the sound", is_disabled: isMuted, run: () => chime.play("escalation") },
  ];
}

function wantsNotifications() {
  return readStored("localStorage", NOTIFY_STORED, false);
}

async function toggleNotifications(commands) {
  if (!("Notification" in window)) return commands.toast("This browser has no notifications.", "alert");
  if (wantsNotifications() && Notification.permission === "granted") return writeStored("localStorage", NOTIFY_STORED, false);
  const permission = await Notification.requestPermission();
  writeStored("localStorage", NOTIFY_STORED, permission === "granted");
  if (permission === "granted") commands.toast("You are notified of new chats while this page is hidden.");
  else commands.toast("The browser does not allow notifications. Allow them in the settings of this site.", "alert");
  return undefined;
}

/** No words of the visitor: a notification may stand on a locked screen. */
function notify(text, conversation_id, commands) {
  if (!("Notification" in window) || Notification.permission !== "granted" || !wantsNotifications()) return;
  try {
    const note = new Notification("Baton", { body: text, tag: conversation_id, icon: "/static/shared/mark.svg" });
    note.onclick = () => {
      window.focus();
      commands.select(conversation_id);
      note.close();
    };
  } catch {
    // some phones only notify from a service worker: the sound and the badge remain
  }
}
