import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Server, sleep } from './support.mjs';

const messages = [{ role: 'user', content: 'Tell me a long story.' }];

/** A streamed answer that has begun: its chunks so far, and a promise of how it ends. */
async function begin(server, maxTokens) {
  const stream = await server.chat({ messages, max_tokens: maxTokens, ignore_eos: true, stream: true });
  const answer = { text: '', reason: null, began: null, ended: null };
  answer.began = new Promise((resolve) => {
    answer.ended = (async () => {
      for await (const chunk of stream) {
        answer.text += chunk.choices[0].delta.content ?? '';
        answer.reason = chunk.choices[0].finish_reason ?? answer.reason;
        if (answer.text) resolve();
      }
      return answer;
    })();
  });
  await answer.began;
  return answer;
}

for (const signal of ['SIGTERM', 'SIGINT']) {
  test(`${signal} lets the running answer end and refuses new ones`, async () => {
    const server = await Server.launch();
    const answer = await begin(server, 400);
    server.signal(signal);
    await server.logged(/draining/);
    const late = await server.chat({ messages, max_tokens: 1 }).then(
      () => assert.fail('it was taken'),
      (reason) => reason,
    );
    assert.ok(late.status === 503 || late.status === undefined, `503, or nobody listens: ${late.message}`);
    if (late.status === 503) assert.ok(Number(late.headers.get('retry-after')) >= 1);
    assert.equal((await answer.ended).reason, 'length');
    assert.deepEqual(await server.exit(), { code: 0, signal: null });
  });
}

test('a second SIGTERM quits at once', async () => {
  const server = await Server.launch();
  const answer = await begin(server, 3500);
  answer.ended.catch(() => undefined);
  server.signal('SIGTERM');
  await server.logged(/draining/);
  const asked = Date.now();
  server.signal('SIGTERM');
  assert.deepEqual(await server.exit(), { code: 143, signal: null });
  assert.ok(Date.now() - asked < 2000);
});

test('an answer that outlasts --drain-timeout ends with an error', async () => {
  const server = await Server.launch({ args: ['--drain-timeout', '1'] });
  const answer = await begin(server, 3500);
  const asked = Date.now();
  server.signal('SIGTERM');
  const ended = await answer.ended.catch((error) => error);
  if (!(ended instanceof Error)) assert.equal(ended.reason, 'length', 'a machine may be quick enough to finish it');
  assert.equal((await server.exit()).code, 0);
  assert.ok(Date.now() - asked < 10_000);
});

/** The whole body of a streamed answer as it came; rejects when the connection breaks off in the middle. */
async function rawStream(server, maxTokens) {
  const response = await fetch(`${server.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ messages, max_tokens: maxTokens, ignore_eos: true, stream: true }),
  });
  assert.equal(response.status, 200);
  return { text: response.text() };
}

const loaded = { args: ['--max-num-seqs', '16', '--drain-timeout', '20'] };

test('SIGTERM lets fifty streams end, those that wait for their turn too', async () => {
  const server = await Server.launch(loaded);
  const streams = await Promise.all(Array.from({ length: 50 }, () => rawStream(server, 100)));
  server.signal('SIGTERM');
  for (const { text } of streams) {
    const body = await text;
    assert.match(body, /"finish_reason":"length"/);
    assert.match(body, /data: \[DONE\]\n\n$/);
  }
  assert.deepEqual(await server.exit(), { code: 0, signal: null });
});

test('of fifty streams that outlast --drain-timeout each is told so in a last event', async () => {
  const server = await Server.launch({ args: ['--max-num-seqs', '16', '--drain-timeout', '1'] });
  const streams = await Promise.all(Array.from({ length: 50 }, () => rawStream(server, 3500)));
  const asked = Date.now();
  server.signal('SIGTERM');
  for (const { text } of streams) {
    const events = (await text).trimEnd().split('\n\n');
    const error = JSON.parse(events.at(-1).replace(/^data: /, '')).error;
    assert.equal(error.code, 'unavailable');
  }
  assert.equal((await server.exit()).code, 0);
  assert.ok(Date.now() - asked < 10_000);
});

test('an idle server ends at once', async () => {
  const server = await Server.launch();
  await sleep(100);
  const asked = Date.now();
  assert.deepEqual(await server.stop(), { code: 0, signal: null });
  assert.ok(Date.now() - asked < 3000, `${Date.now() - asked} ms`);
});
