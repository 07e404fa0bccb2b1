// What the OpenAI SDK expects of a server: its own types, of which generate.mjs makes JSON schemas.
import type { ChatCompletion, ChatCompletionChunk } from 'openai/resources/chat/completions';
import type { Completion, CompletionChoice } from 'openai/resources/completions';
import type { Model } from 'openai/resources/models';
import type { Response, ResponseItem, ResponseStreamEvent } from 'openai/resources/responses/responses';
import type { InputTokenCountResponse } from 'openai/resources/responses/input-tokens';
import type { ErrorObject } from 'openai/resources/shared';

export interface ErrorBody {
  error: ErrorObject;
}

/** A streamed completion's event: the SDK has no type of its own for it; OpenAI's have no reason before the last. */
export interface CompletionChunk extends Omit<Completion, 'choices'> {
  choices: (Omit<CompletionChoice, 'finish_reason'> & { finish_reason: CompletionChoice['finish_reason'] | null })[];
}

export interface ModelList {
  object: 'list';
  data: Model[];
}

export interface ResponseItemPage {
  object: 'list';
  data: ResponseItem[];
  first_id: string;
  last_id: string;
  has_more: boolean;
}

export interface Bodies {
  chatCompletion: ChatCompletion;
  chatCompletionChunk: ChatCompletionChunk;
  completion: Completion;
  completionChunk: CompletionChunk;
  error: ErrorBody;
  inputTokens: InputTokenCountResponse;
  model: Model;
  modelList: ModelList;
  response: Response;
  responseEvent: ResponseStreamEvent;
  responseItemPage: ResponseItemPage;
}
