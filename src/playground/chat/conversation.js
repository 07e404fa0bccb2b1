// A conversation, and the request that goes on with it. Nothing here knows the page.
//
// Conversation: {id, title, created, updated, turns}
// Turn of the user: {role: 'user', text, task, pictures: [{id, name, type, width, height, blob}]}
// Turn of the model: {role: 'assistant', text, state: 'coming' | 'done' | 'stopped' | 'failed', model, grounding, pictureSizes,
//   figures, warnings, finish, stopReason, failure: {kind, sentence, detail, retryAfter}}

const titleLength = 60;

export const tasks = ['chat', 'locate', 'grounded_caption', 'ocr'];

export function newConversation(now = Date.now()) {
  const id = `${now.toString(36)}${Math.random().toString(36).slice(2, 8)}`;
  return { id, title: '', created: now, updated: now, turns: [] };
}

/** By its first words, else its first picture. */
export function titleOf({ turns }) {
  const [first] = turns;
  const text = first?.text.trim().replace(/\s+/g, ' ') || first?.pictures[0]?.name || '';
  return text.length > titleLength ? `${text.slice(0, titleLength - 1)}…` : text;
}

/** The turns that the model is to see: questions without any answer, save the last one, are left out with their answers. */
export function sentTurns(turns) {
  return turns.filter((turn, i) => {
    if (turn.role === 'assistant') return turn.text !== '';
    const answer = turns[i + 1];
    return answer === undefined || answer.text !== '' || i + 2 >= turns.length;
  });
}

/** The pictures that the request for the turns holds, in its order, which `image_index` counts. */
export const sentPictures = (turns) => sentTurns(turns).flatMap(({ pictures = [] }) => pictures);

/** What the server makes of a task's text: how earlier turns of a task, or one that is only planned, are told it. */
function spelledOut({ task, text }) {
  if (task === 'locate') return `<|ref|>${text.trim()}<|/ref|>.`;
  if (task === 'grounded_caption') return `<|grounding|>${text.trim() || 'Describe the image.'}`;
  if (task === 'ocr') return text.trim() || 'Read the text.';
  return text;
}

function contentOf(pictures, text, urlOf, detail) {
  if (pictures.length === 0) return text;
  const parts = pictures.flatMap((picture, i) => {
    const image = { type: 'image_url', image_url: { url: urlOf(picture), ...(detail === 'auto' ? {} : { detail }) } };
    return i + 1 < pictures.length ? [image, { type: 'text', text: '\n' }] : [image];
  });
  return [...parts, { type: 'text', text: `\n${text}` }];
}

/** Of the settings, those that the user has set. */
function samplingOf(settings) {
  const names = ['temperature', 'top_p', 'top_k', 'min_p', 'repetition_penalty', 'max_tokens', 'seed'];
  return Object.fromEntries(names.filter((name) => Number.isFinite(settings[name])).map((name) => [name, settings[name]]));
}

/**
 * Messages for the turns, whose last one is the user's. `urlOf(picture)` gives each picture's URL. `spellLast`: the last turn's
 * task is spelled out, too, for a request that has no `task`.
 */
export function messagesOf(turns, settings, urlOf, { spellLast = false } = {}) {
  const sent = sentTurns(turns);
  const messages = sent.map((turn, i) => {
    if (turn.role === 'assistant') return { role: 'assistant', content: turn.text };
    const text = spellLast || i + 1 < sent.length ? spelledOut(turn) : turn.text.trim();
    return { role: 'user', content: contentOf(turn.pictures, text, urlOf, settings.detail ?? 'auto') };
  });
  const system = settings.system?.trim();
  return system ? [{ role: 'system', content: system }, ...messages] : messages;
}

/** The body of POST /v1/chat/completions. */
export function chatBody({ model, turns, settings, urlOf }) {
  const { task } = turns.at(-1);
  return {
    ...(model ? { model } : {}),
    messages: messagesOf(turns, settings, urlOf),
    ...(task === 'chat' ? {} : { task }),
    ...samplingOf(settings),
    ...(settings.auto_detail ? { auto_detail: true } : {}),
    stream: true,
    stream_options: { include_usage: true },
    include_metrics: true,
  };
}

/** The body of POST /v1/images/plan. */
export function planBody({ model, turns, settings, urlOf }) {
  return {
    ...(model ? { model } : {}),
    messages: messagesOf(turns, settings, urlOf, { spellLast: true }),
    ...(Number.isFinite(settings.max_tokens) ? { max_tokens: settings.max_tokens } : {}),
    ...(settings.auto_detail ? { auto_detail: true } : {}),
  };
}

/**
 * What is shown under an answer: {firstTokenMs, tokensPerSecond, tokens, promptTokens, cachedTokens}. The server's own figures
 * where it gave them, else what was seen here. `seen`: {start, first, last} in milliseconds and `pieces` of text.
 */
export function figuresOf({ usage, metrics, seen }) {
  const tokens = usage?.completion_tokens ?? seen.pieces;
  const generationMs = metrics?.generation_time_ms ?? seen.last - seen.first;
  return {
    firstTokenMs: seen.first ? seen.first - seen.start : null,
    tokensPerSecond: tokens > 1 && generationMs > 0 ? ((tokens - 1) * 1000) / generationMs : null,
    tokens,
    promptTokens: usage?.prompt_tokens ?? null,
    cachedTokens: usage?.prompt_tokens_details?.cached_tokens ?? 0,
  };
}
