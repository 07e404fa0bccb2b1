// Starts the real program and gives the tests what they share: clients, streams, a web server.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import OpenAI from 'openai';
import { checkpointOf } from './golden.mjs';
import { binary } from './paths.mjs';

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
    return Server.start(['launch', ...flags], { family, env });
  }

  /** Runs the program with these arguments, which make it serve `family`, and waits until it listens. */
  static async start(args, { family, env = {} }) {
    const child = spawn(binary, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
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

  /** Threads and resident bytes of the program. */
  usage() {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8');
    const number = (key) => Number(status.match(new RegExp(`^${key}:\\s+(\\d+)`, 'm'))[1]);
    return { threads: number('Threads'), bytes: number('VmRSS') * 1024 };
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

/**
 * Runs the program at a terminal. `answers` are pairs of a pattern and what is typed once the terminal shows it. Resolves with
 * {code, shown: all that the terminal showed}.
 */
export function runAtTerminal(args, answers, options = {}) {
  return new Promise((resolve, reject) => {
    const line = [binary, ...args].map((word) => `'${word}'`).join(' ');
    const child = spawn('script', ['-qefc', line, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'], ...options });
    children.add(child);
    let shown = '';
    let asked = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      shown += text;
      asked += text;
      if (answers.length === 0 || !answers[0][0].test(asked)) return;
      child.stdin.write(answers.shift()[1]);
      asked = '';
    });
    child.on('error', reject);
    child.on('close', (code) => {
      children.delete(child);
      resolve({ code, shown });
    });
  });
}

/** Runs the program to its end, with `input` on its stdin: {code, stdout, stderr}. */
export function runProgram(args, { command = binary, input = '', ...options } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], ...options });
    child.stdin.on('error', () => {}); // it need not be read
    child.stdin.end(input);
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
