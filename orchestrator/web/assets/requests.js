// Asks the server. A refusal is a Problem, whose message is the server's own words.

export class Problem extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

// The answer's JSON, or null if it has none. Raises Problem.
export async function request(method, path, body, headers = {}) {
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  const kind = body === undefined ? {} : { "content-type": "application/json" };
  let response;
  try {
    response = await fetch(path, { method, headers: { ...kind, ...headers }, ...sent });
  } catch {
    throw new Problem(0, "The server cannot be reached.");
  }
  const answer = await response.json().catch(() => null);
  if (!response.ok) throw new Problem(response.status, answer?.detail ?? `The server answered ${response.status}.`);
  return answer;
}

export const get = (path) => request("GET", path);
export const post = (path, body = {}, headers = {}) => request("POST", path, body, headers);

export function runPath(runId, rest = "") {
  return `/runs/${encodeURIComponent(runId)}${rest}`;
}

export function pagePath(runId) {
  return `/visualize/${encodeURIComponent(runId)}`;
}

// Begins a run; sent again after a failure of the network, it is the same run. Returns its id.
export async function begin(question) {
  const key = [...crypto.getRandomValues(new Uint8Array(16))].map((each) => each.toString(16).padStart(2, "0")).join("");
  for (let left = 3; ; left -= 1) {
    try {
      return (await post("/runs", question, { "idempotency-key": key })).run_id;
    } catch (problem) {
      if (problem.status !== 0 || left === 0) throw problem;
      await new Promise((wake) => setTimeout(wake, 1000));
    }
  }
}

// Sends a context while `progress` is told how much of it has left, from 0 to 1. Returns what the server says of it.
export function sendContext(body, kind, progress = () => {}) {
  return new Promise((resolve, reject) => {
    const sending = new XMLHttpRequest();
    sending.open("POST", "/contexts");
    if (kind) sending.setRequestHeader("content-type", kind);
    sending.upload.addEventListener("progress", (event) => progress(event.total ? event.loaded / event.total : 0));
    sending.addEventListener("error", () => reject(new Problem(0, "The server cannot be reached.")));
    sending.addEventListener("load", () => {
      let answer = null;
      try {
        answer = JSON.parse(sending.responseText);
      } catch {
        // said below
      }
      if (sending.status === 201) resolve(answer);
      else reject(new Problem(sending.status, answer?.detail ?? `The server answered ${sending.status}.`));
    });
    sending.send(body);
  });
}
