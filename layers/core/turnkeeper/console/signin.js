// The way in: e-mail and password, then a new password or a code where Cognito asks for one.

import { button, fill, h } from "./dom.js";
import { meet, signIn, SignInFailed, Unreachable } from "./session.js";

/**
 * A view that calls `done` once somebody is signed in; `why` says why they have to.
 *
 * @param {{ why: string, done: () => void }} options
 */
export function signInView({ why, done }) {
  const element = h("div.gate");
  /**
   * @param {string} title
   * @param {string} note
   * @param {Child} fields
   * @param {string} label
   * @param {(given: Record<string, string>) => Promise<void>} submit
   */
  const form = (title, note, fields, label, submit) => {
    const error = h("p.form-error", { role: "alert", hidden: true });
    const send = h("button.button.primary.wide", { type: "submit" }, label);
    /** @param {SubmitEvent} event */
    const onsubmit = async (event) => {
      const target = /** @type {HTMLFormElement} */ (event.target);
      event.preventDefault();
      error.hidden = true;
      send.disabled = true;
      try {
        await submit(/** @type {Record<string, string>} */ (Object.fromEntries(new FormData(target))));
      } catch (failure) {
        if (!(failure instanceof SignInFailed || failure instanceof Unreachable)) throw failure;
        error.textContent = failure.message;
        error.hidden = false;
        /** @type {HTMLInputElement} */ (target.querySelector("input[type=password], input")).select();
      } finally {
        send.disabled = false;
      }
    };
    const logo = h("img", { src: "console/favicon.svg", alt: "", width: 44, height: 44 });
    fill(
      element,
      h(
        "form.card.gate-card",
        { onsubmit },
        logo,
        h("h1", {}, title),
        note && h("p.muted", {}, note),
        fields,
        error,
        send,
      ),
    );
    element.querySelector("input")?.focus();
  };

  /** @param {Challenge | null} challenge */
  const proceed = (challenge) => {
    if (!challenge) return done();
    const [title, note, fields, label] = CHALLENGES[challenge.name]();
    form(title, note, fields, label, async ({ response, again }) => {
      if (again !== undefined && again !== response) throw new SignInFailed("The two passwords differ.");
      proceed(await meet(challenge, response));
    });
  };

  const begin = () =>
    form(
      "Sign in",
      why || "For the people on call.",
      [
        input("E-mail", {
          name: "email",
          type: "text",
          inputmode: "email",
          autocomplete: "username",
          autocapitalize: "none",
          spellcheck: "false",
        }),
        input("Password", { name: "password", type: "password", autocomplete: "current-password" }),
      ],
      "Sign in",
      async ({ email, password }) => proceed(await signIn(email.trim(), password)),
    );

  return { element, begin, title: "Sign in" };
}

/** @type {Record<Challenge["name"], () => [string, string, Child, string]>} */
const CHALLENGES = {
  NEW_PASSWORD_REQUIRED: () => [
    "Choose a password",
    "The one you had was for the first time only.",
    [
      input("New password", { name: "response", type: "password", autocomplete: "new-password" }),
      input("Once more", { name: "again", type: "password", autocomplete: "new-password" }),
    ],
    "Set password and sign in",
  ],
  SOFTWARE_TOKEN_MFA: () => [
    "Enter your code",
    "Six digits from your authenticator app.",
    [
      input("Code", {
        name: "response",
        type: "text",
        inputmode: "numeric",
        autocomplete: "one-time-code",
        pattern: "[0-9]{6}",
      }),
    ],
    "Sign in",
  ],
};

/** @param {string} label @param {Attributes} attributes */
const input = (label, attributes) =>
  h("label.field", {}, h("span.field-label", {}, label), h("input", { required: true, ...attributes }));

/**
 * What somebody sees who is signed in, and no operator.
 *
 * @param {{ name: string, detail: string, leave: () => void }} who
 */
export function strangerView({ name, detail, leave }) {
  const element = h(
    "div.gate",
    {},
    h(
      "section.card.gate-card",
      { role: "alert" },
      h("h1", {}, "This console is for operators"),
      h("p", {}, "You are signed in as ", h("strong", {}, name), ", who is not an operator here."),
      h(
        "p.muted",
        {},
        "Ask an administrator to add you to the group “operators” and to your tenant's group, then sign in again.",
      ),
      detail && h("p.muted.small", {}, `The server said: ${detail}.`),
      button("Sign in as somebody else", leave, "primary.wide"),
    ),
  );
  return { element, title: "Not an operator" };
}
