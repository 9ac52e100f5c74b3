// Sets JSON out over lines by moving blanks only: numbers, escapes and double keys stay as they were written.

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;
const SHORT = 88; // characters of a list or an object that stays on one line
const LONGEST = 200_000; // characters; what is longer, or deeper, is shown as it is
const DEEPEST = 100;

// The text set out, or null if it is no list or object of JSON.
export function setOut(text) {
  const tree = parsed(text.trim(), /^[[{]/);
  return tree && write(tree, "");
}

// The texts of the commands in a list, or null if it is none.
export function commandTexts(code) {
  const list = parsed(code.trim(), /^\[/);
  return list && list.items.map((item) => item.map((each) => write(each, "")).join(""));
}

function parsed(text, beginning) {
  if (text.length > LONGEST || !beginning.test(text)) return null;
  try {
    JSON.parse(text);
  } catch {
    return null;
  }
  return read(text.match(TOKEN));
}

// A tree of tokens: a list or an object has its brackets and its items, each a list of tokens and trees.
function read(tokens) {
  const open = [{ items: [[]] }];
  for (const token of tokens) {
    const inside = open.at(-1);
    if (token === "{" || token === "[") {
      if (open.length > DEEPEST) return null;
      open.push({ begin: token, items: [[]] });
    } else if (token === "}" || token === "]") {
      inside.end = token;
      inside.items = inside.items.filter((item) => item.length);
      inside.line = inside.begin + inside.items.map(onOneLine).join(", ") + token;
      open.pop();
      open.at(-1).items.at(-1).push(inside);
    } else if (token === ",") inside.items.push([]);
    else inside.items.at(-1).push(token === ":" ? ": " : token);
  }
  return open[0].items[0][0];
}

function onOneLine(item) {
  return item.map((each) => each.line ?? each).join("");
}

function write(part, indent) {
  if (typeof part === "string") return part;
  if (part.line.length <= SHORT || !part.items.length) return part.line;
  const deeper = `${indent}  `;
  const items = part.items.map((item) => deeper + item.map((each) => write(each, deeper)).join(""));
  return `${part.begin}\n${items.join(",\n")}\n${indent}${part.end}`;
}
