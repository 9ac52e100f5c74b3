// Shows the runs, or one run. Everything that comes from a model or a caller is put in as text, never as markup.

import { highlighted } from "./highlight.js";

const REFRESH_MS = 1000;
let shown = "";
const main = document.getElementById("main");

function element(name, className, ...content) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...content);
  return made;
}

function seconds(milliseconds) {
  return milliseconds < 995 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

function counted(number, word) {
  return `${number.toLocaleString("en")} ${word}${number === 1 ? "" : "s"}`;
}

function stateClass(run) {
  return run.stopped === "running" ? "running" : run.success ? "answered" : "failed";
}

function facts(run) {
  const { prompt_tokens: sent, completion_tokens: written, cost } = run.usage;
  // Not known is not nothing: then none is shown.
  const paid = cost === null ? "" : ` · $${cost.toFixed(4)}`;
  const rest =
    ` · ${counted(run.iterations, "turn")} · ${counted(run.sub_calls, "sub-call")}` +
    ` · ${sent.toLocaleString("en")} + ${counted(written, "token")}${paid} · ${seconds(run.duration_ms)}`;
  return element("div", "facts", element("span", stateClass(run), run.stopped), rest);
}

// `key` keeps it open when the page is drawn anew.
function folded(key, summary, ...content) {
  const details = element("details", undefined, element("summary", undefined, ...[summary].flat()), ...content);
  details.dataset.key = key;
  return details;
}

function labelled(label, text, className) {
  return text ? [element("div", "facts", label), element("pre", className, text)] : [];
}

function actionParts(action) {
  const parts = [];
  if (action.code) parts.push(element("pre", "code", ...highlighted(action.code)));
  const cost = action.code ? ` · ${seconds(action.guest_ms)} in the sandbox · fuel ${action.fuel.toLocaleString("en")}` : "";
  parts.push(...labelled(`Output${cost}`, action.output));
  if (action.error) parts.push(element("div", "facts failed", `Error${cost}`), element("pre", "error", action.error));
  if (!action.output && !action.error) parts.push(element("div", "facts", `No output${cost}`));
  return parts;
}

// One row of the time axis, which goes from `span.start` to `span.end`.
function bar(label, start, end, span, className) {
  const width = Math.max(span.end - span.start, 1);
  const filled = element("span", `bar ${className}`);
  filled.style.marginLeft = `${(100 * (start - span.start)) / width}%`;
  filled.style.width = `${Math.max((100 * (end - start)) / width, 0.3)}%`;
  const row = [element("span", "name", label), element("span", "track", filled)];
  return [...row, element("span", "time", seconds(end - start))];
}

function subCall(call, span) {
  const end = call.finished_ms ?? span.end;
  const state = call.error ? "broken" : call.finished_ms === null ? "open" : "sub";
  const cut = call.prompt_chars > call.prompt.length ? ` of ${counted(call.prompt_chars, "character")}, its beginning` : "";
  return folded(
    `call ${call.subcall}`,
    bar(`sub-call ${call.subcall}`, call.started_ms, end, span, state),
    ...labelled(`Prompt${cut}`, call.prompt),
    ...labelled(`Reply of ${call.provider}`, call.reply),
    ...labelled("Error", call.error, "error"),
  );
}

function timeline(turn, now) {
  const modelEnd = turn.started_ms + turn.model_ms;
  const ran = turn.actions.filter((action) => action.code);
  const ends = [...ran, ...turn.sub_queries].map((each) => each.finished_ms ?? now);
  const span = { start: turn.started_ms, end: Math.max(modelEnd, ...ends) };
  const rows = element("div", "rows", element("div", "row", ...bar("model", span.start, modelEnd, span, "model")));
  for (const [place, action] of ran.entries()) {
    const row = bar(`block ${place + 1}`, action.started_ms, action.finished_ms ?? now, span, "block");
    rows.append(element("div", "row", ...row));
  }
  rows.append(...turn.sub_queries.map((call) => subCall(call, span)));
  return rows;
}

function turnSection(turn, place, now) {
  const section = element("section", undefined, element("h2", undefined, `Turn ${turn.step}`));
  section.tabIndex = -1;
  section.dataset.key = `turn ${place}`;
  const began = `after ${seconds(turn.started_ms)} · model ${seconds(turn.model_ms)}`;
  const tokens = `${turn.prompt_tokens.toLocaleString("en")} + ${counted(turn.completion_tokens, "token")}`;
  section.append(element("div", "facts", `${began} · ${tokens} · ${counted(turn.sub_calls, "sub-call")}`));
  section.append(folded(`prompt ${place}`, "Prompt: what the model was told", element("pre", undefined, turn.prompt)));
  if (turn.reasoning) section.append(folded(`reasoning ${place}`, "Reasoning", element("pre", undefined, turn.reasoning)));
  section.append(folded(`reply ${place}`, "Reply", element("pre", undefined, turn.llm_response)));
  section.append(...turn.actions.flatMap(actionParts), timeline(turn, now));
  return section;
}

function runParts(run) {
  document.title = run.query;
  const parts = [element("h1", undefined, run.query), facts(run)];
  parts.push(element("div", "facts", `run ${run.run_id} · context of ${counted(run.context_length, "character")}`));
  if (run.answer !== null) {
    parts.push(element("h2", undefined, run.success ? "Answer" : "Partial answer"), element("pre", "answer", typeof run.answer === "string" ? run.answer : JSON.stringify(run.answer, null, 2)));
  }
  if (run.error !== null) parts.push(element("pre", "error", run.error));
  parts.push(element("p", "facts", "Keys: j and k go to the next and the previous turn, Enter opens and closes."));
  return [...parts, ...run.history.map((turn, place) => turnSection(turn, place, run.duration_ms))];
}

function listParts({ runs, next }) {
  if (!runs.length) return [element("p", undefined, "No run yet. POST a query to /query.")];
  const list = element("ul", "runs");
  for (const run of runs) {
    const link = element("a", undefined, run.query);
    link.href = `/visualize/${encodeURIComponent(run.run_id)}`;
    list.append(element("li", undefined, link, facts(run)));
  }
  if (next === null) return [element("h1", undefined, "Runs"), list];
  const older = element("a", undefined, "Older runs");
  older.href = `?cursor=${encodeURIComponent(next)}`;
  return [element("h1", undefined, "Runs"), list, element("p", undefined, older)];
}

// Drawn anew, with what was open still open and the focus where it was.
function draw(parts) {
  const open = new Set([...main.querySelectorAll("details[open]")].map((each) => each.dataset.key));
  const focused = document.activeElement.closest("[data-key]");
  main.replaceChildren(...parts);
  for (const each of main.querySelectorAll("[data-key]")) {
    if (open.has(each.dataset.key)) each.open = true;
    if (focused?.dataset.key === each.dataset.key) (each.querySelector(":scope > summary") ?? each).focus();
  }
}

function goTo(step) {
  const sections = [...main.querySelectorAll("section")];
  const now = sections.indexOf(document.activeElement.closest("section"));
  const next = sections[Math.min(Math.max(now + step, 0), sections.length - 1)];
  next?.focus();
  next?.scrollIntoView({ block: "start" });
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key === "j") goTo(1);
  if (event.key === "k") goTo(-1);
});

async function refresh() {
  const runId = location.pathname.split("/")[2];
  try {
    const response = await fetch(runId ? `/runs/${runId}` : `/runs${location.search}`);
    const text = await response.text();
    const body = JSON.parse(text);
    if (response.ok && (!runId || body.stopped === "running")) setTimeout(refresh, REFRESH_MS);
    if (text === shown) return; // nothing new
    shown = text;
    if (!response.ok) draw([element("p", undefined, body.detail)]);
    else draw(runId ? runParts(body) : listParts(body));
  } catch {
    // The server is away for a moment, or for good: what was shown stays.
    setTimeout(refresh, REFRESH_MS);
  }
}

refresh();
