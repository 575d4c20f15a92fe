/**
 * Sounds of the console: two short tones for a new chat, one for a message in a chat of mine. Owns the AudioContext,
 * which browsers only grant after a gesture of the person; remembers whether sound is wanted.
 */
import { readStored, writeStored } from "./store.js";

const STORED = "baton.sound";
const TONE_S = 0.14;
const GAP_S = 0.05;
const VOLUME = 0.16; // heard across a room, not startling with headphones
const TUNES_HZ = { escalation: [659.3, 880], message: [587.3] }; // E5 then A5: rising, so it asks rather than warns
const GESTURES = ["click", "keydown"]; // not pointerdown: the button would vanish between press and release

export class Chime {
  #context = null;
  #is_wanted;
  #onChange;
  #unlock = () => this.#prepare();

  /** @param {() => void} onChange  called when `status` may differ */
  constructor(onChange = () => {}) {
    this.#onChange = onChange;
    this.#is_wanted = readStored("localStorage", STORED, true);
    for (const gesture of GESTURES) window.addEventListener(gesture, this.#unlock, { capture: true });
  }

  /** "on", "muted", or "blocked" while the browser waits for a gesture. */
  get status() {
    if (!this.#is_wanted) return "muted";
    return this.#context?.state === "running" ? "on" : "blocked";
  }

  /** Switch sound on or off; call from a gesture. */
  async setWanted(is_wanted) {
    this.#is_wanted = is_wanted;
    writeStored("localStorage", STORED, is_wanted);
    if (is_wanted) await this.#prepare();
    this.#onChange();
  }

  /** @param {"escalation"|"message"} tune @returns {boolean} whether it could be heard */
  play(tune) {
    if (this.status !== "on") return false;
    TUNES_HZ[tune].forEach((pitch_hz, index) => this.#sound(pitch_hz, this.#context.currentTime + index * (TONE_S + GAP_S)));
    return true;
  }

  close() {
    for (const gesture of GESTURES) window.removeEventListener(gesture, this.#unlock, { capture: true });
    this.#context?.close();
    this.#context = null;
  }

  async #prepare() {
    if (!this.#is_wanted || this.#context?.state === "running") return;
    try {
      this.#context ??= this.#create();
      await this.#context.resume();
    } catch {
      // no audio device, or the gesture did not count: the button stays
    }
    this.#onChange();
  }

  #create() {
    const context = new AudioContext();
    context.onstatechange = () => this.#onChange(); // e.g. a phone call takes the speaker
    return context;
  }

  #sound(pitch_hz, start_s) {
    const oscillator = this.#context.createOscillator();
    const gain = this.#context.createGain();
    oscillator.frequency.value = pitch_hz;
    gain.gain.setValueAtTime(0, start_s);
    gain.gain.linearRampToValueAtTime(VOLUME, start_s + 0.012); // ramps, since a hard edge clicks
    gain.gain.exponentialRampToValueAtTime(0.001, start_s + TONE_S);
    oscillator.connect(gain).connect(this.#context.destination);
    oscillator.start(start_s);
    oscillator.stop(start_s + TONE_S);
  }
}
