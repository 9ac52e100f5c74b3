// Numbers, times and sizes as a person reads them. Pure functions.

export function seconds(value) {
  if (value < 0.9995) return `${Math.round(value * 1000)} ms`;
  if (value < 59.95) return `${value.toFixed(1)} s`;
  const whole = Math.round(value);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours ? `${hours} h ${minutes} min` : `${minutes} min ${rest} s`;
}

export function number(value) {
  return value.toLocaleString("en");
}

export function counted(value, word) {
  return `${number(value)} ${word}${value === 1 ? "" : "s"}`;
}

export function bytes(value) {
  const units = ["bytes", "KB", "MB", "GB"];
  let place = 0;
  while (value >= 1000 && place < units.length - 1) {
    value /= 1000;
    place += 1;
  }
  return `${place && value < 100 ? value.toFixed(1) : Math.round(value)} ${units[place]}`;
}

// What is not known is not nothing: then it is not shown.
export function dollars(cost) {
  if (cost === null || cost === undefined) return null;
  return cost === 0 ? "$0" : `$${cost.toFixed(cost < 0.01 ? 5 : cost < 1 ? 3 : 2)}`;
}

export function moment(date) {
  return date.toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium" });
}

// "3 min ago", of a Date before now.
export function ago(date, now = new Date()) {
  const passed = Math.max(0, (now - date) / 1000);
  if (passed < 45) return "just now";
  if (passed < 3600) return `${Math.max(1, Math.round(passed / 60))} min ago`;
  if (passed < 86_400) return `${Math.round(passed / 3600)} h ago`;
  return date.toLocaleDateString("en-GB", { dateStyle: "medium" });
}

const STATUS = {
  queued: "Queued",
  running: "Running",
  waiting: "Waiting for a model",
  parked: "Parked",
  answered: "Answered",
  cancelled: "Cancelled",
  max_iterations: "Out of turns",
  max_sub_calls: "Out of sub-calls",
  max_seconds: "Out of time",
  max_fuel: "Out of fuel",
  max_journal: "Journal full",
  store_full: "Store full",
  repeated_reply: "Repeated reply",
  provider_error: "Provider error",
  not_resumable: "Not resumable",
  internal_error: "Internal error",
};
export const STATUSES = Object.entries(STATUS);
export const GOES_ON = new Set(["queued", "running", "waiting", "parked"]);

// A status that a later version has is shown by its own name.
export function statusName(status) {
  return STATUS[status] ?? String(status);
}

// answered, failed or running: its colour.
export function statusKind(status) {
  if (GOES_ON.has(status)) return "running";
  return status === "answered" ? "answered" : "failed";
}
