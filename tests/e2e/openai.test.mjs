// The OpenAI SDK, call by call, with every body held against the SDK's own types.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import OpenAI from 'openai';
import { goldenCase, goldenImageUrl, greedy } from './golden.mjs';
import { allChecked, checkedClient, checkedFetch, counts, schema } from './schema_check.mjs';
import { sourceFingerprint } from './schemas/fingerprint.mjs';
import { Server, sleep, webServer } from './support.mjs';

let server;
let client;
before(async () => {
  server = await Server.launch();
  client = checkedClient(server);
});
after(() => server.stop());

const model = 'mini-tiny';
const hello = [{ role: 'user', content: 'Hello there, how are you?' }];
const image = goldenImageUrl('exif6_320x200.jpg');
const chat = (body, options) => client.chat.completions.create({ model, messages: hello, ...greedy, ...body }, options);
const rejects = (promise, type, fields) =>
  assert.rejects(promise, (error) => {
    assert.ok(error instanceof type, `${error.constructor.name}: ${error.message}`);
    for (const [name, value] of Object.entries(fields)) assert.equal(error[name], value, `${name} of ${error.message}`);
    return true;
  });

test('the schemas are of the SDK that is installed; else run schemas/generate.mjs', () => {
  assert.equal(schema.$comment, sourceFingerprint());
});

describe('chat completions', () => {
  test('stop tokens and stop strings are named', async () => {
    const { choices } = await chat({ logprobs: true });
    const [, , third] = choices[0].logprobs.content;
    const stopped = await chat({ stop: [third.token, 'never'], logprobs: true });
    assert.equal(stopped.choices[0].finish_reason, 'stop');
    assert.equal(stopped.choices[0].stop_reason, third.token);
    const included = await chat({ stop: [third.token], include_stop_str_in_output: true });
    assert.equal(included.choices[0].message.content, stopped.choices[0].message.content + third.token);
  });

  test('stop_token_ids end an answer, but not before min_tokens', async () => {
    const ids = await tokensOf((await chat({ max_tokens: 8 })).choices[0].message.content);
    const stop = { stop_token_ids: ids.slice(0, 3), ignore_eos: false };
    const stopped = await chat(stop);
    assert.equal(stopped.choices[0].finish_reason, 'stop');
    assert.ok(stop.stop_token_ids.includes(stopped.choices[0].stop_reason));
    const longer = await chat({ ...stop, min_tokens: 6 });
    assert.ok(longer.usage.completion_tokens >= 6, `${longer.usage.completion_tokens}`);
  });

  test('allowed_token_ids are the only ones', async () => {
    const allowed = await tokensOf('yes no');
    const answer = await chat({ allowed_token_ids: allowed, max_tokens: 5, logprobs: true, temperature: 1 });
    const pieces = new Set(await textsOf(allowed));
    for (const { token } of answer.choices[0].logprobs.content) assert.ok(pieces.has(token), token);
  });

  test('bad_words do not come', async () => {
    const { choices } = await chat({ logprobs: true });
    const word = choices[0].logprobs.content.map(({ token }) => token.trim()).find((token) => /^\w{2,}$/.test(token));
    const other = await chat({ bad_words: [word] });
    assert.notEqual(other.choices[0].message.content, choices[0].message.content);
  });

  test('the answer continues a last message of the assistant only when it is asked to', async () => {
    const messages = [...hello, { role: 'assistant', content: 'I am' }];
    const continued = await chat({ messages, continue_final_message: true, add_generation_prompt: false });
    const answered = await chat({ messages });
    assert.equal(answered.usage.prompt_tokens - continued.usage.prompt_tokens, 3);
    await rejects(chat({ continue_final_message: true }), OpenAI.BadRequestError, { param: 'continue_final_message' });
    await rejects(
      chat({ messages, continue_final_message: true, add_generation_prompt: true }),
      OpenAI.BadRequestError,
      { param: 'add_generation_prompt' },
    );
  });

  test('request_id becomes the id of the answer and its header', async () => {
    const { data, response } = await chat({ request_id: 'my-42' }).withResponse();
    assert.equal(data.id, 'chatcmpl-my-42');
    assert.equal(response.headers.get('x-request-id'), 'my-42');
  });

  test('continuous_usage_stats counts in every chunk', async () => {
    const stream = await chat({
      stream: true,
      stream_options: { include_usage: true, continuous_usage_stats: true },
    });
    const totals = [];
    for await (const chunk of stream) totals.push(chunk.usage.total_tokens);
    assert.deepEqual(totals, [...totals].sort((a, b) => a - b));
    assert.ok(totals[0] < totals.at(-1));
  });

  test('fields without a meaning here are accepted', async () => {
    await chat({
      user: 'u',
      metadata: { k: 'v' },
      store: true,
      service_tier: 'auto',
      safety_identifier: 's',
      prompt_cache_key: 'p',
      verbosity: 'low',
      reasoning_effort: 'low',
      parallel_tool_calls: true,
      prediction: { type: 'content', content: 'x' },
      modalities: ['text'],
      max_tokens: 1,
    });
  });

  test('tools are refused unless they are switched off', async () => {
    const tools = [{ type: 'function', function: { name: 'f', parameters: {} } }];
    await chat({ tools, tool_choice: 'none', max_tokens: 1 });
    await rejects(chat({ tools }), OpenAI.BadRequestError, { param: 'tools', code: 'unsupported_parameter' });
    await rejects(chat({ tool_choice: 'required' }), OpenAI.BadRequestError, { param: 'tool_choice' });
  });

  test('the stream helper gives the whole answer at its end', async () => {
    const runner = client.chat.completions.stream({ model, messages: hello, ...greedy });
    let text = '';
    runner.on('content', (delta) => (text += delta));
    const { choices } = await runner.finalChatCompletion();
    assert.equal(choices[0].message.content, text);
    assert.equal(text, (await chat({})).choices[0].message.content);
  });

  test('an aborted stream frees its place', async () => {
    const stream = await chat({ stream: true, max_tokens: 2000 });
    for await (const chunk of stream) if (chunk.choices[0].delta.content) break;
    stream.controller.abort();
    for (let tries = 0; ; ++tries) {
      const load = await (await fetch(`${server.url}/load`)).json();
      if (load.server_load === 0) break;
      assert.ok(tries < 200, 'the request is still there');
      await sleep(50);
    }
  });

  test('the authors\' sampling is the default, and greedy leaves the penalty out', async () => {
    const seeded = { temperature: undefined, seed: 7, max_tokens: 12 };
    const [unset, spelled] = await Promise.all([
      chat(seeded),
      chat({ ...seeded, temperature: 0.4, top_p: 0.9, repetition_penalty: 1.1 }),
    ]);
    assert.equal(unset.choices[0].message.content, spelled.choices[0].message.content);
    const golden = goldenCase('mini-tiny', 'text_only');
    assert.ok(golden.greedy_text.length > 0);
  });
});

const post = async (path, body) =>
  (await checkedFetch(`${server.url}${path}`, { method: 'POST', body: JSON.stringify({ model, ...body }) })).json();
const tokensOf = async (prompt) => (await post('/tokenize', { prompt, add_special_tokens: false })).tokens;
const textsOf = async (ids) => Promise.all(ids.map(async (id) => (await post('/detokenize', { tokens: [id] })).prompt));

describe('completions', () => {
  const complete = (body) => client.completions.create({ model, prompt: 'Once upon a time', ...greedy, ...body });

  test('a text, its tokens and a list of both give the same answers', async () => {
    const { tokens } = await post('/tokenize', { prompt: 'Once upon a time' });
    const [text, ids, both] = await Promise.all([
      complete({}),
      complete({ prompt: tokens }),
      complete({ prompt: ['Once upon a time', 'Another'] }),
    ]);
    assert.equal(text.choices[0].text, ids.choices[0].text);
    assert.equal(text.choices[0].text, both.choices[0].text);
    assert.deepEqual(both.choices.map(({ index }) => index), [0, 1]);
  });

  test('logprobs come as lists', async () => {
    const { choices } = await complete({ logprobs: 2, max_tokens: 4 });
    const { tokens, token_logprobs: logprobs, top_logprobs: top, text_offset: offsets } = choices[0].logprobs;
    assert.deepEqual([logprobs.length, top.length, offsets.length], Array(3).fill(tokens.length));
    assert.ok(Object.keys(top[0]).length >= 2);
  });

  test('streams put together are the answer, the prompt echoed', async () => {
    const whole = await complete({ echo: true });
    let text = '';
    for await (const chunk of await complete({ echo: true, stream: true })) text += chunk.choices[0]?.text ?? '';
    assert.equal(text, whole.choices[0].text);
    assert.ok(text.startsWith('Once upon a time'));
  });

  test('n answers have seeds of their own', async () => {
    const { choices } = await complete({ n: 3, best_of: 3, temperature: 1, seed: 1, max_tokens: 8 });
    assert.equal(new Set(choices.map(({ text }) => text)).size, 3);
  });

  test('a suffix is refused, as is a choice of the best', async () => {
    await rejects(complete({ suffix: 'end' }), OpenAI.BadRequestError, { param: 'suffix' });
    await rejects(complete({ best_of: 4 }), OpenAI.BadRequestError, { param: 'best_of' });
    await rejects(complete({ prompt: [1e9] }), OpenAI.BadRequestError, { param: 'prompt[0]' });
  });
});

describe('responses', () => {
  const respond = (body) => client.responses.create({ model, input: 'Hello there', temperature: 0, max_output_tokens: 8, ...body });

  test('an answer is stored, shown, listed and deleted', async () => {
    const response = await respond({ instructions: 'Be brief.', metadata: { topic: 'greeting' } });
    assert.equal(response.status, 'incomplete');
    assert.deepEqual(response.incomplete_details, { reason: 'max_output_tokens' });
    assert.ok(response.output_text.length > 0);
    assert.equal((await client.responses.retrieve(response.id)).output_text, response.output_text);
    const items = await client.responses.inputItems.list(response.id);
    assert.deepEqual(items.data.map(({ content }) => content[0].text), ['Hello there']);
    await client.responses.delete(response.id);
    await rejects(client.responses.retrieve(response.id), OpenAI.NotFoundError, { code: 'not_found' });
  });

  test('a conversation goes on from a stored response', async () => {
    const first = await respond({});
    const second = await respond({ input: 'And now?', previous_response_id: first.id });
    const same = await respond({
      input: [
        { role: 'user', content: 'Hello there' },
        { role: 'assistant', content: first.output_text },
        { role: 'user', content: 'And now?' },
      ],
    });
    assert.equal(second.output_text, same.output_text);
    assert.equal(second.usage.input_tokens, same.usage.input_tokens);
  });

  test('images are seen and counted', async () => {
    const input = [
      {
        role: 'user',
        content: [
          { type: 'input_image', image_url: image, detail: 'low' },
          { type: 'input_text', text: 'What is this?' },
        ],
      },
    ];
    const response = await respond({ input });
    assert.equal(response.usage.input_tokens_details.image_tokens, 421);
    const counted = await client.responses.inputTokens.count({ model, input });
    assert.equal(counted.input_tokens, response.usage.input_tokens);
    await rejects(
      respond({ input: [{ role: 'user', content: [{ type: 'input_image', image_url: 'data:image/png;base64,AAAA' }] }] }),
      OpenAI.BadRequestError,
      { param: 'input[0].content[0].image_url' },
    );
  });

  test('the stream helper builds the response up', async () => {
    const stream = client.responses.stream({ model, input: 'Hello there', temperature: 0, max_output_tokens: 8 });
    let text = '';
    stream.on('response.output_text.delta', ({ delta }) => (text += delta));
    const types = [];
    for await (const event of stream) types.push(event.type);
    const final = await stream.finalResponse();
    assert.equal(final.output_text, text);
    assert.equal(types[0], 'response.created');
    assert.equal(types.at(-1), 'response.incomplete');
    assert.equal(text, (await respond({})).output_text);
  });

  test('logprobs come where they are included', async () => {
    const response = await respond({ include: ['message.output_text.logprobs'], top_logprobs: 2 });
    const { logprobs } = response.output[0].content[0];
    assert.ok(logprobs.length > 0);
    assert.equal(logprobs[0].top_logprobs.length, 2);
  });

  test('what cannot be done is refused', async () => {
    await rejects(respond({ background: true }), OpenAI.BadRequestError, { param: 'background' });
    await rejects(respond({ previous_response_id: 'resp_0' }), OpenAI.NotFoundError, { param: 'previous_response_id' });
    await rejects(respond({ tools: [{ type: 'web_search' }] }), OpenAI.BadRequestError, { param: 'tools' });
    await rejects(client.responses.cancel((await respond({})).id), OpenAI.BadRequestError, {});
  });
});

describe('tokens', () => {
  test('texts come back from their tokens', async () => {
    const text = 'Größe: 12 µm, 你好!';
    const { tokens, count, max_model_len: context } = await post('/tokenize', { prompt: text, add_special_tokens: false });
    assert.equal(tokens.length, count);
    assert.ok(context > 0);
    assert.equal((await post('/detokenize', { tokens })).prompt, text);
  });

  test('conversations count as they will be answered', async () => {
    const messages = [{ role: 'user', content: [{ type: 'image_url', image_url: { url: image } }, { type: 'text', text: 'Hi' }] }];
    const { usage } = await chat({ messages, max_tokens: 1 });
    assert.equal((await post('/tokenize', { messages })).count, usage.prompt_tokens);
    const counted = await post('/v1/chat/completions/input_tokens', { messages });
    assert.equal(counted.input_tokens, usage.prompt_tokens);
    assert.equal(counted.input_tokens_details.image_tokens, usage.prompt_tokens_details.image_tokens);
  });
});

test('models say what goes in and how much', async () => {
  const models = await client.models.list();
  assert.equal(models.data[0].id, model);
  assert.deepEqual(models.data[0].input_modalities, ['text', 'image']);
  assert.ok(models.data[0].max_model_len > 0);
  assert.equal((await client.models.retrieve(model)).id, model);
});

describe('errors', () => {
  test('have the class of their status', async () => {
    await rejects(chat({ temperature: 3 }), OpenAI.BadRequestError, { param: 'temperature', code: 'invalid_value' });
    await rejects(chat({ model: 'gpt' }), OpenAI.NotFoundError, { code: 'model_not_found' });
    await rejects(client.embeddings.create({ model, input: 'x' }), OpenAI.NotFoundError, { code: 'not_found' });
    await rejects(chat({ logit_bias: { 99999999: 1 } }), OpenAI.BadRequestError, { param: 'logit_bias' });
    await rejects(chat({ stop: Array(17).fill('x') }), OpenAI.BadRequestError, { param: 'stop' });
    await rejects(chat({ n: 1000 }), OpenAI.BadRequestError, { param: 'n' });
  });

  test('those that pass are tried again, those that stay are not', async () => {
    let tries = 0;
    const proxy = await webServer(async (request, answer) => {
      tries += 1;
      if (tries < 3) {
        answer.writeHead(503, { 'retry-after-ms': '5' }).end('{}');
        return;
      }
      const body = [];
      for await (const chunk of request) body.push(chunk);
      const real = await fetch(`${server.url}${request.url}`, { method: request.method, body: Buffer.concat(body) });
      answer.writeHead(real.status, { 'content-type': 'application/json', 'x-should-retry': real.headers.get('x-should-retry') ?? 'true' });
      answer.end(await real.text());
    });
    const retrying = new OpenAI({ baseURL: `${proxy.url}/v1`, apiKey: 'none', maxRetries: 3 });
    await retrying.chat.completions.create({ model, messages: hello, max_tokens: 1 });
    assert.equal(tries, 3);
    await rejects(retrying.chat.completions.create({ model, messages: [] }), OpenAI.BadRequestError, {});
    assert.equal(tries, 4);
    await proxy.close();
  });
});

after(async () => {
  await allChecked();
  assert.ok(counts.bodies > 50 && counts.events > 50, JSON.stringify(counts));
});
