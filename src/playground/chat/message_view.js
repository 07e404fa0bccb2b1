// One turn of the conversation on the page.
import { copyFrom, el, icon, iconButton } from '../shared/dom.js';
import { formatNumber, t } from '../shared/i18n.js';
import { boxesSoFar } from './grounding.js';
import { markdownNodes } from './markdown_view.js';
import { PictureView, pictureNode } from './picture_view.js';

export function userMessage(turn) {
  const { pictures } = turn;
  return el('article', { class: 'message user', 'aria-label': t('message.user') },
    pictures.length > 0 && el('div', { class: 'pictures' }, ...pictures.map((picture) => pictureNode(picture))),
    el('div', { class: 'bubble' },
      turn.task !== 'chat' && el('span', { class: 'badge', textContent: t(`task.${turn.task}`) }),
      turn.text && el('span', { class: 'words', textContent: turn.text })));
}

/** The model's turn, which changes while it comes. `onRetry` asks again; `pictures` are those of its request. */
export class AnswerMessage {
  #turn;
  #pictures;
  #picture = null;
  #text = el('div', { class: 'text' });
  #notes = el('div', { class: 'notes' });
  #figures = el('p', { class: 'figures' });
  #actions = el('div', { class: 'actions' });
  #onRetry;
  #isDue = false;

  constructor(turn, pictures, onRetry) {
    this.#turn = turn;
    this.#pictures = pictures;
    this.#onRetry = onRetry;
    this.node = el('article', { class: 'message assistant', 'aria-label': t('message.assistant') },
      this.#text, this.#notes, el('footer', {}, this.#figures, this.#actions));
    this.#draw();
  }

  /** Shows what the turn has become; pieces that come quickly share a frame. */
  update() {
    if (this.#isDue) return;
    this.#isDue = true;
    requestAnimationFrame(() => {
      this.#isDue = false;
      this.#draw();
    });
  }

  #draw() {
    const turn = this.#turn;
    const isComing = turn.state === 'coming';
    this.node.setAttribute('aria-busy', String(isComing));
    this.node.dataset.state = turn.state;
    this.#drawPicture();
    this.#text.replaceChildren(...markdownNodes(turn.text, (label) => this.#reference(label)));
    if (isComing && !turn.text) this.#text.append(el('span', { class: 'waiting', role: 'img', 'aria-label': t('message.waiting') }, el('i'), el('i'), el('i')));
    this.#notes.replaceChildren(...this.#noteNodes());
    this.#figures.textContent = isComing ? '' : figuresText(turn);
    this.#actions.replaceChildren(...(isComing ? [] : this.#actionNodes()));
  }

  #drawPicture() {
    const boxes = this.#turn.grounding ?? this.#draftBoxes();
    if (boxes.length === 0 && !this.#picture) return;
    if (!this.#picture) {
      const index = boxes.find(({ image_index }) => image_index !== null)?.image_index ?? this.#pictures.length - 1;
      if (!this.#pictures[index]) return;
      this.#picture = new PictureView(this.#pictures[index], this.#sizeOf(index));
      this.#text.before(this.#picture.node);
    }
    this.#picture.show(boxes);
  }

  #draftBoxes() {
    const index = this.#pictures.length - 1;
    return index < 0 ? [] : boxesSoFar(this.#turn.text, { ...this.#sizeOf(index), index });
  }

  #sizeOf(index) {
    return this.#turn.pictureSizes?.[index] ?? this.#pictures[index];
  }

  #reference(label) {
    const colour = this.#picture?.colourOf(label);
    if (colour === null || colour === undefined) return el('span', { class: 'reference', textContent: label });
    const point = () => this.#picture.highlight(label);
    const leave = () => this.#picture.highlight(null);
    return el('button', { type: 'button', class: `reference colour-${colour}`, textContent: label,
      on: { pointerenter: point, pointerleave: leave, focus: point, blur: leave, click: point } });
  }

  #noteNodes() {
    const { turn, node } = { turn: this.#turn, node: (text) => el('p', { class: 'note', textContent: text }) };
    const notes = (turn.warnings ?? []).map(node);
    if (turn.state === 'stopped') notes.push(node(t('message.stopped')));
    if (turn.state === 'done' && turn.stopReason === 'repetition') notes.push(node(t('message.repetition')));
    else if (turn.state === 'done' && turn.finish === 'length') notes.push(node(t('message.length')));
    if (turn.state === 'done' && turn.grounding?.length === 0) notes.push(node(t('boxes.none')));
    if (turn.failure) notes.push(this.#failureNode(turn.failure));
    return notes;
  }

  #failureNode({ kind, sentence, detail }) {
    return el('div', { class: 'failure', role: 'alert', data: { kind } },
      el('p', { textContent: sentence }),
      detail && el('details', {}, el('summary', { textContent: t('error.details') }), el('p', { textContent: detail })),
      el('button', { type: 'button', on: { click: () => this.#onRetry() } }, icon('retry'), t('message.retry')));
  }

  #actionNodes() {
    const { text, failure } = this.#turn;
    const copy = iconButton('copy', t('message.copy'), () => copyFrom(copy, text, t('copied')));
    const again = iconButton('retry', t('message.again'), () => this.#onRetry(), { class: 'icon-button again' });
    return [text && copy, !failure && again].filter(Boolean);
  }
}

function figuresText({ figures, model }) {
  if (!figures) return '';
  const { firstTokenMs, tokensPerSecond, tokens, promptTokens, cachedTokens } = figures;
  return [
    model,
    firstTokenMs !== null && t('figures.first', { seconds: formatNumber(firstTokenMs / 1000, 2) }),
    tokensPerSecond !== null && t('figures.rate', { rate: formatNumber(tokensPerSecond, 1) }),
    t('figures.tokens', { tokens }),
    promptTokens !== null && t(cachedTokens > 0 ? 'figures.prompt_cached' : 'figures.prompt', { tokens: promptTokens, cached: cachedTokens }),
  ].filter(Boolean).join(' · ');
}
