// A form that sends by script: while it does, it cannot be sent again; what is wrong stands below it.

import { button, element, setText } from "./elements.js";

// `send` is awaited; it raises what is to be told. `again` is another button beside the one that sends.
export function form(attributes, content, label, send, again = null) {
  const told = element("p", { class: "told", role: "alert" });
  const submit = element("button", { type: "submit", class: "primary" }, label);
  const made = element(
    "form",
    { ...attributes, novalidate: true, submit: act },
    content,
    element("div", { class: "submit" }, submit, again, told),
  );
  return made;

  async function act(event) {
    event.preventDefault();
    setText(told, "");
    const wrong = [...made.elements].find((each) => each.willValidate && !each.checkValidity());
    if (wrong) {
      setText(told, `${made.querySelector(`label[for="${wrong.id}"]`)?.textContent ?? "A field"}: ${wrong.validationMessage}`);
      wrong.focus();
      return;
    }
    submit.disabled = true;
    try {
      await send((text) => setText(told, text));
    } catch (problem) {
      setText(told, problem.message);
    } finally {
      submit.disabled = false;
    }
  }
}

export function closing(press) {
  return button("Close", press, { class: "quiet" });
}
