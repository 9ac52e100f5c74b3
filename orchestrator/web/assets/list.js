// The list of runs, the newest first, with a search and filters that are part of the page's address.

import { providers } from "./choices.js";
import { button, element, field, setText } from "./elements.js";
import { ago, counted, dollars, GOES_ON, moment, seconds, statusKind, statusName, STATUSES } from "./format.js";
import { get, pagePath } from "./requests.js";
import { inline } from "./text.js";

const REFRESH = 2000; // ms, while the page is seen
const TYPING = 250; // ms without a key before it is searched
const FILTERS = ["text", "status", "model", "since", "until"];

export class RunList {
  constructor() {
    this.rows = element("ul", { class: "runs" });
    this.older = button("Older runs", () => this.addOlder(), { hidden: true });
    this.told = element("p", { class: "hint", role: "status" });
    this.more = []; // pages behind the first
    this.shown = "";
    this.controls = controls();
    const filters = element(
      "form",
      { class: "filters", role: "search", submit: (event) => event.preventDefault() },
      this.fields(),
    );
    this.node = element(
      "section",
      { "aria-label": "Runs", id: "runs" },
      element("h2", {}, "Runs"),
      filters,
      this.told,
      this.rows,
      this.older,
    );
  }

  start() {
    const wanted = new URLSearchParams(location.search);
    for (const name of FILTERS) this.controls[name].value = wanted.get(name) ?? "";
    providers().then((found) => {
      const names = [...new Set(found.map((each) => each.name))];
      this.controls.model.append(...names.map((name) => element("option", { value: name }, inline(name, 60))));
      this.controls.model.value = wanted.get("model") ?? "";
    });
    for (const control of Object.values(this.controls)) control.addEventListener("input", () => this.filter());
    document.addEventListener("visibilitychange", () => this.refresh());
    this.refresh();
  }

  fields() {
    const { text, status, model, since, until } = this.controls;
    const dates = element(
      "details",
      {},
      element("summary", {}, "Dates"),
      element("div", { class: "fields" }, field("From", since), field("To", until)),
    );
    return [field("Search", text), field("Status", status), field("Model", model), dates];
  }

  filter() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      const query = this.query().toString();
      history.replaceState(null, "", query ? `?${query}` : location.pathname);
      this.more = [];
      this.refresh();
    }, TYPING);
  }

  // As the address has it.
  query() {
    const filled = FILTERS.map((name) => [name, this.controls[name].value.trim()]).filter(([, value]) => value);
    return new URLSearchParams(filled);
  }

  // As the server wants it: days are whole, in the time of who looks.
  asked(cursor) {
    const query = this.query();
    if (query.has("since")) query.set("since", new Date(`${query.get("since")}T00:00:00`).toISOString());
    if (query.has("until")) query.set("until", new Date(`${query.get("until")}T23:59:59.999`).toISOString());
    if (cursor) query.set("cursor", cursor);
    return `/runs?${query}`;
  }

  async refresh() {
    clearTimeout(this.timer);
    if (document.hidden) return;
    const asked = (this.turn = {});
    try {
      const first = await get(this.asked());
      if (this.turn !== asked) return;
      this.draw([first, ...this.more]);
    } catch (problem) {
      if (this.turn === asked) setText(this.told, problem.status ? problem.message : "Reconnecting: the server is away.");
    }
    if (this.turn === asked) this.timer = setTimeout(() => this.refresh(), REFRESH);
  }

  async addOlder() {
    try {
      this.more.push(await get(this.asked(this.next)));
      this.shown = "";
      await this.refresh();
    } catch (problem) {
      setText(this.told, problem.message);
    }
  }

  draw(pages) {
    this.next = pages.at(-1).next;
    this.older.hidden = this.next === null;
    // A run that has come since is on the first page, so that another may be on two.
    const runs = [...new Map(pages.flatMap((page) => page.runs).map((run) => [run.run_id, run])).values()];
    const filtered = [...this.query().keys()].length > 0;
    setText(this.told, runs.length ? "" : filtered ? "No run is like that." : "No run yet: ask something.");
    const text = JSON.stringify(runs) + Math.floor(Date.now() / 30_000);
    if (text === this.shown) return;
    this.shown = text;
    const focused = document.activeElement?.closest("[data-run]")?.dataset.run;
    this.rows.replaceChildren(...runs.map(row));
    if (focused) this.rows.querySelector(`[data-run="${CSS.escape(focused)}"] a`)?.focus();
  }
}

function controls() {
  const any = (name) => element("option", { value: "" }, name);
  const statuses = STATUSES.map(([value, name]) => element("option", { value }, name));
  return {
    text: element("input", { type: "search", placeholder: "In questions and answers" }),
    status: element("select", {}, any("Any"), statuses),
    model: element("select", {}, any("Any")),
    since: element("input", { type: "date" }),
    until: element("input", { type: "date" }),
  };
}

function row(run) {
  const status = run.status ?? run.stopped;
  const link = element("a", { href: pagePath(run.run_id), dir: "auto" }, inline(run.query, 200) || "(blank)");
  const began = run.started_at ? new Date(run.started_at) : null;
  const at = began && element("time", { datetime: began.toISOString(), title: moment(began) }, ago(began));
  const said = run.answer === null ? null : element("p", { class: "gist", dir: "auto" }, inline(run.answer, 160));
  const facts = [
    (run.models ?? []).map((name) => inline(name, 40)).join(", "),
    counted(run.iterations, "turn"),
    run.sub_calls ? counted(run.sub_calls, "sub-call") : "",
    counted(run.usage.prompt_tokens + run.usage.completion_tokens, "token"),
    dollars(run.usage.cost) ?? "",
    GOES_ON.has(status) ? "" : seconds(run.duration_ms / 1000),
  ];
  const state = element("span", { class: `status ${statusKind(status)}` }, statusName(status));
  const line = element("p", { class: "facts" }, state, at ? [" · ", at] : null, ` · ${facts.filter(Boolean).join(" · ")}`);
  return element("li", { "data-run": run.run_id }, link, said, line);
}
