// Forks a run from a turn: all before it is taken from the journal and costs nothing; from there on it is another run.

import { chosen, countChoice, modelChoice } from "./choices.js";
import { element, field, uniqueId } from "./elements.js";
import { wholeEvent } from "./events.js";
import { closing, form } from "./forms.js";
import { wholeText } from "./kept.js";
import { pagePath, post, runPath } from "./requests.js";

// The ways to go another way, each with its fields.
const WAYS = [
  ["code", "Edit the code", "It is run in place of this turn's reply."],
  ["reply", "Edit the reply", "It stands in for what the model said."],
  ["model", "Another model", "It is asked for this turn, and from there on."],
  ["limits", "Other limits", "The model is asked anew, under these."],
];

// The form, put at the end of a turn's body, with the focus in it; closed, the focus is where it was: on `opener`.
export async function openFork(runId, turn, body, opener) {
  const open = body.querySelector("form.fork");
  if (open) {
    open.querySelector("input").focus();
    return;
  }
  const cell = turn.cells.find((each) => each.kind === "python");
  const texts = { code: cell ? await whole(runId, cell.code) : "", reply: await whole(runId, turn.reply.text) };
  const close = () => {
    made.remove();
    opener.focus();
  };
  const made = forkForm(runId, turn, texts, { first: cell ? "code" : "reply", close });
  body.append(made);
  made.querySelector("input:checked").focus();
}

async function whole(runId, kept) {
  return kept.cut ? wholeText(kept, await wholeEvent(runId, kept.number)) : kept.text;
}

function forkForm(runId, turn, texts, { first, close }) {
  const controls = {
    code: element("textarea", { rows: rows(texts.code), spellcheck: "false", class: "code", required: true }),
    reply: element("textarea", { rows: rows(texts.reply), spellcheck: "false", class: "code", required: true }),
    model: modelChoice("root"),
    limits: { max_iterations: countChoice(1), max_sub_calls: countChoice(0) },
  };
  controls.code.value = texts.code;
  controls.reply.value = texts.reply;
  controls.model.required = true;
  const parts = {
    code: field("Code", controls.code),
    reply: field("Reply", controls.reply),
    model: field("Root model", controls.model),
    limits: element(
      "div",
      { class: "fields" },
      field("Turns, at most", controls.limits.max_iterations),
      field("Sub-calls, at most", controls.limits.max_sub_calls),
    ),
  };
  const ways = wayChoice(first, (way) => {
    for (const [name, part] of Object.entries(parts)) {
      part.hidden = name !== way;
      for (const each of part.querySelectorAll("input, select, textarea")) each.disabled = name !== way;
    }
  });
  const what = element(
    "p",
    { class: "hint" },
    `A new run. The turns before turn ${turn.turn} are taken from the journal and cost nothing.`,
  );
  return form(
    { class: "fork card", "aria-label": `Fork from turn ${turn.turn}` },
    [what, ways.node, ...Object.values(parts)],
    "Run on from here",
    async () => {
      const way = ways.chosen();
      const value = way === "limits" ? chosen(controls.limits) : controls[way].value;
      const begun = await post(runPath(runId, "/fork"), { turn: turn.turn, [way]: value });
      location.assign(pagePath(begun.run_id));
    },
    closing(close),
  );
}

function rows(text) {
  return Math.min(24, Math.max(4, text.split("\n").length + 1));
}

function wayChoice(first, choose) {
  const name = uniqueId("way");
  const inputs = WAYS.map(([value]) =>
    element("input", {
      type: "radio",
      name,
      value,
      id: uniqueId("way"),
      checked: value === first,
      change: () => choose(value),
    }),
  );
  const labels = WAYS.map(([, label, hint], place) =>
    element(
      "div",
      { class: "choice" },
      inputs[place],
      element("label", { for: inputs[place].id }, label, element("span", { class: "hint" }, hint)),
    ),
  );
  choose(first);
  return {
    node: element("fieldset", { class: "choices" }, element("legend", {}, "What is to be different"), labels),
    chosen: () => inputs.find((each) => each.checked).value,
  };
}
