// Numbers, instants and ages as the site writes them.

const NBSP = "\u00a0";
const STEPS = [["s", 1000, 60], ["m", 60_000, 60], ["h", 3_600_000, 48], ["d", 86_400_000, Infinity]];

export class Format {
  constructor(language, texts, timezone) {
    this.language = language;
    this.texts = texts;
    const locale = language === "en" ? "en-GB" : "vi-VN";
    this.numbers = new Intl.NumberFormat(locale);
    this.short = new Intl.NumberFormat(locale, { notation: "compact", maximumSignificantDigits: 4 });
    this.percents = new Intl.NumberFormat(locale, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
    this.parts = new Intl.DateTimeFormat("en-GB", {
      timeZone: timezone, day: "2-digit", month: "2-digit", year: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
    });
  }

  text(name, values = {}) {
    return (this.texts[name] ?? name).replace(/\{(\w+)\}/g, (_, key) => values[key] ?? "");
  }

  /** 3.800; beyond eight digits in millions. */
  number(value) {
    return (value < 1e8 ? this.numbers : this.short).format(value);
  }

  /** 83,68 % */
  percent(share) {
    return this.percents.format(share * 100) + NBSP + "%";
  }

  /** dd/MM/yyyy HH:mm */
  instant(ms) {
    const part = Object.fromEntries(this.parts.formatToParts(ms).map(({ type, value }) => [type, value]));
    return `${part.day}/${part.month}/${part.year} ${part.hour}:${part.minute}`;
  }

  /** HH:mm today, else dd/MM HH:mm */
  moment(ms, now) {
    const [day, time] = this.instant(ms).split(" ");
    return this.instant(now).startsWith(day) ? time : `${day.slice(0, 5)} ${time}`;
  }

  age(ms, long = false) {
    const step = STEPS.find(([, size, most]) => ms < size * most);
    return this.text(`age_${long ? "long_" : ""}${step[0]}`, { n: this.number(Math.floor(Math.max(0, ms) / step[1])) });
  }

  /** "8 giây trước" */
  ago(ms) {
    return ms < 2000 ? this.text("just_now") : this.text("as_of", { age: this.age(ms, true) });
  }

  label(labels) {
    return labels[this.language] ?? labels.vi ?? labels.en;
  }
}
