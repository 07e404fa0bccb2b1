// Files as pictures for the server.
import { Failure } from '../shared/api.js';
import { readImageHeader } from './image_header.js';

const headerBytes = 512 * 1024; // a camera's notes may come before a JPEG's size
const maxFileBytes = 48 * 1024 ** 2; // as base64 it has to fit into a request
const maxShownPixels = 80_000_000; // larger ones are sent, but not decoded here

const urls = new WeakMap();
const dataUrls = new WeakMap();

/**
 * {id, name, type, width, height, blob} of a file; width and height 0 where they are not known. A picture that only the browser
 * can read becomes a PNG. Throws Failure for what is no picture.
 */
export async function readPicture(file) {
  if (file.size > maxFileBytes) throw new Failure('file_too_large', { message: `${file.name}: ${file.size} bytes` });
  const header = readImageHeader(new Uint8Array(await file.slice(0, headerBytes).arrayBuffer()));
  const id = `${Date.now().toString(36)}${Math.random().toString(36).slice(2, 10)}`;
  const name = file.name || 'picture.png';
  if (!header) return { id, ...(await convert(file, name)) };
  const blob = file.slice(0, file.size, header.type);
  if (isShowable(header)) await requireDecodable(blob, name);
  return { id, name, type: header.type, width: header.width, height: header.height, blob };
}

/** Whether the browser is to decode it. */
export const isShowable = ({ width, height }) => width * height > 0 && width * height <= maxShownPixels;

async function requireDecodable(blob, name) {
  const image = new Image();
  image.src = pictureUrl({ blob });
  try {
    await image.decode();
  } catch {
    throw new Failure('no_picture', { message: name });
  }
}

async function convert(file, name) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    throw new Failure('no_picture', { message: name });
  }
  const canvas = document.createElement('canvas');
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  canvas.getContext('2d').drawImage(bitmap, 0, 0);
  const blob = await canvasBlob(canvas);
  return { name: `${name.replace(/\.[^.]*$/, '')}.png`, type: blob.type, width: canvas.width, height: canvas.height, blob };
}

export const canvasBlob = (canvas, type = 'image/png', quality = undefined) =>
  new Promise((resolve, reject) => {
    const done = (blob) => (blob ? resolve(blob) : reject(new Failure('no_picture')));
    canvas.toBlob(done, type, quality);
  });

/** For an <img>; lasts as long as the page. */
export function pictureUrl({ blob }) {
  if (!urls.has(blob)) urls.set(blob, URL.createObjectURL(blob));
  return urls.get(blob);
}

/** For a request. Each is made once. */
export async function dataUrlOf({ blob }) {
  if (!dataUrls.has(blob)) {
    const reading = new Promise((resolve, reject) => {
      const reader = new FileReader();
      reader.onload = () => resolve(reader.result);
      reader.onerror = () => reject(new Failure('no_picture', { message: reader.error?.message }));
      reader.readAsDataURL(blob);
    });
    dataUrls.set(blob, reading);
  }
  return dataUrls.get(blob);
}

/** A function from pictures to their URLs in a request, all of them read. */
export async function dataUrlsOf(pictures) {
  const read = new Map();
  for (const picture of pictures) read.set(picture.id, await dataUrlOf(picture));
  return (picture) => read.get(picture.id);
}
