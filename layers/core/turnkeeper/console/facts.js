// The facts of an escalation: what was said, what was tried, what was done, what it cost, what is down.

import { now } from "./api.js";
import { copied, h, icon } from "./dom.js";
import {
  countdown,
  dollars,
  errorOf,
  isUuid,
  labelOf,
  milliseconds,
  model,
  moment,
  percent,
  plural,
  reasonOf,
  tierOf,
} from "./words.js";

/** The conversation so far, and the message that waits. @param {Said[]} said @param {string} message @param {boolean} ended */
export function conversation(said, message, ended) {
  const own = ended ? said.findLastIndex((one) => one.message === message) : -1;
  const earlier = said.filter((_, index) => index !== own);
  return [
    earlier.length > 0 &&
      h(
        "ol.said",
        { "aria-label": "Earlier in this conversation" },
        earlier.map((one) => [
          h("li.bubble.theirs", {}, one.message),
          one.reply
            ? h("li.bubble.ours", {}, one.reply)
            : h("li.bubble.none", {}, `No reply: ${labelOf(one.status).toLowerCase()}`),
        ]),
      ),
    h("figure.asked", {}, h("figcaption", {}, "The customer asks"), h("blockquote", {}, message)),
  ];
}

/** @type {Record<string, string>} */
const MARKS = { accepted: "check", rejected: "warning", unavailable: "cross", skipped: "skip" };

/**
 * Attempts as a timeline: each with its calls, a bar for how long each took; `acceptAt` is what each tier asked for.
 *
 * @param {Attempt[]} all
 * @param {Record<string, number>} acceptAt
 */
export function attempts(all, acceptAt) {
  if (!all.length) return h("p.muted", {}, "No model was tried.");
  const longest = Math.max(1, ...all.flatMap((a) => a.calls.map((c) => c.duration_ms)));
  return h(
    "ol.timeline",
    {},
    all.map((a) => attempt(a, longest, acceptAt[a.tier])),
  );
}

/** Why an attempt was not good enough; where it was not sure enough, by how much. @param {Attempt} a @param {number | undefined} needed */
function whyOf(a, needed) {
  if (a.reason !== "low_confidence" || a.confidence === null || needed === undefined)
    return a.reason ? reasonOf(a.reason) : labelOf(a.outcome);
  return `${percent(a.confidence)} sure, ${percent(needed)} needed`;
}

/** @param {Attempt} a @param {number} longest @param {number | undefined} needed */
function attempt(a, longest, needed) {
  const draft = draftOf(a);
  const told = new Set(a.calls.map((c) => `${c.model}: ${c.error}`));
  const errors = a.errors.filter((line) => !told.has(line));
  return h(
    `li.attempt.${MARKS[a.outcome] ? a.outcome : "rejected"}`,
    {},
    h("span.mark", {}, icon(MARKS[a.outcome] ?? "warning")),
    h(
      "div.attempt-head",
      {},
      h("h3", {}, tierOf(a.tier)),
      h("span.attempt-why", {}, whyOf(a, needed)),
      h("span.attempt-cost", {}, `${milliseconds(a.duration_ms)} · ${dollars(a.cost_usd)}`),
      h("time.muted", { datetime: new Date(a.at * 1000).toISOString() }, moment(a.at)),
    ),
    a.calls.length > 0 &&
      h(
        "ul.calls",
        {},
        a.calls.map((c) => call(c, longest)),
      ),
    errors.length > 0 &&
      h(
        "ul.errors",
        {},
        errors.map((line) => h("li", {}, line)),
      ),
    draft &&
      h(
        "details.draft",
        {},
        h("summary", {}, "What the model would have said"),
        h("p.quote", {}, draft.reply),
        Boolean(draft.output) && pairs(draft.output),
      ),
  );
}

/** @param {ModelCall} c @param {number} longest */
function call(c, longest) {
  const { provider, name } = model(c.model);
  const bar = h("span.bar-fill");
  bar.style.width = `${Math.max(2, (100 * c.duration_ms) / longest)}%`;
  return h(
    "li.call",
    {},
    h("span.call-model", {}, name, provider && h("span.muted", {}, ` ${provider}`)),
    h("span.call-error", { "data-kind": c.error ? "bad" : "good" }, c.error ? errorOf(c.error) : "answered"),
    h("span.bar", { "aria-hidden": "true" }, bar),
    h("span.call-time", {}, milliseconds(c.duration_ms)),
    h("span.call-cost", {}, dollars(c.cost_usd)),
  );
}

/** What a model wrote at the end of an attempt. @param {Attempt} a @returns {(Answer & { reply: string }) | null} */
export function draftOf(a) {
  try {
    const draft = JSON.parse(a.draft);
    return draft?.reply ? draft : null;
  } catch {
    return null;
  }
}

/** @param {Effect} effect */
export const isUnknown = (effect) => effect.state === "started";

/** What tools changed outside, the unknown ones loudest. @param {Effect[]} all */
export function effects(all) {
  if (!all.length) return h("p.muted", {}, "Nothing was changed by a tool.");
  return h(
    "ul.effects",
    {},
    all.map((e) =>
      h(
        "li.effect",
        { "data-kind": isUnknown(e) ? "bad" : "" },
        h(
          "div.effect-head",
          {},
          h("code", {}, e.tool),
          h("span.tag", { "data-kind": isUnknown(e) ? "bad" : "" }, EFFECTS[e.state] ?? labelOf(e.state)),
        ),
        pairs(parsed(e.arguments)),
        e.result && h("details", {}, h("summary", {}, "Result"), pairs(parsed(e.result))),
      ),
    ),
  );
}

/** @type {Record<string, string>} */
const EFFECTS = { started: "Outcome unknown", done: "Done", not_done: "Not done" };

/** The customer's day as a bar: posted, pending, and what is left. @param {Spend} s */
export function spend(s) {
  const [posted, pending, limit] = [s.posted_usd, s.pending_usd, s.limit_usd].map(Number);
  /** @param {string} kind @param {number} amount */
  const part = (kind, amount) => {
    const element = h(`span.spend-${kind}`);
    element.style.width = `${limit ? Math.min(100, (100 * amount) / limit) : 0}%`;
    return element;
  };
  return [
    h(
      "div.spend-bar",
      {
        role: "img",
        "aria-label": `${dollars(s.posted_usd)} posted and ${dollars(s.pending_usd)} pending of ${dollars(s.limit_usd)}`,
      },
      part("posted", posted),
      part("pending", pending),
    ),
    pairs(
      {
        Posted: dollars(s.posted_usd),
        Pending: dollars(s.pending_usd),
        Remaining: dollars(s.remaining_usd),
        "Limit a day": dollars(s.limit_usd),
      },
      false,
    ),
  ];
}

/** Breakers that are open, with when each is tried again. @param {Breaker[]} open */
export function breakers(open) {
  if (!open.length) return h("p.muted", {}, "Everything this agent needs can be called.");
  return h(
    "ul.breakers",
    {},
    open.map((b) => h("li", {}, h("code", {}, b.dependency), h("span.muted", {}, breakerText(b)))),
  );
}

/** @param {Breaker} b */
export const breakerText = (b) => {
  const left = b.open_until - now();
  if (b.state === "half_open") return "being tried";
  return left > 0 ? `open, tried again in ${countdown(left)}` : "open, tried again at the next call";
};

/** @param {string} text @returns {unknown} */
const parsed = (text) => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

/** An object as a list of terms; what is not an object as text. @param {unknown} data */
export function pairs(data, pretty = true) {
  if (data === null || typeof data !== "object" || Array.isArray(data))
    return h("p.quote.code", {}, typeof data === "string" ? data : JSON.stringify(data));
  /** @param {unknown} value @returns {Child} */
  const text = (value) => {
    if (value === null) return "none";
    if (typeof value === "object") return JSON.stringify(value);
    const shown = String(value);
    return /^(turn|conv)_[0-9a-f]+$/.test(shown) || isUuid(shown) ? copied(shown) : shown;
  };
  return h(
    "dl.pairs",
    {},
    Object.entries(data).map(([key, value]) =>
      h("div", {}, h("dt", {}, pretty ? labelOf(key) : key), h("dd", {}, text(value))),
    ),
  );
}

/** @param {Attempt[]} all */
export const attemptsTitle = (all) =>
  all.length ? `What was tried · ${plural(all.length, "attempt")}` : "What was tried";
