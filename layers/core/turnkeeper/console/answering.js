// The panel of the answer: who has the escalation and for how long, what can be done with it, and how it ended.

import { now } from "./api.js";
import { button, fill, h, memo, say } from "./dom.js";
import * as facts from "./facts.js";
import { composer, savedDraft } from "./reply.js";
import { me } from "./session.js";
import { countdown, person, secondsOf, statusOf } from "./words.js";

const SOON_S = 120;

/** @param {string} id @param {Actions} does */
export function answerPanel(id, does) {
  const heading = h("h2.answer-title", { tabindex: "-1" });
  const held = h("p.held");
  const buttons = h("div.answer-buttons");
  const body = h("div.panel-body");
  const element = h(
    "section.panel.answering",
    { "aria-label": "Answer" },
    h("header.answer-head", {}, h("div.answer-state", {}, heading, held), buttons),
    body,
  );
  /** @type {Composer | undefined} */
  let reply;
  /** @type {EscalationContext} */
  let data;
  /** @type {Mode} */
  let mode;

  const renderButtons = memo(buttons, (/** @type {Mode} */ how) => {
    if (how === "ended") return null;
    const own = [
      button(["Renew", h("kbd", {}, "c")], does.claim, "small", { "aria-label": "Renew claim" }),
      button("Release", does.release, "small"),
    ];
    return [
      how === "mine" && own,
      button("Stop…", does.stop, "quiet small", { title: "End the turn without an answer" }),
    ];
  });

  const renderBody = memo(body, (/** @type {Mode} */ how, /** @type {unknown} */ _) => {
    reply = undefined;
    if (how === "mine") {
      reply = composer({ id, schema: data.output_schema, tried: data.attempts, send: does.send });
      return reply.element;
    }
    const unsent = savedDraft(id)?.reply;
    return [
      how === "open" &&
        button(["Claim and answer", h("kbd", {}, "c")], does.claim, "primary claim", {
          "aria-label": "Claim and answer",
        }),
      how === "ended" && ending(data),
      unsent &&
        h(
          "details.draft",
          { open: true },
          h("summary", {}, "Your unsent draft, kept in this tab"),
          h("p.quote", {}, unsent),
        ),
    ];
  });

  /** @param {EscalationContext} latest @param {Mode} how */
  function show(latest, how) {
    [data, mode] = [latest, how];
    const within = element.contains(document.activeElement);
    say(heading, title(data, how));
    renderButtons(how);
    renderBody(how, how === "ended" && [data.status, data.answer, data.draft, data.turn.reply]);
    body.hidden = !body.children.length;
    if (within && !element.contains(document.activeElement)) heading.focus();
    tick();
  }

  function tick() {
    const left = secondsOf(data.claim_until) - now();
    say(held, holding(data, mode, left));
    held.dataset.kind = mode === "mine" && left < SOON_S ? "soon" : "";
  }

  return { element, heading, show, tick, reply: () => reply };
}

/** @param {EscalationContext} data */
const nameOf = (data) => person(data.claimant, data.claimant_name, me().id);

/** @param {EscalationContext} data @param {Mode} mode */
function title(data, mode) {
  switch (mode) {
    case "ended":
      return data.answer?.by
        ? `${statusOf(data.status)} by ${person(data.answer.by, data.answer.by_name, me().id)}`
        : statusOf(data.status);
    case "mine":
      return "You are answering";
    case "theirs":
      return `${nameOf(data)} is answering`;
    default:
      return "Nobody is answering yet";
  }
}

/** @param {EscalationContext} data @param {Mode} mode @param {number} left */
function holding(data, mode, left) {
  switch (mode) {
    case "ended":
      return data.status === "answered" ? "The customer has this reply." : "The customer was told:";
    case "mine":
      return data.claim_until && left > 0
        ? `It is yours for ${countdown(left)}.`
        : "Your claim is over, and nobody else took it. You may still answer; renew to be safe.";
    case "theirs":
      return `They have it for another ${countdown(left)}. You can claim it then, or once they release it.`;
    default:
      return "Claim it first: then nobody else answers it, and nobody is paged.";
  }
}

/** @param {EscalationContext} data @returns {Child[]} */
function ending(data) {
  const { reply, output } = data.answer ?? data.turn;
  return [
    reply && h("p.quote", {}, reply),
    Boolean(output) && facts.pairs(output),
    data.draft &&
      h(
        "details.draft",
        { open: true },
        h("summary", {}, "An answer that came too late"),
        h("p.quote", {}, data.draft.reply),
      ),
  ];
}

/** Ask before a turn is stopped. @param {() => void} go */
export function confirmStop(go) {
  const close = () => dialog.close();
  /** @type {HTMLDialogElement} */
  const dialog = h(
    "dialog",
    { "aria-labelledby": "stop-title", onclose: () => dialog.remove() },
    h("h2", { id: "stop-title" }, "Stop this turn?"),
    h(
      "p",
      {},
      "Nothing more is tried, and nobody can answer any more. The customer is told that the request was stopped, and what was done or begun for it before. This cannot be undone.",
    ),
    h(
      "div.actions",
      {},
      button("Keep it", close, "", { autofocus: true }),
      button("Stop the turn", () => (close(), go()), "danger solid"),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
}
