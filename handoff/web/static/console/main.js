/** Starts the console: reads who is signed in, builds the regions, joins them to the state and to the connection. */
import { api, goToSignIn } from "../shared/api.js";
import { mountTopbar } from "../shared/topbar.js";
import { mountAlerts, showTitle } from "./alerts.js";
import { mountBrief } from "./brief_region.js";
import { buildCommands } from "./commands.js";
import { mountComposer } from "./composer_region.js";
import { Connection } from "./connection.js";
import { mountHead } from "./head_region.js";
import { mountKeyboard } from "./keyboard.js";
import { mountLists } from "./lists_region.js";
import { buildSide, guardLeaving, mountBanner, mountToasts } from "./notices.js";
import { buildState, reduce } from "./reducer.js";
import { mountSearch } from "./search_region.js";
import { Chime } from "./sound.js";
import { Store, readStored, writeStored } from "./store.js";
import { mountTranscript } from "./transcript_region.js";
import { PollingSocket } from "/widget/polling_socket.js";

const TICK_MS = 1000;
const DRAFTS_STORED = "baton.drafts"; // of this tab only: customers' matters do not belong on a shared disk
const FOLDED_STORED = "baton.folded";

const region = (name) => document.querySelector(`[data-region="${name}"]`);
const readNow = () => Date.now() / 1000;

async function start() {
  const { operator } = await readMe();
  const store = new Store(recall(buildState()), reduce);
  const connection = buildConnection(store);
  const commands = buildCommands(store, connection);
  commands.leave = () => history.length > 1 && history.state?.is_chat ? history.back() : commands.select(null);
  mountTopbar(region("topbar"), { operator, onSignOut: () => !connection.hasUnsentMessages || confirm("Some messages are not sent yet. Sign out anyway?") });

  const desk = { store, commands, connection, now: () => readNow() + store.state.clock_offset_s };
  const regions = mountRegions(desk);
  store.onRender((state) => {
    region("desk").dataset.pane = state.pane;
    for (const part of regions) part.render?.(state);
  });
  remember(store);
  followAddress(store, commands);
  listenToBrowser(store, connection);
  guardLeaving(connection);
  setInterval(() => {
    store.dispatch({ type: "typing_expired", now: readNow() });
    for (const part of regions) part.tick?.();
  }, TICK_MS);
  store.flush();
  showTitle(store.state);
  connection.open();
}

/** The operator, asked again and again while the server is away: the page may be opened during a restart. */
async function readMe() {
  for (;;) {
    try {
      return await api.get("/api/staff/me");
    } catch (error) {
      if (error.status === 401) return new Promise(() => {}); // on the way to the sign-in page
      const banner = region("banner");
      banner.hidden = false;
      banner.textContent = `${error.message} Trying again…`;
      await new Promise((resolve) => setTimeout(resolve, 3000));
      banner.hidden = true;
      banner.textContent = "";
    }
  }
}

function buildConnection(store) {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const url = `${scheme}://${location.host}/ws/operator`;
  const handlers = {
    onFrame: (frame) => store.dispatch({ type: "frame_received", frame, now: readNow() }),
    onLink: (link) => store.dispatch({ type: "link_changed", link }),
    onExpired: (client_id) => store.dispatch({ type: "errand_failed", client_id, error: { code: "no_answer" }, now: readNow() }),
    onSignedOut: goToSignIn,
    checkSession: () => api.get("/api/staff/me"),
  };
  return new Connection(url, handlers, { openPolls: () => new PollingSocket("/api/operator/poll", () => new WebSocket(url)) });
}

function mountRegions(desk) {
  const { store, commands } = desk;
  const lists = mountLists(region("lists"), desk);
  const head = mountHead(region("head"), desk);
  const composer = mountComposer(region("composer"), desk);
  const places = buildSide(region("side"), desk);
  const search = mountSearch(places, { ...desk, composer });
  const brief = mountBrief(places.brief, desk);
  const chime = new Chime(() => alerts?.renderSound());
  const alerts = mountAlerts({ root: lists.tools, announcer: region("announcer") }, { store, commands, chime });
  alerts.renderSound();
  const briefSwitch = { render: (state) => (places.brief.hidden = state.search.status !== "idle") };
  mountKeyboard(region("shortcuts"), { store, commands, lists, head, composer, search });
  return [
    lists, head, mountTranscript(region("transcript"), desk), composer, search, brief, briefSwitch,
    mountBanner(region("banner"), desk), mountToasts(region("toasts"), desk),
  ];
}

function recall(state) {
  const drafts = new Map(readStored("sessionStorage", DRAFTS_STORED, []));
  return { ...state, drafts, folded: new Set(readStored("localStorage", FOLDED_STORED, [...state.folded])) };
}

function remember(store) {
  store.onChange((before, after) => {
    if (before.drafts !== after.drafts) writeStored("sessionStorage", DRAFTS_STORED, [...after.drafts]);
    if (before.folded !== after.folded) writeStored("localStorage", FOLDED_STORED, [...after.folded]);
    if (before.selected_id !== after.selected_id && after.search.status !== "idle") store.dispatch({ type: "search_cleared" });
  });
}

/** The open chat stands in the address: a reload keeps it, and "back" leads to the lists on a phone. */
function followAddress(store, commands) {
  const read = () => decodeURIComponent(location.hash.slice(1)) || null;
  store.onChange((before, after) => {
    if (before.selected_id === after.selected_id || after.selected_id === read()) return;
    const address = after.selected_id ? `#${encodeURIComponent(after.selected_id)}` : location.pathname;
    if (before.selected_id === null) history.pushState({ is_chat: true }, "", address);
    else history.replaceState(after.selected_id ? history.state : null, "", address);
  });
  window.addEventListener("popstate", () => commands.select(read()));
  if (read()) commands.select(read());
}

function listenToBrowser(store, connection) {
  window.addEventListener("online", () => connection.hurry());
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    connection.hurry();
    store.dispatch({ type: "conversation_seen" });
    store.flush();
  });
}

start();
