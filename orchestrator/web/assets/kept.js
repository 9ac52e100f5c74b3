// What the page keeps of a text that may be of any length: its beginning, how long it is, and which event has all of it.

const LONG = 20_000; // characters of code, outputs, replies, answers
const SHORT = 2_000; // of the prompts and replies of sub-calls, of which there may be thousands

// `path` says where it stands in its event: "reply.text".
export function keep(text, number, path, most = LONG) {
  if (text.length <= most) return { text, chars: count(text), cut: false, number, path };
  // A copy: a slice would hold the whole.
  return { text: structuredClone(beginning(text, most)), chars: count(text), cut: true, number, path };
}

export function keepShort(text, number, path) {
  return keep(text, number, path, SHORT);
}

// The first characters of a text; none of them is half of one.
export function beginning(text, most) {
  const last = text.charCodeAt(most - 1);
  return text.slice(0, last >= 0xd800 && last < 0xdc00 ? most - 1 : most);
}

// Code points, which the server counts too.
export function count(text) {
  let pairs = 0;
  for (let place = 0; place < text.length; place += 1) if ((text.charCodeAt(place) & 0xfc00) === 0xdc00) pairs += 1;
  return text.length - pairs;
}

// The text of an event that `kept` is the beginning of.
export function wholeText(kept, event) {
  const found = kept.path.split(".").reduce((part, name) => part?.[name], event);
  if (typeof found === "string") return found;
  return Array.isArray(found) ? found.join("\n\n") : JSON.stringify(found);
}
