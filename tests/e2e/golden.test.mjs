// The answers of the original implementation, token for token, through the API.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Server, goldenCases, greedy, messagesOf } from './support.mjs';

for (const [family, cases] of Object.entries(goldenCases)) {
  describe(family, () => {
    let server;
    before(async () => (server = await Server.launch({ family })));
    after(() => server.stop());

    for (const golden of cases) {
      test(golden.name, async () => {
        const answer = await server.chat({ messages: messagesOf(golden), ...greedy });
        assert.equal(answer.choices[0].message.content, golden.text);
        assert.equal(answer.usage.prompt_tokens, golden.prompt_tokens);
        assert.equal(answer.usage.prompt_tokens_details.image_tokens, golden.image_tokens);
        assert.equal(answer.usage.completion_tokens, 24);
      });
    }

    const withSpecials = cases.find((golden) => 'text_skip_special' in golden);
    test(`skip_special_tokens leaves them out: ${withSpecials.name}`, async () => {
      const answer = await server.chat({ messages: messagesOf(withSpecials), ...greedy, skip_special_tokens: true });
      assert.equal(answer.choices[0].message.content, withSpecials.text_skip_special);
    });

    for (const golden of cases.filter((each) => each.eos_index > 0).slice(0, 2)) {
      test(`the end-of-sentence token ends the answer: ${golden.name}`, async () => {
        const answer = await server.chat({ messages: messagesOf(golden), temperature: 0, max_tokens: 24 });
        assert.equal(answer.choices[0].message.content, golden.text_until_eos);
        assert.equal(answer.choices[0].finish_reason, 'stop');
        assert.equal(answer.usage.completion_tokens, golden.eos_index + 1);
      });
    }
  });
}
