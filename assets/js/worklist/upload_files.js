// What the reader chose or dropped, as a flat list of {file, name}: folders are walked, name is the relative path.
window.overread = window.overread || {};

overread.uploadWords = (function () {
  "use strict";

  const plural = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;

  function megabytes(bytes) {
    const size = bytes / 2 ** 20;
    if (size >= 1024) return `${(size / 1024).toFixed(1)} GB`;
    return size >= 10 ? `${Math.round(size)} MB` : `${size.toFixed(1)} MB`;
  }

  return { plural, megabytes };
})();

overread.uploadFiles = (function () {
  "use strict";

  const JUNK = /(^|\/)(\.[^/]*|Thumbs\.db|desktop\.ini|__MACOSX(\/.*)?)$/i; // what systems leave in folders

  function fromInput(input) {
    return unique([...input.files].map((file) => ({ file, name: file.webkitRelativePath || file.name })));
  }

  // The entries must be taken before the event ends; walking them may take as long as it likes.
  function fromDrop(transfer, counted) {
    const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    if (!entries.length) return Promise.resolve(unique([...transfer.files].map((file) => ({ file, name: file.name }))));
    return walkAll(entries, counted).then(unique);
  }

  async function walkAll(entries, counted) {
    const found = [];
    const waiting = [...entries];
    while (waiting.length) {
      const entry = waiting.shift();
      if (entry.isDirectory) waiting.push(...(await list(entry)));
      else {
        const file = await new Promise((resolve) => entry.file(resolve, () => resolve(null)));
        if (file) found.push({ file, name: entry.fullPath.replace(/^\/+/, "") });
        if (found.length % 100 === 0) counted?.(found.length);
      }
    }
    return found;
  }

  // readEntries gives at most 100 at a time.
  async function list(folder) {
    const reader = folder.createReader();
    const all = [];
    for (;;) {
      const some = await new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));
      if (!some.length) return all;
      all.push(...some);
    }
  }

  // Two files of one name, from two folders, must not replace each other.
  function unique(items) {
    const taken = new Set();
    return items
      .filter((item) => !JUNK.test(item.name))
      .map((item) => {
        let name = item.name;
        for (let turn = 2; taken.has(name); turn++) name = `${turn}/${item.name}`;
        taken.add(name);
        return { file: item.file, name };
      });
  }

  return { fromInput, fromDrop };
})();
