// One time axis for the whole run: what was waited for when. The bars of rows lie on it too, by --from and --span.

import { button, element } from "./elements.js";
import { seconds } from "./format.js";

const HEIGHT = 92;
const LANES = { model: [6, 14], code: [24, 14], sub: [42, 30] }; // top and height in pixels
const STEPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14_400];

export class TimeAxis {
  // `state`: of the run; `choose` is called with a turn that is pointed at. The bars are in `around`.
  constructor(state, around, choose) {
    this.state = state;
    this.around = around;
    this.window = null; // [from, to] in seconds; null: all
    this.now = 0;
    this.canvas = element("canvas", { role: "img", height: HEIGHT, click: (event) => this.pick(event, choose) });
    this.whole = button("Whole run", () => this.zoom(null), { class: "quiet", hidden: true });
    const legend = element("span", { class: "legend", "aria-hidden": "true" });
    for (const [kind, name] of [
      ["model", "root model"],
      ["code", "code"],
      ["sub", "sub-calls"],
    ]) {
      legend.append(element("span", { class: `key ${kind}` }, name));
    }
    const head = element("div", { class: "part-head" }, element("h2", {}, "Time"), legend, this.whole);
    this.node = element("section", { class: "axis", "aria-label": "Time" }, head, this.canvas);
    new ResizeObserver(() => this.draw()).observe(this.node);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  zoom(window) {
    this.window = window;
    this.whole.hidden = window === null;
    this.draw();
  }

  update(now) {
    this.now = now;
    this.draw();
  }

  draw() {
    const [from, to] = this.window ?? [0, Math.max(this.now, 0.001)];
    const span = Math.max(to - from, 0.001);
    for (const [name, value] of [
      ["--from", from],
      ["--span", span],
      ["--now", this.now],
    ]) {
      this.around.style.setProperty(name, value.toFixed(4));
    }
    const width = this.canvas.clientWidth;
    if (!width) return;
    const scale = window.devicePixelRatio;
    this.canvas.width = width * scale;
    this.canvas.height = HEIGHT * scale;
    const paper = this.canvas.getContext("2d");
    paper.scale(scale, scale);
    const colours = getComputedStyle(this.canvas);
    const x = (at) => ((at - from) / span) * width;
    drawTicks(paper, { from, to, x, width, colours });
    const lanes = intervals(this.state, this.now);
    for (const kind of ["model", "code"])
      drawBars(paper, lanes[kind], { x, width, lane: LANES[kind], fill: colours.getPropertyValue(`--${kind}`) });
    drawHeights(paper, lanes.sub, { x, width, fill: colours.getPropertyValue("--sub") });
    this.describe(lanes);
  }

  describe(lanes) {
    const total = (kind) => seconds(union(lanes[kind]));
    const parts = `${total("model")} for the root model, ${total("code")} with code, ${total("sub")} of that with sub-calls`;
    const told = `${seconds(this.now)} in all: ${parts}.`;
    if (this.canvas.getAttribute("aria-label") !== told) this.canvas.setAttribute("aria-label", told);
  }

  pick(event, choose) {
    const [from, to] = this.window ?? [0, this.now];
    const at = from + (event.offsetX / this.canvas.clientWidth) * (to - from);
    const turn = this.state.turns.findLast((each) => each.at <= at);
    if (turn) choose(turn);
  }
}

// [begin, end] of all that took time, by lane.
function intervals(state, now) {
  const lanes = { model: [], code: [], sub: [] };
  for (const turn of state.turns) {
    lanes.model.push([turn.at, turn.repliedAt ?? now]);
    for (const cell of turn.cells) {
      lanes.code.push([cell.at, cell.finishedAt ?? now]);
      for (const call of cell.calls) lanes.sub.push([call.at, call.finishedAt ?? now]);
    }
  }
  return lanes;
}

// Seconds in which there was at least one.
function union(pairs) {
  let total = 0;
  let end = 0;
  for (const [begin, stop] of pairs.toSorted((one, other) => one[0] - other[0])) {
    total += Math.max(0, stop - Math.max(begin, end));
    end = Math.max(end, stop);
  }
  return total;
}

function drawBars(paper, pairs, { x, width, lane, fill }) {
  paper.fillStyle = fill;
  let drawn = -1;
  for (const [begin, end] of pairs) {
    const [left, right] = [x(begin), Math.max(x(end), x(begin) + 1)];
    // What is in a pixel that is drawn already adds nothing.
    if (right < 0 || left > width || right < drawn + 0.5) continue;
    paper.fillRect(left, lane[0], right - left, lane[1]);
    drawn = right;
  }
}

// As many at once, as high: one column for each pixel.
function drawHeights(paper, pairs, { x, width, fill }) {
  const changes = new Int32Array(Math.ceil(width) + 2);
  for (const [begin, end] of pairs) {
    const [left, right] = [Math.floor(x(begin)), Math.max(Math.ceil(x(end)), Math.floor(x(begin)) + 1)];
    if (right <= 0 || left >= width) continue;
    changes[Math.max(0, left)] += 1;
    changes[Math.min(changes.length - 1, right)] -= 1;
  }
  const counts = changes.map(
    (
      (sum) => (change) =>
        (sum += change)
    )(0),
  );
  const most = Math.max(...counts, 1);
  const [top, height] = LANES.sub;
  paper.fillStyle = fill;
  for (const [place, count] of counts.entries()) {
    // The root of it: one alone is seen beside a hundred.
    const part = count ? Math.max(4, height * Math.sqrt(count / most)) : 0;
    paper.fillRect(place, top + height - part, 1, part);
  }
}

function drawTicks(paper, { from, to, x, width, colours }) {
  const step = STEPS.find((each) => (to - from) / each <= width / 90) ?? 86_400;
  paper.font = "11px system-ui, sans-serif";
  paper.strokeStyle = colours.getPropertyValue("--line");
  paper.fillStyle = colours.getPropertyValue("--soft");
  paper.beginPath();
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) {
    const place = Math.round(x(at)) + 0.5;
    paper.moveTo(place, 0);
    paper.lineTo(place, HEIGHT - 16);
    const label = at === 0 ? "0" : seconds(at);
    const room = paper.measureText(label).width;
    if (place + room / 2 <= width) paper.fillText(label, Math.max(0, place - room / 2), HEIGHT - 4);
  }
  paper.stroke();
}

// One bar of a row, from `begin` to `end` (null: until now). When the axis moves, nothing is drawn anew.
export function bar(kind) {
  const filled = element("span", { class: `bar ${kind}` });
  return {
    node: filled,
    update(begin, end) {
      filled.style.setProperty("--a", begin.toFixed(4));
      if (end === null) filled.style.removeProperty("--b");
      else filled.style.setProperty("--b", end.toFixed(4));
    },
  };
}

export function track(...bars) {
  return element(
    "span",
    { class: "track", "aria-hidden": "true" },
    bars.map((each) => each.node),
  );
}
