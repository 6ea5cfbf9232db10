// Makes a form out of an agent's output schema (JSON Schema, as Pydantic writes it), and reads the output back.

import { control, isScalar } from "./controls.js";
import { button, fill, h } from "./dom.js";
import { labelOf } from "./words.js";

const DEEPEST = 4;
let ids = 0;

/**
 * A form for a schema: `read` gives `{value, errors}`, errors being lines "place: what is wrong".
 *
 * @param {Schema} schema
 */
export function outputForm(schema) {
  const definitions = schema.$defs ?? {};
  /** @type {Map<string, Place>} */
  const places = new Map();
  const root = group(schema, [], true);

  /** @param {Schema} given @returns {{ s: Schema, nullable: boolean }} */
  function settle(given) {
    let s = given;
    let nullable = false;
    for (;;) {
      const { $ref, anyOf, oneOf, allOf, ...rest } = s;
      const several = anyOf ?? oneOf;
      if ($ref) s = { ...definitions[$ref.split("/").pop() ?? ""], ...rest };
      else if (allOf?.length === 1) s = { ...allOf[0], ...rest };
      else if (several) {
        const some = several.filter((one) => one.type !== "null").map((one) => settle(one).s);
        nullable ||= some.length < several.length;
        s = { ...(some.length === 1 ? some[0] : united(some)), ...rest };
      } else return { s, nullable };
    }
  }

  /** @param {Schema} given @param {string[]} path @param {boolean} required @returns {Field} */
  function field(given, path, required) {
    const { s, nullable } = settle(given);
    if (s.type === "object" && s.properties && path.length < DEEPEST) return group(s, path, required && !nullable);
    const items = s.type === "array" && s.items && settle(s.items).s;
    const wanted = { required, nullable, initial: given.default };
    return items && isScalar(items) ? list(s, items, path, wanted) : leaf(s, path, wanted);
  }

  /** @param {Schema} given @param {string[]} path @param {boolean} required @returns {Field} */
  function group(given, path, required) {
    const { s } = settle(given);
    const needed = new Set(s.required ?? []);
    /** @type {[string, Field][]} */
    const fields = Object.entries(s.properties ?? {}).map(([name, one]) => [
      name,
      field(one, [...path, name], needed.has(name)),
    ]);
    const inside = fields.map(([, one]) => one.element);
    const name = path.length ? labelOf(path.at(-1)) : null;
    const element = name
      ? h("fieldset.group", {}, h("legend", {}, name, !required && optional()), inside)
      : h("div.fields", {}, inside);
    return {
      element,
      read(errors) {
        /** @type {string[]} */
        const own = [];
        /** @type {Record<string, unknown>} */
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

  /** @param {Schema} s @param {string[]} path @param {Wanted} wanted @returns {Field} */
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
        return attempt(errors, path.join("."), () => read(input.value));
      },
      write: (value) => write(value ?? null),
    };
  }

  /** @param {Schema} s @param {Schema} items @param {string[]} path @param {Wanted} wanted @returns {Field} */
  function list(s, items, path, { required, nullable, initial }) {
    const place = path.join(".");
    const name = labelOf(path.at(-1));
    const error = h("p.field-error", { id: `output-${(ids += 1)}`, hidden: true });
    const rows = h("ol.items");
    /** @type {ReturnType<typeof append>[]} */
    const all = [];
    /** @param {Control} row */
    const isEmpty = (row) => row.input.value.trim() === "";
    const add = button("Add", () => changed(() => append().input.focus()), "small", {
      "aria-label": `Add to ${name.toLowerCase()}`,
      "aria-describedby": error.id,
    });
    const element = h(
      "fieldset.group.several",
      {},
      h("legend", {}, name, !(required && !nullable) && optional()),
      s.description && h("p.field-hint", {}, s.description),
      rows,
      add,
      error,
    );
    places.set(place, { input: add, error });

    /** @param {() => void} change */
    function changed(change) {
      change();
      all.forEach((row, index) => row.input.setAttribute("aria-label", `${name} ${index + 1}`));
      element.dispatchEvent(new Event("input", { bubbles: true }));
    }
    /** @param {unknown} [value] @returns {Control & Place & { element: HTMLElement }} */
    function append(value) {
      const element = h("li.item");
      const error = h("p.field-error", { id: `output-${(ids += 1)}`, hidden: true });
      const row = { ...control(items), error, element };
      const remove = button("Remove", () => changed(() => drop(row)), "quiet small");
      fill(element, row.input, remove, error);
      row.input.setAttribute("aria-label", `${name} ${all.length + 1}`);
      row.input.setAttribute("aria-describedby", row.error.id);
      if (value !== undefined) row.write(value);
      all.push(row);
      rows.append(row.element);
      return row;
    }
    /** @param {ReturnType<typeof append>} row */
    function drop(row) {
      all.splice(all.indexOf(row), 1);
      row.element.remove();
      (all.at(-1)?.input ?? add).focus();
    }
    /** @param {unknown} values */
    const write = (values) => {
      while (all.length) all.pop()?.element.remove();
      if (Array.isArray(values)) values.forEach((value) => append(value));
    };
    write(initial ?? (required ? [""] : []));
    return {
      element,
      read(errors) {
        const given = all.filter((row) => !isEmpty(row));
        for (const key of [...places.keys()]) if (key.startsWith(`${place}.`)) places.delete(key);
        given.forEach((row, index) => places.set(`${place}.${index}`, row));
        if (!given.length) return required ? [] : nullable ? null : undefined;
        return given.map((row, index) => attempt(errors, `${place}.${index}`, () => row.read(row.input.value)));
      },
      write,
    };
  }

  return {
    element: root.element,
    read() {
      /** @type {string[]} */
      const errors = [];
      return { value: root.read(errors), errors };
    },
    /** @type {Field["write"]} */
    write: (value) => root.write(value),
    /**
     * Show lines at their fields; returns those that belong to no field. The first wrong field gets the focus.
     *
     * @param {string[]} lines
     */
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

  /** @param {string} line */
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

/** @param {string[]} errors @param {string} place @param {() => unknown} read */
function attempt(errors, place, read) {
  try {
    return read();
  } catch (wrong) {
    errors.push(`${place}: ${/** @type {Error} */ (wrong).message}`);
    return undefined;
  }
}

/**
 * What one field can be for a union of types: a number, a decimal (Pydantic's number or patterned string), text.
 *
 * @param {Schema[]} some
 * @returns {Schema}
 */
function united(some) {
  const all = (/** @type {(string | undefined)[]} */ ...types) => some.every((one) => types.includes(one.type));
  const isDecimal =
    some.some((one) => one.type === "number") && some.every((one) => one.type !== "string" || one.pattern);
  if (all("number", "integer")) return { type: "number" };
  if (all("number", "integer", "string") && isDecimal) return { type: "decimal" };
  return some.some((one) => one.type === "string" && !one.enum) ? { type: "string" } : {};
}
