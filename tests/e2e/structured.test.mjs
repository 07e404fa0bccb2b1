// Structured output through the SDK: whatever random weights say must match.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import { collect, Server } from './support.mjs';

let server;
before(async () => (server = await Server.launch()));
after(() => server.stop());

const messages = [{ role: 'user', content: 'Who are you?' }];
const textOf = async (body) => {
  const answer = await server.chat({ messages, max_tokens: 400, seed: 1, ...body });
  assert.equal(answer.choices[0].finish_reason, 'stop', answer.choices[0].message.content);
  return answer.choices[0].message.content;
};

const schema = {
  type: 'object',
  properties: {
    zebra: { type: 'string', maxLength: 12 },
    age: { type: 'integer', minimum: 0, maximum: 120 },
    tags: { type: 'array', items: { enum: ['a', 'b'] }, maxItems: 3 },
    parent: { anyOf: [{ $ref: '#/$defs/parent' }, { type: 'null' }] },
  },
  required: ['zebra', 'age', 'tags', 'parent'],
  additionalProperties: false,
  $defs: { parent: { type: 'object', properties: { name: { type: 'string', maxLength: 5 } }, required: ['name'] } },
};
const json_schema = { name: 'person', strict: true, schema };

function check(person) {
  assert.deepEqual(Object.keys(person), ['zebra', 'age', 'tags', 'parent']);
  assert.ok([...person.zebra].length <= 12 && Number.isInteger(person.age) && person.age <= 120);
  assert.ok(person.tags.length <= 3 && person.tags.every((tag) => tag === 'a' || tag === 'b'));
}

test('json_schema, for every answer and seed', async () => {
  for (const seed of [1, 2, 3]) {
    const answer = await server.chat({
      messages, max_tokens: 400, seed, n: 2, response_format: { type: 'json_schema', json_schema },
    });
    for (const { message } of answer.choices) check(JSON.parse(message.content));
  }
});

test('json_schema in a stream', async () => {
  const stream = await server.chat({
    messages, max_tokens: 400, seed: 4, stream: true, response_format: { type: 'json_schema', json_schema },
  });
  const { choices } = await collect(stream);
  check(JSON.parse(choices[0].text));
});

test('json_object is an object, or cut by max_tokens', async () => {
  const answer = await server.chat({ messages, max_tokens: 60, seed: 5, response_format: { type: 'json_object' } });
  const [{ message, finish_reason }] = answer.choices;
  assert.ok(message.content.startsWith('{'));
  if (finish_reason === 'stop') assert.equal(typeof JSON.parse(message.content), 'object');
});

test('patterns, choices and grammars by all their names', async () => {
  for (const body of [{ guided_regex: '[a-c]{2}\\d{3}' }, { structured_outputs: { regex: '[a-c]{2}\\d{3}' } }]) {
    assert.match(await textOf(body), /^[a-c]{2}\d{3}$/);
  }
  for (const body of [{ guided_choice: ['yes', 'no'] }, { structured_outputs: { choice: ['yes', 'no'] } }]) {
    assert.match(await textOf(body), /^(yes|no)$/);
  }
  for (const field of ['grammar', 'guided_grammar']) assert.match(await textOf({ [field]: 'root ::= "a"{2,4} "b"' }), /^a{2,4}b$/);
  for (const field of ['json_schema', 'guided_json']) check(JSON.parse(await textOf({ [field]: schema })));
});

for (const [what, body, param] of [
  ['a keyword that is not supported', { guided_json: { properties: { a: { not: { type: 'null' } } } } }, 'guided_json'],
  ['a pattern with lookaround', { guided_regex: 'a(?=b)' }, 'guided_regex'],
  ['left recursion', { grammar: 'root ::= root "a" | "b"' }, 'grammar'],
  ['two constraints', { guided_regex: 'a', response_format: { type: 'json_object' } }, 'guided_regex'],
  ['boxes beside a constraint', { guided_regex: 'a', constrain_boxes: true }, 'constrain_boxes'],
]) {
  test(`400 for ${what}`, async () => {
    await assert.rejects(server.chat({ messages, ...body }), (error) => {
      assert.ok(error instanceof OpenAI.BadRequestError, String(error));
      assert.equal(error.param, param);
      return true;
    });
  });
}
