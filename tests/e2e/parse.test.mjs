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

test('chat.completions.parse', async () => {
  const answer = await client.chat.completions.parse({
    model,
    messages,
    temperature: 0,
    max_tokens: 200,
    response_format: zodResponseFormat(schema, 'pet'),
  });
  schema.parse(answer.choices[0].message.parsed);
});

test('chat.completions.stream with a schema', async () => {
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

test('json_object', async () => {
  const answer = await client.chat.completions.create({
    model,
    messages,
    temperature: 0,
    max_tokens: 300,
    response_format: { type: 'json_object' },
  });
  if (answer.choices[0].finish_reason === 'stop') assert.equal(typeof JSON.parse(answer.choices[0].message.content), 'object');
});

test('responses.parse', async () => {
  const response = await client.responses.parse({
    model,
    input: 'Describe a pet.',
    temperature: 0,
    max_output_tokens: 200,
    text: { format: zodTextFormat(schema, 'pet') },
  });
  schema.parse(response.output_parsed);
});

test('formats, patterns, lengths, steps and recursion of zod', async () => {
  const Node = z.object({
    label: z.string().max(6),
    get children() {
      return z.array(Node).max(2);
    },
  });
  const everything = z.object({
    mail: z.email().max(80),
    id: z.uuid(),
    day: z.iso.date(),
    at: z.iso.datetime(),
    address: z.ipv4(),
    code: z.string().regex(/^[A-Z]{2,}-\d+$/).min(6).max(9),
    slug: z.string().regex(/^[a-z]+(-[a-z]+)*$/).max(12),
    price: z.number().multipleOf(0.05).min(0).max(20),
    count: z.int().multipleOf(3).positive().max(1000),
    kind: z.discriminatedUnion('type', [z.object({ type: z.literal('a'), x: z.number().max(9) }), z.object({ type: z.literal('b') })]),
    note: z.string().max(8).nullable(),
    tree: z.object({ label: z.literal('root'), children: z.array(Node).max(2) }),
  });
  for (const seed of [1, 2, 3]) {
    const answer = await client.chat.completions.parse({
      model,
      messages,
      seed,
      max_tokens: 1500,
      response_format: zodResponseFormat(everything, 'everything'),
    });
    everything.parse(answer.choices[0].message.parsed);
  }
});
