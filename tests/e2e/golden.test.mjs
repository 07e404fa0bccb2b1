// The answers of the original implementation, token for token, through the API.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { continuationOf, familyNames, goldenCases, greedy, messagesOf, needsTrust } from './golden.mjs';
import { Server } from './support.mjs';

for (const family of familyNames) {
  const cases = goldenCases(family);
  const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);

  describe(family, () => {
    let server;
    before(async () => (server = await Server.launch({ family })));
    after(() => server.stop());

    for (const golden of cases.filter((each) => !needsTrust(each))) {
      test(golden.name, async () => {
        const answer = await server.chat({ messages: messagesOf(golden), ...continuationOf(golden), ...greedy });
        assert.equal(answer.choices[0].message.content, golden.greedy_text);
        assert.equal(answer.usage.prompt_tokens, golden.n_tokens);
        assert.equal(answer.usage.prompt_tokens_details.image_tokens, sum(golden.num_image_tokens));
        assert.equal(answer.usage.completion_tokens, 24);
      });
    }

    const special = cases.find((each) => each.greedy_text !== each.greedy_text_skip_special);
    test(`skip_special_tokens leaves them out: ${special.name}`, async () => {
      const answer = await server.chat({ messages: messagesOf(special), ...continuationOf(special), ...greedy, skip_special_tokens: true });
      assert.equal(answer.choices[0].message.content, special.greedy_text_skip_special);
    });

    for (const golden of cases.filter((each) => each.eos_index > 0).slice(0, 2)) {
      test(`the end-of-sentence token ends the answer: ${golden.name}`, async () => {
        const answer = await server.chat({ messages: messagesOf(golden), ...continuationOf(golden), temperature: 0, max_tokens: 24 });
        assert.equal(answer.choices[0].message.content, golden.text_until_eos);
        assert.equal(answer.choices[0].finish_reason, 'stop');
        assert.equal(answer.usage.completion_tokens, golden.eos_index + 1);
      });
    }
  });

  describe(`${family} with --trust-special-tokens`, () => {
    let server;
    before(async () => (server = await Server.launch({ family, args: ['--trust-special-tokens'] })));
    after(() => server.stop());

    for (const golden of cases.filter(needsTrust)) {
      test(golden.name, async () => {
        const answer = await server.chat({ messages: messagesOf(golden), ...continuationOf(golden), ...greedy });
        assert.equal(answer.choices[0].message.content, golden.greedy_text);
        assert.equal(answer.usage.prompt_tokens, golden.n_tokens);
      });
    }
  });
}
