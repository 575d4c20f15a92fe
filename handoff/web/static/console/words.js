/** Codes of the protocol in words for operators. The one place where the console's vocabulary lives. Pure. */

const REASONS = {
  asked_for_person: { tag: "Asked for a person", text: "The visitor asked for a person." },
  unsure_twice: { tag: "Bot unsure", text: "The bot was unsure twice in a row." },
  unhelpful_twice: { tag: "Answers did not help", text: "Two answers did not help the visitor." },
  guarded_topic: { tag: "Guarded topic", text: "The topic is one that only people answer." },
  bot_failed: { tag: "Bot failed", text: "The bot could not be reached or failed." },
  account_specific: { tag: "About their account", text: "Only somebody who sees the account can answer." },
  frustrated: { tag: "Frustrated", text: "The visitor sounds frustrated." },
};

const CODES = {
  stale_epoch: "The chat changed hands meanwhile. Nothing was sent.",
  not_holder: "You do not hold this chat any more. Nothing was sent.",
  no_answer: "The connection was lost before this was done. Try again.",
  text_too_long: "This is longer than 4,000 characters. Shorten it and send again.",
};

/** A short label for a list row, e.g. "Bot unsure". Unknown codes stay readable. */
export function nameReason(reason) {
  return REASONS[reason]?.tag ?? sentence(reason);
}

/** The reason as a sentence, for the brief. */
export function explainReason(reason) {
  return REASONS[reason]?.text ?? `${sentence(reason)}.`;
}

/** What to tell the operator about a refused frame: the server's words, else ours for the code. */
export function explainError({ code, message, holder }) {
  if (code === "already_held" && holder) return `${holder.name} has this chat.`;
  return message || CODES[code] || `Not done (${code}). Try again.`;
}

/** How a visitor is called: name, else e-mail, else the chat's number. */
export function nameVisitor(summary) {
  return summary.visitor?.name || summary.visitor?.email || `Visitor ${summary.number}`;
}

/** A probability or confidence as "87 %". */
export function formatShare(share) {
  if (typeof share !== "number" || Number.isNaN(share)) return "";
  return `${Math.round(Math.min(1, Math.max(0, share)) * 100)} %`;
}

/** "billing_question" -> "billing question". */
export function nameIntent(intent) {
  return String(intent ?? "").replaceAll("_", " ").trim();
}

/** A page's title, else its path without the scheme; never longer than fits a tooltip. */
export function namePage(page) {
  if (!page) return "";
  if (page.title) return page.title;
  return shortenUrl(page.url);
}

/** "https://www.shop.example/a/b?x=1" -> "shop.example/a/b". */
export function shortenUrl(url) {
  try {
    const parsed = new URL(url);
    return `${parsed.host.replace(/^www\./, "")}${parsed.pathname === "/" ? "" : parsed.pathname}`;
  } catch {
    return String(url ?? "");
  }
}

/** What the visitor typed into a search engine or a site search before coming, where the referrer still tells. */
export function findSearchWords(referrer) {
  try {
    const parameters = new URL(referrer).searchParams;
    return (parameters.get("q") ?? parameters.get("query") ?? parameters.get("utm_term") ?? "").trim();
  } catch {
    return ""; // no referrer, or not an address
  }
}

/** One line for a list row: who spoke last and what. */
export function previewLast(summary, me) {
  const last = summary.last;
  if (!last?.text) return "";
  const text = last.text.replace(/\s+/g, " ").slice(0, 200); // a row shows about 40 characters
  if (last.author_kind === "bot") return `Bot: ${text}`;
  if (last.author_kind === "operator") return `${summary.holder?.id === me?.id ? "You" : (summary.holder?.name ?? "Staff")}: ${text}`;
  return text;
}

function sentence(code) {
  const text = nameIntent(code);
  return text ? text[0].toUpperCase() + text.slice(1) : "";
}
