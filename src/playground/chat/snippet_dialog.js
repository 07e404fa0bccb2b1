// The dialog that shows a request as a program.
import { addressOf } from '../shared/api.js';
import { byId, copyFrom, el } from '../shared/dom.js';
import { t } from '../shared/i18n.js';
import { recall, remember } from '../shared/preferences.js';
import { languages, placeholderOf, snippetOf } from './snippets.js';

/**
 * `makeRequest(urlOf)` gives {body, pictures, hasKey}: the request that would be sent next, or was last. `urlOf` is to be used
 * for the pictures' URLs.
 */
export function setUpSnippets(makeRequest) {
  const dialog = byId('code-dialog');
  const output = byId('code-text');
  let request = null;

  const show = (language) => {
    remember('snippet', language);
    output.textContent = snippetOf(language, { ...request, baseUrl: addressOf('v1') });
  };
  byId('code-languages').append(...languages.map((language) =>
    el('label', {}, el('input', { type: 'radio', name: 'code-language', value: language, on: { change: () => show(language) } }),
      el('span', { textContent: language }))));
  byId('show-code').addEventListener('click', async () => {
    const names = [];
    request = await makeRequest((picture) => {
      if (!names.includes(picture)) names.push(picture);
      return placeholderOf(names.indexOf(picture));
    });
    request.pictures = names;
    const language = languages.includes(recall('snippet')) ? recall('snippet') : languages[0];
    dialog.querySelector(`input[value="${language}"]`).checked = true;
    show(language);
    dialog.showModal();
  });
  const button = byId('code-copy');
  button.addEventListener('click', () => copyFrom(button, output.textContent, t('copied')));
}
