// The console itself: who is signed in, which view is shown, when it is refreshed, and what the keys do.

import { get, Problem } from "./api.js";
import { button, byId, fill, h } from "./dom.js";
import { escalationView } from "./escalation.js";
import { showHealth } from "./health.js";
import { listView, STATUSES } from "./list.js";
import { inherit, isSignedIn, me, shareSession, SignedOut, signOut } from "./session.js";
import { signInView, strangerView } from "./signin.js";
import { visible } from "./text.js";

const POLL_MS = 5_000;
const HIDDEN_POLL_MS = 30_000;
const HEALTH_MS = 15_000;

/** @type {View} */
let view;
/** @type {number | undefined} */
let timer;
let healthAt = 0;
/** @type {Health | null} */
let health = null;

/** @param {View} next */
function open(next) {
  clearTimeout(timer);
  view = next;
  fill(byId("main"), next.element);
  byId("top").classList.toggle("bare", !next.refresh);
  showTop();
  showTitle();
}

function route() {
  if (!isSignedIn()) return askToSignIn();
  const escalation = /^#\/escalations\/([^/]+)$/.exec(location.hash);
  const status = STATUSES.find((name) => location.hash === `#/${name}`);
  const retry = refresh;
  open(
    escalation ? escalationView(decodeURIComponent(escalation[1]), { retry }) : listView(status ?? "open", { retry }),
  );
  scrollTo(0, 0);
  byId("main").focus({ preventScroll: true });
  refresh();
}

function askToSignIn(why = "") {
  const gate = signInView({ why, done: route });
  open(gate);
  gate.begin();
}

async function leave() {
  const gone = signOut();
  left();
  await gone;
}

function left() {
  health = null;
  askToSignIn("You are signed out.");
}

// --- refreshing -------------------------------------------------------------------------------------------------------

async function refresh() {
  clearTimeout(timer);
  const shown = view;
  if (!shown?.refresh) return;
  try {
    await Promise.all([shown.refresh(), refreshHealth()]);
  } catch (error) {
    if (shown === view) failed(error);
  }
  if (shown !== view) return;
  showTitle();
  showTop();
  clearTimeout(timer);
  timer = setTimeout(refresh, document.hidden ? HIDDEN_POLL_MS : POLL_MS);
}

async function refreshHealth() {
  if (Date.now() - healthAt < HEALTH_MS && health) return;
  healthAt = Date.now();
  health = await get("health");
}

/** @param {unknown} error */
function failed(error) {
  if (error instanceof SignedOut) return askToSignIn(error.message);
  if (error instanceof Problem && error.status === 403) {
    return open(strangerView({ name: me().name, detail: error.detail, leave }));
  }
  view.failed?.(
    error instanceof Problem
      ? error
      : new Problem({ title: "Something went wrong", detail: String(/** @type {Error} */ (error).message) }),
  );
}

// What an event handler could not deal with itself ends here.
addEventListener("unhandledrejection", (event) => {
  if (event.reason instanceof SignedOut || event.reason instanceof Problem) {
    event.preventDefault();
    failed(event.reason);
  }
});

document.addEventListener("visibilitychange", () => document.hidden || refresh());
addEventListener("online", () => refresh());
addEventListener("hashchange", route);
setInterval(() => {
  if (document.hidden) return;
  view?.tick?.();
  showTop();
}, 1000);

// --- the top ----------------------------------------------------------------------------------------------------------

function showTitle() {
  const title = typeof view.title === "function" ? view.title() : view.title;
  document.title = visible(`${title} · Turnkeeper`);
}

/** @type {string | undefined} */
let shownTop;
function showTop() {
  const inside = Boolean(view?.refresh);
  showHealth(inside ? health : null);
  const now = JSON.stringify([inside, me().name]);
  if (now === shownTop) return;
  shownTop = now;
  fill(
    byId("user"),
    inside && [
      h("span.user-name", {}, me().name),
      button("?", help, "quiet", { "aria-label": "Keyboard shortcuts" }),
      button("Sign out", leave, "quiet"),
    ],
  );
}

// --- keys -------------------------------------------------------------------------------------------------------------

const SHORTCUTS = [
  ["j", "k", "Next, previous escalation"],
  ["Enter", null, "Open it"],
  ["1", "4", "Open, claimed, answered, expired"],
  ["c", null, "Claim, or renew your claim"],
  ["r", null, "Write the reply"],
  ["Ctrl", "Enter", "Send the answer"],
  ["Esc", null, "Leave the field, then back to the list"],
  ["?", null, "This help"],
];

function help() {
  /** @type {HTMLDialogElement} */
  const dialog = h(
    "dialog",
    { "aria-labelledby": "help-title", onclose: () => dialog.remove() },
    h("h2", { id: "help-title" }, "Keyboard shortcuts"),
    h(
      "dl.shortcuts",
      {},
      SHORTCUTS.map(([one, two, what]) =>
        h("div", {}, h("dt", {}, h("kbd", {}, one), two && [" ", h("kbd", {}, two)]), h("dd", {}, what)),
      ),
    ),
    button("Close", () => dialog.close(), "", { autofocus: true }),
  );
  document.body.append(dialog);
  dialog.showModal();
}

document.addEventListener("keydown", (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  const typing = target.closest("input, textarea, select");
  if (event.metaKey || event.ctrlKey || event.altKey || document.querySelector("dialog[open], :popover-open")) return;
  if (typing) {
    if (event.key === "Escape") target.blur();
    return;
  }
  const action = event.key === "?" && view?.refresh ? help : view?.keys?.[event.key];
  if (!action) return;
  event.preventDefault();
  action();
});

document.querySelector(".skip")?.addEventListener("click", (event) => {
  event.preventDefault();
  byId("main").focus();
});

shareSession(left);
route();
if (await inherit()) route();
