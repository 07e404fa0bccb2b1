// The Vercel AI SDK, whose schemas of streams are strict.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, generateObject, generateText, streamText } from 'ai';
import { z } from 'zod';
import { imageBytes } from './golden.mjs';
import { allChecked, checkedFetch } from './schema_check.mjs';
import { Server } from './support.mjs';

let server;
let model;
before(async () => {
  server = await Server.launch();
  const provider = createOpenAICompatible({
    name: 'spyhop',
    baseURL: `${server.url}/v1`,
    includeUsage: true,
    fetch: checkedFetch,
    supportsStructuredOutputs: true,
  });
  model = provider('mini-tiny');
});
after(async () => {
  await server.stop();
  await allChecked();
});

const withImage = [
  {
    role: 'user',
    content: [
      { type: 'image', image: imageBytes('exif6_320x200.jpg') },
      { type: 'text', text: 'What is this?' },
    ],
  },
];
const greedy = { temperature: 0, maxOutputTokens: 12, maxRetries: 0 };

test('generateText with an image', async () => {
  const { text, usage, finishReason } = await generateText({ model, messages: withImage, ...greedy });
  assert.ok(text.length > 0);
  assert.ok(usage.inputTokens > 421);
  assert.ok(['stop', 'length'].includes(finishReason));
});

test('streamText with an image gives the same', async () => {
  const whole = await generateText({ model, messages: withImage, ...greedy });
  const stream = streamText({ model, messages: withImage, ...greedy });
  let text = '';
  for await (const piece of stream.textStream) text += piece;
  assert.equal(text, whole.text);
  assert.deepEqual((await stream.usage).totalTokens, whole.usage.totalTokens);
});

test('streamText can be aborted', async () => {
  const controller = new AbortController();
  const stream = streamText({ model, prompt: 'Count to a thousand', maxOutputTokens: 1000, temperature: 0, abortSignal: controller.signal });
  let isAborted = false;
  for await (const part of stream.fullStream) {
    if (part.type === 'text-delta') controller.abort();
    if (part.type === 'abort') isAborted = true;
  }
  assert.ok(isAborted);
});

test('errors have their status and message', async () => {
  await assert.rejects(generateText({ model, prompt: 'x', temperature: 9, maxRetries: 0 }), (error) => {
    assert.ok(APICallError.isInstance(error));
    assert.equal(error.statusCode, 400);
    assert.match(error.message, /temperature is 9/);
    return true;
  });
});

test('generateObject with an image', async (t) => {
  const schema = z.object({ kind: z.enum(['photo', 'drawing']), count: z.number().int().min(0).max(9) });
  const options = { model, schema, messages: withImage, temperature: 0, maxOutputTokens: 200, maxRetries: 0 };
  try {
    const { object } = await generateObject(options);
    schema.parse(object);
  } catch (error) {
    if (!/is not enforced/.test(error.message)) throw error;
    t.skip('this server does not constrain answers');
  }
});
