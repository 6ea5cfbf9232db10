// The list of escalations of one status: oldest first, live, each row a link.

import { get, learnClock, now } from "./api.js";
import { announce, button, fill, h, icon, say } from "./dom.js";
import { me } from "./session.js";
import { duration, moment, person, plural, reasonOf, secondsOf, short, statusOf } from "./words.js";

export const STATUSES = ["open", "claimed", "answered", "expired"];
const COUNT_EVERY_S = 30;
/** @type {Record<string, { n: number, more: boolean }>} */
const counts = {};
let last = "#/open";
let lastOpened = "";

/** Where a reader came from, to go back to. */
export const lastList = () => last;
/** Which escalation a reader opened: its row has the focus when they come back. @param {string} id */
export const remember = (id) => (lastOpened = id);

const HINTS = [
  ["moves", "j", "k"],
  ["opens", "Enter"],
  ["shows all shortcuts", "?"],
];
/** @type {Record<string, [string, string]>} */
const EMPTY = {
  open: ["Nobody is waiting", "New escalations appear here by themselves. You are paged, too."],
  claimed: ["Nothing is claimed", "What somebody is working on appears here."],
  answered: ["No answers yet", "What people answered appears here."],
  expired: ["Nothing expired", "What nobody answered in time appears here. May it stay empty."],
};

/** The view of one status; `retry` refreshes now. @param {string} status @param {{ retry: () => void }} options */
export function listView(status, { retry }) {
  const ended = status === "answered" || status === "expired";
  const tabs = Object.fromEntries(STATUSES.map((name) => [name, tab(name, name === status)]));
  const updated = h("span.updated", {}, "Loading");
  const rows = h("ol.rows", { "aria-label": `${statusOf(status)} escalations` });
  const state = h("div", {}, skeleton());
  const heads = columns(status);
  const more = button("Show more", showMore, "wide", { hidden: true });
  /** @type {Map<string, ReturnType<typeof row>>} */
  const known = new Map();
  let pages = 1;
  let at = 0;
  let countedAt = 0;
  let failure = "";
  last = `#/${status}`;

  const element = h(
    `div.list.is-${status}`,
    {},
    h(
      "div.list-head",
      {},
      h("h1", {}, "Escalations"),
      h(
        "nav.tabs",
        { "aria-label": "Status" },
        Object.values(tabs).map((t) => t.element),
      ),
      updated,
    ),
    heads,
    rows,
    state,
    more,
    h(
      "p.hint.by-keys",
      {},
      HINTS.map(([what, ...keys]) =>
        h(
          "span",
          {},
          keys.map((key) => [h("kbd", {}, key), " "]),
          what,
        ),
      ),
    ),
  );

  async function refresh() {
    /** @type {Escalation[]} */
    const found = [];
    /** @type {string | null} */
    let cursor = null;
    for (let page = 0; page < pages; page++) {
      const query = new URLSearchParams({ status, ...(cursor && { cursor }) });
      /** @type {EscalationPage} */
      const answer = await get(`escalations?${query}`);
      found.push(...answer.escalations);
      cursor = answer.cursor;
      if (!cursor) break;
    }
    found.forEach(learnClock);
    failure = "";
    at = Date.now();
    counts[status] = { n: found.length, more: Boolean(cursor) };
    show(found);
    more.hidden = !cursor;
    tick();
    await countOthers();
    Object.values(tabs).forEach((t) => t.show());
  }

  async function countOthers() {
    if (Date.now() - countedAt < COUNT_EVERY_S * 1000) return;
    countedAt = Date.now();
    for (const name of STATUSES.filter((other) => other !== status)) {
      /** @type {EscalationPage} */
      const { escalations, cursor } = await get(`escalations?status=${name}`);
      counts[name] = { n: escalations.length, more: Boolean(cursor) };
    }
  }

  /** @param {Escalation[]} found */
  function show(found) {
    const first = rows.dataset.loaded === undefined;
    const arrived = found.filter((e) => !known.has(e.escalation_id));
    const gone = new Set(known.keys());
    found.forEach((e, index) => {
      gone.delete(e.escalation_id);
      const item = known.get(e.escalation_id) ?? row(e, ended, !first);
      known.set(e.escalation_id, item);
      item.show(e);
      if (rows.children[index] !== item.element) rows.insertBefore(item.element, rows.children[index] ?? null);
    });
    for (const [id, item] of known) {
      if (!gone.has(id)) continue;
      if (item.element.contains(document.activeElement)) {
        (item.element.nextElementSibling ?? item.element.previousElementSibling)?.querySelector("a")?.focus();
      }
      item.element.remove();
      known.delete(id);
    }
    rows.dataset.loaded = "";
    heads.hidden = !found.length;
    fill(state, found.length ? null : empty(status));
    if (first) known.get(lastOpened)?.element.querySelector("a")?.focus();
    if (!first && (arrived.length || gone.size)) {
      const news = arrived.length ? `${plural(arrived.length, "new escalation")}, ` : "";
      announce(`${news}${found.length} ${status}`);
    }
  }

  /** @param {import("./api.js").Problem} problem */
  function failed(problem) {
    failure = problem.message;
    if (rows.dataset.loaded === undefined) fill(state, broken(problem, retry));
    tick();
  }

  function tick() {
    for (const item of known.values()) item.tick();
    if (!at) return say(updated, failure ? "Not loaded yet" : "Loading");
    const ago = Math.round((Date.now() - at) / 1000);
    const text = ago < 2 ? "Updated just now" : `Updated ${duration(ago)} ago`;
    updated.classList.toggle("stale", Boolean(failure));
    say(updated, failure ? `${failure}. ${text}; trying again` : text);
  }

  function showMore() {
    pages += 1;
    retry();
  }

  /** @param {number} step */
  function move(step) {
    const links = [...rows.querySelectorAll("a")];
    const here = links.findIndex((link) => link === document.activeElement);
    const next = here < 0 ? (step > 0 ? 0 : links.length - 1) : here + step;
    links[Math.max(0, Math.min(links.length - 1, next))]?.focus();
  }

  /** @type {NonNullable<View["keys"]>} */
  const keys = { j: () => move(1), k: () => move(-1), ArrowDown: () => move(1), ArrowUp: () => move(-1) };
  STATUSES.forEach((name, index) => (keys[index + 1] = () => (location.hash = `#/${name}`)));
  const waiting = () => counts.open?.n ?? 0;
  const title = () => (waiting() ? `(${waiting()}) Escalations` : "Escalations");
  return { element, refresh, failed, tick, keys, title };
}

/** @param {string} name @param {boolean} current */
function tab(name, current) {
  const badge = h("span.badge", { hidden: true });
  const element = h("a.tab", { href: `#/${name}`, "aria-current": current ? "page" : null }, statusOf(name), badge);
  const show = () => {
    const count = counts[name];
    badge.hidden = !count?.n;
    if (count) say(badge, `${count.n}${count.more ? "+" : ""}`);
    badge.classList.toggle("loud", name === "open" && count?.n > 0);
  };
  show();
  return { element, show };
}

/** @param {string} status */
const columns = (status) => {
  /** @type {Record<string, string[]>} */
  const names = {
    open: ["Waiting", "What was asked", "Paged", "Time left"],
    claimed: ["Waiting", "What was asked", "Paged", "Time left", "Claimed by"],
  };
  const shown = names[status] ?? ["Opened", "What was asked", "Paged"];
  return h(
    "div.columns",
    { "aria-hidden": "true", hidden: true },
    shown.map((name) => h("span", {}, name)),
  );
};

/** @param {Escalation} escalation @param {boolean} ended @param {boolean} isNew */
function row(escalation, ended, isNew) {
  const cells = {
    wait: h("span.row-wait"),
    main: h("span.row-main"),
    pages: h("span.row-pages"),
    left: h("span.row-left"),
    who: h("span.row-who"),
  };
  const link = h(
    "a.row-link",
    { href: `#/escalations/${encodeURIComponent(escalation.escalation_id)}` },
    Object.values(cells),
  );
  const element = h("li.row", {}, link);
  element.classList.toggle("arrived", isNew);
  element.classList.toggle("ended", ended);
  let shown = escalation;
  /** @param {HTMLElement} cell @param {string} label @param {string} text */
  const labelled = (cell, label, text, kind = "") => {
    if (!cell.lastElementChild) fill(cell, h("span.row-label", {}, `${label} `), h("span.row-value"));
    cell.hidden = !text;
    cell.dataset.kind = kind;
    say(/** @type {Element} */ (cell.lastElementChild), text);
  };
  fill(
    cells.main,
    h("span.row-message", {}, escalation.message || reasonOf(escalation.reason)),
    h(
      "span.row-about",
      {},
      h("span", { title: escalation.customer_id }, short(escalation.customer_id)),
      ` · ${escalation.agent}`,
      escalation.message && ` · ${reasonOf(escalation.reason)}`,
    ),
  );
  /** @param {Escalation} e */
  const show = (e) => {
    shown = e;
    const critical = e.severity === "critical" && !ended;
    labelled(
      cells.pages,
      "Paged",
      `${e.pages ? `${e.pages}×` : "not yet"}${critical ? " · critical" : ""}`,
      critical ? "late" : "",
    );
    const mine = e.claimant === me().id;
    labelled(
      cells.who,
      "Claimed by",
      e.claimant && !ended ? person(e.claimant, e.claimant_name, me().id) : "",
      mine ? "mine" : "",
    );
    tick();
  };
  const tick = () => {
    if (ended) {
      labelled(cells.wait, "Opened", moment(secondsOf(shown.opened_at)));
      return;
    }
    labelled(cells.wait, "Waiting", duration(now() - secondsOf(shown.opened_at)));
    const left = secondsOf(shown.answer_by) - now();
    labelled(cells.left, "Time left", left > 0 ? duration(left) : "over", urgency(left));
  };
  return { element, show, tick };
}

/** How loud a number of seconds left should look. @param {number} left */
export const urgency = (left) => (left < 15 * 60 ? "late" : left < 60 * 60 ? "soon" : "");

const skeleton = () =>
  h(
    "div.skeleton",
    { role: "status", "aria-label": "Loading" },
    [1, 2, 3].map(() => h("div.bone")),
  );

/** @param {string} status */
const empty = (status) => h("div.state", {}, icon("calm"), h("h2", {}, EMPTY[status][0]), h("p", {}, EMPTY[status][1]));

/**
 * What is shown in place of something that could not be loaded.
 *
 * @param {import("./api.js").Problem} problem
 * @param {() => void} retry
 */
export const broken = (problem, retry) =>
  h(
    "div.state.broken",
    { role: "alert" },
    icon("warning"),
    h("h2", {}, problem.message),
    h("p", {}, problem.detail ? `${problem.detail}. Trying again by itself.` : "Trying again by itself."),
    button("Try now", retry, "primary"),
  );
