// LangChain, with images, streams and structured output.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { HumanMessage } from '@langchain/core/messages';
import { ChatOpenAI } from '@langchain/openai';
import { z } from 'zod';
import { goldenImageUrl } from './golden.mjs';
import { allChecked, checkedFetch } from './schema_check.mjs';
import { Server } from './support.mjs';

let server;
before(async () => (server = await Server.launch()));
after(async () => {
  await server.stop();
  await allChecked();
});

const chatModel = (options = {}) =>
  new ChatOpenAI({
    model: 'mini-tiny',
    apiKey: 'none',
    temperature: 0,
    maxTokens: 12,
    maxRetries: 0,
    configuration: { baseURL: `${server.url}/v1`, fetch: checkedFetch },
    ...options,
  });
const question = new HumanMessage({
  content: [
    { type: 'image_url', image_url: { url: goldenImageUrl('exif6_320x200.jpg'), detail: 'low' } },
    { type: 'text', text: 'What is this?' },
  ],
});

test('an image is seen and counted', async () => {
  const answer = await chatModel().invoke([question]);
  assert.ok(answer.text.length > 0);
  assert.ok(answer.usage_metadata.input_tokens > 421);
});

test('streams have the same text, and the usage at their end', async () => {
  const whole = await chatModel().invoke([question]);
  let text = '';
  let usage;
  for await (const chunk of await chatModel().stream([question])) {
    text += chunk.text;
    usage = chunk.usage_metadata ?? usage;
  }
  assert.equal(text, whole.text);
  assert.equal(usage.total_tokens, whole.usage_metadata.total_tokens);
});

test('batches are answered side by side', async () => {
  const answers = await chatModel().batch(['one', 'two', 'three']);
  assert.equal(answers.length, 3);
});

test('the responses dialect works as well', async () => {
  const answer = await chatModel({ useResponsesApi: true }).invoke('Hello there');
  assert.ok(answer.text.length > 0);
});

test('errors come through', async () => {
  await assert.rejects(chatModel({ temperature: 9 }).invoke('x'), /temperature is 9/);
});

test('structured output with an image', async (t) => {
  const schema = z.object({ kind: z.enum(['photo', 'drawing']), count: z.number().int().min(0).max(9) });
  try {
    const structured = chatModel({ maxTokens: 200 }).withStructuredOutput(schema, { method: 'jsonSchema', name: 'picture' });
    schema.parse(await structured.invoke([question]));
  } catch (error) {
    if (!/is not enforced/.test(error.message)) throw error;
    t.skip('this server does not constrain answers');
  }
});
