// The fields that several forms share: which models, and how much a run may do.

import { element, field } from "./elements.js";
import { get } from "./requests.js";
import { inline } from "./text.js";

let asked = null;

// The configured providers, asked for once.
export function providers() {
  asked ??= get("/providers").then(
    ({ providers: found }) => found,
    () => [],
  );
  return asked;
}

// A choice among the models of a role; "" is what is configured.
export function modelChoice(role) {
  const select = element("select", {}, element("option", { value: "" }, "As configured"));
  providers().then((found) => {
    const names = found.filter((each) => each.role === role || each.role === "both").map((each) => each.name);
    for (const name of new Set(names)) select.append(element("option", { value: name }, inline(name, 80)));
  });
  return select;
}

export function countChoice(least) {
  return element("input", { type: "number", min: least, step: "1", inputmode: "numeric", placeholder: "As configured" });
}

// Models and limits as fields, and what was chosen as a part of a question.
export function modelsAndLimits() {
  const fields = {
    root_model: modelChoice("root"),
    sub_model: modelChoice("sub"),
    max_iterations: countChoice(1),
    max_sub_calls: countChoice(0),
  };
  const node = element(
    "div",
    { class: "fields" },
    field("Root model", fields.root_model),
    field("Model for sub-calls", fields.sub_model),
    field("Turns, at most", fields.max_iterations),
    field("Sub-calls, at most", fields.max_sub_calls),
  );
  return { node, chosen: () => chosen(fields) };
}

// What is filled in; a number as a number.
export function chosen(fields) {
  const filled = Object.entries(fields).filter(([, control]) => control.value !== "");
  return Object.fromEntries(
    filled.map(([name, control]) => [name, control.type === "number" ? Number(control.value) : control.value]),
  );
}
