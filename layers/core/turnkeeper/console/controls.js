// The controls of a form: one for each kind of scalar, and JSON for the rest. Each is `{input, read(text), write(value)}`.

import { h } from "./dom.js";
import { bare } from "./text.js";
import { labelOf } from "./words.js";

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** Whether a schema is that of one value, such as a row of a list may hold. @param {Schema} s */
export const isScalar = (s) =>
  Boolean(s.enum) ||
  s.const !== undefined ||
  ["boolean", "integer", "number", "decimal", "string"].includes(s.type ?? "");

/** The control for a schema; `read` throws an Error that says what is wrong. @param {Schema} s @returns {Control} */
export function control(s) {
  const choices = s.enum ?? (s.const !== undefined ? [s.const] : null);
  if (choices) return choice(choices.map((value) => [value, labelOf(value)]));
  if (s.type === "boolean")
    return choice([
      [true, "Yes"],
      [false, "No"],
    ]);
  if (["integer", "number", "decimal"].includes(s.type ?? "")) return numeric(s);
  if (s.type === "string") return text(s);
  return json(s);
}

/** @param {[unknown, string][]} values @returns {Control} */
function choice(values) {
  const options = values.map(([, label], index) => h("option", { value: index }, label));
  const input = h("select", {}, h("option", { value: "" }, "Choose…"), options);
  return {
    input,
    read: (value) => values[Number(value)][0],
    write: (value) => {
      const index = values.findIndex(([one]) => one === value);
      input.value = index < 0 ? "" : String(index);
    },
  };
}

/** @param {Schema} s @returns {Control} */
function numeric(s) {
  const whole = s.type === "integer";
  const input = h("input", { type: "text", inputmode: whole ? "numeric" : "decimal", autocomplete: "off" });
  /** @param {string} value */
  const read = (value) => {
    const text = numeral(value.trim());
    const number = Number(text);
    if (!NUMBER.test(text) || !Number.isFinite(number)) throw new Error("is not a number");
    if (whole && !Number.isInteger(number)) throw new Error("is not a whole number");
    if (whole && !Number.isSafeInteger(number)) throw new Error("has more digits than can be sent");
    return s.type === "decimal" ? text : number;
  };
  return { input, read, write: plainly(input) };
}

/**
 * A number as JSON writes it. "1,000" is a thousand to some and one to others: nobody should find out later.
 *
 * @param {string} text
 */
function numeral(text) {
  const [, before, after] = /^([+-]?\d+),(\d{3})$/.exec(text) ?? [];
  if (after) throw new Error(`can be read in two ways: write ${before}${after} or ${before}.${after}`);
  return text.replace(",", ".");
}

/** @type {Record<string, string>} */
const TYPES = { date: "date", "date-time": "datetime-local", email: "email", uri: "url" };

/** @param {Schema} s @returns {Control} */
function text(s) {
  if (s.format === "time") return time();
  const type = TYPES[s.format ?? ""] ?? "text";
  const long = type === "text" && (s.maxLength ?? 0) > 200;
  const attributes = { autocomplete: "off", placeholder: s.examples?.[0] };
  const input = long ? h("textarea", { rows: 3, ...attributes }) : h("input", { type, ...attributes });
  if (type === "datetime-local") {
    /** @param {string} value */
    const local = (value) => new Date(Date.parse(value) - new Date().getTimezoneOffset() * 60_000);
    return {
      input,
      read: (value) => new Date(value).toISOString(),
      write: (value) => {
        const at = String(value);
        input.value = Number.isNaN(Date.parse(at)) ? "" : local(at).toISOString().slice(0, 16);
      },
    };
  }
  return { input, read: (value) => value.trim(), write: plainly(input) };
}

/** A time as the schema means it, with 24 hours: a browser's own field follows the reader's country. @returns {Control} */
function time() {
  const input = h("input", { type: "text", inputmode: "numeric", autocomplete: "off", placeholder: "14:30" });
  /** @param {string} value */
  const read = (value) => {
    const [, hours, minutes, seconds = ""] = /^([01]?\d|2[0-3]):([0-5]\d)(:[0-5]\d)?$/.exec(value.trim()) ?? [];
    if (!hours) throw new Error("is not a time such as 14:30");
    return `${hours.padStart(2, "0")}:${minutes}${seconds}`;
  };
  return { input, read, write: (value) => plainly(input)(String(value ?? "").replace(/^(\d\d:\d\d):00$/, "$1")) };
}

/** @param {Schema} s @returns {Control} */
function json(s) {
  const input = h("textarea.code", { rows: 3, spellcheck: "false", placeholder: s.type === "array" ? "[ ]" : "JSON" });
  /** @param {string} value */
  const read = (value) => {
    try {
      return JSON.parse(value);
    } catch {
      throw new Error("is not JSON");
    }
  };
  return { input, read, write: (value) => (input.value = value === null ? "" : JSON.stringify(value, null, 2)) };
}

/** @param {Editable} input @returns {Control["write"]} */
const plainly = (input) => (value) => (input.value = bare(String(value ?? "")));
