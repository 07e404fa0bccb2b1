// Talking to the server that the page came from.
import { keyStore } from './preferences.js';

/** The server's address, also behind a proxy that has it under a path. */
const root = new URL('../../', import.meta.url);

export const addressOf = (path) => new URL(path, root).href;

/**
 * Why something did not work. `kind` is one of the sentences of explain.js; `message` the server's own words, in English.
 */
export class Failure extends Error {
  constructor(kind, { message = '', status = 0, param = '', retryAfter = 0 } = {}) {
    super(message);
    Object.assign(this, { name: 'Failure', kind, status, param, retryAfter });
  }
}

/** Sends a request. Throws Failure for everything but an answer of status 200; an abort by `signal` throws its AbortError. */
export async function request(path, { method = 'GET', body, signal } = {}) {
  const headers = {};
  const key = keyStore.get();
  if (key) headers.Authorization = `Bearer ${key}`;
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  let response;
  try {
    const content = body === undefined ? undefined : JSON.stringify(body);
    response = await fetch(addressOf(path), { method, headers, body: content, signal, cache: 'no-store' });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Failure('offline', { message: error.message });
  }
  if (response.ok) return response;
  throw await failureOf(response);
}

export async function requestJson(path, options) {
  const response = await request(path, options);
  return readWhole(() => response.json());
}

export async function requestText(path, options) {
  const response = await request(path, options);
  return readWhole(() => response.text());
}

async function readWhole(read) {
  try {
    return await read();
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Failure('lost', { message: error.message });
  }
}

async function failureOf(response) {
  let error = {};
  try {
    error = (await response.json()).error ?? {};
  } catch {
    // not the server's own words: a proxy's, perhaps
  }
  const retryAfter = Number(response.headers.get('Retry-After')) || 0;
  return failureFrom(error, response.status, retryAfter);
}

/** The Failure that an error object of the API stands for, in an answer or as the last event of a stream. */
export function failureFrom(error, status = 0, retryAfter = 0) {
  const message = typeof error.message === 'string' ? error.message : '';
  const param = typeof error.param === 'string' ? error.param : '';
  return new Failure(kindOf(error.code, status, param, message), { message, status, param, retryAfter });
}

const kindsByCode = {
  context_length_exceeded: 'context',
  forbidden: 'forbidden',
  model_not_found: 'model_gone',
  overloaded: 'busy',
  unavailable: 'starting',
  timeout: 'timeout',
  internal_error: 'internal',
  cancelled: 'stopped',
  model_load_failed: 'load_failed',
};

const kindsByStatus = { 401: 'key', 403: 'forbidden', 404: 'no_such', 413: 'too_large', 429: 'busy', 502: 'offline', 503: 'starting', 504: 'timeout' };

function kindOf(code, status, param, message) {
  if (code === 'invalid_api_key' || status === 401) return keyStore.get() ? 'key_wrong' : 'key_missing';
  const isPicture = /image_url|^images/.test(param);
  if (code === 'too_large') return isPicture ? 'picture_too_large' : 'too_large';
  if (isPicture && code === 'invalid_value') return 'picture_broken';
  if (code === 'unavailable' && /shutting down|drain/.test(message)) return 'stopping';
  return kindsByCode[code] ?? kindsByStatus[status] ?? (status >= 500 ? 'internal' : 'refused');
}
