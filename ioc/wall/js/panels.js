// The side panels: totals, worst communes, open alarms, ourselves.

import { ASSESSMENT_LIMIT_MS, band } from "./judge.js";
import { dress, element, fit, room, rows, say } from "./dom.js";

const SHAPES = { critical: "■", major: "▲", minor: "◆", info: "●" };
const SEVERITIES = Object.keys(SHAPES);
const BAND_MARKS = { good: "●", watch: "▾", poor: "▼", bad: "✖", unknown: "?" };

export class TotalsPanel {
  constructor(section, format) {
    this.list = section.querySelector(".rows");
    this.format = format;
  }

  show(families, first, fresh) {
    const shown = families.filter((family) => family.counts.devices > 0);
    shown.sort((a, b) => (b.family === first) - (a.family === first));
    const nodes = rows(this.list, shown.length, () => element("li", "", element("div", "label", element("span")), element("b"), element("span", "share")));
    shown.forEach((family, index) => this.row(nodes[index], family, fresh));
  }

  row(node, family, fresh) {
    const { devices, working, unknown } = family.counts;
    const known = fresh && unknown * 2 < devices;
    const state = known ? band(working / devices) : "unknown";
    const [box, value, share] = node.children;
    const label = box.firstElementChild;
    dress(node, `total ${state}`);
    node.dataset.family = family.family;
    say(label, this.format.label(family.labels));
    say(value, known ? `${this.format.number(working)}/${this.format.number(devices)}` : `–/${this.format.number(devices)}`);
    say(share, known ? `${BAND_MARKS[state]} ${this.format.percent(working / devices)}` : this.format.text("unknown"));
    fit(label);
  }
}

export class WorstPanel {
  constructor(section, format) {
    this.list = section.querySelector(".rows");
    this.format = format;
  }

  show(units, verdicts) {
    const bad = units.filter((unit) => ["watch", "poor", "bad"].includes(verdicts.get(unit.unit).state));
    bad.sort((a, b) => share(verdicts.get(a.unit)) - share(verdicts.get(b.unit)) || lost(verdicts.get(b.unit)) - lost(verdicts.get(a.unit)));
    const unknown = units.filter((unit) => verdicts.get(unit.unit).state === "unknown").length;
    const most = room(this.list, this.list.firstElementChild?.offsetHeight || 40);
    const noted = unknown > 0 || bad.length === 0 || bad.length > most ? 1 : 0;
    const count = Math.min(bad.length, most - noted);
    const nodes = rows(this.list, count + noted, () => element("li", "place", element("span", "label"), element("b"), element("span", "share")));
    for (let index = 0; index < count; index += 1) this.row(nodes[index], bad[index], verdicts.get(bad[index].unit));
    if (noted) this.note(nodes[count], bad.length - count, unknown);
  }

  row(node, unit, verdict) {
    const [label, value, share] = node.children;
    dress(node, `place ${verdict.state}`);
    say(label, unit.name);
    say(value, `${verdict.working}/${verdict.devices}`);
    say(share, `${BAND_MARKS[verdict.state]} ${this.format.percent(verdict.share)}`);
  }

  /** What the list has no room for, and how much is not known. */
  note(node, more, unknown) {
    const { format } = this;
    const [label, value, mark] = node.children;
    const parts = [];
    if (more > 0) parts.push(format.text("more_units", { n: format.number(more) }));
    if (unknown > 0) parts.push(format.text("units_unknown", { n: format.number(unknown) }));
    dress(node, `place ${unknown ? "unknown" : more ? "rest" : "well"}`);
    say(label, parts.join(" · ") || format.text("all_well"));
    say(value, "");
    say(mark, unknown ? BAND_MARKS.unknown : more ? "" : BAND_MARKS.good);
  }
}

const share = (verdict) => verdict.share;
const lost = (verdict) => verdict.devices - verdict.working;

export class AlarmsPanel {
  constructor(section, format) {
    this.list = section.querySelector(".rows");
    this.more = section.querySelector(".more");
    this.counts = section.querySelector(".counts");
    this.format = format;
    for (const severity of SEVERITIES) this.counts.append(element("span", severity));
  }

  show(alarms, { now, unitName, deviceName }) {
    const open = alarms.filter((alarm) => !apart(alarm, now));
    open.sort(urgency);
    SEVERITIES.forEach((severity, index) => {
      const count = open.filter((alarm) => alarm.severity === severity).length;
      say(this.counts.children[index], count ? `${SHAPES[severity]} ${this.format.number(count)}` : "");
    });
    const groups = together(open);
    const count = Math.min(groups.length, room(this.list, this.list.querySelector(".alarm")?.offsetHeight || 76));
    const nodes = rows(this.list, count || 1, alarmRow);
    for (let index = 0; index < count; index += 1) this.row(nodes[index], groups[index], { now, unitName, deviceName });
    if (count === 0) this.quiet(nodes[0]);
    const left = groups.slice(count).reduce((sum, group) => sum + group.length, 0);
    const notes = [];
    if (left > 0) notes.push(this.format.text("more_alarms", { n: this.format.number(left) }));
    if (open.length < alarms.length) notes.push(this.format.text("apart", { n: this.format.number(alarms.length - open.length) }));
    say(this.more, notes.join(" · "));
  }

  /** What an alarm without a device is about: a label's devices, or ourselves; a unit is named beside it anyway. */
  about(alarm) {
    if (alarm.unit !== null) return "";
    const label = alarm.labels?.group;
    return label ? label.slice(label.indexOf("=") + 1) : this.format.text("ourselves");
  }

  /** A group's newest alarm stands for it; the others are counted. */
  row(node, group, { now, unitName, deviceName }) {
    const alarm = group[0];
    const [word, where, age, summary, mark] = node.querySelectorAll("b, span");
    dress(node, `alarm ${alarm.severity}${alarm.acknowledged ? " acknowledged" : ""}`);
    node.dataset.alarm = alarm.id;
    say(word, `${SHAPES[alarm.severity]} ${this.format.text(alarm.severity)}`);
    const about = alarm.device === null ? this.about(alarm) : deviceName(alarm.device);
    const others = group.length > 1 ? ` +${this.format.number(group.length - 1)}` : "";
    const unit = alarm.unit === null ? "" : unitName(alarm.unit);
    say(where, about === "" ? unit + others : about + others + (unit === "" ? "" : `, ${unit}`));
    say(age, this.format.age(Math.max(0, now - Date.parse(alarm.since)), true));
    say(summary, capital(alarm.texts[this.format.language]?.summary || alarm.summary || alarm.rule));
    say(mark, this.mark(alarm));
    fit(where);
    fit(summary);
  }

  mark(alarm) {
    if (alarm.latched) return `◌ ${this.format.text("latched")}`;
    if (alarm.assigned_to !== null) return `✓ ${this.format.text("assigned", { to: alarm.assigned_to })}`;
    return alarm.acknowledged ? `✓ ${this.format.text("acknowledged")}` : `○ ${this.format.text("unacknowledged")}`;
  }

  quiet(node) {
    dress(node, "alarm quiet");
    delete node.dataset.alarm;
    node.querySelectorAll("b, span").forEach((child, index) => say(child, index === 3 ? this.format.text("no_alarms") : ""));
  }
}

/** Whether its own state keeps an alarm from people: shelved, suppressed by design, or out of service. */
const apart = (alarm, now) => alarm.out_of_service !== null || alarm.suppressed_by !== null
  || (alarm.shelved_until !== null && Date.parse(alarm.shelved_until) > now);
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

function alarmRow() {
  const first = element("p", "", element("b"), element("div", "box", element("span", "where")), element("span", "since"));
  return element("li", "alarm", first, element("p", "", element("div", "box", element("span", "summary")), element("span", "mark")));
}

/** Alarms of one rule in one unit stand together, in the place of the most urgent: a storm is one row. */
function together(sorted) {
  const groups = new Map();
  for (const alarm of sorted) {
    const key = alarm.unit === null ? alarm.id : `${alarm.rule} ${alarm.unit} ${alarm.acknowledged}`;
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(alarm);
  }
  return [...groups.values()];
}

/** Most severe first, unacknowledged before acknowledged, then the newest. */
function urgency(a, b) {
  return SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity)
    || Number(a.acknowledged) - Number(b.acknowledged)
    || b.since.localeCompare(a.since);
}

export class PlatformPanel {
  constructor(section, format) {
    this.list = section.querySelector(".rows");
    this.format = format;
  }

  show(own, ledger, now, fresh) {
    const format = this.format;
    const lines = [
      this.hearing(own, now, fresh),
      this.storing(own, now, fresh),
      ...["received", "stored", "spooled", "quarantined"].map((term) => [format.text(term), format.number(ledger[term]), fresh ? "term" : "term unknown"]),
      this.closing(ledger, fresh),
    ];
    const nodes = rows(this.list, lines.length, () => element("li", "", element("span", "label"), element("b")));
    lines.forEach(([label, value, state], index) => {
      dress(nodes[index], `line ${state}`);
      say(nodes[index].children[0], label);
      say(nodes[index].children[1], value);
    });
  }

  /** Every delivery has ended somewhere, or it has not: 0 or the number that is not accounted for. */
  closing(ledger, fresh) {
    const outcomes = ["stored", "spooled", "quarantined", "duplicate", "retained", "returned", "in_flight"];
    const open = outcomes.reduce((left, term) => left - ledger[term], ledger.received);
    const state = open === 0 ? "term" : "bad";
    return [this.format.text("difference"), this.format.number(open), fresh ? state : "term unknown"];
  }

  hearing(own, now, fresh) {
    const label = this.format.text("hearing");
    if (!fresh) return [label, `? ${this.format.text("unknown")}`, "unknown"];
    if (own.hearing) return [label, `● ${this.format.text("hearing_ok")}`, "good"];
    const since = own.blind_since === null ? "–" : this.format.moment(Date.parse(own.blind_since), now);
    return [label, `✖ ${this.format.text("hearing_blind", { at: since })}`, "bad"];
  }

  storing(own, now, fresh) {
    const label = this.format.text("storing");
    if (!fresh) return [label, `? ${this.format.text("unknown")}`, "unknown"];
    if (!own.store_ok) return [label, `✖ ${this.format.text("storing_down", { detail: own.store_detail })}`, "bad"];
    if (own.spooled > 0) {
      const age = own.spool_oldest === null ? 0 : now - Date.parse(own.spool_oldest);
      if (own.drain_rate > 0) {
        const told = { n: this.format.number(own.spooled), rate: this.format.number(own.drain_rate) };
        return [label, `▴ ${this.format.text("storing_drain", told)}`, "watch"];
      }
      return [label, `▾ ${this.format.text("storing_spool", { n: this.format.number(own.spooled), age: this.format.age(age, true) })}`, "watch"];
    }
    return [label, `● ${this.format.text("storing_ok")}`, "good"];
  }
}

/** A panel's age, and whether what it shows may still be believed. */
export function showAge(section, at, now, format) {
  const age = at === null ? null : now - at;
  const fresh = age !== null && age <= ASSESSMENT_LIMIT_MS;
  section.classList.toggle("stale", !fresh);
  say(section.querySelector(".age"), age === null ? format.text("no_data") : format.ago(age));
  return fresh;
}
