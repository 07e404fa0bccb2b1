// How answers are made: fields that are left empty leave it to the server.
import { byId, el } from '../shared/dom.js';
import { onLanguage, t } from '../shared/i18n.js';
import { recall, remember } from '../shared/preferences.js';

const numbers = [
  { name: 'temperature', min: 0, max: 2, step: 0.05 },
  { name: 'top_p', min: 0, max: 1, step: 0.01 },
  { name: 'top_k', min: 0, max: 100000, step: 1 },
  { name: 'min_p', min: 0, max: 1, step: 0.01 },
  { name: 'repetition_penalty', min: 0.1, max: 2, step: 0.01 },
  { name: 'max_tokens', min: 1, max: 1000000, step: 1 },
  { name: 'seed', min: 0, max: Number.MAX_SAFE_INTEGER, step: 1 },
];

/** The form of the settings; `onChange()` is called when one has changed. */
export class Settings {
  #values = recall('settings', {}) ?? {};
  #onChange;

  constructor(onChange) {
    this.#onChange = onChange;
    this.#draw();
    onLanguage(() => this.#draw());
  }

  /** {temperature, ..., system, detail, auto_detail}; numbers that are not set are absent. */
  get values() {
    return { ...this.#values };
  }

  #set(name, value) {
    if (value === null || value === '' || value === false) delete this.#values[name];
    else this.#values[name] = value;
    remember('settings', this.#values);
    this.#onChange();
  }

  #draw() {
    const reset = () => {
      this.#values = {};
      remember('settings', this.#values);
      this.#draw();
      this.#onChange();
    };
    byId('settings').replaceChildren(
      this.#systemField(),
      ...numbers.map((field) => this.#numberField(field)),
      this.#detailField(),
      this.#autoDetailField(),
      el('button', { type: 'button', class: 'wide', textContent: t('settings.reset'), on: { click: reset } }));
  }

  #systemField() {
    const change = (event) => this.#set('system', event.target.value);
    return el('label', { class: 'field' }, el('span', { textContent: t('settings.system') }),
      el('textarea', { rows: 3, name: 'system', value: this.#values.system ?? '', on: { change } }));
  }

  #numberField({ name, ...limits }) {
    const change = ({ target }) => {
      if (target.value !== '' && !target.checkValidity()) return target.reportValidity();
      this.#set(name, target.value === '' ? null : Number(target.value));
    };
    const isSet = Number.isFinite(this.#values[name]);
    const input = el('input', { type: 'number', name, inputMode: 'decimal', placeholder: t('settings.default'), ...limits, on: { change } });
    input.value = isSet ? String(this.#values[name]) : '';
    const hint = el('small', { id: `hint-${name}`, textContent: t(`settings.${name}.hint`) });
    input.setAttribute('aria-describedby', hint.id);
    return el('label', { class: 'field' }, el('span', { textContent: t(`settings.${name}`) }), input, hint);
  }

  #detailField() {
    const options = ['auto', 'low', 'high'].map((value) => el('option', { value, textContent: t(`settings.detail.${value}`) }));
    const select = el('select', { name: 'detail', on: { change: ({ target }) => this.#set('detail', target.value === 'auto' ? null : target.value) } },
      ...options);
    select.value = this.#values.detail ?? 'auto';
    return el('label', { class: 'field' }, el('span', { textContent: t('settings.detail') }), select);
  }

  #autoDetailField() {
    const input = el('input', { type: 'checkbox', name: 'auto_detail', checked: this.#values.auto_detail === true,
      on: { change: ({ target }) => this.#set('auto_detail', target.checked) } });
    return el('label', { class: 'check' }, input, el('span', { textContent: t('settings.auto_detail') }));
  }
}
