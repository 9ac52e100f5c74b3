// The questions of demo/ (demo/questions/) over data of the same form, made here: nothing has to be at hand to try them.

const SERVICES = ["payment", "search", "login", "mail"];
const ENDPOINTS = ["/cart", "/search", "/login", "/export"];
const CITIES = ["Bergen", "Oslo", "Troms\u00f8", "\u00c5lesund"];
const PRODUCTS = ["kettle", "lamp", "radio"];
const CAUSES = ["a full disk", "an expired certificate", "a wrong deployment", "a wrong deployment", "a power cut"];
const PRAISE = ["works as it should", "arrived early", "is worth its price"];
const BLAME = ["arrived broken", "stopped after a day", "is not what was shown"];

const text = (body) => ({ body, kind: "text/plain; charset=utf-8" });
const json = (body) => ({ body: JSON.stringify(body), kind: "application/json" });

export const EXAMPLES = [
  {
    question: "How many errors does the payment service have in this log?",
    about: "JSON commands over a log of 40,000 lines",
    protocol: "json",
    context: () => text(lines(40_000, logLine).join("\n")),
  },
  {
    question: "Which cause do most of these incident reports have, and how many?",
    about: "30 documents, each read by a sub-model",
    context: () => json({ documents: lines(30, report) }),
  },
  {
    question: "How many reviews of each product are positive, and how many are negative?",
    about: "classification and aggregation over a JSON value",
    context: () => json({ context: lines(40, review) }),
  },
  {
    question: "Which endpoint is the slowest at the 95th percentile, of the requests that succeeded, and how many ms are that?",
    about: "a module over 20,000 JSON Lines",
    context: () => text(lines(20_000, request).join("\n")),
  },
  {
    question: "How much was sold in each city, the most first?",
    about: "a JSON command that calls a module, over CSV",
    protocol: "json",
    context: () => text(`order,city,product,amount\r\n${lines(20_000, sale).join("\r\n")}\r\n`),
  },
];

function lines(count, make) {
  const chance = chances(count);
  return Array.from({ length: count }, (_, place) => make(chance, place));
}

// The same numbers each time (xorshift): `below(n)` is one of 0 to n - 1, `one(list)` one of a list.
function chances(seed) {
  let state = seed * 2_654_435_761 || 1;
  const below = (most) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % most;
  };
  return { below, one: (list) => list[below(list.length)] };
}

function logLine({ below, one }, place) {
  const day = String(1 + below(28)).padStart(2, "0");
  const level = one(["INFO", "INFO", "WARN", "ERROR"]);
  return `2026-11-${day} ${level} service=${one(SERVICES)} ms=${below(2000)} request ${String(place).padStart(6, "0")}`;
}

function report({ below, one }, place) {
  const filler = "Customers were told. ".repeat(20 + below(40));
  return `Report ${place}. The ${one(SERVICES)} service was down. ${filler}It turned out to be ${one(CAUSES)}. ${filler}`;
}

function review({ below, one }) {
  const product = one(PRODUCTS);
  return { product, review: `The ${product} ${one(below(5) < 3 ? PRAISE : BLAME)}.` };
}

function request({ below, one }, place) {
  const endpoint = one(ENDPOINTS);
  const ms = Math.round((1 + below(20 + 10 * ENDPOINTS.indexOf(endpoint)) + below(60)) * 10) / 10;
  return JSON.stringify({
    id: place,
    request: { method: "GET", endpoint },
    status: one([200, 200, 200, 404, 500]),
    ms,
    user: "Bj\u00f8rn",
  });
}

function sale({ below, one }, place) {
  return [place, one(CITIES), one(['"lamp, ""large"""', "lamp", "kettle"]), 100 + below(49_900)].join(",");
}
