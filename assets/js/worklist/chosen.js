// @ts-check
/** The studies that are chosen in the worklist: tags, priority and CSV of several at once. */

import { byId, find, targetOf, write } from "../frame/dom.js";
import { saveFile } from "../frame/outgoing.js";
import { HEADERS, NO_ANSWER, ask } from "../frame/server.js";

const MOST = 500; // as MOST_CHOSEN of dashboard/api/worklist.py

/** @type {readonly string[]} */
let ids = [];
/** Clears the choice, and asks for the rows again. @type {{ clear(): void, reload(): void }} */
let list = { clear: () => {}, reload: () => {} };

/** @param {readonly string[]} studies */
export function show(studies) {
  ids = studies;
  const bar = find("worklist-chosen");
  if (!bar) return;
  bar.hidden = ids.length === 0;
  const tooMany = ids.length > MOST ? ` Choose up to ${MOST} at once.` : "";
  byId("worklist-chosen-count").textContent = `${ids.length} selected.${tooMany}`;
  report("");
  /** @type {NodeListOf<HTMLButtonElement>} */
  const buttons = bar.querySelectorAll("button[data-chosen]");
  for (const button of buttons) button.disabled = Boolean(tooMany);
}

/** @param {string} sentence Is not shown once another page is in view. */
const report = (sentence) => write("worklist-chosen-status", sentence);

/**
 * @param {string} address
 * @param {object} fields
 * @param {string} done
 */
async function send(address, fields, done) {
  const body = JSON.stringify({ studies: ids, ...fields });
  const answer = await ask(`/api/worklist/${address}`, { method: "POST", body });
  report(answer.ok ? done : answer.body.error || NO_ANSWER);
  if (answer.ok) list.reload();
}

/** @param {"add" | "remove"} way */
async function tag(way) {
  const field = byId("worklist-tag", HTMLInputElement);
  const words = field.value.trim();
  if (!words) {
    report("Enter a tag.");
    return field.focus();
  }
  await send("tags", { [way]: [words] }, way === "add" ? "Tag added." : "Tag removed.");
}

async function download() {
  const sent = { method: "POST", headers: HEADERS, body: JSON.stringify({ studies: ids }) };
  const response = await fetch("/api/worklist/export.csv", sent).catch(() => null);
  if (!response?.ok) return report(NO_ANSWER);
  const file = await response.blob().catch(() => null);
  if (file) saveFile(file, "worklist.csv");
  else report(NO_ANSWER);
}

/** @param {MouseEvent} event */
function onClick(event) {
  /** @type {HTMLElement | null} */
  const button = targetOf(event).closest("#worklist-chosen [data-chosen]");
  switch (button?.dataset.chosen) {
    case "tag":
      return void tag("add");
    case "untag":
      return void tag("remove");
    case "stat":
      return void send("priority", { stat: true }, "Marked STAT.");
    case "routine":
      return void send("priority", { stat: false }, "Marked routine.");
    case "export":
      return void download();
    case "clear":
      return list.clear();
  }
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  if (event.key !== "Enter" || targetOf(event).id !== "worklist-tag") return;
  event.preventDefault();
  void tag("add");
}

/** @param {typeof list} worklist */
export function start(worklist) {
  list = worklist;
  document.addEventListener("click", onClick);
  document.addEventListener("keydown", onKey);
}
