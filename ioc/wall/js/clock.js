// The server's time, counted on by this screen: a screen whose own clock is wrong judges ages rightly all the same.

export class Clock {
  constructor() {
    this.set(Date.now());
  }

  /** The server says it is `ms` now. */
  set(ms) {
    this.base = ms;
    this.wall = Date.now();
    this.steady = performance.now();
  }

  /** How long ago the server told the time. */
  age() {
    return this.now() - this.base;
  }

  /** Never slower than either of our clocks: one stands still while the machine sleeps, the other can be put back. */
  now() {
    return this.base + Math.max(Date.now() - this.wall, performance.now() - this.steady, 0);
  }
}
