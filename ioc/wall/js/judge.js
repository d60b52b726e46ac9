// What a tile says: pure, by data and the screen's own clock. Nothing stays good past its limit.

export const ASSESSMENT_LIMIT_MS = 60_000;
const BANDS = [[0.95, "good"], [0.8, "watch"], [0.5, "poor"], [0, "bad"]];

export function band(share) {
  return BANDS.find(([from]) => share >= from)[1];
}

/** counts: a family's counts or undefined; dataAt, judgedAt, now: Unix ms; limit: ms of silence after which data is too old. */
export function judge({ counts, dataAt, judgedAt, now, limit, hearing }) {
  const age = dataAt === null ? null : Math.max(0, now - dataAt);
  if (!counts || counts.devices === 0) return { state: "none", age, out: counts?.out_of_service ?? 0 };
  const known = counts.devices - counts.unknown;
  const base = { age, working: counts.working, devices: counts.devices, unknown: counts.unknown };
  // Who went silent is known to be offline only while the server listens and we hear the server.
  const stale = now - judgedAt > ASSESSMENT_LIMIT_MS || (counts.online > 0 && (age === null || age > limit));
  if (stale || !hearing || known * 2 <= counts.devices) return { ...base, state: "unknown" };
  const share = counts.working / counts.devices;
  return { ...base, state: band(share), share };
}
