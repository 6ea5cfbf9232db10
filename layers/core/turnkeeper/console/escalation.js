// One escalation: what a person needs to know in order to answer, and what they can do about it.

import { actions, isDraftSent } from "./acting.js";
import { answerPanel, confirmStop } from "./answering.js";
import { get, learnClock, now, path } from "./api.js";
import { announce, button, fill, h, icon, memo, panel, say, toast } from "./dom.js";
import * as facts from "./facts.js";
import { broken, lastList, remember, urgency } from "./list.js";
import { dropDraft } from "./reply.js";
import { me } from "./session.js";
import { customerOf, dollars, duration, moment, person, reasonOf, secondsOf, statusOf } from "./words.js";

const ENDED = ["answered", "expired", "stopped", "resolved"];

/**
 * The view of one escalation; `retry` refreshes now.
 *
 * @param {string} id
 * @param {{ retry: () => void }} options
 * @returns {View}
 */
export function escalationView(id, { retry }) {
  const element = h("article.one", { "aria-busy": "true" }, skeleton());
  /** @type {ReturnType<typeof build> | undefined} */
  let page;
  let asked = 0;
  let shown = 0;
  remember(id);

  async function refresh() {
    const turn = (asked += 1);
    /** @type {EscalationContext} */
    const data = await get(path(id));
    if (turn < shown) return;
    shown = turn;
    learnClock(data);
    if (!page) {
      page = build(id, data, { refresh });
      fill(element, page.element);
      element.removeAttribute("aria-busy");
    }
    page.show(data);
    page.stale("");
  }

  /** @param {import("./api.js").Problem} problem */
  function failed(problem) {
    if (page && problem.status !== 404) return page.stale(`${problem.message}; trying again`);
    page = undefined;
    fill(element, backLink(), problem.status === 404 ? missing() : broken(problem, retry));
  }

  const keys = {
    c: () => page?.claim(),
    r: () => page?.focusReply(),
    Escape: () => (location.hash = lastList()),
  };
  return { element, refresh, failed, keys, tick: () => page?.tick(), title: () => page?.title() ?? "Escalation" };
}

/** @param {string} id @param {EscalationContext} first @param {{ refresh: () => Promise<void> }} options */
function build(id, first, { refresh }) {
  const customer = customerOf(first.customer_id);
  const hold = { version: 0 };
  let data = first;

  // --- parts ----------------------------------------------------------------------------------------------------------
  const status = h("span.status");
  const critical = h("span.tag.critical", { hidden: true }, "critical");
  const since = h("span");
  const [waited, left, cost, pages] = [1, 2, 3, 4].map(() => h("strong"));
  const stale = h("p.stale", { role: "status", hidden: true });
  const notice = h("div.notice", { role: "alert", tabindex: "-1", hidden: true });
  const asking = h("div.panel-body");
  const tried = panel("What was tried");
  const done = panel("What tools did");
  const spent = panel("The customer's spending today");
  const down = panel("Open breakers");
  const about = panel("About");
  const warning = h("div");

  const does = actions(
    id,
    { data: () => data, mode, reply: () => answer.reply(), look, busy, calm, done: settle, warn, whoNow },
    hold,
  );
  const answer = answerPanel(id, { ...does, stop: () => confirmStop(does.stop) });

  const columns = h(
    "div.columns-2",
    {},
    h(
      "div.wide-column",
      {},
      h("section.panel", { "aria-label": "Conversation" }, asking),
      warning,
      answer.element,
      tried.element,
    ),
    h(
      "aside.side-column",
      { "aria-label": "Facts" },
      [done, down, spent, about].map((one) => one.element),
    ),
  );
  const element = [
    backLink(),
    h(
      "header.one-head",
      {},
      h(
        "div.one-title",
        {},
        h("h1", { title: first.customer_id }, customer),
        h("span.tag", {}, first.agent),
        status,
        critical,
      ),
      h("p.one-why", {}, reasonOf(first.reason)),
      h(
        "dl.figures",
        {},
        figure(since, waited),
        figure("Left to answer", left),
        figure("Pages sent", pages),
        figure("Cost so far", cost),
      ),
    ),
    stale,
    notice,
    columns,
  ];

  const parts = {
    conversation: memo(asking, facts.conversation),
    attempts: memo(tried.body, facts.attempts),
    effects: memo(done.body, facts.effects),
    spend: memo(spent.body, facts.spend),
    about: memo(about.body, (details) => facts.pairs(details, false)),
    warning: memo(warning, unknownEffects),
  };

  // --- showing --------------------------------------------------------------------------------------------------------
  /** @returns {Mode} */
  function mode() {
    if (ENDED.includes(data.status)) return "ended";
    if (data.claimant === me().id || (data.status === "open" && hold.version > 0 && hold.version === data.version))
      return "mine";
    return data.status === "claimed" ? "theirs" : "open";
  }

  const claimant = () => person(data.claimant, data.claimant_name, me().id);

  /** @param {EscalationContext} latest */
  function show(latest) {
    const before = data;
    data = latest;
    if (data.claimant === me().id) hold.version = data.version;
    const arrived = isDraftSent(id, data);
    if (arrived) dropDraft(id);
    status.dataset.status = data.status;
    say(status, data.status === "claimed" ? `Claimed by ${claimant()}` : statusOf(data.status));
    critical.hidden = data.severity !== "critical" || mode() === "ended";
    say(cost, dollars(data.turn.cost_usd));
    say(pages, String(data.pages));
    parts.conversation(data.conversation, data.message, data.turn.status !== "awaiting_human");
    parts.attempts(data.attempts, data.accept_at ?? {});
    parts.effects(data.effects);
    parts.spend(data.spend);
    parts.about(aboutOf(data));
    parts.warning(data.effects.filter(facts.isUnknown).map((e) => e.tool));
    say(tried.heading, facts.attemptsTitle(data.attempts));
    answer.show(data, mode());
    tick();
    if (before.status === data.status) return;
    announce(`This escalation is now ${statusOf(data.status).toLowerCase()}.`);
    if (acting) return;
    if (arrived) settle("Answered. The customer has your reply.");
    else if (mode() === "ended" && notice.hidden)
      warn(`It was ${statusOf(data.status).toLowerCase()} while you were looking.`);
  }

  function tick() {
    const ended = mode() === "ended";
    const answerBy = secondsOf(data.answer_by) - now();
    say(since, ended ? "Opened" : "Waiting");
    say(waited, ended ? moment(secondsOf(data.opened_at)) : duration(now() - secondsOf(data.opened_at)));
    say(left, ended ? "–" : answerBy > 0 ? duration(answerBy) : "over");
    left.dataset.kind = ended ? "" : urgency(answerBy);
    answer.tick();
    down.element.hidden = !data.breakers.length;
    fill(down.body, facts.breakers(data.breakers));
  }

  // --- acting ---------------------------------------------------------------------------------------------------------
  let acting = false;

  /** @param {boolean} on */
  function busy(on) {
    acting = on;
    columns.toggleAttribute("aria-busy", on);
  }

  function look() {
    return refresh().then(
      () => true,
      () => false,
    );
  }

  function calm() {
    notice.hidden = true;
  }

  /** Show that something was done, and go to where it shows. @param {string} text */
  function settle(text) {
    calm();
    answer.show(data, mode());
    toast(text);
    answer.heading.focus();
  }

  /** @param {string} title */
  function warn(title, text = "", kind = "") {
    const dismiss = () => {
      calm();
      answer.heading.focus();
    };
    fill(notice, h("strong", {}, title), text && h("span", {}, ` ${text}`), button("Dismiss", dismiss, "quiet small"));
    notice.dataset.kind = kind;
    notice.hidden = false;
    notice.focus();
  }

  function whoNow() {
    return data.status === "claimed"
      ? `${claimant()} has it now.`
      : `It is ${statusOf(data.status).toLowerCase()} now.`;
  }

  return {
    element,
    show,
    tick,
    claim: () => ["open", "mine"].includes(mode()) && does.claim(),
    focusReply: () => (answer.reply() ?? answer.element.querySelector(/** @type {"button"} */ (".claim")))?.focus(),
    /** @param {string} text */
    stale(text) {
      stale.hidden = !text;
      say(stale, text);
    },
    title: () => `${customer}: ${statusOf(data.status).toLowerCase()}`,
  };
}

const backLink = () => h("a.back", { href: lastList() }, icon("back"), "Escalations");
/** @param {Child} name @param {Child} value */
const figure = (name, value) => h("div", {}, h("dt", {}, name), h("dd", {}, value));
const missing = () =>
  h(
    "div.state",
    { role: "alert" },
    icon("warning"),
    h("h2", {}, "There is no such escalation for you"),
    h("p", {}, "It may be another tenant's, or older than what is kept."),
    h("a.button", { href: "#/open" }, "See what is open"),
  );
const skeleton = () =>
  h(
    "div.skeleton",
    { role: "status", "aria-label": "Loading" },
    h("div.bone.short"),
    h("div.bone.tall"),
    h("div.bone"),
    h("div.bone"),
  );

/** @param {string[]} tools */
function unknownEffects(tools) {
  if (!tools.length) return null;
  return h(
    "div.alarm",
    { role: "note" },
    icon("warning"),
    h(
      "div",
      {},
      h("strong", {}, "A tool may have acted. "),
      "Nobody knows the outcome of ",
      tools.map((tool, i) => [i ? ", " : "", h("code", {}, tool)]),
      ". Look in the other system before you promise anything.",
    ),
  );
}

/** @param {EscalationContext} data */
function aboutOf(data) {
  const {
    turn_id: turn,
    turn: { conversation_id: conversation, task_id: task },
  } = data;
  const ids = {
    Customer: data.customer_id,
    Turn: turn,
    Conversation: conversation,
    ...(task !== turn && { Task: task }),
  };
  return {
    ...ids,
    Opened: moment(secondsOf(data.opened_at)),
    "Answer by": moment(secondsOf(data.answer_by)),
    ...data.metadata,
  };
}
