// What the screen knows, and when it was so. Bounded: units and families of the province, alarms that are open.

import { Clock } from "./clock.js";
import { SnapshotFailed, Unauthorized } from "./stream.js";

const API = "/api/v1";
const TIMEOUT_MS = 15_000;
const RESYNC_MS = 600_000; // quartz drifts by seconds a day
const MAX_NAMES = 500;

async function get(path) {
  const response = await fetch(API + path, { signal: AbortSignal.timeout(TIMEOUT_MS), cache: "no-store" });
  if (response.status === 401) throw new Unauthorized();
  if (!response.ok) throw new Error(`${path}: HTTP ${response.status}`);
  return response.json();
}

async function all(path) {
  const items = [];
  let cursor = "";
  do {
    const page = await get(`${path}limit=1000${cursor}`);
    items.push(...page.items);
    cursor = page.next === null ? null : `&cursor=${encodeURIComponent(page.next)}`;
  } while (cursor !== null && items.length < 10_000);
  return items;
}

const ms = (text) => (text === null ? null : Date.parse(text));

export class Model {
  constructor() {
    this.clock = new Clock();
    this.site = null;
    this.units = new Map();
    this.families = [];
    this.alarms = new Map();
    this.ledger = null;
    this.own = null;
    this.names = new Map();
    /** When each part was last told to be so, by the server's clock; null = never. */
    this.at = { units: null, alarms: null, ledger: null, own: null };
  }

  get ready() {
    return this.own !== null;
  }

  /** Everything at once; what the stream says afterwards is applied on top. */
  async load() {
    try {
      const [own, families, units, alarms, ledger] = await Promise.all([
        get("/platform"), get("/families"), all("/units?"), all("/alarms?state=active&"), get("/ledger"),
      ]);
      this.families = families.items;
      this.units = new Map(units.map((unit) => [unit.unit, unit]));
      this.alarms = new Map(alarms.map((alarm) => [alarm.id, alarm]));
      this.ledger = ledger;
      this.takeOwn(own);
      this.at.units = this.at.alarms = this.at.ledger = this.at.own;
    } catch (error) {
      throw error instanceof Unauthorized ? error : new SnapshotFailed(error.message);
    }
  }

  apply(kind, document) {
    if (kind === "units") this.takeUnits(document);
    else if (kind === "alarm") this.takeAlarm(document);
    else if (kind === "own") this.takeOwn(document);
    else if (kind === "ledger") {
      this.ledger = document;
      this.at.ledger = this.clock.now();
    }
  }

  takeOwn(own) {
    this.own = own;
    this.site = own.site;
    this.at.own = ms(own.at);
    // Replayed events are old: they may not put the clock back.
    if (this.at.own > this.clock.now()) this.clock.set(this.at.own);
  }

  takeUnits(event) {
    for (const unit of event.items) this.units.set(unit.unit, unit);
    for (const family of this.families) {
      if (event.totals[family.family]) family.counts = event.totals[family.family];
    }
    this.at.units = ms(event.at);
  }

  takeAlarm(alarm) {
    if (alarm.state === "active") this.alarms.set(alarm.id, alarm);
    else this.alarms.delete(alarm.id);
  }

  /** The line stands and the server has told us all it knows: the list of alarms is right as of now. */
  confirm() {
    this.at.alarms = this.clock.now();
  }

  /** What the stream has not told for a while is asked for. */
  async refresh(olderThan) {
    const due = (part) => this.clock.now() - (this.at[part] ?? 0) > olderThan;
    if (due("own") || this.clock.age() > RESYNC_MS) {
      const own = await get("/platform");
      this.clock.set(ms(own.at));
      this.takeOwn(own);
    }
    if (due("units")) {
      const [families, units] = await Promise.all([get("/families"), all("/units?")]);
      this.families = families.items;
      this.units = new Map(units.map((unit) => [unit.unit, unit]));
      this.at.units = this.clock.now();
    }
    if (due("ledger")) {
      this.ledger = await get("/ledger");
      this.at.ledger = this.clock.now();
    }
  }

  /** A device's name, or its id until the name is here. */
  name(device, changed) {
    if (!this.names.has(device)) {
      if (this.names.size >= MAX_NAMES) this.names.clear();
      this.names.set(device, device);
      get(`/devices/${encodeURIComponent(device)}`).then(
        (found) => { this.names.set(device, found.name ?? device); changed(); },
        () => this.names.delete(device),
      );
    }
    return this.names.get(device);
  }

  /** Units that have none below them. */
  leaves() {
    const parents = new Set([...this.units.values()].map((unit) => unit.parent));
    return [...this.units.values()].filter((unit) => !parents.has(unit.unit));
  }

  dataAt(unit) {
    return ms(unit.data_at);
  }
}
