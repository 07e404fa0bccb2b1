// The golden set's conversations as requests, and what the original implementation answered.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { sourceDir } from './paths.mjs';
import { dataUrl, imagePart, textPart } from './pictures.mjs';

/** A folder with manifest.json: the tests' own set, or another of the same layout. */
const setDir = process.env.SPYHOP_E2E_GOLDEN_SET ?? path.join(sourceDir, 'tests/golden');
const { families } = readJson('manifest.json');

export const familyNames = Object.keys(families);
export const checkpointOf = (family) => path.join(setDir, families[family].checkpoint);
export const imageBytes = (name) => readFileSync(path.join(setDir, 'images', name));

/** What makes an answer comparable with a golden one: greedy, 24 tokens, none of them the last before its time. */
export const greedy = { temperature: 0, max_tokens: 24, ignore_eos: true };

const roles = { '<|User|>': 'user', '<|Assistant|>': 'assistant', 'deepseekapi-sys': 'system' };
const liveTokens = /<\|(User|Assistant)\|>|<｜/;
const mediaTypes = {
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.webp': 'image/webp',
  '.gif': 'image/gif',
  '.bmp': 'image/bmp',
};

function readJson(name) {
  return JSON.parse(readFileSync(path.join(setDir, name), 'utf8'));
}

/** {name, conversation, n_tokens, greedy_text, ...} as recorded. */
export function goldenCase(family, name) {
  const entry = families[family].cases.find((each) => each.name === name);
  if (!entry) throw new Error(`no golden case ${family}/${name}`);
  return readJson(entry.json);
}

/** Whether its special tokens are live only for trusted clients. */
export const needsTrust = (golden) => golden.conversation.some(({ content }) => liveTokens.test(content));

/** The cases that the set has all images of. */
export function goldenCases(family) {
  const there = (image) => existsSync(path.join(setDir, image));
  return families[family].cases
    .map(({ name }) => goldenCase(family, name))
    .filter(({ conversation }) => conversation.every(({ images = [] }) => images.every(there)));
}

export const goldenImageUrl = (name) => dataUrl(imageBytes(name), mediaTypes[path.extname(name)]);

/** What makes a request of the golden conversation go on with its last message, where that is an answer begun. */
export const continuationOf = ({ conversation }) =>
  conversation.at(-1).content === '' ? {} : { continue_final_message: true, add_generation_prompt: false };

/** The golden conversation as a request's messages; `urlOf` says where an image is to be had. */
export function messagesOf({ conversation }, urlOf = goldenImageUrl) {
  const last = conversation.at(-1);
  const asked = last.content === '' ? conversation.slice(0, -1) : conversation;
  return asked.map(({ role, content, images = [] }) => {
    const pieces = content.split('<image>');
    if (images.length === 0) return { role: roles[role] ?? role, content };
    const parts = pieces.flatMap((text, i) => [
      ...(i > 0 ? [imagePart(urlOf(path.basename(images[i - 1])))] : []),
      ...(text ? [textPart(text)] : []),
    ]);
    return { role: roles[role] ?? role, content: parts };
  });
}
