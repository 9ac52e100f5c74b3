// Follows a run: each of its events once and in order, across losses of the server and reloads of nothing.

import { get, runPath } from "./requests.js";

const JOURNALED =
  "run_started history_compacted model_called model_replied model_failed model_waits unparsed cell_started cell_finished " +
  "cell_rolled_back host_call subcall_started subcall_reused subcall_finished child_started child_finished answer_refused " +
  "answer run_finished";
const FIRST_WAIT = 300; // ms until the server is asked again
const LONGEST_WAIT = 3000;

// `to.event(number, event)`, `to.delta(delta)`, `to.state(word, problem)`: connecting, live, reconnecting, ended or refused.
export function follow(runId, to) {
  let last = -1;
  let wait = FIRST_WAIT;
  let source = null;
  let timer = 0;
  let over = false;

  function open() {
    source = new EventSource(runPath(runId, last < 0 ? "/events" : `/events?after=${last}`));
    source.addEventListener("open", () => {
      wait = FIRST_WAIT;
      to.state("live");
    });
    source.addEventListener("error", lost);
    source.addEventListener("model_delta", (message) => to.delta(JSON.parse(message.data)));
    for (const type of JOURNALED.split(" ")) source.addEventListener(type, receive);
  }

  function receive(message) {
    const number = Number(message.lastEventId);
    if (number <= last) return;
    last = number;
    to.event(number, JSON.parse(message.data));
    if (message.type === "run_finished") end("ended");
  }

  // A browser would try again by itself, but not after every failure, and not soon.
  async function lost() {
    const never = source.readyState === EventSource.CLOSED;
    source.close();
    if (over) return;
    to.state("reconnecting");
    if (never) await look();
    if (over || document.hidden) return;
    timer = setTimeout(open, wait);
    wait = Math.min(wait * 2, LONGEST_WAIT);
  }

  // Why there are no events: a run that is gone, or a caller that may not see it, stays so.
  async function look() {
    try {
      await get(runPath(runId));
    } catch (problem) {
      if (problem.status >= 400 && problem.status < 500 && problem.status !== 429) end("refused", problem);
    }
  }

  function end(word, problem) {
    over = true;
    source.close();
    document.removeEventListener("visibilitychange", seen);
    to.state(word, problem);
  }

  // A browser has six connections to a server for all tabs: one that nobody sees gives its own back.
  function seen() {
    clearTimeout(timer);
    source.close();
    if (!document.hidden) open();
  }

  document.addEventListener("visibilitychange", seen);
  to.state("connecting");
  if (!document.hidden) open();
}

// One event as a whole, of which the page kept the beginnings of long texts.
export async function wholeEvent(runId, number) {
  const leaving = new AbortController();
  const path = runPath(runId, number ? `/events?after=${number - 1}` : "/events");
  const response = await fetch(path, { headers: { accept: "application/jsonl" }, signal: leaving.signal });
  if (!response.ok) throw new Error(`The server answered ${response.status}.`);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    text += value ?? "";
    const end = text.indexOf("\n");
    if (end < 0 && !done) continue;
    leaving.abort();
    return JSON.parse(end < 0 ? text : text.slice(0, end));
  }
}
