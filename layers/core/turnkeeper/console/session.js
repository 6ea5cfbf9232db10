// Signs operators in and out with Cognito, and keeps their tokens fresh; they live as long as the browser's tabs.

import { askForSession, share, tellEnded } from "./tabs.js";

const KEY = "turnkeeper.session";
const EARLY_MS = 60_000;

/** @typedef {{ client_id: string, cognito_endpoint: string }} Config */

/** @type {Config | undefined} */
let config;
/** @type {Promise<string> | undefined} */
let refreshing;

/** Somebody could not be signed in; the message is for them. */
export class SignInFailed extends Error {}

/** Cognito did not answer, which says nothing of the session. */
export class Unreachable extends Error {}

/** The session is over: sign in again. */
export class SignedOut extends Error {}

/** @type {() => Session | null} */
const read = () => JSON.parse(sessionStorage.getItem(KEY) ?? "null");
/** @param {Session} session */
const keep = (session) => sessionStorage.setItem(KEY, JSON.stringify(session));

export const isSignedIn = () => read() !== null;

/** Take over the session of another tab, where there is one: whether there was. */
export async function inherit() {
  const session = isSignedIn() ? null : await askForSession();
  if (!session || isSignedIn()) return false;
  keep(session);
  return true;
}

/** Share the session with other tabs; `ended` is called after one of them has signed out. @param {() => void} ended */
export const shareSession = (ended) =>
  share({
    read,
    ended: () => {
      if (!isSignedIn()) return;
      sessionStorage.clear();
      ended();
    },
  });

/** Who is signed in, as the token says: `{id, name}`. */
export function me() {
  const claims = claimsOf(read()?.access ?? "");
  return { id: claims.sub ?? "", name: read()?.email || claims.username || claims.sub || "" };
}

/** A token that is good for the next minute. Throws SignedOut. */
export async function accessToken({ renewed = false } = {}) {
  const session = read();
  if (!session) throw new SignedOut("Sign in to go on.");
  if (!renewed && session.until - EARLY_MS > Date.now()) return session.access;
  refreshing ??= refresh(session).finally(() => (refreshing = undefined));
  return refreshing;
}

/** @param {Session} session */
async function refresh(session) {
  try {
    const parameters = { REFRESH_TOKEN: session.refresh };
    const { AuthenticationResult: tokens } = await cognito("InitiateAuth", {
      AuthFlow: "REFRESH_TOKEN_AUTH",
      AuthParameters: parameters,
    });
    return adopt(tokens, session);
  } catch (error) {
    if (!(error instanceof SignInFailed)) throw error;
    sessionStorage.removeItem(KEY);
    throw new SignedOut("Your session is over. Sign in again; your drafts are kept.");
  }
}

/**
 * Begin: returns null when signed in, or the challenge that is still to be met.
 *
 * @param {string} email
 * @param {string} password
 */
export async function signIn(email, password) {
  const answer = await cognito("InitiateAuth", {
    AuthFlow: "USER_PASSWORD_AUTH",
    AuthParameters: { USERNAME: email, PASSWORD: password },
  });
  return next(answer, { email, username: email });
}

/** Meet a challenge with a new password, or with a code of the authenticator. @param {Challenge} challenge @param {string} response */
export async function meet(challenge, response) {
  const field = { NEW_PASSWORD_REQUIRED: "NEW_PASSWORD", SOFTWARE_TOKEN_MFA: "SOFTWARE_TOKEN_MFA_CODE" };
  const answer = await cognito("RespondToAuthChallenge", {
    ChallengeName: challenge.name,
    Session: challenge.session,
    ChallengeResponses: { USERNAME: challenge.username, [field[challenge.name]]: response },
  });
  return next(answer, challenge);
}

/**
 * @param {any} answer
 * @param {{ email: string, username: string }} who
 * @returns {Challenge | null}
 */
function next(answer, { email, username }) {
  if (answer.AuthenticationResult) {
    adopt(answer.AuthenticationResult, { email });
    return null;
  }
  const name = answer.ChallengeName;
  if (!["NEW_PASSWORD_REQUIRED", "SOFTWARE_TOKEN_MFA"].includes(name)) {
    throw new SignInFailed(`This account asks for ${name}, which this page cannot do. Ask your administrator.`);
  }
  return { name, session: answer.Session, email, username: answer.ChallengeParameters?.USER_ID_FOR_SRP ?? username };
}

/** @param {CognitoTokens} tokens @param {{ email: string, refresh?: string }} session */
function adopt(tokens, { email, refresh: before }) {
  keep({
    access: tokens.AccessToken,
    refresh: tokens.RefreshToken ?? before ?? "",
    until: Date.now() + tokens.ExpiresIn * 1000,
    email,
  });
  return tokens.AccessToken;
}

/** Forget the tokens and every draft, in all tabs, and have Cognito forget the tokens too. */
export async function signOut() {
  const token = read()?.refresh;
  sessionStorage.clear();
  tellEnded();
  if (token) await cognito("RevokeToken", { Token: token }).catch(() => {});
}

/** @param {string} action @param {object} body @returns {Promise<any>} */
async function cognito(action, body) {
  const answer = await send(action, body);
  const said = JSON.parse((await answer.text()) || "{}");
  if (answer.ok) return said;
  const code = String(said.__type ?? "")
    .split("#")
    .pop();
  throw new SignInFailed(FAILURES[code ?? ""] ?? said.message ?? said.Message ?? `Sign-in failed (${answer.status}).`);
}

/** @param {string} action @param {object} body */
async function send(action, body) {
  let answer;
  try {
    config ??= /** @type {Config} */ (await (await fetch("console/config.json")).json());
    answer = await fetch(`${config.cognito_endpoint}/`, {
      method: "POST",
      headers: {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": `AWSCognitoIdentityProviderService.${action}`,
      },
      body: JSON.stringify({ ClientId: config.client_id, ...body }),
      signal: AbortSignal.timeout(15_000),
    });
  } catch {
    throw new Unreachable("The sign-in service cannot be reached. Check your connection and try again.");
  }
  if (answer.status >= 500) throw new Unreachable("The sign-in service has a problem. Try again in a moment.");
  return answer;
}

/** @type {Record<string, string>} */
const FAILURES = {
  NotAuthorizedException: "Wrong e-mail or password.",
  UserNotFoundException: "Wrong e-mail or password.",
  CodeMismatchException: "That code is not right. Take the newest one.",
  ExpiredCodeException: "That code is over. Take the newest one.",
  TooManyRequestsException: "Too many tries. Wait a moment.",
  LimitExceededException: "Too many tries. Wait a moment.",
};

/** @param {string} token @returns {{ sub?: string, username?: string }} */
function claimsOf(token) {
  try {
    const part = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(part), (c) => c.charCodeAt(0))));
  } catch {
    return {};
  }
}
