// Server-Sent Events by fetch: we see heartbeats and status codes, and come back for ever.

const SILENCE_MS = 30_000; // three heartbeats
const LONGEST_WAIT_MS = 30_000;

export class Unauthorized extends Error {}

/** Yields nothing; calls back on(kind, document, id). Ends only with Unauthorized; onLink(true|false) tells whether the line stands. */
export async function follow(url, { on, onLink }) {
  let last = null;
  let failures = 0;
  for (;;) {
    const abort = new AbortController();
    try {
      const headers = last === null ? {} : { "Last-Event-ID": last };
      const timer = watchdog(abort);
      const response = await fetch(url, { headers, signal: abort.signal, cache: "no-store" });
      if (response.status === 401) throw new Unauthorized();
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      for await (const event of read(response.body, timer)) {
        if (event.kind !== null) {
          await on(event.kind, JSON.parse(event.data));
          last = event.id ?? last;
        }
        failures = 0;
        onLink(true);
      }
    } catch (error) {
      if (error instanceof Unauthorized) throw error;
      if (error instanceof SnapshotFailed) last = null;
    } finally {
      abort.abort();
    }
    onLink(false);
    failures += 1;
    const wait = Math.min(LONGEST_WAIT_MS, 500 * 2 ** Math.min(failures, 10));
    await new Promise((resolve) => setTimeout(resolve, wait * (0.5 + Math.random() / 2)));
  }
}

export class SnapshotFailed extends Error {}

function watchdog(abort) {
  let timer = setTimeout(() => abort.abort(), SILENCE_MS);
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(() => abort.abort(), SILENCE_MS);
  };
  abort.signal.addEventListener("abort", () => clearTimeout(timer));
  return heard;
}

async function* read(body, heard) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    heard();
    buffer += value;
    let end;
    while ((end = buffer.indexOf("\n\n")) >= 0) {
      yield parse(buffer.slice(0, end));
      buffer = buffer.slice(end + 2);
    }
  }
}

function parse(block) {
  const event = { kind: null, id: null, data: "" };
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon);
    const value = line.slice(colon + 1).replace(/^ /, "");
    if (name === "event") event.kind = value;
    else if (name === "id") event.id = value;
    else if (name === "data") event.data += value;
  }
  return event;
}
