// Makes elements. Whatever comes from a model or a caller goes in as text: nothing here reads markup.

// A function among the attributes listens to the event of that name; true is an attribute without a value, false is none.
export function element(name, attributes = {}, ...content) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(key, value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== undefined && value !== null) made.setAttribute(key, value);
  }
  made.append(...content.flat(Infinity).filter((each) => each !== null && each !== undefined && each !== false));
  return made;
}

export function button(label, press, attributes = {}) {
  return element("button", { type: "button", click: press, ...attributes }, label);
}

// `build` gives its content when it is opened for the first time.
export function folded(summary, build, attributes = {}) {
  const details = element("details", attributes, element("summary", {}, summary));
  details.addEventListener("toggle", () => details.append(...[build()].flat()), { once: true });
  return details;
}

// A number for ids: labels and what they describe find each other by it.
let made = 0;
export function uniqueId(word) {
  made += 1;
  return `${word}-${made}`;
}

// A field with its label above it, and what is to know of it below.
export function field(label, control, hint) {
  control.id ||= uniqueId("field");
  const told = hint ? element("span", { class: "hint", id: `${control.id}-hint` }, hint) : null;
  if (told) control.setAttribute("aria-describedby", told.id);
  return element("div", { class: "field" }, element("label", { for: control.id }, label), control, told);
}

// Replaces text and classes only if they differ: what nobody changed is not drawn again.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
