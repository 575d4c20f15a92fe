import assert from "node:assert/strict";
import { test } from "node:test";
import { loadInto } from "./fakes.mjs";

/** Options as the window receives them. */
function optionsOf(given) {
  const page = loadInto(given);
  page.Baton.open();
  page.frameSays({ type: "baton:hello" });
  return { page, options: page.frameGot("start")[0].message.options };
}

test("one line is enough: button, API and ready event, and no window before it is wanted", () => {
  const page = loadInto();
  assert.deepEqual(Object.keys(page.Baton), ["open", "close", "toggle", "on", "setVisitor", "reset"]);
  assert.deepEqual(page.ready, [page.Baton]);
  assert.equal(page.launcher.attributes["aria-label"], "Chat with us");
  assert.equal(page.iframe, undefined);
  assert.deepEqual(page.warnings, []);
});

test("options come from the tag, else from batonSettings, else from the defaults", () => {
  const { options } = optionsOf({ dataset: { color: "#A3F", title: "Help" }, settings: { title: "Not this", position: "left" } });
  assert.deepEqual({ ...options }, { color: "#aa33ff", position: "left", theme: "auto", language: null, greeting: null, title: "Help", hideButton: false });
});

test("bad options become defaults with one warning that names them", () => {
  const { page, options } = optionsOf({
    dataset: { color: "red;}", position: "top", language: "<b>", theme: "pink", hideButton: "maybe" },
    settings: { title: 42, greeting: "x".repeat(501) },
  });
  assert.deepEqual({ ...options }, { color: null, position: "right", theme: "auto", language: null, greeting: null, title: null, hideButton: false });
  assert.equal(page.warnings.length, 1);
  for (const name of ["color", "position", "language", "theme", "hideButton", "title", "greeting"]) assert.match(page.warnings[0], new RegExp(`${name}: `));
});

test("nothing that the page has put in its settings makes it throw", () => {
  for (const settings of [null, 7, "text", [], { color: {}, title: Symbol.iterator, position: null }, { get color() { throw new Error("mine"); } }]) {
    assert.doesNotThrow(() => loadInto({ settings }));
  }
});

test("data-hide-button hides the button", () => {
  assert.equal(loadInto({ dataset: { hideButton: "" } }).launcher.hidden, true);
  assert.equal(loadInto({ dataset: { hideButton: "false" } }).launcher.hidden, false);
});

test("twice on a page is once", () => {
  const page = loadInto({ times: 2 });
  assert.equal(page.document.body.children.length, 1);
  assert.equal(page.ready.length, 1);
});

test("the window is told the page's exact origin and is answered at the desk's exact origin", () => {
  const { page } = optionsOf({});
  assert.equal(page.iframe.attributes.src, "https://desk.example/widget/frame?origin=https%3A%2F%2Fshop.example");
  for (const { origin } of page.iframe.contentWindow.received) assert.equal(origin, "https://desk.example");
});

test("messages of other origins, other windows and without the prefix are ignored", () => {
  const { page } = optionsOf({});
  page.frameSays({ type: "baton:unread", count: 3 }, { origin: "https://evil.example" });
  page.frameSays({ type: "baton:unread", count: 3 }, { source: {} });
  page.frameSays({ type: "unread", count: 3 });
  page.frameSays(null);
  page.frameSays({ type: "baton:constructor" });
  assert.equal(page.document.title, "Shop");
  page.frameSays({ type: "baton:unread", count: 3 });
  assert.equal(page.document.title, "(3) Shop");
});

test("the token is kept on this page and given to the window", () => {
  const first = optionsOf({}).page;
  first.frameSays({ type: "baton:save", token: "token-of-ada" });
  const kept = JSON.parse(first.storage.getItem("baton:https://desk.example/"));
  assert.deepEqual(kept, { token: "token-of-ada" });
  const second = loadInto({ stored: kept });
  assert.ok(second.iframe, "a known visitor's window loads hidden, for the badge");
  second.frameSays({ type: "baton:hello" });
  assert.equal(second.frameGot("start")[0].message.token, "token-of-ada");
  assert.equal(second.frameGot("start")[0].message.isOpen, false);
});

test("blocked storage means a memory as long as the page", () => {
  const { page } = optionsOf({ isStorageBlocked: true });
  page.frameSays({ type: "baton:save", token: "t" });
  page.frameSays({ type: "baton:hello" });
  assert.equal(page.frameGot("start")[1].message.token, "t");
  assert.deepEqual(page.warnings, []);
});

test("a chat that was begun in another tab goes on in this one", () => {
  const page = loadInto();
  page.storage.setItem("baton:https://desk.example/", JSON.stringify({ token: "of the other tab" }));
  page.Baton.open();
  page.frameSays({ type: "baton:hello" });
  assert.equal(page.frameGot("start")[0].message.token, "of the other tab");
});

test("a visitor whom another tab has forgotten is not kept again", () => {
  const { page } = optionsOf({ stored: { token: "t", seen: 4 } });
  page.storage.setItem("baton:https://desk.example/", JSON.stringify({ token: null, seen: 0 }));
  page.frameSays({ type: "baton:save", seen: 5 });
  assert.deepEqual(JSON.parse(page.storage.getItem("baton:https://desk.example/")), { token: null, seen: 5 });
});

test("full storage means a memory as long as the page, and not an old one", () => {
  const { page } = optionsOf({ stored: { token: "old" } });
  page.storage.setItem = () => {
    throw new Error("QuotaExceededError");
  };
  page.frameSays({ type: "baton:save", token: "new" });
  page.frameSays({ type: "baton:hello" });
  assert.equal(page.frameGot("start")[1].message.token, "new");
});

test("open, close and toggle are told to listeners, who may throw or leave", () => {
  const page = loadInto();
  const heard = [];
  page.Baton.on("open", () => { throw new Error("mine"); });
  page.Baton.on("open", () => heard.push("open"));
  const stop = page.Baton.on("close", () => heard.push("close"));
  page.Baton.toggle();
  page.Baton.open();
  page.Baton.toggle();
  stop();
  page.Baton.open();
  page.Baton.close();
  assert.deepEqual(heard, ["open", "close", "open"]);
  assert.equal(page.launcher.wasFocused, true);
});

test("unread messages stand on the button and in the title, and go when they are read", () => {
  const { page } = optionsOf({});
  page.Baton.close();
  const counts = [];
  page.Baton.on("unread", ({ count }) => counts.push(count));
  page.frameSays({ type: "baton:unread", count: 12 });
  assert.match(page.launcher.attributes["aria-label"], /\(12\)/);
  assert.equal(page.launcher.find("span").textContent, "9+");
  page.frameSays({ type: "baton:unread", count: 0 });
  assert.equal(page.document.title, "Shop");
  assert.deepEqual(counts, [12, 0]);
});

test("a page that moves without loading is reported, with its plain title", () => {
  const { page } = optionsOf({});
  page.frameSays({ type: "baton:unread", count: 1 });
  page.location.href = "https://shop.example/delivery";
  page.polls.forEach((poll) => poll());
  page.polls.forEach((poll) => poll());
  assert.deepEqual(page.frameGot("page").map(({ message }) => ({ ...message.page })), [{ url: "https://shop.example/delivery", title: "Shop", referrer: "https://search.example/" }]);
});

test("reset forgets the visitor and has the window forget too", () => {
  const { page } = optionsOf({ stored: { token: "t", seen: 4 } });
  page.Baton.reset();
  assert.equal(JSON.parse(page.storage.getItem("baton:https://desk.example/")).token, null);
  assert.equal(page.frameGot("reset").length, 1);
});

test("setVisitor takes anything", () => {
  const { page } = optionsOf({});
  page.Baton.setVisitor({ name: "Ada", email: 7 });
  page.Baton.setVisitor();
  assert.deepEqual(page.frameGot("visitor").map(({ message }) => ({ ...message.visitor })), [{ name: "Ada", email: "7" }, { name: "", email: "" }]);
});

test("the button speaks the option's language, else the browser's, else English", () => {
  assert.equal(loadInto({ dataset: { language: "de" } }).launcher.attributes["aria-label"], "Chat öffnen");
  assert.equal(loadInto({ languages: ["pt", "fr-CA"] }).launcher.attributes["aria-label"], "Discuter avec nous");
  assert.equal(loadInto({ languages: ["pt"] }).launcher.attributes["aria-label"], "Chat with us");
});
