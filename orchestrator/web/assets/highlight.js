// Colours Python and JSON: returns nodes whose text is exactly the code. Nothing of it is interpreted.

const TOKENS = new RegExp(
  [
    "(?<comment>#.*)",
    "(?<string>[rbfuRBFU]{0,2}(?:\"\"\"[^]*?\"\"\"|'''[^]*?'''|\"(?:\\\\[^]|[^\"\\\\\\n])*\"?|'(?:\\\\[^]|[^'\\\\\\n])*'?))",
    "(?<number>\\b\\d[\\w.]*)",
    "(?<word>[\\p{L}_][\\p{L}\\p{N}_]*)",
  ].join("|"),
  "gu",
);
const KEYWORDS = new Set(
  (
    "False None True and as assert async await break class continue def del elif else except finally for from global if " +
    "import in is lambda nonlocal not or pass raise return try while with yield match case true false null"
  ).split(" "),
);
// What the sandbox gives to a cell.
const PROVIDED = new Set("context llm_query llm_batch map_reduce FINAL FINAL_VAR Final answer SHOW_VARS".split(" "));

function kindOf(groups) {
  if (groups.comment) return "comment";
  if (groups.string) return "string";
  if (groups.number) return "number";
  if (KEYWORDS.has(groups.word)) return "keyword";
  return PROVIDED.has(groups.word) ? "provided" : undefined;
}

export function highlighted(code) {
  const nodes = [];
  let end = 0;
  for (const token of code.matchAll(TOKENS)) {
    const kind = kindOf(token.groups);
    if (!kind) continue;
    const span = document.createElement("span");
    span.className = kind;
    span.textContent = token[0];
    nodes.push(code.slice(end, token.index), span);
    end = token.index + token[0].length;
  }
  nodes.push(code.slice(end));
  return nodes;
}
