import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { goldenCase, greedy, messagesOf } from './golden.mjs';
import { collect, Server } from './support.mjs';

let server;
before(async () => (server = await Server.launch()));
after(() => server.stop());

const streamed = async (body) => collect(await server.chat({ stream: true, ...greedy, ...body }));

test('the deltas put together are the answer', async () => {
  for (const name of ['text_zh', 'text_mixed', 'img_square_small']) {
    const golden = goldenCase('mini-tiny', name);
    const { choices } = await streamed({ messages: messagesOf(golden) });
    assert.equal(choices[0].text, golden.greedy_text);
    assert.equal(choices[0].reason, 'length');
  }
});

test('the first text comes long before the last', async () => {
  const stream = await server.chat({
    messages: messagesOf(goldenCase('mini-tiny', 'text_only')),
    ...greedy,
    max_tokens: 500,
    stream: true,
  });
  const times = [];
  for await (const chunk of stream) if (chunk.choices[0].delta.content) times.push(performance.now());
  // A reader that lags gets several tokens in one chunk, so their number depends on the machine.
  assert.ok(times.length >= 10, `${times.length} chunks for 500 tokens`);
  const [first, middle, last] = [times[0], times[times.length >> 1], times.at(-1)];
  assert.ok(middle > first && last > middle);
});

test('every chunk has the same identity, the first the role, the last the reason', async () => {
  const { chunks } = await streamed({ messages: messagesOf(goldenCase('mini-tiny', 'text_only')) });
  assert.equal(new Set(chunks.map((chunk) => `${chunk.id} ${chunk.created} ${chunk.model} ${chunk.object}`)).size, 1);
  assert.equal(chunks[0].object, 'chat.completion.chunk');
  assert.equal(chunks[0].choices[0].delta.role, 'assistant');
  assert.equal(chunks.at(-1).choices[0].finish_reason, 'length');
  assert.ok(chunks.slice(0, -1).every((chunk) => chunk.choices[0].finish_reason === null));
  assert.ok(
    chunks.every((chunk) => chunk.usage == null),
    'usage is not asked for',
  );
});

test('include_usage adds one last chunk with the usage', async () => {
  const golden = goldenCase('mini-tiny', 'img_tall');
  const { chunks } = await streamed({ messages: messagesOf(golden), stream_options: { include_usage: true } });
  const last = chunks.at(-1);
  assert.deepEqual(last.choices, []);
  assert.equal(last.usage.prompt_tokens, golden.n_tokens);
  assert.equal(last.usage.completion_tokens, 24);
  assert.equal(last.usage.total_tokens, golden.n_tokens + 24);
  assert.equal(last.usage.prompt_tokens_details.image_tokens, golden.num_image_tokens[0]);
  assert.ok(chunks.slice(0, -1).every((chunk) => chunk.usage === null));
});

test('two answers in one stream keep apart', async () => {
  const golden = goldenCase('mini-tiny', 'multi_turn_text');
  const { choices } = await streamed({ messages: messagesOf(golden), n: 2 });
  assert.deepEqual(choices, [
    { text: golden.greedy_text, reason: 'length' },
    { text: golden.greedy_text, reason: 'length' },
  ]);
});

test('no piece of a stop string is ever sent', async () => {
  const golden = goldenCase('mini-tiny', 'text_zh');
  const characters = [...golden.greedy_text];
  for (const from of [3, 7, 12]) {
    const stop = characters.slice(from, from + 5).join('');
    const expected = golden.greedy_text.slice(0, golden.greedy_text.indexOf(stop));
    const { choices } = await streamed({ messages: messagesOf(golden), stop: [stop] });
    assert.deepEqual(choices[0], { text: expected, reason: 'stop' });
  }
});

test('log-probabilities travel with the chunks', async () => {
  const golden = goldenCase('mini-tiny', 'text_only');
  const { chunks } = await streamed({ messages: messagesOf(golden), logprobs: true, top_logprobs: 1 });
  const tokens = chunks.flatMap((chunk) => chunk.choices[0]?.logprobs?.content ?? []);
  assert.equal(tokens.length, 24);
  const bytes = Buffer.from(tokens.flatMap((each) => each.bytes));
  assert.equal(new TextDecoder().decode(bytes), golden.greedy_text);
});

test('the bytes on the wire are server-sent events that end on [DONE]', async () => {
  const body = { model: 'mini-tiny', messages: [{ role: 'user', content: 'Hi' }], stream: true, ...greedy };
  const response = await fetch(`${server.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  assert.equal(response.status, 200);
  assert.match(response.headers.get('content-type'), /^text\/event-stream/);
  assert.equal(response.headers.get('cache-control'), 'no-cache');
  const events = (await response.text()).split('\n\n');
  assert.equal(events.pop(), '', 'the last event is ended');
  assert.equal(events.pop(), 'data: [DONE]');
  for (const event of events.filter((each) => !each.startsWith(':'))) {
    assert.match(event, /^data: \{.*\}$/);
    JSON.parse(event.slice('data: '.length));
  }
});
