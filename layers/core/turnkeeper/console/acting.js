// What an operator does to an escalation: each action is asked for once, and the page then shows its outcome.

import { path, post, Problem } from "./api.js";
import { toast } from "./dom.js";
import { dropDraft, savedDraft } from "./reply.js";
import { me } from "./session.js";
import { sentence } from "./words.js";

/** @param {EscalationContext} data */
export const isAnsweredByMe = ({ status, answer }) => status === "answered" && answer?.by === me().id;

/**
 * Whether the draft of this tab is what was sent: its answer may have come too late to say so.
 *
 * @param {string} id
 * @param {EscalationContext} data
 */
export const isDraftSent = (id, data) => isAnsweredByMe(data) && savedDraft(id)?.reply === data.answer?.reply;

/**
 * What can be done to an escalation; `hold.version` is that of the own claim.
 *
 * @param {string} id
 * @param {ActingPage} page
 * @param {{ version: number }} hold
 * @returns {Actions}
 */
export function actions(id, page, hold) {
  let busy = false;

  /**
   * Ask for something. Where no answer came, `happened` tells by the page's next look whether it was done.
   *
   * @param {{ work: () => Promise<unknown>, happened: (data: EscalationContext) => boolean, then: () => void,
   *   lost: (problem: Problem) => void }} action
   */
  async function act({ work, happened, then, lost }) {
    if (busy) return;
    page.busy((busy = true));
    try {
      const problem = await work().then(
        () => null,
        (error) => error,
      );
      if (problem && (!(problem instanceof Problem) || problem.status === 403)) throw problem;
      const fresh = await page.look();
      if (problem && !(fresh && happened(page.data()))) return lost(problem);
      then();
    } finally {
      page.busy((busy = false));
    }
  }

  /** @param {string} what @param {Problem} problem */
  const failed = (what, problem) => {
    if (problem.leavesOpen)
      page.warn(`It is not known whether it was ${what}.`, `${problem.message}. It is safe to try again.`, "bad");
    else page.warn(`Not ${what}: ${problem.message}.`, sentence(problem.detail), "bad");
  };

  const claim = () =>
    act({
      work: async () => (hold.version = (await post(`${path(id)}/claim`)).version),
      happened: (data) => data.claimant === me().id,
      then: () => {
        page.calm();
        page.reply()?.focus();
      },
      lost: (problem) =>
        problem.status === 409
          ? page.warn("Somebody else was first.", page.whoNow(), "lost")
          : failed("claimed", problem),
    });

  const release = () =>
    act({
      work: () => post(`${path(id)}/release`, { version: hold.version }),
      happened: (data) => data.status === "open",
      then: () => {
        hold.version = 0;
        page.done("Released. The person on call is paged again.");
      },
      lost: (problem) => failed("released", problem),
    });

  /** @param {string} reply @param {unknown} output */
  const send = (reply, output) =>
    act({
      work: () => post(`${path(id)}/answer`, { version: hold.version, reply, output }),
      happened: (data) => isAnsweredByMe(data) && data.answer?.reply === reply,
      then: () => {
        dropDraft(id);
        page.done("Answered. The customer has your reply.");
      },
      lost: (problem) => {
        if (problem.status === 410) {
          page.warn(
            "Too late: the time to answer is over.",
            "The customer was told that nobody could answer. Your text is kept below, and as a draft on the server.",
            "lost",
          );
        } else if (problem.status === 409) {
          if (page.mode() !== "mine") hold.version = 0;
          page.warn("Not sent: somebody else was first.", `${page.whoNow()} Your text is kept below.`, "lost");
        } else if (page.reply()) page.reply()?.fail(problem);
        else failed("sent", problem);
      },
    });

  const stop = () =>
    act({
      work: () => post(`turns/${encodeURIComponent(page.data().turn_id)}/stop`),
      happened: (data) => data.status === "stopped",
      then: () => page.done("Stopped. The customer was told."),
      lost: (problem) => failed("stopped", problem),
    });

  return { claim, release, send, stop };
}
