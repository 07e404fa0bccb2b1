// Which model answers.
import { Failure, request, requestJson } from '../shared/api.js';
import { byId, el } from '../shared/dom.js';
import { explain } from '../shared/explain.js';
import { t } from '../shared/i18n.js';
import { askForKey, asksForKey } from '../shared/page.js';
import { keyStore, recall, remember } from '../shared/preferences.js';

const retryMs = 2000;

/** The list of models, kept up to date until there is one. `onChange()` is called when another one is chosen. */
export class ModelsChoice {
  #select = byId('model');
  #note = byId('server-note');
  #timer = 0;
  #onChange;
  needsKey = false;

  constructor(onChange) {
    this.#onChange = onChange;
    this.#select.addEventListener('change', () => {
      remember('model', this.#select.value);
      onChange();
    });
  }

  /** The model's name, '' while there is none: the server then says why. */
  get model() {
    return this.#select.value;
  }

  async refresh() {
    clearTimeout(this.#timer);
    try {
      this.needsKey = await asksForKey();
      if (this.needsKey && !keyStore.get() && !(await askForKey())) throw new Failure('key_missing');
      const { data } = await requestJson('v1/models');
      this.#show(data.map(({ id }) => id));
      if (data.length === 0) await this.#tellWhyNone();
      else this.#tell('');
    } catch (error) {
      const { kind, sentence } = explain(error);
      this.#tell(sentence);
      if (kind === 'key_wrong' && (await askForKey(sentence))) return this.refresh();
      if (!kind.startsWith('key')) this.#again();
    }
  }

  async #tellWhyNone() {
    try {
      await request('ready');
      this.#tell(t('models.none'));
    } catch (error) {
      this.#tell(explain(error).sentence);
    }
    this.#again();
  }

  #again() {
    this.#timer = setTimeout(() => this.refresh(), retryMs);
  }

  #tell(sentence) {
    this.#note.hidden = !sentence;
    if (this.#note.textContent !== sentence) this.#note.textContent = sentence;
  }

  #show(names) {
    const before = this.#select.value;
    const wanted = [before, recall('model')].find((name) => names.includes(name)) ?? names[0] ?? '';
    this.#select.replaceChildren(...names.map((value) => el('option', { value, textContent: value })));
    this.#select.disabled = names.length === 0;
    this.#select.value = wanted;
    if (wanted !== before) this.#onChange();
  }
}
