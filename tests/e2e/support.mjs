// Starts the real program and gives the tests what they share: clients, golden conversations, images.
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { crc32Of } from './crc32.mjs';
import { deflateSync } from 'node:zlib';
import OpenAI from 'openai';

/** The folder of the sources, and the program under test. */
export const sourceDir = process.env.SPYHOP_SOURCE_DIR ?? path.resolve('../..');
export const binary = process.env.SPYHOP_BINARY ?? path.join(sourceDir, 'build/spyhop');
const goldenDir = path.join(sourceDir, 'tests/golden');

/** The golden conversations: family -> [{name, messages, prompt_tokens, image_tokens, text, ...}], 24 greedy tokens each. */
export const goldenCases = JSON.parse(readFileSync(path.join(sourceDir, 'tests/e2e/cases.json'), 'utf8'));

export const checkpointOf = (family) => path.join(goldenDir, family, 'checkpoint');
export const imageBytes = (name) => readFileSync(path.join(goldenDir, 'images', name));

/** What makes an answer comparable with a golden one: greedy, 24 tokens, none of them the last before its time. */
export const greedy = { temperature: 0, max_tokens: 24, ignore_eos: true };

const readyWithinMs = 60_000;
const stopWithinMs = 30_000;
const children = new Set();
process.on('exit', () => children.forEach((child) => child.kill('SIGKILL')));

/** A running `spyhop launch`. */
export class Server {
  #child;
  #exited;

  constructor(child, family) {
    this.#child = child;
    this.family = family;
    this.log = '';
    children.add(child);
    this.#exited = new Promise((resolve) => {
      child.on('close', (code, signal) => {
        children.delete(child);
        resolve({ code, signal });
      });
    });
    for (const output of [child.stdout, child.stderr]) {
      output.setEncoding('utf8');
      output.on('data', (text) => (this.log += text));
    }
  }

  /** Launches the family's miniature checkpoint on a free port and waits until it listens. */
  static async launch({ family = 'mini-tiny', args = [], env = {} } = {}) {
    const flags = ['--model-path', checkpointOf(family), '--model-name', family, '--port', '0', '--compute', 'f32', ...args];
    const child = spawn(binary, ['launch', ...flags], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    const server = new Server(child, family);
    const port = await server.logged(/listening on http:\/\/\S*:(\d+)/, readyWithinMs);
    server.url = `http://127.0.0.1:${port[1]}`;
    return server;
  }

  /** Resolves with the match once the log matches; rejects when the program ends first or the time is over. */
  async logged(pattern, withinMs = 10_000) {
    const until = Date.now() + withinMs;
    let ended = null;
    this.#exited.then((how) => (ended = how));
    for (;;) {
      const match = this.log.match(pattern);
      if (match) return match;
      if (ended) throw new Error(`spyhop ended with ${JSON.stringify(ended)} before it logged ${pattern}:\n${this.log}`);
      if (Date.now() > until) throw new Error(`spyhop did not log ${pattern} within ${withinMs} ms:\n${this.log}`);
      await sleep(20);
    }
  }

  /** An SDK client that shows every failure at once; `options` override, such as maxRetries. */
  client(options = {}) {
    return new OpenAI({ baseURL: `${this.url}/v1`, apiKey: 'none', maxRetries: 0, timeout: 120_000, ...options });
  }

  /** Shorthand: one chat completion of this server's model. */
  chat(body, options) {
    return this.client().chat.completions.create({ model: this.family, ...body }, options);
  }

  signal(name) {
    this.#child.kill(name);
  }

  /** Resolves with {code, signal} when the program has ended; kills it when that takes too long. */
  async exit(withinMs = stopWithinMs) {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), withinMs);
    const how = await this.#exited;
    clearTimeout(timer);
    return how;
  }

  async stop() {
    this.signal('SIGTERM');
    return this.exit();
  }
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const mediaTypes = { '.png': 'image/png', '.jpg': 'image/jpeg' };

export const imagePart = (url, more = {}) => ({ type: 'image_url', image_url: { url, ...more } });
export const textPart = (text) => ({ type: 'text', text });
export const dataUrl = (bytes, mediaType = 'image/png') => `data:${mediaType};base64,${Buffer.from(bytes).toString('base64')}`;
export const goldenImageUrl = (name) => dataUrl(imageBytes(name), mediaTypes[path.extname(name)]);

/** The golden conversation as a request's messages; `urlOf` says where an image is to be had. */
export function messagesOf(goldenCase, urlOf = goldenImageUrl) {
  return goldenCase.messages.map(({ role, content }) => ({
    role,
    content:
      typeof content === 'string'
        ? content
        : content.map((part) => ('image' in part ? imagePart(urlOf(part.image)) : textPart(part.text))),
  }));
}

export function goldenCase(family, name) {
  const found = goldenCases[family].find((each) => each.name === name);
  if (!found) throw new Error(`no golden case ${family}/${name}`);
  return found;
}

function pngChunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const frame = Buffer.alloc(body.length + 8);
  frame.writeUInt32BE(data.length, 0);
  body.copy(frame, 4);
  frame.writeUInt32BE(crc32Of(body), body.length + 4);
  return frame;
}

/** An RGB PNG whose pixels `colour(x, y)` chooses; `claim` writes other sides into its header than it has. */
export function drawPng(width, height, colour, claim = { width, height }) {
  const rows = Buffer.alloc(height * (1 + 3 * width));
  for (let y = 0; y < height; ++y) {
    for (let x = 0; x < width; ++x) rows.set(colour(x, y), y * (1 + 3 * width) + 1 + 3 * x);
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(claim.width, 0);
  header.writeUInt32BE(claim.height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, pngChunk('IHDR', header), pngChunk('IDAT', deflateSync(rows)), pngChunk('IEND', Buffer.alloc(0))]);
}

/** Serves `handle(request, response)` on a loopback port; close() ends it with its open connections. */
export async function webServer(handle) {
  const server = createServer(handle);
  const sockets = new Set();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    close() {
      sockets.forEach((socket) => socket.destroy());
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Everything a stream brought: its chunks, and per choice the text and the reason of its end. */
export async function collect(stream) {
  const chunks = [];
  const choices = [];
  for await (const chunk of stream) {
    chunks.push(chunk);
    for (const { index, delta, finish_reason: reason } of chunk.choices) {
      const choice = (choices[index] ??= { text: '', reason: null });
      choice.text += delta.content ?? '';
      if (reason) choice.reason = reason;
    }
  }
  return { chunks, choices };
}

/** Runs `use(folder)` with a folder that is gone afterwards. */
export async function withFolder(use) {
  const folder = mkdtempSync(path.join(tmpdir(), 'spyhop-e2e-'));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs the program to its end: {code, stdout, stderr}. */
export function runProgram(args, { command = binary, ...options } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    children.add(child);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
    child.on('error', reject);
    child.on('close', (code) => {
      children.delete(child);
      resolve({ code, stdout, stderr });
    });
  });
}
