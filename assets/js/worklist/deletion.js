// @ts-check
/** Deleting studies of the worklist, and restoring them within 30 days. */

import { setProps } from "../frame/dash.js";
import { byId, find, make, targetOf } from "../frame/dom.js";
import { NO_ANSWER, ask } from "../frame/server.js";
import { dateOf } from "../frame/times.js";

/**
 * @typedef {object} Deleted As `GET /api/worklist/deleted` returns it.
 * @property {string} study_id
 * @property {string} name
 * @property {string} deleted_at
 * @property {string} deleted_by
 * @property {string} kept_until
 */

/** The study that the reader is asked about. */
let target = "";

/** @returns {HTMLDialogElement | null} */
const deleteDialog = () => find("worklist-delete-dialog", HTMLDialogElement);
/** @returns {HTMLDialogElement | null} */
const deletedDialog = () => find("worklist-deleted-dialog", HTMLDialogElement);

const refresh = () => setProps("worklist-refresh", { data: Date.now() });

/**
 * @param {string} id
 * @param {string} sentence "" if there is no problem.
 */
function showProblem(id, sentence) {
  const line = find(id);
  if (!line) return; // another page is in view by now
  line.textContent = sentence;
  line.hidden = !sentence;
}

/** @param {{ study_id: string, patient: string }} row */
export function askToDelete({ study_id: id, patient }) {
  const dialog = deleteDialog();
  if (!dialog || dialog.open) return;
  target = id;
  byId("worklist-delete-name").textContent = patient;
  showProblem("worklist-delete-problem", "");
  dialog.showModal();
}

async function deleteTarget() {
  const id = target;
  const { ok, body } = await ask(`/api/studies/${id}`, { method: "DELETE" });
  if (ok) refresh();
  if (id !== target) return; // the reader is asked about another one by now
  if (ok) deleteDialog()?.close();
  else showProblem("worklist-delete-problem", body.error || NO_ANSWER);
}

async function openDeleted() {
  const dialog = deletedDialog();
  if (!dialog || dialog.open) return;
  byId("worklist-deleted-list").replaceChildren();
  dialog.showModal();
  await listDeleted();
}

async function listDeleted() {
  const { ok, body } = await ask("/api/worklist/deleted");
  if (!deletedDialog()?.open) return;
  showProblem("worklist-deleted-problem", ok ? "" : body.error || NO_ANSWER);
  if (!ok) return;
  /** @type {Deleted[]} */
  const studies = body.studies;
  byId("worklist-deleted-list").replaceChildren(...studies.map(makeLine));
  byId("worklist-deleted-none").hidden = studies.length > 0;
}

/** @param {Deleted} study */
function makeLine(study) {
  const by = study.deleted_by ? ` by ${study.deleted_by}` : "";
  const words = `Deleted ${dateOf(study.deleted_at)}${by}. Kept until ${dateOf(study.kept_until)}.`;
  const button = make("button", { className: "button", type: "button", textContent: "Restore" });
  button.dataset.restore = study.study_id;
  button.setAttribute("aria-label", `Restore ${study.name}`);
  return make(
    "li",
    { className: "deleted-study" },
    make(
      "div",
      {},
      make("div", { className: "deleted-name", textContent: study.name }),
      make("div", { className: "muted secondary", textContent: words }),
    ),
    button,
  );
}

/** @param {string} id */
async function restore(id) {
  const { ok, body } = await ask(`/api/studies/${id}/restore`, { method: "POST" });
  if (!ok) return showProblem("worklist-deleted-problem", body.error || NO_ANSWER);
  refresh();
  await listDeleted();
  if (document.activeElement?.closest("#worklist-deleted-dialog button")) return;
  /** @type {HTMLElement | null | undefined} */
  const next = deletedDialog()?.querySelector("[data-restore], #worklist-deleted-close");
  next?.focus(); // the button that was pressed is gone
}

/** @param {MouseEvent} event */
function onClick(event) {
  const clicked = targetOf(event);
  const [asking, list] = [deleteDialog(), deletedDialog()];
  if (asking?.open && (clicked === asking || clicked.closest("#worklist-delete-no")))
    asking.close();
  if (list?.open && (clicked === list || clicked.closest("#worklist-deleted-close"))) list.close();
  if (clicked.closest("#worklist-delete-yes")) void deleteTarget();
  if (clicked.closest("#worklist-deleted-open")) void openDeleted();
  /** @type {HTMLElement | null} */
  const button = clicked.closest("[data-restore]");
  if (button?.dataset.restore) void restore(button.dataset.restore);
}

export const start = () => document.addEventListener("click", onClick);
