// What a run's events say, in the shape that the page shows: a pure function of them, one event after the other.

import { count, keep, keepShort } from "./kept.js";
import { addReply, addSpent, nothingUsed } from "./usage.js";

// A fork has copied the events up to number `copied` of another run, which paid for them.
export function begin() {
  return {
    started: null,
    turns: [],
    cells: new Map(),
    calls: new Map(),
    answer: null,
    finished: null,
    at: 0,
    copied: 0,
    usage: nothingUsed(),
  };
}

// Adds event `number`, and returns the turn that it changed, if any.
export function add(state, number, event) {
  state.at = event.at;
  const turn = HANDLERS[event.event]?.(state, event, number) ?? null;
  if (turn) turn.version += 1;
  return turn;
}

// The reply under way. Not in the journal: what it says is gone when the reply itself is there.
export function addDelta(state, delta) {
  const turn = state.turns.at(-1);
  if (!turn || turn.turn !== delta.turn || turn.repliedAt !== null) return null;
  if (!turn.live || (delta.offset === 0 && !delta.reasoning_offset)) turn.live = { text: "", reasoning: "" };
  turn.live.text += delta.text;
  turn.live.reasoning += delta.reasoning;
  return turn;
}

const HANDLERS = {
  run_started(state, event) {
    state.started = event;
    state.copied = event.copied ?? 0;
  },
  history_compacted(state) {
    return note(
      state.turns.at(-1),
      "",
      "The conversation had become long: earlier outputs were shortened, and the variables listed.",
    );
  },
  model_called(state, event, number) {
    const turn = {
      index: state.turns.length,
      turn: event.turn,
      copied: number <= state.copied,
      at: event.at,
      prompt: keep(event.texts.join("\n\n"), number, "texts"),
      newChars: countAll(event.texts),
      promptChars: event.prompt_chars,
      reply: null,
      repliedAt: null,
      bestAnswer: false,
      live: null,
      wait: null,
      notes: [],
      cells: [],
      version: 0,
    };
    state.turns.push(turn);
    return turn;
  },
  model_replied(state, event, number) {
    const turn = state.turns.at(-1);
    if (!turn) return null;
    turn.bestAnswer = Boolean(event.best_answer);
    return replied(state, turn, event, number);
  },
  model_failed(state, event, number) {
    const turn = state.turns.at(-1);
    if (!turn) return null;
    note(turn, "no reply", event.error);
    return replied(state, turn, event, number);
  },
  model_waits(state, event) {
    const wait = { at: event.at, seconds: event.seconds, reason: event.reason, provider: event.provider };
    if (event.subcall !== null) {
      const call = state.calls.get(event.subcall);
      if (call) call.wait = wait;
      return call?.turn ?? null;
    }
    const turn = state.turns.at(-1);
    if (turn) turn.wait = wait;
    return turn;
  },
  unparsed(state, event) {
    return note(state.turns.at(-1), "nothing was run", event.reason);
  },
  answer_refused(state, event) {
    return note(state.turns.at(-1), "answer refused", event.reason);
  },
  cell_started(state, event, number) {
    const turn = state.turns.at(-1);
    if (!turn) return null;
    const cell = {
      number: event.cell,
      kind: event.kind,
      code: keep(event.code, number, "code"),
      at: event.at,
      finishedAt: null,
      output: null,
      outputChars: 0,
      error: null,
      limit: null,
      fuel: 0,
      guestSeconds: 0,
      hostCalls: new Map(),
      calls: [],
      version: 0,
      turn,
    };
    state.cells.set(event.cell, cell);
    turn.cells.push(cell);
    return turn;
  },
  cell_finished(state, event, number) {
    return finished(state.cells.get(event.cell), event, {
      output: keep(event.output, number, "output"),
      outputChars: event.output_chars,
      error: event.error === null ? null : keep(event.error, number, "error"),
    });
  },
  cell_rolled_back(state, event, number) {
    return finished(state.cells.get(event.cell), event, { limit: event.limit, error: keep(event.message, number, "message") });
  },
  host_call(state, event) {
    const cell = state.cells.get(event.cell);
    if (!cell) return null;
    cell.hostCalls.set(event.call.name, (cell.hostCalls.get(event.call.name) ?? 0) + 1);
    cell.version += 1;
    return cell.turn;
  },
  subcall_started(state, event, number) {
    const call = { number: event.subcall, batch: event.batch ?? 0, at: event.at, finishedAt: null, reply: null, error: null };
    call.prompt = keepShort(event.prompt, number, "prompt");
    call.manner = keepShort(JSON.stringify(event.manner ?? {}), number, "manner");
    state.calls.set(event.subcall, call);
    return addCall(state, event, call);
  },
  subcall_reused(state, event) {
    const call = {
      number: event.subcall,
      batch: event.batch ?? 0,
      at: event.at,
      finishedAt: event.at,
      reply: null,
      error: null,
    };
    call.reused = true;
    call.prompt = state.calls.get(event.subcall)?.prompt ?? keepShort("", 0, "prompt");
    return addCall(state, event, call);
  },
  subcall_finished(state, event, number) {
    const call = state.calls.get(event.subcall);
    if (!call) return null;
    call.finishedAt = event.at;
    call.wait = null;
    call.error = event.error === null ? null : keepShort(event.error, number, "error");
    if (event.reply) {
      pay(state, event.reply, number);
      call.reply = keepShort(event.reply.text, number, "reply.text");
      call.provider = event.reply.provider;
      call.usage = event.reply.usage;
      call.cached = Boolean(event.reply.cached);
    }
    call.cell.version += 1;
    return call.turn;
  },
  child_started(state, event, number) {
    const call = { number: event.subcall, batch: event.batch ?? 0, at: event.at, finishedAt: null, reply: null, error: null };
    call.child = event.run_id;
    call.prompt = keepShort(event.query, number, "query");
    state.calls.set(event.subcall, call);
    return addCall(state, event, call);
  },
  child_finished(state, event, number) {
    const call = state.calls.get(event.subcall);
    if (!call) return null;
    call.finishedAt = event.at;
    call.error = event.error === null ? null : keepShort(event.error, number, "error");
    if (event.answer !== null) call.reply = keepShort(event.answer, number, "answer");
    if (number > state.copied) for (const each of event.spent ?? []) addSpent(state.usage, each);
    call.cell.version += 1;
    return call.turn;
  },
  answer(state, event, number) {
    state.answer = { text: keep(event.text, number, "text"), partial: event.partial, at: event.at };
    return state.turns.at(-1);
  },
  run_finished(state, event) {
    state.finished = { stopped: event.stopped, error: event.error, at: event.at };
    return state.turns.at(-1);
  },
};

// `wrong`: what went wrong, in two words; "" if nothing did.
function note(turn, wrong, text) {
  turn?.notes.push({ wrong, text });
  return turn ?? null;
}

function countAll(texts) {
  return texts.reduce((sum, text) => sum + count(text), 0);
}

function pay(state, reply, number) {
  if (number > state.copied) addReply(state.usage, reply);
}

function replied(state, turn, event, number) {
  turn.repliedAt = event.at;
  turn.live = turn.wait = null;
  if (!event.reply) return turn;
  pay(state, event.reply, number);
  const { provider, usage, seconds, cost, cut } = event.reply;
  const text = keep(event.reply.text, number, "reply.text");
  turn.reply = { text, reasoning: keep(event.reply.reasoning, number, "reply.reasoning"), provider, usage, seconds, cost, cut };
  return turn;
}

function finished(cell, event, outcome) {
  if (!cell) return null;
  Object.assign(cell, outcome, { finishedAt: event.at, fuel: event.fuel, guestSeconds: event.guest_seconds });
  cell.version += 1;
  return cell.turn;
}

function addCall(state, event, call) {
  const cell = state.cells.get(event.cell);
  if (!cell) return null;
  call.cell = cell;
  call.turn = cell.turn;
  cell.calls.push(call);
  cell.version += 1;
  return cell.turn;
}

// Nanoseconds since 1970. The guest's own clock, which older journals have alone, begins in a fork as in its origin.
export function beganNs(started) {
  return started?.began_ns || started?.clock_start_ns;
}

// What the run waits for, in words, and since when; null if it has ended or not begun.
export function doing(state) {
  const turn = state.turns.at(-1);
  if (!turn || state.finished) return null;
  if (turn.repliedAt === null) return { what: "model", since: turn.at, turn };
  const cell = turn.cells.at(-1);
  if (!cell || cell.finishedAt !== null) return { what: "next", since: state.at, turn };
  const open = cell.calls.filter((call) => call.finishedAt === null);
  if (open.length) return { what: "subcalls", since: Math.min(...open.map((call) => call.at)), count: open.length, turn };
  return { what: "cell", since: cell.at, turn };
}

// The sub-calls of a cell as they were sent: those of a batch together, and those one after the other together.
export function groupCalls(calls) {
  const sizes = new Map();
  for (const call of calls) sizes.set(call.batch, (sizes.get(call.batch) ?? 0) + 1);
  const groups = [];
  for (const call of calls) {
    const alone = !call.batch || sizes.get(call.batch) === 1;
    const last = groups.at(-1);
    if (last && (alone ? last.alone : last.batch === call.batch)) last.calls.push(call);
    else groups.push({ batch: alone ? 0 : call.batch, alone, calls: [call] });
  }
  return groups;
}
