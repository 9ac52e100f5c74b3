// The pages: asking and the list of runs, or one run, by the address.

import { Ask } from "./ask.js";
import { RunList } from "./list.js";
import { RunPage } from "./run_page.js";

const main = document.getElementById("main");
const runId = decodeURIComponent(location.pathname.split("/")[2] ?? "");

if (runId) new RunPage(runId, main).start();
else {
  const [ask, list] = [new Ask(), new RunList()];
  main.replaceChildren(ask.node, list.node);
  ask.start();
  list.start();
}
