// Lets the tabs of one browser share a sign-in: a new tab asks the others for it, and all of them end it together.

const WAIT_MS = 200;
const channel = new BroadcastChannel("turnkeeper.session");

/**
 * Give the session (`read`) to tabs that ask, and hear when another tab has ended it.
 *
 * @param {{ read: () => Session | null, ended: () => void }} session
 */
export function share({ read, ended }) {
  channel.addEventListener("message", ({ data }) => {
    if (data.what === "asked" && read()) channel.postMessage({ what: "given", session: read() });
    if (data.what === "ended") ended();
  });
}

/**
 * Ask the other tabs for their session; null when none of them answers soon.
 *
 * @returns {Promise<Session | null>}
 */
export function askForSession() {
  return new Promise((resolve) => {
    /** @param {MessageEvent} event */
    const hear = ({ data }) => data.what === "given" && settle(data.session);
    /** @param {Session | null} session */
    const settle = (session) => {
      clearTimeout(timer);
      channel.removeEventListener("message", hear);
      resolve(session);
    };
    const timer = setTimeout(settle, WAIT_MS, null);
    channel.addEventListener("message", hear);
    channel.postMessage({ what: "asked" });
  });
}

/** Tell the other tabs that the session is over. */
export const tellEnded = () => channel.postMessage({ what: "ended" });
