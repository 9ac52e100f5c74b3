// One turn: what the model was told, what it replies, what came of it. Its body is made when it is open and near.

import { CellView } from "./cell_view.js";
import { button, element, folded, setText, uniqueId } from "./elements.js";
import { counted, number, seconds } from "./format.js";
import { beginning } from "./kept.js";
import { whenNear } from "./near.js";
import { inline, textBlock, visible } from "./text.js";
import { bar, track } from "./time_axis.js";

const SAID = 600; // characters of what a reply says before its first block
const STREAMED = 6000; // of a reply under way: its end

export class TurnView {
  // `acts.zoom(turn)` and `acts.fork(turn, where)` are what its buttons do.
  constructor(runId, turn, acts) {
    this.runId = runId;
    this.turn = turn;
    this.body = element("div", { class: "turn-body", id: uniqueId("turn"), hidden: true });
    this.toggle = button(turn.bestAnswer ? "Best answer" : `Turn ${turn.turn}`, () => this.open(this.body.hidden), {
      class: "turn-name",
      "aria-expanded": "false",
      "aria-controls": this.body.id,
    });
    this.bars = { model: bar("model"), code: bar("code"), sub: bar("sub") };
    this.gist = element("span", { class: "gist" });
    this.time = element("span", { class: "time" });
    this.fork = button("Fork", () => acts.fork(turn, this.body), {
      class: "quiet",
      hidden: true,
      "aria-label": `Fork from turn ${turn.turn}`,
    });
    const zoom = button("Zoom", () => acts.zoom(turn), {
      class: "quiet",
      "aria-label": `Zoom the time axis to turn ${turn.turn}`,
    });
    const line = track(this.bars.model, this.bars.code, this.bars.sub);
    const head = element(
      "div",
      { class: "turn-head" },
      element("h3", {}, this.toggle),
      this.gist,
      this.time,
      zoom,
      this.fork,
      line,
    );
    this.node = element("section", { class: "turn", tabindex: "-1", "aria-label": `Turn ${turn.turn}` }, head, this.body);
    this.slots = null;
    this.cells = [];
    this.update();
  }

  get closed() {
    return this.body.hidden;
  }

  open(wanted) {
    this.body.hidden = !wanted;
    this.toggle.setAttribute("aria-expanded", String(wanted));
    if (wanted && !this.slots) whenNear(this.node, () => this.build());
  }

  update() {
    const { turn } = this;
    const cells = turn.cells;
    const end = cells.length && cells.every((cell) => cell.finishedAt !== null) ? cells.at(-1).finishedAt : null;
    this.bars.model.update(turn.at, turn.repliedAt);
    this.showBar("code", cells.length > 0, cells[0]?.at, end);
    const calls = cells.flatMap((cell) => cell.calls);
    const ended = calls.every((call) => call.finishedAt !== null);
    this.showBar(
      "sub",
      calls.length > 0,
      calls[0]?.at,
      ended ? calls.reduce((last, call) => Math.max(last, call.finishedAt), 0) : null,
    );
    if (turn.repliedAt !== null)
      setText(this.time, seconds((cells.length ? (end ?? turn.repliedAt) : turn.repliedAt) - turn.at));
    setText(this.toggle, turn.bestAnswer ? "Best answer" : `Turn ${turn.turn}`);
    setText(this.gist, gist(turn, calls));
    this.node.classList.toggle("broken", Boolean(turn.notes.some((each) => each.wrong) || cells.some((cell) => cell.error)));
    this.fork.hidden = !turn.reply || turn.bestAnswer;
    if (this.slots) this.fill();
  }

  showBar(kind, there, begin, end) {
    this.bars[kind].node.hidden = !there;
    if (there) this.bars[kind].update(begin, end);
  }

  // While it is under way: seconds that move.
  tick(now, doing) {
    setText(this.time, seconds(Math.max(0, now - this.turn.at)));
    if (this.live) setText(this.live.told, waiting(this.turn, now, doing));
  }

  build() {
    const { turn, runId } = this;
    this.slots = Object.fromEntries(
      ["prompt", "live", "reply", "cells", "notes"].map((each) => [each, element("div", { class: each })]),
    );
    this.body.prepend(...Object.values(this.slots));
    const known = turn.promptChars - turn.newChars;
    const behind = known > 0 ? `, behind ${number(known)} that it was told before` : "";
    this.slots.prompt.append(
      folded(`Prompt: ${counted(turn.newChars, "character")}${behind}`, () => textBlock(runId, turn.prompt, "plain")),
    );
    this.fill();
  }

  fill() {
    const { turn, runId, slots } = this;
    this.stream();
    if (turn.reply && !slots.reply.childNodes.length) slots.reply.append(...replyParts(runId, turn.reply));
    for (const [place, cell] of turn.cells.entries()) {
      if (!this.cells[place]) {
        this.cells[place] = new CellView(runId, cell);
        slots.cells.append(this.cells[place].node);
      }
      this.cells[place].update(cell);
    }
    for (const { wrong, text } of turn.notes.slice(slots.notes.childNodes.length)) {
      slots.notes.append(element("p", { class: wrong ? "note failed" : "note hint" }, visible(text)));
    }
  }

  // The reply as it comes: its end, which stays in sight unless somebody has scrolled up.
  stream() {
    const { turn, slots } = this;
    if (turn.repliedAt !== null) {
      slots.live.replaceChildren();
      this.live = null;
      return;
    }
    if (!this.live) {
      this.live = {
        told: element("p", { class: "hint" }),
        text: element("pre", { class: "stream", tabindex: "0", dir: "auto", hidden: true, "aria-label": "Reply so far" }),
      };
      slots.live.append(this.live.told, this.live.text);
    }
    const said = turn.live?.text || turn.live?.reasoning || "";
    const { text } = this.live;
    const atEnd = text.scrollHeight - text.scrollTop - text.clientHeight < 40;
    text.classList.toggle("reasoning", !turn.live?.text);
    text.hidden = !said;
    setText(text, visible(said.length > STREAMED ? `\u2026${said.slice(-STREAMED)}` : said));
    if (atEnd) text.scrollTop = text.scrollHeight;
  }
}

function waiting(turn, now, doing) {
  const passed = seconds(Math.max(0, now - turn.at));
  const held = turn.wait && turn.wait.at + turn.wait.seconds > now;
  if (held) return `Held back for ${seconds(turn.wait.at + turn.wait.seconds - now)}: ${inline(turn.wait.reason, 300)}`;
  if (turn.live?.text) return `The model is writing: ${counted(turn.live.text.length, "character")} so far, ${passed}`;
  if (turn.live?.reasoning)
    return `The model is reasoning: ${counted(turn.live.reasoning.length, "character")} so far, ${passed}`;
  return doing?.what === "model" ? `Waiting for the model, ${passed}` : "";
}

// What happened in it, in a line.
function gist(turn, calls) {
  const parts = turn.copied ? ["copied, free"] : [];
  if (turn.reply) parts.push(`${inline(turn.reply.provider, 40)} ${seconds(turn.repliedAt - turn.at)}`);
  if (calls.length) parts.push(counted(calls.length, "sub-call"));
  const failed = turn.cells.filter((cell) => cell.error).length;
  if (failed) parts.push(counted(failed, "error"));
  parts.push(...turn.notes.map((each) => each.wrong).filter(Boolean));
  return parts.join(" · ");
}

function replyParts(runId, reply) {
  const parts = [];
  if (reply.reasoning.text)
    parts.push(
      folded(`Reasoning, ${counted(reply.reasoning.chars, "character")}`, () => textBlock(runId, reply.reasoning, "plain")),
    );
  const said = reply.text.text.split("```", 1)[0].trim();
  if (said && said !== reply.text.text.trim())
    parts.push(element("p", { class: "said", dir: "auto" }, visible(beginning(said, SAID))));
  const { prompt_tokens: read = 0, completion_tokens: written = 0 } = reply.usage;
  const tokens = `${counted(read, "token")} read, ${number(written)} written${reply.cut ? ", cut at its limit" : ""}`;
  parts.push(folded(`Reply as it was written, ${tokens}`, () => textBlock(runId, reply.text, "plain")));
  return parts;
}
