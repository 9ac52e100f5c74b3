// The head of a run's page: the question, how it stands, what it took, what can be done with it, and the answer.

import { announce } from "./announce.js";
import { button, element, folded, setText } from "./elements.js";
import { ago, counted, dollars, GOES_ON, moment, number, seconds, statusKind, statusName } from "./format.js";
import { get, pagePath, post, request, runPath } from "./requests.js";
import { beganNs } from "./state.js";
import { inline, textBlock, visible } from "./text.js";
import { usageTable } from "./usage_view.js";

const TITLE = 300; // characters of a question that are its title

export class RunHead {
  // `goTo(turn)` shows a turn.
  constructor(runId, goTo) {
    this.runId = runId;
    this.title = element("h1", { dir: "auto" }, "Loading");
    this.rest = element("div");
    this.status = element("span", { class: "status" });
    this.clock = element("span", { class: "clock" });
    this.doing = button("", () => goTo(this.turn), { class: "quiet doing", hidden: true });
    this.link = element("span", { class: "link", role: "status" });
    this.facts = element("p", { class: "facts" });
    this.lineage = element("p", { class: "facts", hidden: true });
    this.told = element("p", { class: "hint", role: "status" });
    this.actions = this.makeActions();
    this.usage = folded("Tokens", () => (this.table = element("div", {}, usageTable(this.state))), {
      class: "usage",
      hidden: true,
    });
    this.answer = element("section", { class: "answer", "aria-label": "Answer", hidden: true });
    const standing = element("div", { class: "standing" }, this.status, this.clock, this.doing, this.cancel, this.link);
    const head = element("div", { class: "run-head" }, this.title, this.rest);
    const rest = element(
      "div",
      { class: "run-head" },
      this.facts,
      this.lineage,
      this.actions,
      this.told,
      this.answer,
      this.usage,
    );
    this.nodes = [head, standing, rest];
  }

  makeActions() {
    this.cancel = button("Cancel", () => this.act("Cancelling", () => post(runPath(this.runId, "/cancel"))), {
      class: "danger",
      hidden: true,
    });
    const journal = element("a", { href: runPath(this.runId, "/journal"), download: `${this.runId}.jsonl` }, "Journal");
    const script = element("a", { href: runPath(this.runId, "/script"), download: `${this.runId}.py` }, "Script");
    this.replay = button("Execute again", () => this.act("Executing it again", () => this.verify()), { hidden: true });
    this.remove = button("Delete", () => this.ask(), { hidden: true });
    return element("div", { class: "actions" }, journal, script, this.replay, this.remove);
  }

  // Says what is done, and what came of it.
  async act(word, doIt) {
    setText(this.told, `${word}…`);
    try {
      setText(this.told, (await doIt()) ?? "");
    } catch (problem) {
      setText(this.told, problem.message);
    }
  }

  async verify() {
    const { identical, difference, cells } = await post(runPath(this.runId, "/replay"));
    return identical
      ? `Identical: ${counted(cells, "cell")} came to the same again.`
      : `It differs: ${inline(difference ?? "", 500)}`;
  }

  // A second press deletes: a first one may be a slip.
  async ask() {
    if (this.remove.textContent === "Delete") {
      setText(this.remove, "Really delete?");
      this.remove.addEventListener("blur", () => setText(this.remove, "Delete"), { once: true });
      return;
    }
    await this.act("Deleting", async () => {
      await request("DELETE", runPath(this.runId));
      location.assign("/visualize");
    });
  }

  // Where it comes from, and, which no event says, its forks.
  async showLineage({ forked_from: origin, parent }) {
    const links = [];
    if (parent) links.push("Child of ", runLink(parent), ". ");
    if (origin?.turn) links.push("Fork of ", runLink(origin.run_id), ` from turn ${origin.turn}. `);
    else if (origin) links.push("Goes on after ", runLink(origin.run_id), ". ");
    this.tellLineage(links);
    const run = await get(runPath(this.runId)).catch(() => null);
    for (const [place, fork] of (run?.forks ?? []).entries()) links.push(place ? ", " : "Forked into ", runLink(fork));
    this.tellLineage(links);
  }

  tellLineage(links) {
    this.lineage.replaceChildren(...links);
    this.lineage.hidden = !links.length;
  }

  connection(word) {
    setText(this.link, { reconnecting: "Reconnecting: the server is away.", connecting: "Connecting" }[word] ?? "");
  }

  tick(now) {
    setText(this.clock, this.state ? seconds(now) : "");
  }

  // What goes on now, which may be far down the page.
  showDoing(what) {
    this.doing.hidden = !what;
    if (!what) return;
    this.turn = what.turn;
    const words = {
      model: what.turn.live?.text ? "the model is writing" : "the model is asked",
      subcalls: what.count && `${counted(what.count, "sub-call")} under way`,
      cell: "code runs",
      next: "goes on",
    };
    setText(this.doing, `Turn ${what.turn.turn}: ${words[what.what]}`);
  }

  update(state, status) {
    this.state = state;
    const { started } = state;
    if (started && this.shown !== started) this.showQuestion(started);
    setText(this.status, statusName(status));
    this.status.className = `status ${statusKind(status)}`;
    const goesOn = GOES_ON.has(status);
    this.cancel.hidden = !goesOn;
    this.replay.hidden = this.remove.hidden = goesOn;
    this.showFacts(state);
    if (state.answer || state.finished) this.showAnswer(state);
  }

  showQuestion(started) {
    this.shown = started;
    const about = `/visualize?context=${encodeURIComponent(started.context_id)}`;
    this.actions.append(element("a", { href: about }, "Ask about its context"));
    const question = started.query;
    setText(this.title, inline(question, TITLE));
    document.title = `${inline(question, 80)} · Runs`;
    if (question.length > TITLE) {
      const kept = { text: question, chars: question.length, cut: false };
      this.rest.append(folded("The whole question", () => textBlock(this.runId, kept, "plain")));
    }
    this.showLineage(started);
    this.rest.append(...(started.earlier ?? []).map(earlier));
  }

  showFacts(state) {
    const { started, usage } = state;
    if (!started) return;
    const at = new Date(beganNs(started) / 1e6);
    const models = [...usage.models.keys()].map((name) => inline(name, 60)).join(", ");
    const documents = started.context_count > 1 ? `${number(started.context_count)} documents, ` : "";
    const about = documents + counted(started.context_length, "character");
    const turns = state.turns.filter((turn) => turn.reply && !turn.bestAnswer).length;
    const parts = [
      `${ago(at)} (${moment(at)})`,
      models,
      `context: ${about}`,
      `${counted(turns, "turn")} of ${number(started.limits.max_iterations)}`,
      `${counted(state.calls.size, "sub-call")} of ${number(started.limits.max_sub_calls)}`,
    ];
    setText(this.facts, parts.filter(Boolean).join(" · "));
    this.usage.hidden = usage.models.size === 0;
    const { prompt_tokens: read, completion_tokens: written, cost } = usage.all;
    const paid = dollars(cost);
    setText(this.usage.firstChild, `${counted(read, "token")} read, ${number(written)} written${paid ? `, ${paid}` : ""}`);
    if (this.table?.isConnected) this.table.replaceChildren(...usageTable(state));
  }

  showAnswer(state) {
    const key = `${state.answer?.at} ${state.finished?.at}`;
    if (this.answered === key) return;
    this.answered = key;
    const parts = [];
    if (state.answer) {
      const name = state.answer.partial ? "Partial answer" : "Answer";
      parts.push(
        element("h2", {}, name),
        textBlock(this.runId, state.answer.text, "answer", { class: "answer-text", "aria-label": name }),
      );
    }
    if (state.finished?.error) parts.push(element("p", { class: "note failed" }, visible(state.finished.error.slice(0, 5000))));
    this.answer.replaceChildren(...parts);
    this.answer.hidden = !parts.length;
    this.answer.classList.toggle("partial", !state.answer || state.answer.partial);
    if (state.finished) announce(`${statusName(state.finished.stopped)}, after ${seconds(state.finished.at)}`);
  }
}

function earlier({ query, answer }) {
  const parts = [
    "Asked before: ",
    element("b", {}, inline(query, 200)),
    answer === null ? " (no answer)" : ` \u2192 ${inline(answer, 200)}`,
  ];
  return element("p", { class: "facts earlier" }, parts);
}

export function runLink(runId) {
  return element("a", { href: pagePath(runId) }, `run ${String(runId).slice(0, 8)}`);
}
