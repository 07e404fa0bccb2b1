// The OpenAI SDK's helpers that parse answers by zod schemas.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { zodResponseFormat, zodTextFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import { allChecked, checkedClient } from './schema_check.mjs';
import { Server } from './support.mjs';

let server;
let client;
before(async () => {
  server = await Server.launch();
  client = checkedClient(server);
});
after(async () => {
  await server.stop();
  await allChecked();
});

const model = 'mini-tiny';
const schema = z.object({ name: z.enum(['cat', 'dog']), legs: z.number().int().min(0).max(9), is_tame: z.boolean() });
const messages = [{ role: 'user', content: 'Describe a pet.' }];

/** Runs `body`; skips the test where the server does not constrain answers. */
const constrained = (name, body) =>
  test(name, async (t) => {
    try {
      await body();
    } catch (error) {
      if (!/is not enforced/.test(error.message)) throw error;
      t.skip('this server does not constrain answers');
    }
  });

constrained('chat.completions.parse', async () => {
  const answer = await client.chat.completions.parse({
    model,
    messages,
    temperature: 0,
    max_tokens: 200,
    response_format: zodResponseFormat(schema, 'pet'),
  });
  schema.parse(answer.choices[0].message.parsed);
});

constrained('chat.completions.stream with a schema', async () => {
  const stream = client.chat.completions.stream({
    model,
    messages,
    temperature: 0,
    max_tokens: 200,
    response_format: zodResponseFormat(schema, 'pet'),
  });
  const answer = await stream.finalChatCompletion();
  schema.parse(answer.choices[0].message.parsed);
});

constrained('json_object', async () => {
  const answer = await client.chat.completions.create({
    model,
    messages,
    temperature: 0,
    max_tokens: 300,
    response_format: { type: 'json_object' },
  });
  if (answer.choices[0].finish_reason === 'stop') assert.equal(typeof JSON.parse(answer.choices[0].message.content), 'object');
});

constrained('responses.parse', async () => {
  const response = await client.responses.parse({
    model,
    input: 'Describe a pet.',
    temperature: 0,
    max_output_tokens: 200,
    text: { format: zodTextFormat(schema, 'pet') },
  });
  schema.parse(response.output_parsed);
});
