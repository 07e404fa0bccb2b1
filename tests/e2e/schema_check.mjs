// Holds what a server sends against schemas that were made of the OpenAI SDK's own types.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import Ajv from 'ajv';
import OpenAI from 'openai';

export const schema = JSON.parse(readFileSync(new URL('schemas/openai.schema.json', import.meta.url), 'utf8'));
const ajv = new Ajv({ strict: false, allErrors: true, discriminator: false });
ajv.addSchema(schema, 'openai');
const validators = new Map();

/** Where the schema of `body` is: of a union told apart by `type`, the member, whose problems alone say something. */
function placeOf(kind, body) {
  const name = schema.properties[kind].$ref?.replace('#/definitions/', '');
  const members = schema.definitions[name]?.anyOf?.map(({ $ref }) => $ref) ?? [];
  const isMember = (place) => schema.definitions[place?.replace('#/definitions/', '')]?.properties?.type?.const === body.type;
  return members.find(isMember) ?? `#/properties/${kind}`;
}

/** Throws unless `body` is a valid `kind`: a name of the interface Bodies of schemas/types.ts. */
export function checkBody(kind, body) {
  const place = placeOf(kind, body);
  if (!validators.has(place)) validators.set(place, ajv.compile({ $ref: `openai${place}` }));
  const validate = validators.get(place);
  if (validate(body)) return;
  const problems = validate.errors.slice(0, 5).map(({ instancePath, message }) => `${instancePath || '/'} ${message}`);
  assert.fail(`no valid ${kind}: ${problems.join('; ')}\n${JSON.stringify(body).slice(0, 2000)}`);
}

/** What a route answers with; undefined where the SDK has no type for it. */
function kindOf(method, path, isStream) {
  if (path.endsWith('/input_tokens')) return 'inputTokens';
  if (path.endsWith('/chat/completions')) return isStream ? 'chatCompletionChunk' : 'chatCompletion';
  if (path.endsWith('/v1/completions')) return isStream ? 'completionChunk' : 'completion';
  if (path.endsWith('/v1/models')) return 'modelList';
  if (path.includes('/v1/models/')) return 'model';
  if (path.endsWith('/input_items')) return 'responseItemPage';
  if (path.includes('/v1/responses') && method !== 'DELETE') return isStream ? 'responseEvent' : 'response';
  return undefined;
}

function* eventsOf(text) {
  for (const line of text.split('\n')) {
    if (line.startsWith('data: ') && line !== 'data: [DONE]') yield JSON.parse(line.slice(6));
  }
}

/** How many bodies and events have been checked. */
export const counts = { bodies: 0, events: 0 };
const failures = [];

async function check(method, path, answer) {
  const isStream = answer.headers.get('content-type')?.startsWith('text/event-stream');
  const text = await answer.text();
  const kind = answer.status >= 400 ? 'error' : kindOf(method, path, isStream);
  if (kind === undefined) return;
  if (!isStream) {
    checkBody(kind, JSON.parse(text));
    counts.bodies += 1;
    return;
  }
  for (const event of eventsOf(text)) {
    checkBody(event.error && !event.type ? 'error' : kind, event);
    counts.events += 1;
  }
}

const pending = new Set();

/** fetch, with every answer checked on the side; those that are cut off are passed over. */
export async function checkedFetch(url, init) {
  const answer = await fetch(url, init);
  const checking = check(init?.method ?? 'GET', new URL(url).pathname, answer.clone()).catch((error) => {
    if (error instanceof assert.AssertionError || error instanceof SyntaxError) failures.push(error);
  });
  pending.add(checking);
  checking.finally(() => pending.delete(checking));
  return answer;
}

/** Waits for the checks under way; throws the first that has failed. */
export async function allChecked() {
  await Promise.all(pending);
  if (failures.length > 0) throw failures[0];
}

/** An SDK client of `server` whose answers are all checked. */
export const checkedClient = (server, options = {}) =>
  new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none', maxRetries: 0, fetch: checkedFetch, ...options });
