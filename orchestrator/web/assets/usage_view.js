// The tokens of a run, explained: a row for each model, and what each word means.

import { element } from "./elements.js";
import { dollars, number } from "./format.js";
import { inline } from "./text.js";

const COLUMNS = [
  ["Calls", (used) => number(used.calls)],
  ["Read", (used) => number(used.prompt_tokens)],
  ["of that cached", (used) => number(used.cached_tokens)],
  ["Written", (used) => number(used.completion_tokens)],
  ["of that reasoning", (used) => number(used.reasoning_tokens)],
  ["Cost", (used) => dollars(used.cost) ?? "not known"],
];

export function usageTable(state) {
  const { all, models } = state.usage;
  const head = element(
    "tr",
    {},
    element("th", { scope: "col" }, "Model"),
    COLUMNS.map(([name]) => element("th", { scope: "col" }, name)),
  );
  const rows = [...models].map(([name, used]) => row(inline(name, 80), used));
  if (models.size > 1) rows.push(row("all", all));
  const table = element("table", {}, element("thead", {}, head), element("tbody", {}, rows));
  return [
    element("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Tokens by model" }, table),
    ...explained(state),
  ];
}

function row(name, used) {
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, name),
    COLUMNS.map(([, value]) => element("td", {}, value(used))),
  );
}

function explained({ started, usage }) {
  const { all } = usage;
  const whole = Math.ceil((started.context_length + [...started.query].length) / 4);
  const used = all.prompt_tokens + all.completion_tokens;
  const share =
    used > 2 * whole ? `${number(Math.round(used / whole))} times that` : `${((100 * used) / whole).toFixed(1)} % of that`;
  const told = [
    "Read: what was sent to models. What a provider still had in its own cache of prompts is part of it, and mostly cheaper.",
    "Written: what models sent back. Reasoning is part of it, and is no text of a reply.",
    `The whole input, sent once, would be about ${number(whole)} tokens (four characters each).`,
    `This run read and wrote ${number(used)}, ${share}.`,
  ];
  if (all.retried) told.push(`${number(all.retried)} of them went into attempts that brought no reply.`);
  if (all.hits) told.push(`${number(all.hits)} replies had been paid for before, and were free.`);
  if (all.estimated) told.push("A server did not count: its numbers are estimated, four characters a token.");
  return told.map((each) => element("p", { class: "hint" }, each));
}
