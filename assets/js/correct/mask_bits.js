// @ts-check
/**
 * Bit-level representations of masks: packed for storage, compressed differences for undo, and the
 * encoding for transfer (layout in dashboard/masks/encoding.py). Masks are Uint8Arrays of 0 and 1,
 * one byte per pixel; packed ones hold eight pixels per byte, the first in the highest bit.
 */

/** @typedef {{ readonly n: number, readonly height: number, readonly width: number }} Shape */

const MAGIC = [0x4f, 0x56, 0x4d, 0x31]; // OVM1
const HEAD = 20;

/** @param {Uint8Array} mask */
export const pack = (mask) => packFrom(mask, 1);

/**
 * The packed mask of the pixels that reach a level.
 *
 * @param {ArrayLike<number>} map One value per pixel.
 * @param {number} level
 */
export function packFrom(map, level) {
  const bits = new Uint8Array(Math.ceil(map.length / 8));
  for (let i = 0; i < map.length; i++) if (map[i] >= level) bits[i >> 3] |= 128 >> (i & 7);
  return bits;
}

/**
 * @param {Uint8Array} bits
 * @param {number} length In pixels.
 */
export function unpack(bits, length) {
  const mask = new Uint8Array(length);
  for (let b = 0; b < bits.length; b++) {
    const byte = bits[b];
    if (!byte) continue;
    for (let i = b << 3, shift = 7; shift >= 0 && i < length; i++, shift--)
      mask[i] = (byte >> shift) & 1;
  }
  return mask;
}

const ONES = Uint8Array.from(
  { length: 256 },
  (_, byte) => byte.toString(2).replaceAll("0", "").length,
);

/**
 * Number of pixels in a packed mask.
 *
 * @param {Uint8Array} bits
 */
export function count(bits) {
  let sum = 0;
  for (let i = 0; i < bits.length; i++) sum += ONES[bits[i]];
  return sum;
}

/**
 * Number of pixels that two packed masks have in common.
 *
 * @param {Uint8Array} a
 * @param {Uint8Array} b
 */
export function both(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += ONES[a[i] & b[i]];
  return sum;
}

/**
 * @param {Uint8Array} a
 * @param {Uint8Array} b
 */
export const equal = (a, b) => a.length === b.length && a.every((byte, i) => byte === b[i]);

/**
 * The difference of two packed masks (XOR), run-length encoded: number of bytes to skip, number of
 * changed bytes, those bytes, repeated; numbers are variable-length, seven bits per byte. The
 * difference is its own inverse.
 *
 * @param {Uint8Array} before
 * @param {Uint8Array} after
 */
export function difference(before, after) {
  /** @type {number[]} */
  const out = [];
  const length = (/** @type {number} */ n) => {
    for (; n > 127; n >>>= 7) out.push((n & 127) | 128);
    out.push(n);
  };
  for (let i = 0, last = 0; i < before.length; i++) {
    if (before[i] === after[i]) continue;
    let end = i + 1;
    while (end < before.length && before[end] !== after[end]) end++;
    length(i - last);
    length(end - i);
    for (; i < end; i++) out.push(before[i] ^ after[i]);
    last = end;
  }
  return Uint8Array.from(out);
}

/**
 * Applies a difference to a packed mask.
 *
 * @param {Uint8Array} bits
 * @param {Uint8Array} change From `difference`.
 */
export function flip(bits, change) {
  const out = bits.slice();
  let at = 0;
  const length = () => {
    let n = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = change[at++];
      n |= (byte & 127) << shift;
      if (byte < 128) return n;
    }
  };
  for (let i = 0; at < change.length;) {
    i += length();
    for (const end = i + length(); i < end; i++) out[i] ^= change[at++];
  }
  return out;
}

/**
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {CompressionStream | DecompressionStream} stream
 */
async function through(bytes, stream) {
  const done = new Blob([bytes]).stream().pipeThrough(stream);
  return new Uint8Array(await new Response(done).arrayBuffer());
}

/** @param {Uint8Array} bytes */
function toBase64(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length; i += 0x8000)
    text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return btoa(text);
}

/** @param {string} text */
const fromBase64 = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/**
 * Encodes packed masks as text.
 *
 * @param {ReadonlyMap<number, Uint8Array>} slices By position.
 * @param {Shape} study
 */
export async function encode(slices, { n, height, width }) {
  const each = Math.ceil((height * width) / 8);
  const sorted = [...slices].sort(([a], [b]) => a - b);
  const bytes = new Uint8Array(HEAD + sorted.length * (4 + each));
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  const numbers = [n, height, width, sorted.length, ...sorted.map(([k]) => k)];
  numbers.forEach((number, i) => view.setUint32(4 + 4 * i, number, true));
  sorted.forEach(([, bits], i) => bytes.set(bits, HEAD + 4 * sorted.length + i * each));
  return toBase64(await through(bytes, new CompressionStream("deflate")));
}

/**
 * Decodes packed masks by position.
 *
 * @param {string} text From `encode` or from the server.
 * @param {Shape} study
 * @throws {Error} If the mask has another shape than the study.
 */
export async function decode(text, { n, height, width }) {
  const bytes = await through(fromBase64(text), new DecompressionStream("deflate"));
  const view = new DataView(bytes.buffer);
  const number = (/** @type {number} */ i) => view.getUint32(4 + 4 * i, true);
  const each = Math.ceil((height * width) / 8);
  const held = number(3);
  const fits =
    MAGIC.every((byte, i) => bytes[i] === byte) &&
    number(0) === n &&
    number(1) === height &&
    number(2) === width;
  if (!fits || bytes.length !== HEAD + held * (4 + each))
    throw new Error("The mask does not belong to this study.");
  const start = HEAD + 4 * held;
  /** @type {(i: number) => [number, Uint8Array]} */
  const slice = (i) => [number(4 + i), bytes.slice(start + i * each, start + (i + 1) * each)];
  return new Map(Array.from({ length: held }, (_, i) => slice(i)));
}
