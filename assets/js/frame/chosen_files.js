// @ts-check
/** The files that the reader chose or dropped, those in folders included, as a flat list. */

/**
 * @typedef {object} Named
 * @property {File} file
 * @property {string} name Path relative to the selection.
 */

const JUNK = /(^|\/)(\.[^/]*|Thumbs\.db|desktop\.ini|__MACOSX(\/.*)?)$/i; // of operating systems

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
 * @typedef {object} Dropped
 * @property {Named[]} files
 * @property {string[]} unread Names of files and folders that the browser could not read.
 */

/**
 * The entries must be read before the event ends; the folders may be walked afterwards.
 *
 * @param {DataTransfer} transfer
 * @returns {Promise<Dropped>}
 */
export async function fromDrop(transfer) {
  const entries = [...transfer.items].flatMap((item) => item.webkitGetAsEntry?.() ?? []);
  const loose = [...transfer.files].map((file) => ({ file, name: file.name }));
  const { files, unread } = entries.length ? await walk(entries) : { files: loose, unread: [] };
  return { files: unique(files), unread };
}

/**
 * @param {readonly FileSystemEntry[]} entries
 * @returns {Promise<Dropped>}
 */
async function walk(entries) {
  /** @type {Dropped} */
  const found = { files: [], unread: [] };
  const waiting = [...entries];
  for (let entry = waiting.shift(); entry; entry = waiting.shift()) {
    const name = entry.fullPath.replace(/^\/+/, "");
    if (entry.isDirectory) {
      const inside = await list(/** @type {FileSystemDirectoryEntry} */ (entry));
      if (inside) waiting.push(...inside);
      else found.unread.push(name);
      continue;
    }
    const file = await read(/** @type {FileSystemFileEntry} */ (entry));
    if (file) found.files.push({ file, name });
    else if (!JUNK.test(name)) found.unread.push(name);
  }
  return found;
}

/**
 * @param {FileSystemFileEntry} entry
 * @returns {Promise<File | null>} Null where it cannot be read.
 */
const read = (entry) => new Promise((resolve) => entry.file(resolve, () => resolve(null)));

/**
 * @param {FileSystemDirectoryEntry} folder
 * @returns {Promise<FileSystemEntry[] | null>} Null where it cannot be read.
 */
async function list(folder) {
  const reader = folder.createReader();
  /** @returns {Promise<FileSystemEntry[] | null>} At most 100 at a time. */
  const next = () => new Promise((resolve) => reader.readEntries(resolve, () => resolve(null)));
  const all = [];
  for (;;) {
    const some = await next();
    if (!some?.length) return some && all;
    all.push(...some);
  }
}

/**
 * Makes names unique, so that files of the same name from two folders do not replace each other.
 *
 * @param {readonly Named[]} items
 * @param {Iterable<string>} [known] Names that other files have.
 * @returns {Named[]}
 */
export function unique(items, known = []) {
  const taken = new Set(known);
  return items
    .filter((item) => !JUNK.test(item.name))
    .map((item) => {
      let { name } = item;
      for (let turn = 2; taken.has(name); turn++) name = `${turn}/${item.name}`;
      taken.add(name);
      return { file: item.file, name };
    });
}

/**
 * What a selection adds to an earlier one: not the same files again, but others of their names.
 *
 * @param {readonly Named[]} earlier
 * @param {readonly Named[]} items
 */
export function further(earlier, items) {
  const byName = new Map(earlier.map(({ name, file }) => [name, file]));
  const isKnown = (/** @type {Named} */ { name, file }) => {
    const known = byName.get(name);
    return known?.size === file.size && known.lastModified === file.lastModified;
  };
  return unique(
    items.filter((item) => !isKnown(item)),
    byName.keys(),
  );
}
