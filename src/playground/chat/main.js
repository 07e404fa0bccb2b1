// The chat page: puts its parts together.
import { byId } from '../shared/dom.js';
import { onLanguage, t } from '../shared/i18n.js';
import { confirmInDialog, setUpPage, setUpPanel } from '../shared/page.js';
import { Attachments } from './attachments.js';
import { setUpCamera } from './camera.js';
import { Chat } from './chat.js';
import { Composer } from './composer.js';
import { chatBody, planBody, sentPictures } from './conversation.js';
import { History } from './history.js';
import { showHistory } from './history_view.js';
import { dataUrlsOf } from './image_file.js';
import { ModelsChoice } from './models_choice.js';
import { PlanLine } from './plan.js';
import { drawSample } from './sample_picture.js';
import { Settings } from './settings.js';
import { setUpSnippets } from './snippet_dialog.js';

const models = new ModelsChoice(() => plan());
setUpPage(() => models.refresh());
const historyPanel = setUpPanel(byId('history-panel'), byId('open-history'), { isOpen: matchMedia('(min-width: 60rem)').matches });
setUpPanel(byId('settings-panel'), byId('open-settings'));

const settings = new Settings(() => plan());
const attachments = new Attachments(() => plan());
const planLine = new PlanLine((uses) => attachments.showUses(uses));
const history = await History.open();
const chat = new Chat(history, { settings, models, onChange: () => refresh() });
const composer = new Composer({ onSend: send, onStop: () => chat.stop(), onInput: () => plan() });
setUpCamera((file) => attachments.add([file]));
setUpSnippets(requestToShow);

/** The turn that would be sent now. */
const draft = () => ({ role: 'user', text: composer.text, task: composer.task, pictures: attachments.pictures });

function send() {
  const turn = draft();
  const problem = composer.problemOf(turn, sentPictures([...chat.turns, turn]).length);
  if (problem) return composer.complain(problem);
  attachments.take();
  composer.clear();
  planLine.clear();
  chat.ask(turn);
}

function plan() {
  planLine.schedule(async () => {
    const turn = draft();
    const turns = [...chat.turns, turn];
    if (chat.isAnswering || (turn.text.trim() === '' && turn.pictures.length === 0)) return null;
    const urlOf = await dataUrlsOf(sentPictures(turns));
    return planBody({ model: models.model, turns, settings: settings.values, urlOf });
  }, attachments.pictures.length);
}

/** The question that is being written, else the last one that was asked. */
function requestToShow(urlOf) {
  const turn = draft();
  const isEmpty = turn.text.trim() === '' && turn.pictures.length === 0;
  const asked = chat.turns.findLastIndex(({ role }) => role === 'user');
  const turns = isEmpty && asked >= 0 ? chat.turns.slice(0, asked + 1) : [...chat.turns, turn];
  const { include_metrics, stream_options, ...body } = chatBody({ model: models.model, turns, settings: settings.values, urlOf });
  return { body, hasKey: models.needsKey };
}

async function refresh() {
  composer.setAnswering(chat.isAnswering);
  byId('welcome').hidden = chat.turns.length > 0;
  const open = async (id) => {
    await chat.open(id);
    if (!matchMedia('(min-width: 60rem)').matches) historyPanel.close();
    plan();
  };
  showHistory(await history.list(), chat.id, { onOpen: open, onRemove: (id) => chat.remove(id) });
  byId('history-note').hidden = history.isKept;
}

byId('new-chat').addEventListener('click', () => {
  chat.begin();
  composer.focus();
  plan();
});
byId('clear-history').addEventListener('click', async () => {
  if (await confirmInDialog(t('history.clear_question'), t('history.clear'))) chat.clearHistory();
});
byId('try-sample').addEventListener('click', async () => {
  const { file, task } = await drawSample();
  await attachments.add([file]);
  composer.suggest('', task);
});
onLanguage(() => {
  chat.redraw();
  attachments.redraw();
  composer.redraw();
  models.refresh();
  plan();
  refresh();
});

await chat.resume();
refresh();
models.refresh();
