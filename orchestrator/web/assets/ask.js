// Asks: a question, what it is about, which models, how much they may do. Then the run's page shows it live.

import { modelsAndLimits } from "./choices.js";
import { ContextChoice } from "./context_choice.js";
import { button, element, field } from "./elements.js";
import { EXAMPLES } from "./examples.js";
import { form } from "./forms.js";
import { begin, pagePath } from "./requests.js";

export class Ask {
  constructor() {
    this.question = element("textarea", {
      rows: "2",
      required: true,
      dir: "auto",
      placeholder: "How many of these letters mention the sea?",
    });
    this.context = new ContextChoice();
    this.choice = modelsAndLimits();
    const more = element("details", {}, element("summary", {}, "Models and limits"), this.choice.node);
    const content = [field("Question", this.question), this.context.node, more];
    this.form = form({ class: "ask card", "aria-label": "Ask" }, content, "Ask", (tell) => this.send(tell));
    this.told = element("p", { class: "told", role: "alert" });
    this.node = element(
      "section",
      { "aria-label": "Ask" },
      element("h1", {}, "Ask about anything, of any size"),
      this.form,
      this.examples(),
    );
  }

  start() {
    const held = new URLSearchParams(location.search).get("context");
    if (held) this.context.choose(held);
  }

  async send(tell) {
    const context_id = await this.context.id();
    tell("It begins.");
    location.assign(pagePath(await begin({ query: this.question.value, context_id, ...this.choice.chosen() })));
  }

  examples() {
    const rows = EXAMPLES.map((example) => {
      const label = [example.question, element("span", { class: "hint" }, example.about)];
      const press = button(label, () => this.show(example, press), { class: "example" });
      return element("li", {}, press);
    });
    const list = element("ul", { class: "examples" }, rows);
    const what = element(
      "p",
      { class: "hint" },
      "One press asks it, over data that is made up here. Where the model is the script of the demo, it answers these.",
    );
    return element("details", { class: "examples-box" }, element("summary", {}, "Examples"), what, list, this.told);
  }

  // The data is made, sent and asked about at once.
  async show(example, pressed) {
    pressed.disabled = true;
    this.told.textContent = "Making the data and sending it.";
    try {
      const { body, kind } = example.context();
      const context_id = await this.context.send(body, kind);
      const asked = {
        query: example.question,
        context_id,
        ...(example.protocol ? { protocol: example.protocol } : {}),
        ...this.choice.chosen(),
      };
      location.assign(pagePath(await begin(asked)));
    } catch (problem) {
      this.told.textContent = problem.message;
      pressed.disabled = false;
    }
  }
}
