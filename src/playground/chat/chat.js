// The conversation that is shown: asks, lets answers come, keeps it all.
import { announce, byId } from '../shared/dom.js';
import { explain } from '../shared/explain.js';
import { t } from '../shared/i18n.js';
import { askForKey } from '../shared/page.js';
import { forget, recall, remember } from '../shared/preferences.js';
import { streamAnswer } from './answer.js';
import { chatBody, figuresOf, newConversation, sentPictures, titleOf } from './conversation.js';
import { dataUrlsOf } from './image_file.js';
import { AnswerMessage, userMessage } from './message_view.js';

const saveEveryMs = 1000; // while an answer comes
const nearEndPixels = 80;

export class Chat {
  #history;
  #settings;
  #models;
  #onChange;
  #conversation = newConversation();
  #answering = null; // AbortController of the answer that is coming
  #messages = byId('messages');
  #transcript = byId('transcript');

  constructor(history, { settings, models, onChange }) {
    this.#history = history;
    this.#settings = settings;
    this.#models = models;
    this.#onChange = onChange;
  }

  get id() {
    return this.#conversation.id;
  }

  get turns() {
    return this.#conversation.turns;
  }

  get isAnswering() {
    return this.#answering !== null;
  }

  /** The conversation that was open when the page was left. */
  async resume() {
    const id = recall('conversation');
    if (id) await this.open(id);
  }

  async open(id) {
    this.stop();
    const found = await this.#history.get(id);
    if (!found) return;
    this.#conversation = found;
    for (const turn of this.turns) {
      if (turn.state === 'coming') turn.state = 'stopped'; // the page was left meanwhile
    }
    remember('conversation', id);
    this.redraw();
    this.#scrollToEnd();
    this.#onChange();
  }

  begin() {
    this.stop();
    this.#conversation = newConversation();
    forget('conversation');
    this.redraw();
    this.#onChange();
  }

  async remove(id) {
    await this.#history.remove(id);
    if (id === this.id) this.begin();
    else this.#onChange();
  }

  async clearHistory() {
    this.begin();
    await this.#history.clear();
    this.#onChange();
  }

  /** Sends the user's turn. A conversation has one answer at a time. */
  ask(turn) {
    this.turns.push(turn);
    this.#conversation.title ||= titleOf(this.#conversation);
    this.#messages.append(userMessage(turn));
    return this.#answer();
  }

  /** Asks for the last answer once more. */
  retry() {
    if (this.isAnswering) return undefined;
    if (this.turns.at(-1)?.role === 'assistant') this.turns.pop();
    this.redraw();
    return this.#answer();
  }

  stop() {
    this.#answering?.abort();
    this.#answering = null;
  }

  redraw() {
    this.#messages.replaceChildren(...this.turns.map((turn, i) =>
      turn.role === 'user' ? userMessage(turn) : this.#answerView(turn, this.turns.slice(0, i)).node));
  }

  #answerView(turn, before) {
    return new AnswerMessage(turn, sentPictures(before), () => this.retry());
  }

  async #answer() {
    const conversation = this.#conversation;
    const asked = [...this.turns];
    const turn = { role: 'assistant', text: '', state: 'coming', model: this.#models.model, grounding: null, failure: null };
    this.turns.push(turn);
    const view = this.#answerView(turn, asked);
    this.#messages.append(view.node);
    this.#scrollToEnd();
    const abort = new AbortController();
    this.#answering = abort;
    this.#onChange();
    announce(t('announce.answering'));
    remember('conversation', conversation.id);
    await this.#save(conversation);

    await this.#receive(turn, asked, abort.signal, () => this.#showMore(view, conversation));
    if (this.#answering === abort) this.#answering = null;
    view.update();
    this.#keepEndInView();
    await this.#save(conversation);
    this.#onChange();
    announce(turn.failure ? turn.failure.sentence : t('announce.answer', { text: turn.text }));
    if (turn.failure?.kind.startsWith('key') && (await askForKey(turn.failure.sentence))) {
      await this.#models.refresh();
      await this.retry();
    }
  }

  /** Lets the answer come into the turn, whose state then says how it ended. */
  async #receive(turn, asked, signal, onPiece) {
    const seen = { start: performance.now(), first: 0, last: 0, pieces: 0 };
    let took = {};
    try {
      const urlOf = await dataUrlsOf(sentPictures(asked));
      const body = chatBody({ model: turn.model, turns: asked, settings: this.#settings.values, urlOf });
      seen.start = performance.now();
      for await (const part of streamAnswer(body, signal)) {
        if (part.text) noteText(turn, part.text, seen);
        if (part.finish) Object.assign(turn, { finish: part.finish, stopReason: part.stopReason, grounding: part.grounding });
        if (part.warnings) turn.warnings = part.warnings;
        if (part.usage || part.metrics) took = { ...took, ...part };
        onPiece();
      }
      turn.state = 'done';
    } catch (error) {
      turn.state = signal.aborted ? 'stopped' : 'failed';
      if (!signal.aborted) turn.failure = explain(error);
    }
    const images = took.usage?.prompt_tokens_details?.images;
    if (images) turn.pictureSizes = images.map(({ width, height }) => ({ width, height }));
    if (seen.pieces > 0) turn.figures = figuresOf({ ...took, seen });
  }

  #savedAt = 0;

  #showMore(view, conversation) {
    const wasNearEnd = this.#isNearEnd();
    view.update();
    if (wasNearEnd) requestAnimationFrame(() => this.#scrollToEnd());
    if (performance.now() - this.#savedAt > saveEveryMs) this.#save(conversation);
  }

  #save(conversation) {
    this.#savedAt = performance.now();
    conversation.updated = Date.now();
    return this.#history.save(conversation);
  }

  #isNearEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.#transcript;
    return scrollHeight - scrollTop - clientHeight < nearEndPixels;
  }

  #keepEndInView() {
    if (this.#isNearEnd()) requestAnimationFrame(() => this.#scrollToEnd());
  }

  #scrollToEnd() {
    this.#transcript.scrollTop = this.#transcript.scrollHeight;
  }
}

function noteText(turn, text, seen) {
  turn.text += text;
  seen.last = performance.now();
  seen.first ||= seen.last;
  ++seen.pieces;
}
