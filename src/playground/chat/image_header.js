// What a file is and how large its picture is, out of its first bytes: nothing is decoded, however large it says it is.

const text = (bytes, from, length) => String.fromCharCode(...bytes.subarray(from, from + length));

/**
 * {type, width, height} of a PNG, JPEG, GIF, WebP or BMP, before its orientation; null for what is none of these, width and
 * height 0 where the header breaks off. `bytes`: a Uint8Array of the file's beginning.
 */
export function readImageHeader(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = Object.entries(formats).find(([, { is }]) => is(bytes));
  if (!read) return null;
  const [type, { size }] = read;
  try {
    const [width, height] = size(view, bytes);
    return { type, width, height };
  } catch (error) {
    if (error instanceof RangeError) return { type, width: 0, height: 0 };
    throw error;
  }
}

const formats = {
  'image/png': {
    is: (bytes) => text(bytes, 0, 4) === '\x89PNG',
    size: (view) => [view.getUint32(16), view.getUint32(20)],
  },
  'image/jpeg': {
    is: (bytes) => bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff,
    size: jpegSize,
  },
  'image/gif': {
    is: (bytes) => /^GIF8[79]a/.test(text(bytes, 0, 6)),
    size: (view) => [view.getUint16(6, true), view.getUint16(8, true)],
  },
  'image/webp': {
    is: (bytes) => text(bytes, 0, 4) === 'RIFF' && text(bytes, 8, 4) === 'WEBP',
    size: webpSize,
  },
  'image/bmp': {
    is: (bytes) => text(bytes, 0, 2) === 'BM' && bytes.length > 14,
    size: (view) => [Math.abs(view.getInt32(18, true)), Math.abs(view.getInt32(22, true))],
  },
};

/** Goes from segment to segment until a frame header; each names its length, so that every step goes on. */
function jpegSize(view) {
  for (let at = 2; ; ) {
    if (view.getUint8(at) !== 0xff) return [0, 0];
    const marker = view.getUint8(at + 1);
    if (marker === 0xff) {
      ++at;
      continue;
    }
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return [view.getUint16(at + 7), view.getUint16(at + 5)];
    at += 2 + Math.max(view.getUint16(at + 2), 2);
  }
}

function webpSize(view, bytes) {
  const chunk = text(bytes, 12, 4);
  if (chunk === 'VP8X') {
    const side = (at) => 1 + view.getUint16(at, true) + (view.getUint8(at + 2) << 16);
    return [side(24), side(27)];
  }
  if (chunk === 'VP8L') {
    const bits = view.getUint32(21, true);
    return [1 + (bits & 0x3fff), 1 + ((bits >>> 14) & 0x3fff)];
  }
  return [view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff];
}
