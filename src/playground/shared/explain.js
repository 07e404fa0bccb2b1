// What went wrong, in a sentence that helps.
import { t } from './i18n.js';
import { Failure } from './api.js';

/** Of anything thrown; what no one expected is told as such. */
export function explain(error) {
  const failure = error instanceof Failure ? error : new Failure('page', { message: String(error?.message ?? error) });
  const kind = t(`error.${failure.kind}`) === `error.${failure.kind}` ? 'refused' : failure.kind;
  const sentence = t(`error.${kind}`, { seconds: failure.retryAfter || 1 });
  return { kind, sentence, detail: failure.message, retryAfter: failure.retryAfter };
}
