/** The line to the page that embeds the window. Speaks to exactly one origin, the one named in the address. */

const PREFIX = "baton:";

export class HostLink {
  #origin;
  #receive;

  /**
   * @param {string} origin must be an origin and nothing else
   * @param {(type: string, message: object) => void} onMessage
   */
  constructor(origin, onMessage) {
    if (!/^https?:$/.test(new URL(origin).protocol) || new URL(origin).origin !== origin) throw new TypeError("The embedding page has no usable origin.");
    this.#origin = origin;
    this.#receive = (event) => {
      if (event.origin !== origin || event.source !== window.parent) return;
      const type = event.data?.type;
      if (typeof type === "string" && type.startsWith(PREFIX)) onMessage(type.slice(PREFIX.length), event.data);
    };
    window.addEventListener("message", this.#receive);
  }

  get origin() {
    return this.#origin;
  }

  tell(type, fields = {}) {
    window.parent.postMessage({ ...fields, type: PREFIX + type }, this.#origin);
  }

  close() {
    window.removeEventListener("message", this.#receive);
  }
}
