// One block that was run: its code or commands, its sub-calls, what it printed.

import { element, setText } from "./elements.js";
import { counted, number, seconds } from "./format.js";
import { SubcallsView } from "./subcalls_view.js";
import { textBlock } from "./text.js";

export class CellView {
  constructor(runId, cell) {
    this.runId = runId;
    this.version = -1;
    this.facts = element("p", { class: "hint" });
    this.calls = new SubcallsView(runId);
    this.outcome = element("div", { class: "outcome" });
    const name = cell.kind === "commands" ? "Commands" : "Python";
    const code = textBlock(runId, cell.code, cell.kind === "commands" ? "commands" : "python", {
      class: "code",
      "aria-label": name,
    });
    const head = element(
      "div",
      { class: "cell-head" },
      element("h4", {}, `Cell ${cell.number}`),
      element("span", { class: "tag" }, name),
      this.facts,
    );
    this.node = element("div", { class: "cell" }, head, code, this.calls.node, this.outcome);
  }

  update(cell) {
    if (cell.version === this.version) return;
    this.version = cell.version;
    setText(this.facts, facts(cell));
    this.calls.update(cell.calls);
    if (cell.finishedAt !== null && !this.outcome.childNodes.length) this.outcome.append(...outcome(this.runId, cell));
  }
}

function facts(cell) {
  if (cell.finishedAt === null) return "";
  const host = [...cell.hostCalls].map(([name, count]) => `${name} ${number(count)}`).join(", ");
  const parts = [
    seconds(cell.finishedAt - cell.at),
    `${seconds(cell.guestSeconds)} in the sandbox`,
    `fuel ${number(cell.fuel)}`,
  ];
  return [...parts, host && `host calls: ${host}`].filter(Boolean).join(" · ");
}

function outcome(runId, cell) {
  const parts = [];
  if (cell.output?.text) {
    const cut =
      cell.outputChars > cell.output.chars
        ? ` The model saw ${number(cell.output.chars)} of ${counted(cell.outputChars, "character")}.`
        : "";
    parts.push(
      element("h5", {}, "Output"),
      cut && element("p", { class: "hint" }, cut),
      textBlock(runId, cell.output, "plain", { class: "output" }),
    );
  }
  if (cell.limit !== null) parts.push(element("h5", { class: "failed" }, `Rolled back: ${cell.limit}`));
  else if (cell.error) parts.push(element("h5", { class: "failed" }, "Error"));
  if (cell.error) parts.push(textBlock(runId, cell.error, "plain", { class: "error" }));
  if (!parts.length) parts.push(element("p", { class: "hint" }, "No output."));
  return parts.filter(Boolean);
}
