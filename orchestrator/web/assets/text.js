// Shows a text of a model, a guest or a caller: never as markup, and with what would hide or turn it around made visible.

import { button, element } from "./elements.js";
import { wholeEvent } from "./events.js";
import { counted } from "./format.js";
import { highlighted } from "./highlight.js";
import { commandTexts, setOut } from "./json_text.js";
import { wholeText } from "./kept.js";

const COLOURED = 50_000; // characters that are coloured; longer code is plain
const PIECE = 20_000; // characters of a piece of a long text, which the browser lays out only when it is near
// Controls but tab and line feed, marks that turn the direction of what follows, and separators that look like nothing.
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

function shownAs(character) {
  const code = character.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  if (code === 0x7f) return "\u2421";
  return `\u27e8U+${code.toString(16).toUpperCase().padStart(4, "0")}\u27e9`;
}

// A carriage return before a line feed is a line's end like any other.
export function visible(text) {
  return text.replace(/\r\n/g, "\n").replace(HIDDEN, shownAs);
}

// One line of it, for where there is room for no more.
export function inline(text, most) {
  const line = visible(
    text
      .slice(0, most * 2)
      .replace(/\s+/g, " ")
      .trim(),
  );
  return line.length > most ? `${line.slice(0, most - 1)}\u2026` : line;
}

const PAINTERS = {
  python: (text) => highlighted(visible(text)),
  json: (text) => highlighted(visible(setOut(text) ?? text)),
  commands: (text) => highlighted(visible(commandTexts(text)?.join("\n") ?? text)),
  answer: (text) => {
    const json = setOut(text);
    return json ? highlighted(visible(json)) : [visible(text)];
  },
  plain: (text) => [visible(text)],
};

// A block of it, by its kind: python, json, commands, answer or plain. All of a long text is fetched when it is asked for.
export function textBlock(runId, kept, kind, attributes = {}) {
  const block = element("pre", { tabindex: "0", dir: kind === "plain" || kind === "answer" ? "auto" : "ltr", ...attributes });
  block.append(...(kept.cut || kept.chars > COLOURED ? [visible(kept.text)] : PAINTERS[kind](kept.text)));
  if (!kept.cut) return block;
  const more = button(`Show all ${counted(kept.chars, "character")}`, showAll, { class: "quiet" });
  const told = element("span", { class: "hint" }, "Its beginning.");
  const around = element("div", { class: "long" }, block, element("p", { class: "more" }, told, " ", more));
  return around;

  async function showAll() {
    more.disabled = true;
    try {
      const text = wholeText(kept, await wholeEvent(runId, kept.number));
      block.replaceChildren(...pieces(visible(text)));
      more.parentNode.remove();
      block.focus();
    } catch {
      told.textContent = "It could not be fetched.";
      more.disabled = false;
    }
  }
}

// Cut at ends of lines, as far as there are some.
function pieces(text) {
  const made = [];
  for (let start = 0; start < text.length;) {
    let end = Math.min(start + PIECE, text.length);
    const line = text.lastIndexOf("\n", end - 1);
    const atLine = end < text.length && line > start;
    if (atLine) end = line;
    made.push(element("span", { class: "piece" }, text.slice(start, end)));
    start = atLine ? end + 1 : end;
  }
  return made;
}
