// Makes a form out of an agent's output schema (JSON Schema, as Pydantic writes it), and reads the output back.

import { h } from "./dom.js";
import { labelOf } from "./words.js";

const DEEPEST = 4;
let ids = 0;

/** `{element, read, write, showErrors}`: read gives `{value, errors}`, errors being lines "place: what is wrong". */
export function outputForm(schema) {
  const definitions = schema.$defs ?? {};
  const places = new Map();
  const root = group(schema, [], true);

  function settle(given) {
    let s = given;
    let nullable = false;
    for (;;) {
      const { $ref, anyOf, oneOf, allOf, ...rest } = s;
      const several = anyOf ?? oneOf;
      if ($ref) s = { ...definitions[$ref.split("/").pop()], ...rest };
      else if (allOf?.length === 1) s = { ...allOf[0], ...rest };
      else if (several) {
        const some = several.filter((one) => one.type !== "null");
        nullable ||= some.length < several.length;
        if (some.length !== 1) return { s: { title: rest.title, description: rest.description }, nullable };
        s = { ...some[0], ...rest };
      } else return { s, nullable };
    }
  }

  function field(given, path, required) {
    const { s, nullable } = settle(given);
    const isGroup = s.type === "object" && s.properties && path.length < DEEPEST;
    return isGroup ? group(s, path, required && !nullable) : leaf(s, path, { required, nullable, initial: given.default });
  }

  function group(given, path, required) {
    const { s } = settle(given);
    const needed = new Set(s.required ?? []);
    const fields = Object.entries(s.properties ?? {}).map(([name, one]) => [name, field(one, [...path, name], needed.has(name))]);
    const inside = fields.map(([, one]) => one.element);
    const name = path.length ? labelOf(path.at(-1)) : null;
    const element = name ? h("fieldset.group", {}, h("legend", {}, name, !required && optional()), inside) : h("div.fields", {}, inside);
    return {
      element,
      read(errors) {
        const own = [];
        const value = {};
        for (const [key, one] of fields) {
          const given = one.read(own);
          if (given !== undefined) value[key] = given;
        }
        const nothing = Object.values(value).every((one) => one === null);
        if (!required && nothing) return null;
        errors.push(...own);
        return value;
      },
      write: (value) => fields.forEach(([key, one]) => one.write(value?.[key])),
    };
  }

  function leaf(s, path, { required, nullable, initial }) {
    const { input, read, write } = control(s);
    const id = `output-${(ids += 1)}`;
    const error = h("p.field-error", { id: `${id}-error`, hidden: true });
    const hint = s.description && h("p.field-hint", { id: `${id}-hint` }, s.description);
    Object.assign(input, { id, name: path.join(".") });
    input.setAttribute("aria-describedby", `${hint ? `${id}-hint ` : ""}${id}-error`);
    if (required && !nullable) input.setAttribute("aria-required", "true");
    const label = h("label.field-label", { for: id }, labelOf(path.at(-1)), !(required && !nullable) && optional());
    places.set(path.join("."), { input, error });
    if (initial !== undefined && initial !== null) write(initial);
    return {
      element: h("div.field", {}, label, input, hint, error),
      read(errors) {
        if (input.value.trim() === "") return nullable ? null : undefined;
        try {
          return read(input.value);
        } catch (wrong) {
          errors.push(`${path.join(".")}: ${wrong.message}`);
          return undefined;
        }
      },
      write: (value) => write(value ?? null),
    };
  }

  return {
    element: root.element,
    read() {
      const errors = [];
      return { value: root.read(errors), errors };
    },
    write: (value) => root.write(value),
    /** Show lines at their fields; returns those that belong to no field. The first wrong field gets the focus. */
    showErrors(lines) {
      for (const { input, error } of places.values()) {
        error.hidden = true;
        error.textContent = "";
        input.removeAttribute("aria-invalid");
      }
      const left = lines.filter((line) => !place(line));
      [...places.values()].find(({ error }) => !error.hidden)?.input.focus();
      return left;
    },
  };

  function place(line) {
    const [where, ...what] = line.split(": ");
    const path = where.split(".");
    while (path.length && !places.has(path.join("."))) path.pop();
    const at = what.length && places.get(path.join("."));
    if (!at) return false;
    at.error.textContent = [at.error.textContent, what.join(": ")].filter(Boolean).join("; ");
    at.error.hidden = false;
    at.input.setAttribute("aria-invalid", "true");
    return true;
  }
}

const optional = () => h("span.optional", {}, " optional");

function control(s) {
  const choices = s.enum ?? (s.const !== undefined ? [s.const] : null);
  if (choices) return choice(choices.map((value) => [value, labelOf(value)]));
  if (s.type === "boolean") return choice([[true, "Yes"], [false, "No"]]);
  if (s.type === "integer" || s.type === "number") return numeric(s);
  if (s.type === "string") return text(s);
  return json(s);
}

function choice(values) {
  const options = values.map(([, label], index) => h("option", { value: index }, label));
  const input = h("select", {}, h("option", { value: "" }, "Choose…"), options);
  return {
    input,
    read: (value) => values[Number(value)][0],
    write: (value) => {
      const index = values.findIndex(([one]) => one === value);
      input.value = index < 0 ? "" : index;
    },
  };
}

function numeric(s) {
  const whole = s.type === "integer";
  const input = h("input", { type: "text", inputmode: whole ? "numeric" : "decimal", autocomplete: "off" });
  const read = (value) => {
    const number = Number(value.trim().replace(",", "."));
    if (!Number.isFinite(number)) throw new Error("is not a number");
    if (whole && !Number.isInteger(number)) throw new Error("is not a whole number");
    return number;
  };
  return { input, read, write: plainly(input) };
}

const TYPES = { date: "date", time: "time", "date-time": "datetime-local", email: "email", uri: "url" };

function text(s) {
  const type = TYPES[s.format] ?? "text";
  const long = type === "text" && (s.maxLength ?? 0) > 200;
  const attributes = { autocomplete: "off", placeholder: s.examples?.[0] };
  const input = long ? h("textarea", { rows: 3, ...attributes }) : h("input", { type, ...attributes });
  if (type === "datetime-local") {
    const local = (value) => new Date(Date.parse(value) - new Date().getTimezoneOffset() * 60_000);
    return {
      input,
      read: (value) => new Date(value).toISOString(),
      write: (value) => (input.value = Number.isNaN(Date.parse(value)) ? "" : local(value).toISOString().slice(0, 16)),
    };
  }
  return { input, read: (value) => value.trim(), write: plainly(input) };
}

function json(s) {
  const input = h("textarea.code", { rows: 3, spellcheck: "false", placeholder: s.type === "array" ? "[ ]" : "JSON" });
  const read = (value) => {
    try {
      return JSON.parse(value);
    } catch {
      throw new Error("is not JSON");
    }
  };
  return { input, read, write: (value) => (input.value = value === null ? "" : JSON.stringify(value, null, 2)) };
}

const plainly = (input) => (value) => (input.value = value ?? "");
