// Puts codes, moments and money into words.

/** @type {Record<string, string>} */
const REASONS = {
  no_model_available: "No model could be reached",
  low_confidence: "The models were not sure enough",
  invalid_output: "The models' answers were not valid",
  truncated: "The models' answers were cut off",
  too_many_steps: "The model went in circles",
  tool_unavailable: "A tool could not be reached",
  agent_fault: "The agent's own code failed",
  person_needed: "A tool asks for a person's decision",
  outcome_unknown: "A tool may have acted: outcome unknown",
  conflicting_effect: "The model wanted a second, different action",
  refusal: "The model refused",
  content_filter: "The provider's safety filter stopped it",
  over_limit: "A spending limit is used up",
  unpriced_model: "A model has no price",
  requested: "The client asked not to wait",
  interrupted: "The run was cut off",
  stopped: "Stopped by an operator",
};

/** @type {Record<string, string>} */
const ERRORS = {
  timeout: "timed out",
  connection: "no connection",
  server_error: "provider's error",
  rate_limited: "rate limited",
  no_credit: "out of credit",
  bad_key: "key refused",
  model_gone: "model is gone",
  bad_request: "request refused",
  garbage: "unreadable answer",
  empty: "empty answer",
  truncated: "answer cut off",
  refusal: "refused",
  content_filter: "safety filter",
  invalid_output: "invalid output",
  breaker_open: "skipped, breaker open",
  throttled_here: "held back here",
  over_limit: "over the limit",
};

/** @type {Record<string, string>} */
const TIERS = {
  first_attempt: "First attempt",
  corrected_retry: "Corrected retry",
  alternative_path: "Alternative path",
  human: "A person",
};

/** @type {Record<string, string>} */
const STATUSES = { resolved: "Answered by a model" };

/** @type {Record<string, string>} */
const PROBLEMS = {
  "outcome-pending": "The server does not know the outcome yet",
  "store-unavailable": "The state store did not answer",
};

/**
 * A problem's title and detail in an operator's words: some are made for the programs that call the API.
 *
 * @param {string} code
 * @param {string} title
 * @param {string} detail
 */
export const problemOf = (code, title, detail) =>
  PROBLEMS[code] ? [PROBLEMS[code], ""] : [title || "Something went wrong", detail];

/** @param {unknown} code */
const spaced = (code) => {
  const text = String(code ?? "").replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
};

/** @param {string} code */
export const reasonOf = (code) => REASONS[code] ?? spaced(code);
/** @param {string} code */
export const errorOf = (code) => ERRORS[code] ?? spaced(code).toLowerCase();
/** @param {string} code */
export const tierOf = (code) => TIERS[code] ?? spaced(code);
/** @param {string} code */
export const statusOf = (code) => STATUSES[code] ?? spaced(code);
export const labelOf = spaced;

/** Seconds as "4 s", "12 min", "3 h 20 min", "2 d 4 h". @param {number} seconds */
export function duration(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s} s`;
  const m = Math.floor(s / 60);
  if (m < 60) return `${m} min`;
  const hours = Math.floor(m / 60);
  if (hours < 24) return m % 60 ? `${hours} h ${m % 60} min` : `${hours} h`;
  const days = Math.floor(hours / 24);
  return hours % 24 ? `${days} d ${hours % 24} h` : `${days} d`;
}

/** Seconds as "14:05", for what is counted down. @param {number} seconds */
export function countdown(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  if (s >= 3600) return duration(s);
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
}

/** @param {number} ms */
export const milliseconds = (ms) => (ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`);

/** "0.012345" as "$0.0123": always four digits, so that amounts compare at a glance. @param {string} text */
export function dollars(text) {
  const amount = Number(text);
  return amount > 0 && amount < 0.0001 ? "<$0.0001" : `$${amount.toFixed(4)}`;
}

/** @param {number} share */
export const percent = (share) => `${Math.round(share * 100)} %`;

/** A moment in the reader's own time; today without its date. @param {number} seconds */
export function moment(seconds) {
  const at = new Date(seconds * 1000);
  const today = at.toDateString() === new Date().toDateString();
  /** @type {Intl.DateTimeFormatOptions} */
  const day = today ? {} : { month: "short", day: "numeric" };
  return at.toLocaleString([], { ...day, hour: "2-digit", minute: "2-digit" });
}

/** A detail of a problem as a sentence of its own. @param {string} text */
export const sentence = (text) => (text ? `${text.charAt(0).toUpperCase()}${text.slice(1).replace(/\.?$/, ".")}` : "");

/** @param {string | null} iso */
export const secondsOf = (iso) => (iso ? Date.parse(iso) / 1000 : 0);
/** @param {number} n @param {string} one */
export const plural = (n, one, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;

/** "anthropic:claude-haiku-5-5" as its name, its provider apart. @param {string} id */
export function model(id) {
  const [provider, ...name] = String(id).split(":");
  return name.length ? { provider, name: name.join(":") } : { provider: "", name: provider };
}

/** @param {string} id */
export const isUuid = (id) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id);

/** An id that is short enough to read aloud. @param {string} id */
export const short = (id) => (isUuid(id) ? `${id.slice(0, 8)}…` : id);

/** What a customer is called where a name is due. @param {string} id */
export const customerOf = (id) => (isUuid(id) ? `Customer ${short(id)}` : id);

/**
 * What a colleague is called: by their name, unless that is an id too.
 *
 * @param {string | null} id
 * @param {string | null | undefined} name
 * @param {string} me
 */
export const person = (id, name, me) => (id === me ? "you" : name && !isUuid(name) ? name : short(id ?? ""));
