// What a question is about: a text, files, or a context that the server holds.

import { element, field, setText, uniqueId } from "./elements.js";
import { ago, bytes } from "./format.js";
import { get, sendContext } from "./requests.js";
import { inline } from "./text.js";

const SHOWN = 20; // contexts that are held, of which the beginning is shown

export class ContextChoice {
  constructor() {
    this.files = [];
    this.text = element("textarea", { rows: "4", dir: "auto", placeholder: "Paste it here" });
    this.chosenFiles = element(
      "span",
      { class: "hint", role: "status" },
      "Or drop them here. Several are documents; a .json file is a JSON value.",
    );
    this.input = element("input", { type: "file", multiple: true, change: () => this.take([...this.input.files]) });
    this.held = element("div", { class: "held", role: "radiogroup", "aria-label": "Contexts that are held" });
    this.progress = element("progress", { max: "1", hidden: true, "aria-label": "Sending the context" });
    this.parts = {
      text: field("Text", this.text),
      files: element("div", { class: "drop" }, field("Files", this.input), this.chosenFiles),
      held: this.held,
    };
    this.tabs = this.makeTabs();
    this.node = element(
      "fieldset",
      { class: "context" },
      element("legend", {}, "About"),
      this.tabs.node,
      Object.values(this.parts),
      this.progress,
    );
    for (const [kind, over] of [
      ["dragover", true],
      ["dragleave", false],
      ["drop", false],
    ]) {
      this.node.addEventListener(kind, (event) => {
        event.preventDefault();
        this.parts.files.classList.toggle("over", over);
        if (kind === "drop") this.drop([...event.dataTransfer.files]);
      });
    }
    this.show("text");
  }

  makeTabs() {
    const name = uniqueId("about");
    const kinds = [
      ["text", "A text"],
      ["files", "Files"],
      ["held", "One that is held"],
    ];
    const inputs = kinds.map(([value]) =>
      element("input", { type: "radio", name, value, id: uniqueId("about"), change: () => this.show(value) }),
    );
    const labels = kinds.map(([, label], place) => [inputs[place], element("label", { for: inputs[place].id }, label)]);
    return { inputs, node: element("div", { class: "tabs" }, labels) };
  }

  show(kind) {
    this.kind = kind;
    for (const input of this.tabs.inputs) input.checked = input.value === kind;
    for (const [name, part] of Object.entries(this.parts)) part.hidden = name !== kind;
    if (kind === "held") this.list();
  }

  // One that is held, chosen for the reader.
  async choose(contextId) {
    this.wanted = contextId;
    this.show("held");
  }

  drop(files) {
    if (!files.length) return;
    this.show("files");
    this.take(files);
  }

  take(files) {
    this.files = files;
    const size = files.reduce((sum, each) => sum + each.size, 0);
    const names = files
      .slice(0, 3)
      .map((each) => inline(each.name, 60))
      .join(", ");
    const more = files.length > 3 ? ` and ${files.length - 3} more` : "";
    setText(this.chosenFiles, files.length ? `${names}${more}, ${bytes(size)}` : "None is chosen.");
  }

  async list() {
    const { contexts } = await get("/contexts").catch(() => ({ contexts: [] }));
    const name = uniqueId("held");
    const rows = contexts.map((context) => heldRow(name, context, context.id === this.wanted));
    this.held.replaceChildren(
      ...(rows.length ? rows.map((each) => each.node) : [element("p", { class: "hint" }, "None is held.")]),
    );
    for (const each of rows.slice(0, SHOWN)) each.preview();
  }

  // The id of the context, which is sent first if it has to be. Raises Problem, or an Error that says what is missing.
  async id() {
    if (this.kind === "held") {
      const chosen = this.held.querySelector("input:checked");
      if (!chosen) throw new Error("About: choose one of the contexts.");
      return chosen.value;
    }
    if (this.kind === "text") {
      if (!this.text.value) throw new Error("About: there is no text.");
      return this.send(this.text.value, "text/plain; charset=utf-8");
    }
    if (!this.files.length) throw new Error("About: there is no file.");
    return this.send(...bodyOf(this.files));
  }

  async send(body, kind) {
    this.progress.hidden = false;
    this.progress.value = 0;
    try {
      return (await sendContext(body, kind, (part) => (this.progress.value = part))).context_id;
    } finally {
      this.progress.hidden = true;
    }
  }
}

// A file goes as it is; JSON is wrapped, several are a form. No file is read into memory here.
function bodyOf(files) {
  if (files.length > 1) {
    const form = new FormData();
    for (const file of files) form.append("file", file, file.name);
    return [form, null];
  }
  if (/\.json$/i.test(files[0].name)) return [new Blob(['{"context":', files[0], "}"]), "application/json"];
  return [files[0], "text/plain"];
}

function heldRow(name, context, checked) {
  const input = element("input", { type: "radio", name, value: context.id, id: uniqueId("held"), checked });
  const begins = element("span", { class: "begins", dir: "auto" });
  const used = `${bytes(context.bytes)}, used ${ago(new Date(context.used * 1000))}`;
  const label = element("label", { for: input.id }, begins, element("span", { class: "hint" }, used));
  return {
    node: element("div", { class: "choice" }, input, label),
    preview: async () => {
      const { text } = await get(`/contexts/${encodeURIComponent(context.id)}/text?length=200`).catch(() => ({ text: "" }));
      setText(begins, inline(text, 120) || context.id.slice(0, 12));
    },
  };
}
