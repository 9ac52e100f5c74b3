// Adds up what the replies of models used and cost, by model and in all: as the server does (orchestrator/journal/usage.py).

const COUNTS = ["prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens"];

export function nothingUsed() {
  return { all: one(), models: new Map() };
}

function one() {
  return { calls: 0, hits: 0, retried: 0, estimated: false, cost: 0, ...Object.fromEntries(COUNTS.map((each) => [each, 0])) };
}

// `reply` as an event has it; what has its default is not left out of events.
export function addReply(usage, reply) {
  const failed = reply.failed ?? [];
  const own = { ...reply.usage };
  let tries = reply.attempts;
  for (const attempt of failed) {
    tries -= attempt.times;
    for (const each of COUNTS) own[each] -= attempt.usage[each];
    add(usage, attempt.provider, { usage: attempt.usage, cost: attempt.cost, calls: attempt.times, retried: true });
  }
  if (!tries && !reply.cached && !own.prompt_tokens && !own.completion_tokens) return;
  add(usage, reply.provider, { usage: own, cost: reply.last_cost, calls: tries, hit: reply.cached });
}

// What a child run spent on one model.
export function addSpent(usage, spent) {
  add(usage, spent.model, { ...spent, hit: spent.hits });
}

function add(usage, model, part) {
  if (!usage.models.has(model)) usage.models.set(model, one());
  for (const sum of [usage.all, usage.models.get(model)]) {
    for (const each of COUNTS) sum[each] += part.usage[each] ?? 0;
    sum.calls += part.calls;
    sum.hits += Number(part.hit ?? 0);
    if (part.retried) sum.retried += (part.usage.prompt_tokens ?? 0) + (part.usage.completion_tokens ?? 0);
    sum.estimated ||= Boolean(part.usage.estimated);
    // Unknown is not nothing: one cost that is not known makes the sum unknown.
    sum.cost = sum.cost === null || part.cost === null || part.cost === undefined ? null : sum.cost + part.cost;
  }
}
