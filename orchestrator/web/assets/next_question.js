// Asks a next question over the context and the variables of a run that has ended.

import { modelsAndLimits } from "./choices.js";
import { element, field } from "./elements.js";
import { form } from "./forms.js";
import { begin, pagePath } from "./requests.js";

export function nextQuestion(runId) {
  const question = element("textarea", { rows: "2", required: true, dir: "auto" });
  const choice = modelsAndLimits();
  const more = element("details", {}, element("summary", {}, "Models and limits"), choice.node);
  const content = [
    field("Next question", question, "Over the same context. The variables are those that this run left."),
    more,
  ];
  const made = form({ class: "card", "aria-label": "Ask a next question" }, content, "Ask", async () => {
    location.assign(pagePath(await begin({ after: runId, query: question.value, ...choice.chosen() })));
  });
  return element("section", { class: "next" }, element("h2", {}, "Go on"), made);
}
