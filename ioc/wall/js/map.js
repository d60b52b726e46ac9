// The province as tiles: rows from north to south, in each from west to east.

import { dress, element, fit, rows, say } from "./dom.js";

const MARKS = { good: "", watch: "▾", poor: "▼", bad: "✖", unknown: "?", none: "" };
const LEGEND = ["good", "watch", "poor", "bad", "unknown"];

export class MapPanel {
  constructor(section, format) {
    this.format = format;
    this.list = section.querySelector(".tiles");
    this.legend = section.querySelector(".legend");
    this.tiles = new Map();
    this.order = "";
    for (const state of LEGEND) {
      const text = format.text(state === "unknown" ? "unknown" : `band_${state}`);
      this.legend.append(element("span", `key ${state}`, element("i", "", MARKS[state] || "●"), ` ${text}`));
    }
  }

  show(units, verdicts) {
    this.arrange(units);
    for (const unit of units) this.tile(this.tiles.get(unit.unit), unit, verdicts.get(unit.unit));
  }

  tile(node, unit, verdict) {
    dress(node, `tile ${verdict.state}`);
    const [, value, age] = node.children;
    const count = verdict.state === "none" ? "–" : `${verdict.working}/${verdict.devices}`;
    const partly = verdict.state !== "unknown" && verdict.unknown > 0 ? "?" : "";
    const word = verdict.state === "unknown" ? "unknown" : verdict.out > 0 ? "out_of_service" : "";
    const shown = word ? this.format.text(word) : MARKS[verdict.state] + count + partly;
    say(value, shown);
    say(age, verdict.age === null ? "" : this.format.age(verdict.age));
  }

  arrange(units) {
    const order = units.map((unit) => unit.unit + unit.name).join();
    if (order === this.order) return;
    this.order = order;
    const columns = this.columns(units.length);
    this.list.style.setProperty("--columns", columns);
    this.list.style.setProperty("--rows", Math.ceil(units.length / columns));
    const sorted = byPlace(units, columns);
    const names = shortNames(sorted);
    this.tiles = new Map();
    const nodes = rows(this.list, sorted.length, () => element("li", "tile", element("span", "name"), element("b"), element("span", "old")));
    sorted.forEach((unit, index) => {
      nodes[index].dataset.unit = unit.unit;
      nodes[index].title = unit.name;
      say(nodes[index].firstElementChild, names[index]);
      this.tiles.set(unit.unit, nodes[index]);
    });
    this.refit();
  }

  refit() {
    for (const node of this.list.children) fit(node.firstElementChild);
  }

  columns(count) {
    const { clientWidth: width, clientHeight: height } = this.list;
    let columns = 1;
    while (columns < count && width / columns / (height / Math.ceil(count / columns)) > 2.2) columns += 1;
    return columns;
  }
}

function byPlace(units, columns) {
  const north = [...units].sort((a, b) => (b.lat ?? -90) - (a.lat ?? -90) || a.unit.localeCompare(b.unit));
  const sorted = [];
  for (let start = 0; start < north.length; start += columns) {
    sorted.push(...north.slice(start, start + columns).sort((a, b) => (a.lon ?? 180) - (b.lon ?? 180)));
  }
  return sorted;
}

/** Without "Xã" or "Phường", where that leaves no two alike. */
export function shortNames(units) {
  const short = units.map(shortName);
  return units.map((unit, index) => (short.indexOf(short[index]) === short.lastIndexOf(short[index]) ? short[index] : unit.name));
}

export function shortName(unit) {
  const prefix = `${unit.type} `.toLowerCase();
  return unit.type && unit.name.toLowerCase().startsWith(prefix) ? unit.name.slice(prefix.length) : unit.name;
}
