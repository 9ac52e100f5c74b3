// Shows the runs, or one run. Everything that comes from a model or a caller is put in as text, never as markup.

const REFRESH_MS = 1000;
let shown = "";
const main = document.getElementById("main");

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function stateClass(run) {
  return run.stopped === "running" ? "running" : run.success ? "answered" : "failed";
}

function facts(run) {
  const line = element("div", undefined, "facts");
  line.append(
    element("span", run.stopped, stateClass(run)),
    ` · ${run.iterations} turns · ${run.sub_calls} sub-calls · ` +
      `${run.usage.prompt_tokens} + ${run.usage.completion_tokens} tokens · ${(run.duration_ms / 1000).toFixed(1)} s`,
  );
  return line;
}

function block(text, className) {
  return element("pre", text, className);
}

function folded(title, text) {
  const details = element("details");
  details.append(element("summary", title), block(text));
  return details;
}

function turnSection(turn) {
  const section = element("section");
  section.append(element("h2", `Turn ${turn.step}`));
  section.append(
    element(
      "div",
      `model ${(turn.model_ms / 1000).toFixed(1)} s · ${turn.prompt_tokens} + ${turn.completion_tokens} tokens` +
        ` · ${turn.sub_calls} sub-calls`,
      "facts",
    ),
  );
  if (turn.reasoning) section.append(folded("Reasoning", turn.reasoning));
  section.append(folded("Reply", turn.llm_response));
  for (const action of turn.actions) {
    if (action.code) section.append(block(action.code, "code"));
    if (action.output) section.append(element("div", "Output", "facts"), block(action.output));
    if (action.error) section.append(element("div", "Error", "facts failed"), block(action.error, "error"));
  }
  return section;
}

function showRun(run) {
  document.title = run.query;
  const parts = [element("h1", run.query), facts(run)];
  parts.push(element("div", `run ${run.run_id} · context of ${run.context_length} characters`, "facts"));
  if (run.answer !== null) {
    parts.push(element("h2", run.success ? "Answer" : "Partial answer"), block(run.answer, "answer"));
  }
  if (run.error !== null) parts.push(block(run.error, "error"));
  parts.push(...run.history.map(turnSection));
  main.replaceChildren(...parts);
}

function showList(runs) {
  if (!runs.length) {
    main.replaceChildren(element("p", "No run yet. POST a query to /query."));
    return;
  }
  const list = element("ul", undefined, "runs");
  for (const run of runs) {
    const item = element("li");
    const link = element("a", run.query);
    link.href = `/visualize/${encodeURIComponent(run.run_id)}`;
    item.append(link, facts(run));
    list.append(item);
  }
  main.replaceChildren(element("h1", "Runs"), list);
}

async function refresh() {
  const runId = location.pathname.split("/")[2];
  const response = await fetch(runId ? `/runs/${runId}` : "/runs");
  const text = await response.text();
  const body = JSON.parse(text);
  if (response.ok && (!runId || body.stopped === "running")) setTimeout(refresh, REFRESH_MS);
  if (text === shown) return; // nothing new: the reader's place and focus stay
  shown = text;
  if (!response.ok) {
    main.replaceChildren(element("p", body.detail));
    return;
  }
  if (runId) showRun(body);
  else showList(body.runs);
}

refresh();
