// Where questions are written.
import { byId } from '../shared/dom.js';
import { t } from '../shared/i18n.js';

export class Composer {
  #form = byId('composer');
  #field = byId('question');
  #problem = byId('picture-problem');
  #isAnswering = false;

  constructor({ onSend, onStop, onInput }) {
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      if (!this.#isAnswering) onSend();
    });
    byId('stop').addEventListener('click', onStop);
    this.#field.addEventListener('input', () => {
      this.#fit();
      this.#problem.hidden = true;
      onInput();
    });
    this.#field.addEventListener('keydown', (event) => {
      // while a word is being composed, as in Chinese, Enter belongs to that
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#form.requestSubmit();
    });
    for (const radio of this.#form.elements.task) {
      radio.addEventListener('change', () => {
        this.redraw();
        onInput();
      });
    }
  }

  get text() {
    return this.#field.value;
  }

  get task() {
    return this.#form.elements.task.value;
  }

  /** What keeps the turn from being sent, as a key of the texts; null: nothing. */
  problemOf({ text, task }, numPictures) {
    const isEmpty = text.trim() === '';
    if (task !== 'chat' && numPictures === 0) return 'compose.needs_picture';
    if (task === 'locate' && isEmpty) return 'compose.needs_name';
    return isEmpty && (task === 'chat' || numPictures === 0) ? 'compose.needs_text' : null;
  }

  complain(key) {
    this.#problem.textContent = t(key);
    this.#problem.hidden = false;
    this.focus();
  }

  suggest(text, task) {
    this.#form.elements.task.value = task;
    this.#field.value = text;
    this.redraw();
    this.focus();
  }

  clear() {
    this.#field.value = '';
    this.#problem.hidden = true;
    this.#fit();
  }

  focus() {
    this.#field.focus();
  }

  setAnswering(isAnswering) {
    if (this.#isAnswering === isAnswering) return;
    this.#isAnswering = isAnswering;
    const hadFocus = document.activeElement === byId('stop') || document.activeElement === byId('send');
    byId('send').hidden = isAnswering;
    byId('stop').hidden = !isAnswering;
    if (hadFocus) byId(isAnswering ? 'stop' : 'send').focus();
  }

  redraw() {
    this.#field.placeholder = t(`placeholder.${this.task}`);
    this.#field.dataset.tPlaceholder = `placeholder.${this.task}`;
    this.#fit();
  }

  /** As high as its text, within what the style allows. */
  #fit() {
    this.#field.style.height = 'auto';
    this.#field.style.height = `${this.#field.scrollHeight}px`;
  }
}
