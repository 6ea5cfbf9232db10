// Makes elements. Text always goes in as text, with what hides in it made visible: nothing here parses markup.

import { pieces, visible } from "./text.js";

/**
 * h("p.note", { id: "x", onclick }, "text", child, null): an element; properties by attribute name.
 *
 * @template {string} What
 * @param {What} what
 * @param {Attributes} attributes
 * @param {Child[]} children
 * @returns {Made<What>}
 */
export function h(what, attributes = {}, ...children) {
  const [tag, ...classes] = what.split(".");
  const element = /** @type {Made<What>} */ (document.createElement(tag || "div"));
  element.classList.add(...classes);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    else if (name in PROPERTIES) /** @type {Record<string, unknown>} */ (element)[name] = value;
    else element.setAttribute(name, value === true ? "" : visible(String(value)));
  }
  add(element, children);
  return element;
}

const PROPERTIES = { value: 1, checked: 1, disabled: 1, hidden: 1, noValidate: 1 };

/** @param {Element} element @param {readonly Child[]} children */
function add(element, children) {
  for (const child of /** @type {Child[]} */ (children.flat(9))) {
    if (child === null || child === undefined || child === false) continue;
    element.append(...(child instanceof Node ? [child] : nodes(String(child))));
  }
}

/** @param {string} text */
const nodes = (text) =>
  pieces(text).map((piece, index) =>
    index % 2 ? h("span.unseen", { title: "A character that cannot be seen" }, piece) : piece,
  );

/**
 * Replace what is in an element.
 *
 * @template {Element} E
 * @param {E} element
 * @param {Child[]} children
 */
export function fill(element, ...children) {
  element.replaceChildren();
  add(element, children);
  return element;
}

/** Set text only when it changed, so that nothing flickers or is read aloud twice. @param {Element} element @param {string} text */
export function say(element, text) {
  if (element.textContent !== visible(text)) fill(element, text);
}

/** An element of the page that is always there. @param {string} id */
export const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** Tell people who do not see the screen what changed. @param {string} text */
export function announce(text) {
  byId("announcer").textContent = visible(text);
}

/** A short message at the edge of the screen, that goes by itself. @param {string} text */
export function toast(text) {
  const note = h("div.toast", {}, text);
  byId("toasts").append(note);
  announce(text);
  setTimeout(() => note.remove(), 6000);
}

/**
 * Rebuild a part of a page only when the data it shows has changed.
 *
 * @template {any[]} Data
 * @param {Element} element
 * @param {(...data: Data) => Child} render
 */
export function memo(element, render) {
  /** @type {string | undefined} */
  let before;
  return (/** @type {Data} */ ...data) => {
    const now = JSON.stringify(data);
    if (now === before) return;
    before = now;
    fill(element, render(...data));
  };
}

/** An id in full, that is copied when it is pressed. @param {string} id */
export function copied(id) {
  const copy = () =>
    navigator.clipboard?.writeText(id).then(
      () => toast("Copied."),
      () => toast("It could not be copied."),
    );
  return h("button.copy", { type: "button", onclick: copy, title: `Copy ${id}` }, h("code.id", {}, id));
}

/** A panel with a heading. @param {string} title @param {Child[]} children */
export function panel(title, ...children) {
  const body = h("div.panel-body", {}, children);
  const heading = h("h2", {}, title);
  return { element: h("section.panel", { "aria-label": title }, heading, body), body, heading };
}

/** @param {Child} label @param {(event: Event) => unknown} onclick @param {string} kind @param {Attributes} more */
export const button = (label, onclick, kind = "", more = {}) =>
  h(`button.button${kind && `.${kind.replaceAll(" ", ".")}`}`, { type: "button", onclick, ...more }, label);

const SVG = "http://www.w3.org/2000/svg";

/** A line icon out of one path. @param {string} name */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  for (const [key, value] of Object.entries({ viewBox: "0 0 16 16", class: "icon", "aria-hidden": "true" })) {
    svg.setAttribute(key, value);
  }
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** @type {Record<string, string>} */
const ICONS = {
  back: "M10 3 5 8l5 5",
  warning: "M8 2.5 14.2 13.5H1.8zM8 6.5v3M8 11.6v.1",
  check: "M3 8.5 6.5 12 13 4.5",
  cross: "M4 4l8 8M12 4l-8 8",
  skip: "M3 8h10",
  clock: "M8 4.8V8l2.2 1.6M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0z",
  bolt: "M9 1.8 3.5 9H8l-1 5.2L12.500 7H8z",
  calm: "M2.500 9.500l3 3 8-8",
};
