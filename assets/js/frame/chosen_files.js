// @ts-check
/** The files that the reader chose or dropped, those in folders included, as a flat list. */

/**
 * @typedef {object} Named
 * @property {File} file
 * @property {string} name Path relative to the selection.
 */

const JUNK = /(^|\/)(\.[^/]*|Thumbs\.db|desktop\.ini|__MACOSX(\/.*)?)$/i; // of operating systems

/**
 * "3 files"
 *
 * @param {number} count
 * @param {string} word
 */
export const plural = (count, word) =>
  `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;

/** @param {number} bytes */
export function megabytes(bytes) {
  const size = bytes / 2 ** 20;
  if (size >= 1024) return `${(size / 1024).toFixed(1)} GB`;
  return size >= 10 ? `${Math.round(size)} MB` : `${size.toFixed(1)} MB`;
}

/** @param {HTMLInputElement} input */
export const fromInput = (input) =>
  unique(
    [...(input.files ?? [])].map((file) => ({ file, name: file.webkitRelativePath || file.name })),
  );

/**
 * The entries must be read before the event ends; the folders may be walked afterwards.
 *
 * @param {DataTransfer} transfer
 * @returns {Promise<Named[]>}
 */
export async function fromDrop(transfer) {
  const entries = [...transfer.items].flatMap((item) => item.webkitGetAsEntry?.() ?? []);
  const files = [...transfer.files].map((file) => ({ file, name: file.name }));
  return unique(entries.length ? await walk(entries) : files);
}

/** @param {readonly FileSystemEntry[]} entries */
async function walk(entries) {
  /** @type {Named[]} */
  const found = [];
  const waiting = [...entries];
  for (let entry = waiting.shift(); entry; entry = waiting.shift()) {
    if (entry.isDirectory) {
      waiting.push(...(await list(/** @type {FileSystemDirectoryEntry} */ (entry))));
      continue;
    }
    const file = await read(/** @type {FileSystemFileEntry} */ (entry));
    if (file) found.push({ file, name: entry.fullPath.replace(/^\/+/, "") });
  }
  return found;
}

/**
 * @param {FileSystemFileEntry} entry
 * @returns {Promise<File | null>} Null where it cannot be read.
 */
const read = (entry) => new Promise((resolve) => entry.file(resolve, () => resolve(null)));

/** @param {FileSystemDirectoryEntry} folder */
async function list(folder) {
  const reader = folder.createReader();
  /** @returns {Promise<FileSystemEntry[]>} At most 100 at a time. */
  const next = () => new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));
  const all = [];
  for (let some = await next(); some.length; some = await next()) all.push(...some);
  return all;
}

/**
 * Makes names unique, so that files of the same name from two folders do not replace each other.
 *
 * @param {readonly Named[]} items
 * @returns {Named[]}
 */
export function unique(items) {
  const taken = new Set();
  return items
    .filter((item) => !JUNK.test(item.name))
    .map((item) => {
      let { name } = item;
      for (let turn = 2; taken.has(name); turn++) name = `${turn}/${item.name}`;
      taken.add(name);
      return { file: item.file, name };
    });
}
