// The wall: a snapshot, then what happens; judged anew every second by this screen's own clock.

import { say } from "./dom.js";
import { Format } from "./format.js";
import { judge } from "./judge.js";
import { login } from "./login.js";
import { MapPanel, shortName } from "./map.js";
import { Model } from "./model.js";
import { AlarmsPanel, PlatformPanel, showAge, TotalsPanel, WorstPanel } from "./panels.js";
import { follow, Unauthorized } from "./stream.js";

const EVENTS = "/api/v1/events?kinds=alarm,units,ledger,own";
const REFRESH_MS = 20_000;
const DEFAULT_LIMIT_MS = 180_000;

const section = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);

class Wall {
  constructor(texts) {
    this.catalogue = texts;
    this.model = new Model();
    this.linked = false;
    this.cutSince = null;
    this.assets = null;
    this.speak(query.get("lang") === "en" ? "en" : "vi", "Asia/Ho_Chi_Minh");
  }

  speak(language, timezone) {
    this.format = new Format(language, this.catalogue[language], timezone);
    document.documentElement.lang = language;
  }

  /** Follows the stream for ever; asks for a token whenever the server wants one. */
  async run() {
    setInterval(() => this.tick(), 1000);
    setInterval(() => this.refresh(), REFRESH_MS / 2);
    addEventListener("resize", () => this.map?.refit());
    for (;;) {
      try {
        await follow(EVENTS, { on: (kind, document) => this.take(kind, document), onLink: (up) => this.link(up) });
      } catch (error) {
        if (!(error instanceof Unauthorized)) throw error;
        this.link(false);
        await login(section("login"), this.format);
      }
    }
  }

  async take(kind, document) {
    if (kind === "hello" || kind === "reset") {
      this.greet(document);
      await this.model.load();
      this.build();
    } else {
      this.model.apply(kind, document);
    }
    this.dirty = true;
    this.soon ??= setTimeout(() => { this.soon = undefined; this.render(); }, 100);
  }

  /** A new version of this page has been put up: load it. */
  greet({ assets, at }) {
    if (this.assets !== null && this.assets !== assets) location.reload();
    this.assets = assets;
    this.model.clock.set(Date.parse(at));
  }

  link(up) {
    if (up) this.model.confirm();
    if (up === this.linked) return;
    this.linked = up;
    this.cutSince = up ? null : this.model.clock.now();
    this.render();
  }

  async refresh() {
    if (!this.linked || !this.model.ready) return;
    try {
      await this.model.refresh(REFRESH_MS);
    } catch {
      // The stream notices a dead server, and old data is shown as old.
    }
  }

  build() {
    if (this.map) return;
    this.speak(this.format.language, this.model.site.timezone);
    const { format } = this;
    this.map = new MapPanel(section("map"), format);
    this.totals = new TotalsPanel(section("totals"), format);
    this.worst = new WorstPanel(section("worst"), format);
    this.alarms = new AlarmsPanel(section("alarms"), format);
    this.platform = new PlatformPanel(section("platform"), format);
    for (const id of ["totals", "worst", "alarms", "platform"]) say(section(id).querySelector(".name"), format.text(id));
  }

  tick() {
    this.render();
  }

  render() {
    const { model, format } = this;
    const now = model.clock.now();
    this.header(now);
    if (!this.map) return;
    const family = this.family();
    say(section("map").querySelector(".name"), family.family === "speaker" ? format.text("map") : format.text("map_of", { family: format.label(family.labels) }));
    const units = model.leaves();
    const limit = family.silence_ms ?? DEFAULT_LIMIT_MS;
    const verdicts = new Map(units.map((unit) => [unit.unit, judge({
      counts: unit.families[family.family], dataAt: model.dataAt(unit), judgedAt: model.at.units, now, limit, hearing: model.own.hearing,
    })]));
    showAge(section("map"), model.at.units, now, format);
    showAge(section("worst"), model.at.units, now, format);
    showAge(section("alarms"), model.at.alarms, now, format);
    const judged = showAge(section("totals"), model.at.units, now, format);
    const told = showAge(section("platform"), model.at.own, now, format);
    this.map.show(units, verdicts);
    this.totals.show(model.families, family.family, judged && model.own.hearing);
    this.worst.show(units, verdicts);
    this.alarms.show([...model.alarms.values()], {
      now,
      unitName: (unit) => (model.units.has(unit) ? shortName(model.units.get(unit)) : unit),
      deviceName: (device) => model.name(device, () => this.render()),
    });
    this.platform.show(model.own, model.ledger, now, told);
    document.body.dataset.ready = "true";
  }

  /** Whose share colours the tiles: loudspeakers, or what ?family= asks for, or what there is. */
  family() {
    const { families } = this.model;
    const asked = query.get("family") ?? "speaker";
    return families.find((family) => family.family === asked) ?? families[0] ?? { family: asked, labels: { vi: asked, en: asked } };
  }

  header(now) {
    const { format, model } = this;
    const link = section("link");
    const title = model.site === null ? "IOC" : format.text("title", { site: model.site.name });
    say(section("title"), title);
    document.title = title;
    say(section("clock"), format.instant(now));
    link.className = this.linked ? "up" : this.model.ready ? "cut" : "";
    const words = this.linked ? `● ${format.text("connected")}` : format.text("connecting");
    say(link, !this.linked && model.ready ? `✖ ${format.text("cut", { at: format.moment(this.cutSince, now) })}` : words);
  }
}

const texts = await (await fetch("texts.json")).json();
await new Wall(texts).run();
