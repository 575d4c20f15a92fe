/**
 * One conversation's transcript as the console holds it: confirmed events, own messages that are on their way, typing.
 * Pure. Shows each seq once; a pending message gives way to the event that carries its client_id.
 */

export const TRANSCRIPTS_MAX = 30; // kept in memory for quick return; the rest is read again from the log
export const TYPING_SHOWN_S = 6; // the other side repeats every 3 s while keys are pressed

/** @returns a transcript of which nothing is known yet */
export function emptyTranscript() {
  return {
    events: [], // rising seq
    cursor: 0, // last seq heard
    pending: [], // {client_id, kind: "post"|"note", text, at, status: "pending"|"acknowledged"|"failed", reason}
    typing: null, // {name, kind, text, until}
    used_at: 0,
  };
}

/** @param {ReturnType<typeof emptyTranscript>} transcript */
export function reduceTranscript(transcript, action) {
  const change = REDUCERS[action.type];
  return change ? change(transcript, action) : transcript;
}

/** Keep the transcripts of the most recently opened conversations, and every one with unsent words. */
export function forgetOldTranscripts(transcripts, opened_id) {
  const kept = new Map(transcripts);
  const opened = kept.get(opened_id) ?? emptyTranscript();
  kept.delete(opened_id);
  kept.set(opened_id, opened); // insertion order is the order of use
  for (const [id, transcript] of kept) {
    if (kept.size <= TRANSCRIPTS_MAX) break;
    if (!transcript.pending.length && id !== opened_id) kept.delete(id);
  }
  return kept;
}

const REDUCERS = {
  event_heard: hearEvent,
  message_sent: (transcript, { client_id, kind, text, now }) => ({
    ...transcript,
    pending: [
      ...transcript.pending.filter((message) => message.client_id !== client_id),
      { client_id, kind, text, at: now, status: "pending", reason: null },
    ],
  }),
  message_acknowledged: acknowledge,
  message_refused: (transcript, { client_id, reason }) => withPending(transcript, client_id, { status: "failed", reason }),
  message_dropped: (transcript, { client_id }) => ({
    ...transcript,
    pending: transcript.pending.filter((message) => message.client_id !== client_id),
  }),
  typing_heard: (transcript, { author, is_typing, text, now }) => ({
    ...transcript,
    typing: is_typing ? { kind: author.kind, name: author.name, text, until: now + TYPING_SHOWN_S } : null,
  }),
  typing_ended: (transcript) => ({ ...transcript, typing: null }),
};

function hearEvent(transcript, { event }) {
  if (event.seq <= transcript.cursor) return transcript; // heard already, e.g. after a reconnect
  const isMessage = event.kind.endsWith("_message") || event.kind === "note_added";
  const isTypingOver = isMessage && event.author.kind === transcript.typing?.kind;
  return {
    ...transcript,
    events: [...transcript.events, event],
    cursor: event.seq,
    pending: event.client_id ? transcript.pending.filter((message) => message.client_id !== event.client_id) : transcript.pending,
    typing: isTypingOver ? null : transcript.typing,
  };
}

function acknowledge(transcript, { client_id, seq }) {
  if (seq !== null && seq <= transcript.cursor) {
    return { ...transcript, pending: transcript.pending.filter((message) => message.client_id !== client_id) };
  }
  return withPending(transcript, client_id, { status: "acknowledged", reason: null });
}

function withPending(transcript, client_id, changes) {
  return {
    ...transcript,
    pending: transcript.pending.map((message) => (message.client_id === client_id ? { ...message, ...changes } : message)),
  };
}
