// What the next question takes of the context, before it is sent.
import { requestJson } from '../shared/api.js';
import { byId, el } from '../shared/dom.js';
import { explain } from '../shared/explain.js';
import { t } from '../shared/i18n.js';

const pauseMs = 350; // after the last change

export class PlanLine {
  #line = byId('plan');
  #timer = 0;
  #asking = new AbortController();
  #onUses;

  /** `onUses(images)` gets what each picture takes, [] when that is not known. */
  constructor(onUses) {
    this.#onUses = onUses;
  }

  /**
   * Asks the server once nothing has changed for a moment. `makeBody()` resolves with the request's body, or null when there is
   * nothing to plan; its last `numPictures` pictures are those that are shown as attached.
   */
  schedule(makeBody, numPictures) {
    clearTimeout(this.#timer);
    this.#asking.abort();
    this.#asking = new AbortController();
    const { signal } = this.#asking;
    this.#timer = setTimeout(() => this.#ask(makeBody, numPictures, signal), pauseMs);
  }

  async #ask(makeBody, numPictures, signal) {
    try {
      const body = await makeBody();
      if (signal.aborted) return;
      if (!body) return this.clear();
      const plan = await requestJson('v1/images/plan', { method: 'POST', body, signal });
      this.#show(plan, numPictures);
    } catch (error) {
      if (signal.aborted) return;
      this.#onUses([]);
      // Whatever else there is will be told when the question is sent.
      const { kind, sentence } = explain(error);
      const isAboutPictures = ['picture_broken', 'picture_too_large', 'too_large', 'context'].includes(kind);
      this.#line.replaceChildren(...(isAboutPictures ? [el('span', { class: 'warning', textContent: sentence })] : []));
    }
  }

  clear() {
    clearTimeout(this.#timer);
    this.#asking.abort();
    this.#onUses([]);
    this.#line.replaceChildren();
  }

  #show(plan, numPictures) {
    this.#onUses(plan.images.slice(plan.images.length - numPictures));
    const { prompt_tokens: tokens, context_length: context, image_tokens: image, remaining_tokens: left } = plan;
    const text = image > 0 ? t('plan.with_pictures', { image, tokens, context, left }) : t('plan.text', { tokens, context, left });
    const meter = el('meter', { min: 0, max: context, high: context * 0.9, value: Math.min(tokens, context), 'aria-label': t('plan.meter') });
    const warnings = [...plan.warnings, ...(plan.fits ? [] : [t('plan.full')])];
    this.#line.replaceChildren(meter, el('span', { textContent: text }),
      ...warnings.map((warning) => el('span', { class: 'warning', textContent: warning })));
  }
}
