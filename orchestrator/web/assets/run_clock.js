// How long a run has taken by now, while no event says so.

const SETTLED = 1500; // ms after which what arrives has just happened

export class RunClock {
  constructor() {
    this.offset = null; // seconds of the run at the page's own zero
    this.connected = 0;
    this.ended = null;
  }

  // The stream was opened: what comes now may have happened long ago.
  connect() {
    this.connected = performance.now();
  }

  // An event at that second of the run came. `startedNs` is when the run began, on the server's clock.
  hear(at, startedNs) {
    const here = performance.now() / 1000;
    if (this.offset === null && startedNs) {
      // The first guess: by the clock on the wall, as far as that is not absurd.
      const passed = Date.now() / 1000 - startedNs / 1e9;
      this.offset = Math.max(at, passed < 86_400 ? passed : at) - here;
    } else if (performance.now() - this.connected > SETTLED) this.offset = at - here;
    this.offset = Math.max(this.offset ?? at - here, at - here);
  }

  end(at) {
    this.ended = at;
  }

  now() {
    if (this.ended !== null) return this.ended;
    return this.offset === null ? 0 : performance.now() / 1000 + this.offset;
  }
}
