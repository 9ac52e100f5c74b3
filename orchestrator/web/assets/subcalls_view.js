// The sub-calls of a cell: those of a batch are one row that opens; in it each is a row that opens.

import { element, folded, setText } from "./elements.js";
import { counted, number, seconds } from "./format.js";
import { LongList } from "./near.js";
import { pagePath } from "./requests.js";
import { groupCalls } from "./state.js";
import { inline, textBlock } from "./text.js";
import { bar, track } from "./time_axis.js";

const HEAD = 110; // characters of a prompt in its row
const SHARED = 1000; // of what prompts may begin with alike
const LEAST_SHARED = 20; // that are left out

export class SubcallsView {
  constructor(runId) {
    this.runId = runId;
    this.node = element("div", { class: "subcalls" });
    this.groups = [];
  }

  update(calls) {
    const groups = groupCalls(calls);
    for (const gone of this.groups.splice(groups.length)) gone.node.remove();
    for (const [place, group] of groups.entries()) {
      if (!this.groups[place]) {
        this.groups[place] = new Group(this.runId);
        this.node.append(this.groups[place].node);
      }
      this.groups[place].update(group);
    }
  }
}

class Group {
  constructor(runId) {
    this.bar = bar("sub");
    this.name = element("span", { class: "name" });
    this.time = element("span", { class: "time" });
    const line = element("span", { class: "row" }, this.name, track(this.bar), this.time);
    this.rows = element("div", { class: "list", role: "list" });
    this.list = new LongList(this.rows, (call) => row(runId, call, () => this.alike));
    this.node = folded(
      line,
      () => {
        this.list.update(this.group.calls);
        return this.rows;
      },
      { class: "group" },
    );
  }

  update(group) {
    this.group = group;
    this.alike = sharedBeginning(group.calls);
    const { calls, alone } = group;
    const open = calls.filter((call) => call.finishedAt === null).length;
    const failed = calls.filter((call) => call.error).length;
    const how =
      calls.length === 1
        ? `: ${inline(calls[0].prompt.text, 60)}`
        : (alone ? ", one after the other" : " at once") + (this.alike && `: ${inline(this.alike, 60)}`);
    const told = [
      counted(calls.length, calls[0].child ? "child run" : "sub-call") + how,
      open ? `${number(open)} under way` : "",
      failed ? `${number(failed)} failed` : "",
    ];
    setText(this.name, told.filter(Boolean).join(" · "));
    this.name.classList.toggle("failed", failed > 0);
    const begin = Math.min(...calls.map((call) => call.at));
    const end = open ? null : Math.max(...calls.map((call) => call.finishedAt));
    this.bar.update(begin, end);
    setText(this.time, end === null ? "" : seconds(end - begin));
    if (this.rows.isConnected) this.list.update(calls);
  }
}

// What all prompts begin with, up to the end of a word: in their rows it would hide what they differ by.
function sharedBeginning(calls) {
  let shared = calls.length > 1 ? calls[0].prompt.text.slice(0, SHARED) : "";
  for (const { prompt } of calls) while (shared && !prompt.text.startsWith(shared)) shared = shared.slice(0, -1);
  const words = /^[^]*[\s.:,;]/.exec(shared)?.[0] ?? "";
  return words.length < LEAST_SHARED ? "" : words;
}

function row(runId, call, alike) {
  const filled = bar("sub");
  const name = element("span", { class: "name" });
  const time = element("span", { class: "time" });
  const inside = element("div", { class: "inside" });
  const line = element("span", { class: "row" }, name, track(filled), time);
  const details = folded(line, () => {
    inside.replaceChildren(...parts(runId, shown));
    return inside;
  });
  let shown = call;
  let state = "";
  return {
    node: element("div", { role: "listitem" }, details),
    update(now) {
      shown = now;
      const shared = alike();
      const next = `${now.number} ${now.finishedAt} ${now.wait?.at} ${shared.length}`;
      if (next === state) return;
      state = next;
      const what = now.error ? "failed: " : now.reused ? "again: " : "";
      const head = (shared && "\u2026 ") + inline(now.prompt.text.slice(shared.length), HEAD);
      setText(name, `${now.number}. ${what}${head}`);
      name.classList.toggle("failed", Boolean(now.error));
      setText(time, now.finishedAt === null ? "" : seconds(now.finishedAt - now.at));
      filled.update(now.at, now.finishedAt);
      if (inside.isConnected) inside.replaceChildren(...parts(runId, now));
    },
  };
}

function parts(runId, call) {
  const found = [
    element("h5", {}, `Prompt, ${counted(call.prompt.chars, "character")}`),
    textBlock(runId, call.prompt, "plain"),
  ];
  if (call.child) found.push(element("p", {}, element("a", { href: pagePath(call.child) }, "The child run that answers it")));
  if (call.manner && call.manner.text !== "{}")
    found.push(element("h5", {}, "Asked with"), textBlock(runId, call.manner, "json"));
  if (call.reused)
    found.push(
      element("p", { class: "hint" }, "It was paid for before, in a block that was rolled back: the same reply again, free."),
    );
  if (call.reply)
    found.push(
      element("h5", {}, "Reply"),
      ...(call.child ? [] : [element("p", { class: "hint" }, replyFacts(call))]),
      textBlock(runId, call.reply, "answer"),
    );
  if (call.error) found.push(element("h5", {}, "Error"), textBlock(runId, call.error, "plain", { class: "error" }));
  if (call.finishedAt === null) found.push(element("p", { class: "hint" }, waits(call)));
  return found;
}

function replyFacts(call) {
  const { prompt_tokens: read = 0, completion_tokens: written = 0 } = call.usage ?? {};
  const free = call.cached ? ", from the cache: free" : "";
  return `${inline(call.provider, 80)} · ${counted(read, "token")} read, ${number(written)} written${free}`;
}

function waits(call) {
  if (!call.wait) return "No reply yet.";
  const { provider, reason } = call.wait;
  return `No reply yet: waits ${seconds(call.wait.seconds)} for ${inline(provider, 80)}: ${inline(reason, 200)}`;
}
