// The page of a run: its events, as they come, become its head, its time axis and its turns.

import { announce } from "./announce.js";
import { button, element, setText } from "./elements.js";
import { follow } from "./events.js";
import { openFork } from "./fork.js";
import { nextQuestion } from "./next_question.js";
import { get } from "./requests.js";
import { RunClock } from "./run_clock.js";
import { RunHead } from "./run_head.js";
import { add, addDelta, beganNs, begin, doing } from "./state.js";
import { TimeAxis } from "./time_axis.js";
import { TurnView } from "./turn_view.js";

const OPEN = 30; // turns up to which all are open at first
const EVENTS_A_FRAME = 2000;
const TICK = 100; // ms between two looks at the clock
const AXIS = 250; // and to two pictures of the axis
const QUEUED = 1000; // ms between two questions whether it has begun

export class RunPage {
  constructor(runId, main) {
    this.runId = runId;
    this.state = begin();
    this.clock = new RunClock();
    this.status = "running";
    this.head = new RunHead(runId, (turn) => this.goTo(turn.index));
    this.list = element("div", { class: "turns" });
    this.views = [];
    this.axis = new TimeAxis(this.state, main, (turn) => this.goTo(turn.index));
    this.axis.node.hidden = true;
    this.queue = [];
    this.axisDrawn = 0;
    this.changed = new Set();
    const keys = element("p", { class: "hint keys" }, "Keys: j and k go to the next and the previous turn.");
    this.all = button("Close all", () => this.openAll(), { class: "quiet" });
    this.turnsHead = element("div", { class: "part-head", hidden: true }, element("h2", {}, "Turns"), keys, this.all);
    main.replaceChildren(...this.head.nodes, this.axis.node, this.turnsHead, this.list);
    this.main = main;
  }

  start() {
    follow(this.runId, {
      event: (number, event) => this.receive([number, event]),
      delta: (delta) => this.receive([null, delta]),
      state: (word, problem) => this.connection(word, problem),
    });
    this.timer = setInterval(() => this.tick(), TICK);
    document.addEventListener("keydown", (event) => this.key(event));
    this.lookWhileQueued();
  }

  connection(word, problem) {
    if (word === "connecting" || word === "live") this.clock.connect();
    this.away = word === "reconnecting";
    this.head.connection(word);
    if (word === "refused") this.begun = true; // nothing more is to be asked
    if (this.away) announce("The server is away. Reconnecting.");
    if (word === "refused" && !this.state.started)
      this.main.replaceChildren(element("h1", {}, "No such run"), element("p", {}, problem.message));
    else if (word === "refused") this.head.told.textContent = problem.message;
  }

  receive(item) {
    this.queue.push(item);
    if (this.queue.length === 1) requestAnimationFrame(() => this.take());
  }

  // What has come, a frame's worth at a time: a long run that is opened does not stop the page.
  take() {
    for (const [number, event] of this.queue.splice(0, EVENTS_A_FRAME)) {
      const turn = number === null ? addDelta(this.state, event) : add(this.state, number, event);
      if (turn) this.changed.add(turn);
      if (number !== null) this.clock.hear(event.at, beganNs(this.state.started));
      if (number !== null) this.seen(event);
    }
    this.draw();
    if (this.queue.length) requestAnimationFrame(() => this.take());
  }

  seen(event) {
    if (event.event !== "run_started") this.begun = true;
    if (event.event !== "run_finished") return;
    this.clock.end(event.at);
    clearInterval(this.timer);
    this.main.append(nextQuestion(this.runId));
  }

  draw() {
    const { state } = this;
    const page = document.documentElement;
    // Who has gone to the end stays there.
    const follows = page.scrollTop > 0 && page.scrollHeight - page.scrollTop - page.clientHeight < 60;
    for (const turn of this.changed) {
      if (!this.views[turn.index]) this.addTurn(turn);
      else this.views[turn.index].update();
    }
    this.changed.clear();
    this.axis.node.hidden = this.turnsHead.hidden = !state.turns.length;
    this.head.update(state, this.statusNow());
    this.tick();
    if (state.finished) this.axis.update(state.finished.at);
    if (follows) page.scrollTop = page.scrollHeight;
  }

  addTurn(turn) {
    const view = new TurnView(this.runId, turn, {
      zoom: () => this.zoom(turn),
      fork: (_turn, body) => {
        view.open(true);
        openFork(this.runId, turn, body, view.fork).catch((problem) => announce(problem.message));
      },
    });
    this.views[turn.index] = view;
    this.list.append(view.node);
    if (turn.index < OPEN || !this.queue.length) view.open(true);
    this.nameAll();
    if (!this.queue.length && turn.index) announce(`Turn ${turn.turn}`);
  }

  // Opens all if one is closed.
  openAll() {
    const wanted = this.views.some((view) => view.closed);
    for (const view of this.views) view.open(wanted);
    this.nameAll();
  }

  nameAll() {
    setText(this.all, this.views.some((view) => view.closed) ? "Open all" : "Close all");
  }

  statusNow() {
    if (this.state.finished) return this.state.finished.stopped;
    if (!this.begun) return this.status;
    return ["model", "subcalls"].includes(doing(this.state)?.what) ? "waiting" : "running";
  }

  // No event says that its turn has not come yet, or that it was put away.
  async lookWhileQueued() {
    for (;;) {
      await new Promise((wake) => setTimeout(wake, QUEUED));
      if (this.begun) return;
      const found = await get(`/runs?run_id=${encodeURIComponent(this.runId)}`).catch(() => null);
      const run = found?.runs.find((each) => each.run_id === this.runId);
      if (!run || this.begun) continue;
      this.status = run.status;
      if (this.state.started) this.head.update(this.state, this.status);
    }
  }

  tick() {
    const now = this.clock.now();
    this.head.tick(now);
    const what = this.away ? null : doing(this.state);
    this.head.showDoing(what);
    if (!what || document.hidden) return;
    this.views[what.turn.index]?.tick(now, what);
    // Each bar is placed anew: the more there are, the less often.
    if (performance.now() - this.axisDrawn < AXIS * Math.max(1, this.views.length / 100)) return;
    this.axisDrawn = performance.now();
    this.axis.update(now);
  }

  zoom(turn) {
    const last = turn.cells.at(-1);
    const end = last ? (last.finishedAt ?? this.clock.now()) : (turn.repliedAt ?? this.clock.now());
    const room = (end - turn.at) * 0.02;
    this.axis.zoom([Math.max(0, turn.at - room), end + room]);
    announce(`The time axis shows turn ${turn.turn}`);
  }

  goTo(index) {
    const view = this.views[Math.min(Math.max(index, 0), this.views.length - 1)];
    view?.node.focus({ preventScroll: true });
    view?.node.scrollIntoView({ block: "start" });
  }

  key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("input, textarea, select")) return;
    const step = { j: 1, k: -1 }[event.key];
    if (!step) return;
    const at = this.views.findIndex((view) => view.node.contains(document.activeElement));
    this.goTo(at + step);
  }
}
