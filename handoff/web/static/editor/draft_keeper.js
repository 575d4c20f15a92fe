/**
 * Keeps unsaved drafts in this browser, so that a crash or a lost session costs nothing. Never throws: a browser
 * without storage only keeps nothing.
 */

const PREFIX = "baton.draft.";
const MAX_KEPT = 20; // the oldest go first; a draft of the longest allowed article still fits many times into 5 MB
const MAX_AGE_S = 30 * 24 * 3600;

export class DraftKeeper {
  #storage;
  #now;

  /** @param {Storage} storage @param {() => number} now  UTC seconds */
  constructor(storage, now) {
    this.#storage = storage;
    this.#now = now;
  }

  /** @param {string} key @param {{fields: object, baseRevision: number|null}} draft */
  keep(key, { fields, baseRevision }) {
    try {
      this.#storage.setItem(PREFIX + key, JSON.stringify({ fields, baseRevision, keptAt: this.#now() }));
      this.#forgetOld();
    } catch {
      // storage is full or switched off: the text is still on the page
    }
  }

  /** @param {string} key @returns {import("./state.js").KeptDraft|null} */
  read(key) {
    try {
      const kept = JSON.parse(this.#storage.getItem(PREFIX + key) ?? "null");
      return isKeptDraft(kept) ? kept : null;
    } catch {
      return null; // unreadable: as good as nothing
    }
  }

  /** @param {string} key */
  drop(key) {
    try {
      this.#storage.removeItem(PREFIX + key);
    } catch {
      // nothing was kept
    }
  }

  #forgetOld() {
    const kept = Object.keys(this.#storage)
      .filter((name) => name.startsWith(PREFIX))
      .map((name) => ({ key: name.slice(PREFIX.length), at: this.read(name.slice(PREFIX.length))?.keptAt ?? 0 }))
      .sort((one, other) => other.at - one.at);
    const oldest = this.#now() - MAX_AGE_S;
    kept.forEach(({ key, at }, index) => {
      if (index >= MAX_KEPT || at < oldest) this.drop(key);
    });
  }
}

/** @param {any} kept */
function isKeptDraft(kept) {
  const fields = kept?.fields;
  return (
    typeof fields?.title === "string" &&
    typeof fields?.body === "string" &&
    Array.isArray(fields.tags) &&
    Array.isArray(fields.phrasings) &&
    typeof fields.audience === "string" &&
    typeof kept.keptAt === "number"
  );
}
