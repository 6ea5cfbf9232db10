// The health of the deployment as one chip: what is wrong, the worst first, and a list behind it.

import { announce, byId, fill, h, icon, say } from "./dom.js";
import { breakerText } from "./facts.js";
import { model, plural } from "./words.js";

const label = h("span.chip-text");
const lines = h("ul.health-lines", { id: "health-lines", popover: "" });
const chip = h("button.chip.bad", { type: "button", popovertarget: "health-lines", hidden: true }, icon("bolt"), label);
const fine = h("span.chip.fine", { hidden: true }, icon("check"), "All systems can be called");
let before = "";

/** Show the health that the API tells; null while it is not known. @param {Health | null} health */
export function showHealth(health) {
  if (!chip.isConnected) fill(byId("health"), chip, lines, fine);
  const wrong = health ? problems(health) : [];
  const headline = wrong.map(([what]) => what).join(" · ");
  chip.hidden = !headline;
  fine.hidden = !health || Boolean(headline);
  say(label, headline);
  fill(
    lines,
    wrong.map(([what, more]) =>
      more.length
        ? more.map((b) => h("li", {}, h("code", {}, b.dependency), h("span.muted", {}, breakerText(b))))
        : h("li", {}, what),
    ),
  );
  if (chip.hidden && lines.matches(":popover-open")) lines.hidePopover();
  if (health && headline !== before) announce(headline || "All systems can be called");
  if (health) before = headline;
}

/**
 * What is wrong, the worst first, as [what, the open breakers behind it].
 *
 * @param {Health} health
 * @returns {[string, Breaker[]][]}
 */
function problems({
  breakers,
  broken_agents: broken = [],
  stopped = [],
  subscriptions,
  unconfirmed_subscriptions: unconfirmed,
}) {
  const down = breakers.filter((b) => b.state !== "closed");
  const nobody = subscriptions?.on_call?.confirmed === 0;
  /** @type {([string, Breaker[]] | false)[]} */
  const wrong = [
    nobody && ["Nobody is subscribed to the on-call topic", []],
    ...stopped.map(
      ({ what, name }) => /** @type {[string, Breaker[]]} */ ([`${capital(`${what} ${name}`.trim())} is stopped`, []]),
    ),
    ...broken.map(
      ({ agent, fault }) => /** @type {[string, Breaker[]]} */ ([`${agent} cannot be loaded: ${fault}`, []]),
    ),
    down.length > 0 && [`${named(down.map((b) => b.dependency))} cannot be called`, down],
    unconfirmed !== null && unconfirmed > 0 && [`${plural(unconfirmed, "subscription")} not confirmed`, []],
    unconfirmed === null && ["Subscriptions could not be checked", []],
  ];
  return wrong.filter((one) => one !== false);
}

/** @param {string} text */
const capital = (text) => text[0].toUpperCase() + text.slice(1);

/** @param {string} dependency */
const isModel = (dependency) => dependency.includes(":") && !dependency.startsWith("notify:");

/** @param {string[]} down */
function named(down) {
  if (down.length === 1) return isModel(down[0]) ? model(down[0]).name : down[0];
  return plural(down.length, down.every(isModel) ? "model" : "system");
}
