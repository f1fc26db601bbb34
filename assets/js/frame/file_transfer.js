// @ts-check
/**
 * Sends a file of an upload by the tus protocol (docs/http.md): in parts, each of which is stored
 * when the server answers, so that a file continues where it was after a lost connection, a restart
 * of the server, or a reload of the page.
 */

import { HEADERS, pauseOf } from "./server.js";

/**
 * A file and where it goes.
 *
 * @typedef {object} SentFile
 * @property {string} batch Name of the upload.
 * @property {File} file
 * @property {string} name Path relative to the selection.
 * @property {string} [address] Of what has arrived of it before.
 */

/**
 * @typedef {object} Watch
 * @property {AbortSignal} [signal] Stops the transfer.
 * @property {(bytes: number) => void} [onMoved] Bytes that are sent.
 * @property {(tries: number, again: () => void) => void} [onPause] The connection is lost: `tries`
 *   attempts have failed without a byte stored; `again` ends the pause.
 */

/**
 * @typedef {object} Outcome
 * @property {number} status HTTP status, 0 if the file cannot be read or the transfer was stopped.
 * @property {boolean} ok Whether the whole file is stored.
 * @property {string} sentence Why not, "" if the server gave no reason.
 * @property {string} address Where the file is.
 */

/** A file up to this size is sent in one request; of larger ones at most so much is sent again. */
const PART_BYTES = 32 * 2 ** 20;

const OFFSET_CONFLICT = 409;
const LOCKED = 423;
const ALTERED = 460;
const FULL_DISK = 507;
/** Statuses of the protocol after which the rest of a file can be sent. */
const CONTINUED = [OFFSET_CONFLICT, LOCKED, ALTERED];

/**
 * Whether the response to a part of a file is final.
 *
 * @param {number} status
 */
const isFinalForFile = (status) =>
  status === FULL_DISK || (status > 0 && status < 500 && !CONTINUED.includes(status));

/** A new name for an upload. */
export const newBatch = () =>
  [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");

/**
 * Sends a file until the server has it, rejects it, or the transfer is stopped. Never throws.
 *
 * @param {SentFile} sent
 * @param {Watch} [watch]
 * @returns {Promise<Outcome>}
 */
export async function sendFile(sent, { signal, onMoved, onPause } = {}) {
  /** @type {(status: number, sentence: string) => void} */
  let settle = () => {};
  let stored = 0;
  const upload = new tus.Upload(sent.file, {
    endpoint: new URL(`/api/uploads/${sent.batch}/files`, location.href).href,
    headers: { "X-Overread": HEADERS["X-Overread"] },
    metadata: { filename: sent.name, modified: String(sent.file.lastModified) },
    chunkSize: PART_BYTES,
    uploadDataDuringCreation: sent.file.size <= PART_BYTES,
    retryDelays: null, // the pauses below are those of all our requests
    storeFingerprintForResuming: false,
    onProgress: (bytes) => onMoved?.(bytes),
    onChunkComplete: (_, bytes) => void (stored = bytes),
    onSuccess: () => settle(200, ""),
    onError: (error) => settle(statusOf(error), sentenceOf(error)),
  });
  if (sent.address) upload.url = new URL(sent.address, location.href).href;

  /** @returns {Promise<{ status: number, sentence: string }>} */
  const attempt = () =>
    new Promise((resolve) => {
      const stopped = () => settle(0, "");
      settle = (status, sentence) => {
        signal?.removeEventListener("abort", stopped); // one signal stops thousands of files
        resolve({ status, sentence });
      };
      if (signal?.aborted) return stopped();
      signal?.addEventListener("abort", stopped);
      upload.start();
    });
  /** @param {number} status @param {string} sentence */
  const outcome = (status, sentence) => ({
    status,
    sentence,
    ok: status === 200,
    address: upload.url ?? "",
  });

  for (let tries = 0, before = 0; ; tries++) {
    const { status, sentence } = await attempt();
    if (signal?.aborted) {
      void upload.abort();
      return outcome(0, "");
    }
    if (isFinalForFile(status)) return outcome(status, sentence);
    if (!(await isReadable(sent.file))) return outcome(0, unreadable(sent.name));
    if (stored > before) tries = 0;
    before = stored;
    await pause(pauseOf(tries), signal, (again) => onPause?.(tries + 1, again));
  }
}

/** @param {string} name */
const unreadable = (name) =>
  `${name} can no longer be read on this computer; it may have been moved or changed.`;

/**
 * @param {number} milliseconds
 * @param {AbortSignal | undefined} signal Ends it.
 * @param {(again: () => void) => void} begun Receives the function that ends it.
 * @returns {Promise<void>}
 */
function pause(milliseconds, signal, begun) {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal?.addEventListener("abort", end);
    begun(end);
  });
}

/** @param {Error | tus.DetailedError} error */
const statusOf = (error) =>
  ("originalResponse" in error ? error.originalResponse?.getStatus() : 0) || 0;

/** @param {Error | tus.DetailedError} error */
function sentenceOf(error) {
  if (!("originalResponse" in error)) return "";
  try {
    const { error: sentence } = JSON.parse(error.originalResponse?.getBody() ?? "");
    return typeof sentence === "string" ? sentence : "";
  } catch {
    return "";
  }
}

/** @param {File} file */
const isReadable = (file) =>
  file
    .slice(0, 1)
    .arrayBuffer()
    .then(
      () => true,
      () => false,
    );
