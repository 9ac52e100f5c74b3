// Tells a screen reader what has changed: the last thing only, and not more often than it can be heard.

const PAUSE = 2000; // ms
const region = document.getElementById("told");
let next = null;
let quiet = false;

export function announce(text) {
  next = text;
  if (!quiet) say();
}

function say() {
  quiet = next !== null;
  if (next === null) return;
  region.textContent = next;
  next = null;
  setTimeout(say, PAUSE);
}
