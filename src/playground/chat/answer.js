// An answer as it comes.
import { Failure, failureFrom, request } from '../shared/api.js';
import { EventReader } from './sse.js';

/**
 * Asks, and yields what the stream brings, in its order:
 *   {text}                              a piece of the answer;
 *   {finish, stopReason, grounding}     its end, with the boxes if there are any;
 *   {usage, metrics}                    what it took;
 *   {warnings}                          what the server wants known.
 * Throws Failure; one of kind "lost" where the stream breaks off. An abort by `signal` throws its AbortError.
 */
export async function* streamAnswer(body, signal) {
  const response = await request('v1/chat/completions', { method: 'POST', body, signal });
  let isWhole = false;
  for await (const data of eventsOf(response.body, signal)) {
    if (data === '[DONE]') {
      isWhole = true;
      break;
    }
    yield* partsOf(parseEvent(data));
  }
  if (!isWhole) throw new Failure('lost');
}

async function* eventsOf(stream, signal) {
  const events = new EventReader();
  const decoder = new TextDecoder();
  const reader = stream.getReader();
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      yield* events.push(decoder.decode(value, { stream: true }));
    }
  } catch (error) {
    if (signal?.aborted || error instanceof Failure) throw error;
    throw new Failure('lost', { message: error.message });
  } finally {
    reader.releaseLock();
  }
}

function parseEvent(data) {
  let event;
  try {
    event = JSON.parse(data);
  } catch {
    throw new Failure('lost', { message: 'the stream holds an event that is not JSON' });
  }
  if (event.error) throw failureFrom(event.error);
  return event;
}

function* partsOf(event) {
  if (event.warnings?.length) yield { warnings: event.warnings };
  const choice = event.choices?.[0];
  if (choice?.delta?.content) yield { text: choice.delta.content };
  if (choice?.finish_reason) {
    yield { finish: choice.finish_reason, stopReason: choice.stop_reason, grounding: choice.delta?.grounding ?? null };
  }
  if (event.usage || event.metrics) yield { usage: event.usage, metrics: event.metrics };
}
