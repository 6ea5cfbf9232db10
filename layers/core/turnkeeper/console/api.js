// Speaks to Turnkeeper's API; every failure is a Problem that says what a person can do.

import { accessToken, SignedOut } from "./session.js";
import { problemOf } from "./words.js";

const TIMEOUT_MS = 20_000;
const UNREACHABLE = { code: "unreachable", title: "The server cannot be reached", detail: "check your connection" };

/** A request that failed: `code`, `status`, `detail`, and `errors` (lines) where fields are wrong. */
export class Problem extends Error {
  /**
   * @param {{ type?: string, code?: string, title?: string, status?: number, detail?: string, errors?: string[] }} told
   */
  constructor({
    type = "",
    code = type.replace("urn:turnkeeper:error:", ""),
    title = "",
    status = 0,
    detail = "",
    errors,
  }) {
    const [message, more] = problemOf(code, title, detail);
    super(message);
    this.code = code;
    this.status = status;
    this.detail = more;
    this.errors = errors ?? [];
  }

  /** Whether the server may have done what was asked, and could not say so. */
  get leavesOpen() {
    return !this.status || this.status >= 500;
  }
}

/** Seconds since the epoch by the server's clock, as far as its answers told it. */
export const now = () => Date.now() / 1000 + skew;
let skew = 0;

/** Learn the server's clock from an escalation of an answer. @param {Escalation} escalation */
export function learnClock(escalation) {
  const theirs = Date.parse(escalation.opened_at) / 1000 + escalation.waited_s;
  if (Number.isFinite(theirs) && Math.abs(theirs - now()) > 1.5) skew = theirs - Date.now() / 1000;
}

/** @param {string} path */
export const get = (path) => call("GET", path);
/** @param {string} path @param {object} [body] */
export const post = (path, body) => call("POST", path, body ?? {});

/**
 * @param {string} method
 * @param {string} path
 * @param {object} [body]
 * @returns {Promise<any>}
 */
async function call(method, path, body, again = true) {
  const token = await accessToken({ renewed: !again });
  const { status, data } = await fetched(`v1/${path}`, {
    method,
    headers: {
      Authorization: `Bearer ${token}`,
      ...(body && { "Content-Type": "application/json" }),
    },
    body: body && JSON.stringify(body),
    cache: "no-store",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (status === 401 && again) return call(method, path, body, false);
  if (status === 401) throw new SignedOut("Your session is over. Sign in again; your drafts are kept.");
  if (status >= 300) throw new Problem({ ...data, status });
  return data;
}

/** @param {string} address @param {RequestInit} request */
async function fetched(address, request) {
  try {
    const answer = await fetch(address, request);
    const text = await answer.text();
    return { status: answer.status, data: JSON.parse(text || "{}") };
  } catch {
    throw new Problem(UNREACHABLE);
  }
}

/** @param {string} id */
export const path = (id) => `escalations/${encodeURIComponent(id)}`;
