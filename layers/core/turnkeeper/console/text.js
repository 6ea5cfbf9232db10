// Makes visible what hides in text: a customer or a model must not turn, cut or veil what a person reads.

// Controls, and characters of format: turns of direction, zero widths, tags. Not what writing needs: line ends, tabs,
// Arabic number signs, and joiners between emoji or letters of scripts that use them.
const ALPHABETS = String.raw`\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Script=Inherited}`;
const JOINED = String.raw`(?<=[\p{Extended_Pictographic}\p{Emoji_Modifier}\ufe0f]|(?![${ALPHABETS}])[\p{L}\p{M}])[\u200c\u200d]`;
const NEEDED = String.raw`[\n\t\u0600-\u0605\u06dd\u070f\u08e2]|\r\n|${JOINED}`;
const HIDDEN = new RegExp(String.raw`(?!${NEEDED})[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]`, "gu");
const SPLIT = new RegExp(`(${HIDDEN.source})`, "u");

/** @param {string} character */
const nameOf = (character) => `U+${Number(character.codePointAt(0)).toString(16).toUpperCase().padStart(4, "0")}`;

/** Text in pieces, by turns: what may be shown as it is, and the name of a character that may not. @param {string} text */
export const pieces = (text) => text.split(SPLIT).map((piece, index) => (index % 2 ? nameOf(piece) : piece));

/** Text whose hidden characters are named in place. @param {string} text */
export const visible = (text) => text.replace(HIDDEN, nameOf);

/** Text without its hidden characters, for what a person sends on. @param {string} text */
export const bare = (text) => text.replace(HIDDEN, "");
