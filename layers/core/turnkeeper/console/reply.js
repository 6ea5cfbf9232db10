// The reply: a draft that survives reloads, an optional structured output, and the server's errors where they belong.

import { button, fill, h } from "./dom.js";
import { draftOf } from "./facts.js";
import { outputForm } from "./form.js";
import { bare } from "./text.js";
import { labelOf } from "./words.js";

const LONGEST = 16_000;
/** @param {string} id */
const keyOf = (id) => `turnkeeper.draft.${id}`;

/** A draft as it was left in this tab. @param {string} id @returns {Draft | null} */
export const savedDraft = (id) => JSON.parse(sessionStorage.getItem(keyOf(id)) ?? "null");
/** @param {string} id */
export const dropDraft = (id) => sessionStorage.removeItem(keyOf(id));

/**
 * The composer; `send(reply, output)` answers.
 *
 * @param {{ id: string, schema: Schema, tried: Attempt[], send: Actions["send"] }} options
 * @returns {Composer}
 */
export function composer({ id, schema, tried, send }) {
  const saved = savedDraft(id) ?? { reply: "", with: false, output: null };
  const form = outputForm(schema);
  if (saved.output) form.write(saved.output);

  const reply = h("textarea.reply", {
    id: "reply",
    rows: 6,
    maxlength: LONGEST,
    value: saved.reply,
    "aria-describedby": "reply-hint reply-error",
    placeholder: "Write as you would want to be answered.",
  });
  const replyError = h("p.field-error", { id: "reply-error", hidden: true });
  const error = h("div.form-error", { role: "alert", hidden: true, tabindex: "-1" });
  const withOutput = h("input", { type: "checkbox", id: "with-output", checked: saved.with });
  const fields = h("div.output", { hidden: !saved.with }, form.element);
  const submit = h("button.button.primary", { type: "submit" }, "Send answer");
  const title = labelOf(schema.title ?? "output");

  const keep = () => {
    const draft = { reply: reply.value, with: withOutput.checked, output: form.read().value };
    sessionStorage.setItem(keyOf(id), JSON.stringify(draft));
  };
  withOutput.addEventListener("change", () => (fields.hidden = !withOutput.checked));

  const model = tried.map(draftOf).findLast((draft) => draft !== null);
  const borrow = () => {
    if (!model) return;
    reply.value = bare(model.reply);
    if (model.output) {
      form.write(model.output);
      withOutput.checked = true;
      fields.hidden = false;
    }
    keep();
    reply.focus();
  };

  const clear = () => {
    error.hidden = true;
    replyError.hidden = true;
    reply.removeAttribute("aria-invalid");
    form.showErrors([]);
  };
  /** @param {string} title @param {string[]} lines */
  const show = (title, lines) => {
    fill(
      error,
      h("strong", {}, title),
      lines.length > 0 &&
        h(
          "ul",
          {},
          lines.map((line) => h("li", {}, line)),
        ),
    );
    error.hidden = false;
  };
  /** @param {string} text */
  const blame = (text) => {
    replyError.textContent = text;
    replyError.hidden = false;
    reply.setAttribute("aria-invalid", "true");
    reply.focus();
  };

  /** @param {SubmitEvent} event */
  const onsubmit = async (event) => {
    event.preventDefault();
    if (submit.disabled) return;
    clear();
    const { value, errors } = withOutput.checked ? form.read() : { value: null, errors: [] };
    if (!reply.value.trim()) return blame("Write a reply first.");
    if (errors.length) return show("Some fields cannot be read", form.showErrors(errors));
    submit.disabled = true;
    try {
      await send(reply.value, value);
    } finally {
      submit.disabled = false;
    }
  };

  /** Show a problem of the server where it belongs. @param {import("./api.js").Problem} problem */
  const fail = (problem) => {
    const ofReply = problem.errors.filter((line) => line.startsWith("reply:"));
    const others = form.showErrors(problem.errors.filter((line) => !ofReply.includes(line)));
    if (problem.code === "invalid-output")
      show("Not sent: the output does not fit. Correct the marked fields.", others);
    else if (problem.status === 400) show("Not sent: the server cannot read it.", others);
    else if (problem.leavesOpen)
      show(
        `It is not known whether it was sent. ${problem.message}. Your text is kept; sending it again is safe.`,
        others,
      );
    else show(`Not sent: ${problem.message}. Your text is kept.`, others);
    if (ofReply.length) blame(ofReply.map((line) => line.slice("reply: ".length)).join("; "));
    else if (!document.activeElement?.matches("[aria-invalid]")) error.focus();
  };

  const element = h(
    "form.composer",
    {
      noValidate: true,
      onsubmit,
      oninput: keep,
      onkeydown: (/** @type {KeyboardEvent} */ event) => {
        if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) element.requestSubmit();
      },
    },
    h(
      "div.composer-head",
      {},
      h("label.field-label", { for: "reply" }, "Reply to the customer"),
      model && button("Start from the model's words", borrow, "small"),
    ),
    reply,
    replyError,
    h("label.switch", { for: "with-output" }, withOutput, h("span", {}, `Send structured output too (${title})`)),
    fields,
    error,
    h(
      "div.composer-foot",
      {},
      submit,
      h(
        "p.muted.small",
        { id: "reply-hint" },
        h("span.by-keys", {}, h("kbd", {}, "Ctrl"), " ", h("kbd", {}, "Enter"), " sends. "),
        "The draft is kept in this tab.",
      ),
    ),
  );
  return { element, fail, focus: () => reply.focus() };
}
