// Loading a model that the server knows by name.
import { requestJson } from '../shared/api.js';
import { announce, byId, el } from '../shared/dom.js';
import { explain } from '../shared/explain.js';
import { t } from '../shared/i18n.js';

/** Draws the form into the page; `onStarted()` is called when a launch has begun. */
export async function showLaunchForm(onStarted) {
  const form = byId('launch');
  let known;
  try {
    known = (await requestJson('v1/model_registrations/LLM?detailed=true')).filter(({ model_specs: specs }) => specs?.length > 0);
  } catch (error) {
    form.replaceChildren(el('p', { class: 'note', textContent: explain(error).sentence }));
    return;
  }
  const fields = new LaunchFields(known);
  const failure = el('div', { class: 'failure', role: 'alert', hidden: true });
  form.replaceChildren(...fields.nodes, el('button', { type: 'submit', class: 'primary', textContent: t('models.start') }), failure);
  form.onsubmit = async (event) => {
    event.preventDefault();
    failure.hidden = true;
    try {
      const { model_uid: uid } = await requestJson('v1/models?wait_ready=false', { method: 'POST', body: fields.body });
      announce(t('models.started', { uid }));
      onStarted();
    } catch (error) {
      const { sentence, detail } = explain(error);
      failure.replaceChildren(el('p', { textContent: sentence }), detail && el('p', { textContent: detail }));
      failure.hidden = false;
    }
  };
}

/** The fields, of which each narrows down those after it. */
class LaunchFields {
  #known;
  #name = el('select', { name: 'model_name' });
  #size = el('select', { name: 'model_size_in_billions' });
  #quantization = el('select', { name: 'quantization' });
  #context = el('input', { type: 'number', name: 'max_model_len', min: 1, step: 1, inputMode: 'numeric' });
  #uid = el('input', { type: 'text', name: 'model_uid', maxLength: 100, autocomplete: 'off', spellcheck: false });

  constructor(known) {
    this.#known = known;
    this.#name.append(...known.map(({ model_name: value }) => el('option', { value, textContent: value })));
    this.#name.addEventListener('change', () => this.#showSizes());
    this.#size.addEventListener('change', () => this.#showQuantizations());
    this.#showSizes();
  }

  get nodes() {
    const field = (key, input, hint) => el('label', { class: 'field' }, el('span', { textContent: t(key) }), input, hint && el('small', { textContent: t(hint) }));
    return [
      field('models.name', this.#name),
      field('models.size', this.#size),
      field('models.quantization', this.#quantization),
      field('models.context_length', this.#context, 'models.context_hint'),
      field('models.uid', this.#uid, 'models.uid_hint'),
    ];
  }

  /** Of POST /v1/models. */
  get body() {
    const size = Number(this.#size.value);
    return {
      model_name: this.#name.value,
      ...(size > 0 ? { model_size_in_billions: size } : {}),
      quantization: this.#quantization.value,
      ...(this.#context.value ? { max_model_len: Number(this.#context.value) } : {}),
      ...(this.#uid.value.trim() ? { model_uid: this.#uid.value.trim() } : {}),
    };
  }

  get #specs() {
    return this.#known.find(({ model_name: name }) => name === this.#name.value)?.model_specs ?? [];
  }

  #showSizes() {
    const sizes = [...new Set(this.#specs.map((spec) => spec.model_size_in_billions))].sort((a, b) => a - b);
    this.#size.replaceChildren(...sizes.map((billions) =>
      el('option', { value: billions ?? '', textContent: billions > 0 ? t('models.size_value', { billions }) : '–' })));
    this.#showQuantizations();
  }

  #showQuantizations() {
    const spec = this.#specs.find(({ model_size_in_billions: size }) => String(size ?? '') === this.#size.value);
    const names = spec?.quantizations ?? [spec?.quantization ?? 'none'];
    this.#quantization.replaceChildren(...names.map((value) =>
      el('option', { value, textContent: value === 'none' ? t('models.quantization.none') : value })));
  }
}
