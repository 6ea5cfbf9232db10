// One escalation: what a person needs to know in order to answer, and what they can do about it.

import { get, learnClock, now, path, post, Problem } from "./api.js";
import { announce, button, fill, h, icon, memo, panel, say, toast } from "./dom.js";
import * as facts from "./facts.js";
import { broken, lastList, remember, urgency } from "./list.js";
import { composer, dropDraft, savedDraft } from "./reply.js";
import { me } from "./session.js";
import { countdown, dollars, duration, moment, person, reasonOf, secondsOf, sentence, statusOf } from "./words.js";

const ENDED = ["answered", "expired", "stopped", "resolved"];

/** The view of one escalation; `retry` refreshes now. */
export function escalationView(id, { retry }) {
  const element = h("article.one", { "aria-busy": "true" }, skeleton());
  let page;
  let asked = 0;
  remember(id);

  async function refresh() {
    const turn = (asked += 1);
    const data = await get(path(id));
    if (turn !== asked) return;
    learnClock(data);
    if (!page) {
      page = build(id, data, { refresh });
      fill(element, page.element);
      element.removeAttribute("aria-busy");
    }
    page.show(data);
    page.stale("");
  }

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

function build(id, first, { refresh }) {
  const customer = first.customer_id;
  let data = first;
  let reply;
  let busy = false;
  let held = 0;
  let sent = false;

  // --- parts ----------------------------------------------------------------------------------------------------------
  const status = h("span.status");
  const waited = h("strong");
  const left = h("strong");
  const cost = h("strong");
  const pages = h("strong");
  const stale = h("p.stale", { role: "status", hidden: true });
  const notice = h("div.notice", { role: "alert", tabindex: "-1", hidden: true });
  const actions = h("div.actions");
  const holder = h("p.held");
  const answering = h("div.panel-body");
  const asking = h("div.panel-body");
  const answerPanel = h("section.panel.answering", { "aria-label": "Answer" }, answering);
  const tried = panel("What was tried");
  const done = panel("What tools did");
  const spent = panel(`${customer}'s spending today`);
  const down = panel("Open breakers");
  const about = panel("About");
  const warning = h("div");

  const columns = h(
    "div.columns-2",
    {},
    h("div.wide-column", {}, h("section.panel", { "aria-label": "Conversation" }, asking), warning, answerPanel, tried.element),
    h(
      "aside.side-column",
      { "aria-label": "Facts" },
      h("section.panel.claiming", { "aria-label": "Claim" }, h("div.panel-body", {}, holder, actions)),
      [done, down, spent, about].map((one) => one.element),
    ),
  );
  const element = [
    backLink(),
    h(
      "header.one-head",
      {},
      h("div.one-title", {}, h("h1", {}, customer), h("span.tag", {}, first.agent), status),
      h("p.one-why", {}, reasonOf(first.reason)),
      h("dl.figures", {}, figure("Waiting", waited), figure("Left to answer", left), figure("Pages sent", pages), figure("Cost so far", cost)),
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
    answering: memo(answering, renderAnswering),
    actions: memo(actions, renderActions),
  };

  // --- showing --------------------------------------------------------------------------------------------------------
  const mine = () => data.claimant === me().id || (data.status === "open" && held > 0 && held === data.version);
  const claimant = () => person(data.claimant, me().id);
  const mode = () => (ENDED.includes(data.status) ? "ended" : mine() ? "mine" : data.status === "claimed" ? "theirs" : "open");

  function show(latest) {
    const before = data;
    data = latest;
    if (data.claimant === me().id) held = data.version;
    status.dataset.status = data.status;
    columns.dataset.mode = mode();
    say(status, data.status === "claimed" ? `Claimed by ${claimant()}` : statusOf(data.status));
    say(cost, dollars(data.turn.cost_usd));
    say(pages, String(data.pages));
    parts.conversation(data.conversation, data.message, customer, data.turn.status !== "awaiting_human");
    parts.attempts(data.attempts);
    parts.effects(data.effects);
    parts.spend(data.spend);
    parts.about(aboutOf(data));
    parts.warning(data.effects.filter(facts.isUnknown).map((e) => e.tool));
    const shown = { ended: [data.status, data.answer, data.draft, data.turn.reply], theirs: data.claimant };
    parts.answering(mode(), shown[mode()]);
    parts.actions(mode());
    say(tried.heading, facts.attemptsTitle(data.attempts));
    tick();
    if (before.status !== data.status) announce(`This escalation is now ${statusOf(data.status).toLowerCase()}.`);
    if (ENDED.includes(data.status) && !ENDED.includes(before.status) && !sent && notice.hidden) {
      warn(`It was ${statusOf(data.status).toLowerCase()} while you were looking.`, "");
    }
  }

  function tick() {
    const ended = mode() === "ended";
    const answerBy = secondsOf(data.answer_by) - now();
    say(waited, ended ? `since ${moment(secondsOf(data.opened_at))}` : duration(now() - secondsOf(data.opened_at)));
    say(left, ended ? "–" : answerBy > 0 ? duration(answerBy) : "over");
    left.dataset.kind = ended ? "" : urgency(answerBy);
    say(holder, holding());
    holder.dataset.kind = mode() === "mine" && claimLeft() < 120 ? "soon" : "";
    down.element.hidden = !data.breakers.length;
    fill(down.body, facts.breakers(data.breakers));
  }

  const claimLeft = () => secondsOf(data.claim_until) - now();

  function holding() {
    switch (mode()) {
      case "ended":
        return "Nothing more to do here.";
      case "mine":
        return data.claim_until && claimLeft() > 0
          ? `Yours for ${countdown(claimLeft())}`
          : "Your claim is over, and nobody else took it. You may still answer; renew to be safe.";
      case "theirs":
        return `${claimant()} has it for another ${countdown(claimLeft())}.`;
      default:
        return "Nobody has it yet.";
    }
  }

  function renderActions(how) {
    if (how === "ended") return null;
    const own = [button(["Renew", h("kbd", {}, "c")], claim, "", { "aria-label": "Renew claim" }), button("Release", release)];
    return [how === "mine" && own, button("Stop…", stop, "danger")];
  }

  function renderAnswering(how) {
    reply = undefined;
    if (how === "mine") {
      reply = composer({ id, customer, schema: data.output_schema, tried: data.attempts, send });
      return reply.element;
    }
    const unsent = savedDraft(id)?.reply;
    const kept = unsent && h("details.draft", { open: true }, h("summary", {}, "Your unsent draft, kept in this tab"), h("p.quote", {}, unsent));
    if (how === "ended") return [ending(data), kept];
    if (how === "theirs") {
      return [h("p.lead", {}, icon("clock"), `${claimant()} is answering.`), h("p.muted", {}, "You can claim it when their claim ends or they release it. This page will say so."), kept];
    }
    return [
      h("p.lead", {}, "Nobody is answering yet."),
      h("p.muted", {}, "Claim it first, so that nobody else answers or is paged meanwhile."),
      button(["Claim and answer", h("kbd", {}, "c")], claim, "primary", { "aria-label": "Claim and answer" }),
      kept,
    ];
  }

  function warn(title, text, kind = "") {
    fill(notice, h("strong", {}, title), text && h("span", {}, ` ${text}`), button("Dismiss", () => (notice.hidden = true), "quiet small"));
    notice.dataset.kind = kind;
    notice.hidden = false;
    notice.focus();
  }

  // --- acting ---------------------------------------------------------------------------------------------------------
  async function act(work, lost) {
    if (busy) return;
    busy = true;
    columns.setAttribute("aria-busy", "true");
    try {
      await work();
      notice.hidden = true;
    } catch (problem) {
      if (!(problem instanceof Problem) || problem.status === 403) throw problem;
      await refresh().catch(() => {});
      lost(problem);
    } finally {
      busy = false;
      columns.removeAttribute("aria-busy");
    }
  }

  const whoNow = () =>
    data.status === "claimed" ? `${claimant()} has it now.` : `It is ${statusOf(data.status).toLowerCase()} now.`;

  const claim = () =>
    mode() !== "ended" && mode() !== "theirs" &&
    act(
      async () => {
        const { version } = await post(`${path(id)}/claim`);
        held = version;
        await refresh();
        reply?.focus();
      },
      (problem) => {
        if (problem.status === 409) warn("Somebody else was first.", `${whoNow()}`, "lost");
        else warn(`Not claimed: ${problem.message}.`, sentence(problem.detail), "bad");
      },
    );

  const release = () =>
    act(
      async () => {
        await post(`${path(id)}/release`, { version: held });
        held = 0;
        await refresh();
        toast("Released. The person on call is paged again.");
      },
      (problem) => warn(`Not released: ${problem.message}.`, `${sentence(problem.detail)} ${whoNow()}`, "lost"),
    );

  const send = (text, output) =>
    act(
      async () => {
        await post(`${path(id)}/answer`, { version: held, reply: text, output });
        sent = true;
        dropDraft(id);
        toast(`Answered. ${customer} has your reply.`);
        await refresh();
      },
      (problem) => {
        if (problem.status === 410) {
          warn("Too late: the time to answer is over.", `${customer} was told that nobody could answer. Your text is kept below, and as a draft on the server.`, "lost");
        } else if (problem.status === 409) {
          held = mine() ? data.version : 0;
          warn("Not sent: somebody else was first.", `${whoNow()} Your text is kept below.`, "lost");
        } else if (reply) reply.fail(problem);
        else warn(`Not sent: ${problem.message}.`, `${sentence(problem.detail)} Your text is kept.`, "bad");
      },
    );

  const stop = () =>
    confirmStop(customer, () =>
      act(
        async () => {
          await post(`turns/${encodeURIComponent(data.turn_id)}/stop`);
          sent = true;
          await refresh();
          toast(`Stopped. ${customer} was told.`);
        },
        (problem) => warn(`Not stopped: ${problem.message}.`, `${sentence(problem.detail)} ${whoNow()}`, "lost"),
      ),
    );

  return {
    element,
    show,
    tick,
    claim,
    focusReply: () => (reply ? reply.focus() : answerPanel.querySelector("button")?.focus()),
    stale(text) {
      stale.hidden = !text;
      say(stale, text);
    },
    title: () => `${customer}: ${statusOf(data.status).toLowerCase()}`,
  };
}

const backLink = () => h("a.back", { href: lastList() }, icon("back"), "Escalations");
const figure = (name, value) => h("div", {}, h("dt", {}, name), h("dd", {}, value));
const missing = () => h("div.state", { role: "alert" }, icon("warning"), h("h2", {}, "There is no such escalation for you"), h("p", {}, "It may be another tenant's, or older than what is kept."), h("a.button", { href: "#/open" }, "See what is open"));
const skeleton = () => h("div.skeleton", { role: "status", "aria-label": "Loading" }, h("div.bone.short"), h("div.bone.tall"), h("div.bone"), h("div.bone"));

function unknownEffects(tools) {
  if (!tools.length) return null;
  return h("div.alarm", { role: "note" }, icon("warning"), h("div", {}, h("strong", {}, "A tool may have acted. "), "Nobody knows what came of ", tools.map((tool, i) => [i ? ", " : "", h("code", {}, tool)]), ". Look in the other system before you promise anything."));
}

function aboutOf(data) {
  const known = { Turn: data.turn_id, Conversation: data.turn.conversation_id, Task: data.turn.task_id, Opened: moment(secondsOf(data.opened_at)), "Answer by": moment(secondsOf(data.answer_by)) };
  return { ...known, ...data.metadata };
}

function ending(data) {
  const { reply, output } = data.answer ?? data.turn;
  const by = data.answer?.by ? ` by ${person(data.answer.by, me().id)}` : "";
  return [
    h("p.lead", {}, icon(data.status === "answered" ? "check" : "clock"), `${statusOf(data.status)}${by}`),
    h("p.muted", {}, data.status === "answered" ? "The customer has this reply." : "The customer was told:"),
    reply && h("p.quote", {}, reply),
    output && facts.pairs(output),
    data.draft && h("details.draft", { open: true }, h("summary", {}, "An answer that came too late"), h("p.quote", {}, data.draft.reply)),
  ];
}

function confirmStop(customer, go) {
  const close = () => dialog.close();
  const dialog = h(
    "dialog",
    { "aria-labelledby": "stop-title", onclose: () => dialog.remove() },
    h("h2", { id: "stop-title" }, "Stop this turn?"),
    h("p", {}, `Nothing more is tried, and nobody can answer any more. ${customer} is told that the request was stopped. This cannot be undone.`),
    h("div.actions", {}, button("Keep it", close, "", { autofocus: true }), button("Stop the turn", () => (close(), go()), "danger solid")),
  );
  document.body.append(dialog);
  dialog.showModal();
}
