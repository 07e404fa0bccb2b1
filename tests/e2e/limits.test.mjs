// One answer at a time and a queue of one: what overload looks like, and that a client that goes away frees its place.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import { Server, sleep } from './support.mjs';

let server;
before(
  async () => (server = await Server.launch({ args: ['--max-num-seqs', '1', '--max-queue', '1', '--log-level', 'debug'] })),
);
after(() => server.stop());

const messages = [{ role: 'user', content: 'Tell me a long story.' }];
const long = { messages, max_tokens: 3000, ignore_eos: true };
const short = { messages, max_tokens: 2, ignore_eos: true };

/** Streams a long answer and resolves once its first text is there, with what stops it. */
async function startLongAnswer() {
  const stream = await server.chat({ ...long, stream: true });
  const chunks = stream[Symbol.asyncIterator]();
  for (;;) {
    const { value } = await chunks.next();
    if (value.choices[0].delta.content) return { chunks, abort: () => stream.controller.abort() };
  }
}

test('over the queue comes 429 with a time to wait, and a client that retries gets its answer', async () => {
  const running = await startLongAnswer();
  const waiting = server.chat(short);
  await sleep(200);
  const error = await server.chat(short).then(
    () => assert.fail('there was room'),
    (reason) => reason,
  );
  assert.ok(error instanceof OpenAI.RateLimitError, `${error.constructor.name}: ${error.message}`);
  assert.equal(error.status, 429);
  assert.ok(Number(error.headers.get('retry-after')) >= 1);
  const streamError = await server.chat({ ...short, stream: true }).then(
    () => assert.fail('there was room'),
    (reason) => reason,
  );
  assert.equal(streamError.status, 429, 'decided before the headers of a stream go out');

  const patient = server.client({ maxRetries: 8 }).chat.completions.create({ model: 'mini-tiny', ...short });
  await sleep(100);
  running.abort();
  assert.equal((await waiting).usage.completion_tokens, 2);
  assert.equal((await patient).usage.completion_tokens, 2);
});

test('a client that breaks off a stream frees its place at once', async () => {
  const began = Date.now();
  const { chunks } = await startLongAnswer();
  let tokens = 1;
  while (tokens < 200 && !(await chunks.next()).done) ++tokens;
  const msPerToken = (Date.now() - began) / tokens;
  await chunks.return();

  const stopped = Date.now();
  await server.chat(short);
  const rest = (3000 - tokens) * msPerToken;
  assert.ok(Date.now() - stopped < Math.max(rest / 4, 300), `${Date.now() - stopped} ms; the rest would take ${rest} ms`);
});

test('so does one that does not stream', async () => {
  const began = Date.now();
  await server.chat({ ...long, max_tokens: 100 });
  const full = (Date.now() - began) * 30;
  const abort = new AbortController();
  const request = server.chat(long, { signal: abort.signal });
  await sleep(100);
  abort.abort();
  await assert.rejects(request, OpenAI.APIUserAbortError);
  const stopped = Date.now();
  await server.chat(short);
  assert.ok(Date.now() - stopped < Math.max(full / 4, 300), `${Date.now() - stopped} ms; the whole answer takes ${full} ms`);
});

test('a hundred clients that go away leave nothing behind', async () => {
  for (let i = 0; i < 100; ++i) {
    const abort = new AbortController();
    const outcome = server.chat({ ...long, stream: i % 2 === 0 }, { signal: abort.signal }).then(
      async (stream) => {
        for await (const chunk of stream) void chunk;
      },
      (error) => {
        const expected = error instanceof OpenAI.APIUserAbortError || error instanceof OpenAI.RateLimitError;
        assert.ok(expected, `${error.constructor.name}: ${error.message}`);
      },
    );
    await sleep(i % 7);
    abort.abort();
    await outcome;
  }
  const answer = await server.client({ maxRetries: 4 }).chat.completions.create({ model: 'mini-tiny', ...short });
  assert.equal(answer.usage.completion_tokens, 2);
});
